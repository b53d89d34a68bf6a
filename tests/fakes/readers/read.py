"""What a reader gets out of a message, whatever the chat."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from hub.core.notification import Message


class Read:
    """Words, and what in them does something: whom it pings, where it leads, what is not shown as it was written."""

    def __init__(self, text: str, *, pings: Iterable[Any], links: Iterable[str], formatted: Iterable[str]) -> None:
        self.text = text
        self.pings, self.links, self.formatted = [*pings], [*links], [*formatted]


Reader = Callable[[Message], Awaitable[Read]]
Says = Callable[[str], Read]
"""What a reader gets out of a reply with this text."""
