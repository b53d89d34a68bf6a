"""What the operator says to a tool or a chat: settings from outside, options in the rules."""

from collections.abc import Callable
from dataclasses import dataclass

from hub.proof import Secret

Setting = Callable[[str], Secret | None]
"""A setting of a source or chat by its short name: `API_URL` reads `TOCSIN_SENSU_API_URL`."""


@dataclass(frozen=True, slots=True)
class NoOptions:
    """Nothing to set."""
