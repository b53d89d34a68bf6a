"""A chat that is heard by a connection which the hub holds, as seen from the chat's side."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Held(Protocol):
    @property
    def address(self) -> str:
        """A channel of it, as the rules have it: `slack:#ops`."""

    @property
    def settings(self) -> Mapping[str, str]:
        """What a hub is told: `TOCSIN_SLACK_BOT_TOKEN`, …"""

    def connections(self) -> int:
        """How many of hubs there are now."""

    async def says(self, text: str) -> None:
        """Somebody says it to the hub in that channel, and the chat brings it to a hub by a connection."""

    def shown(self) -> Sequence[str]:
        """What the hub said in that channel, answers too, oldest first."""
