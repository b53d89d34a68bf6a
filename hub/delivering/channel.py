"""What is owed to one address, in order."""

import asyncio
import heapq
from dataclasses import dataclass, field
from datetime import datetime

from hub.contracts import Room
from hub.delivering.items import Item


@dataclass(slots=True)
class Channel:
    """What is owed to one address, and until when its chat asked us to wait."""

    room: Room
    queue: list[tuple[int, str]] = field(default_factory=list)
    queued: set[tuple[int, str]] = field(default_factory=set)
    """What is in the queue: a post of a storm is owed anew with every event, and stands in it once."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    not_before: datetime | None = None
    busy: bool = False
    """Something is on its way."""
    trouble: str = ""
    """Why a try failed last."""
    in_vain_since: datetime | None = None
    """When the first try failed of those since it last took something, or since the hub runs."""
    troubled_at: datetime | None = None

    def owe(self, item: Item) -> None:
        entry = item.order, item.id
        if entry not in self.queued:
            self.queued.add(entry)
            heapq.heappush(self.queue, entry)
        self.wake.set()

    def take(self) -> tuple[int, str]:
        entry = heapq.heappop(self.queue)
        self.queued.discard(entry)
        return entry

    def put_back(self, entry: tuple[int, str]) -> None:
        self.queued.add(entry)
        heapq.heappush(self.queue, entry)
