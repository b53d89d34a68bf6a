"""All that a tool brings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.contracts.chats import ChatDriver
from hub.contracts.commands import Command
from hub.contracts.controls import Control
from hub.contracts.options import NoOptions
from hub.contracts.reviewing import Reviewing
from hub.contracts.sources import Fetching, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """The record that a tool folder exports as INTEGRATION."""

    title: str
    homepage: str
    source: Source | None = None
    options: type = NoOptions
    """A frozen dataclass with defaults; `sources:` of the rules file may set its fields."""
    settings: tuple[str, ...] | None = None
    """What an operator may set for it beside the rules and the secret of a source, by short names: `API_KEY`; or how
    several begin: `URL_`. By these `tocsin doctor` finds slips. None: the tool does not say."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The labels that routes may use, each with a sentence."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """The kinds of its events, each with a sentence."""
    paths: tuple[str, ...] = ()
    """What the tool itself puts behind the address of a source, as it does for another product: `api/v2/alerts`."""
    refusal: int = 400
    """How to answer a body that cannot be understood: 400, or 202 where the tool would give up on us."""
    control: Control | None = None
    fetching: Fetching | None = None
    reviewing: Reviewing | None = None
    chat: ChatDriver | None = None
    commands: tuple[Command[Any], ...] = ()
    papers: Mapping[str, str | Callable[[str], str]] = field(default_factory=dict)
    """Texts to paste on the vendor's side, by name: `tocsin slack manifest`. Some are made of the hub's address."""
