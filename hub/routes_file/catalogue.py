"""What rules may speak of: tools, chats and commands, as they are installed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.contracts import Integration, JudgedAs
from hub.proof import Secret
from hub.registry import all_commands
from hub.settings import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What rules may speak of."""

    tools: Mapping[str, Integration]
    chats: frozenset[str]
    commands: Sequence[str]
    setting: Callable[[str, str], Secret | None] | None = None
    """Chat and short name to a setting of this machine; None: nothing is said about them."""
    now: Callable[[], datetime] | None = None
    """None: nothing is said about what is over."""


def catalogue_of(
    tools: Mapping[str, Integration],
    environment: Environment | None = None,
    now: Callable[[], datetime] | None = None,
) -> Catalogue:
    commands = [command.name for command in all_commands(tools) if not isinstance(command, JudgedAs)]
    chats = frozenset(name for name, tool in tools.items() if tool.chat)
    setting = environment.secret if environment else None
    return Catalogue(tools=tools, chats=chats, commands=commands, setting=setting, now=now)
