"""The store, whatever the database: one lane writes and one reads, and what is asked of them is the same SQL."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from hub.contracts import RoomMessage
from hub.core.alert import Alert
from hub.core.grouping import Group
from hub.core.notification import Line, Post
from hub.core.past import Happened
from hub.core.silence import Silence
from hub.store import (
    Audit,
    Changes,
    DeliveryKey,
    LifeKey,
    Mark,
    Pruned,
    PrunePlace,
    Snapshot,
    StoredAsk,
    StoredEvent,
    StoredRequest,
    Unsettled,
    Waiting,
    mapping,
    pruning,
    queries,
    writing,
)

ResultT = TypeVar("ResultT")


class Lane(Protocol):
    """Where transactions run, one after the other on each connection."""

    async def run(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """What `work` returns, done in one transaction. Raises Overloaded: then nothing is done."""


def _smaller(bodies: Sequence[tuple[str, bytes]]) -> Sequence[tuple[str, bytes]]:
    """Beside the lanes: zlib lets go of the interpreter, and nobody waits for it."""
    made = [(id, body, mapping.packed(body)) for id, body in bodies]
    return [(id, small) for id, body, small in made if small is not body]


class SqlStore:
    """A `Store`. Of the words on what each method gives, see there."""

    def __init__(self, writer: Lane, reader: Lane, looker: Lane | None = None) -> None:
        self._write, self._read = writer.run, reader.run
        self._look = (looker or reader).run
        """What reads much that nobody asked for of late, and so waits for the disk."""

    async def commit(self, changes: Changes) -> None:
        await self._write(lambda connection: writing.write(writing.driver(connection), changes))

    async def pack(self, after: Mark | None, *, before: datetime, step: int = 100) -> Mark | None:
        bodies, mark = await self._look(lambda connection: queries.bodies(connection, after, before, step))
        small = await asyncio.to_thread(_smaller, bodies)
        if small:
            await self._write(lambda connection: writing.pack(connection, small))
        return mark

    async def prune(self, place: PrunePlace | None = None, *, before: datetime, step: int = 200) -> Pruned:
        found = await self._look(lambda connection: pruning.look(connection, before, place, step))
        gone = await self._write(lambda connection: pruning.remove(connection, before, found)) if found.any else 0
        return Pruned(gone=gone, next=found.next)

    async def load(self, *, since: datetime) -> Snapshot:
        return await self._read(lambda connection: queries.load(connection, since))

    async def lives(self, keys: Sequence[LifeKey]) -> Mapping[LifeKey, Alert]:
        return await self._read(lambda connection: queries.lives(connection, keys))

    async def known(
        self, keys: Sequence[LifeKey], ids: Sequence[DeliveryKey], *, since: datetime
    ) -> tuple[Mapping[LifeKey, Alert], Mapping[DeliveryKey, tuple[str, ...]]]:
        return await self._read(
            lambda connection: (queries.lives(connection, keys), queries.deliveries_seen(connection, ids, since))
        )

    async def posts_of(self, groups: Sequence[str]) -> Sequence[Post]:
        return await self._read(lambda connection: queries.posts_of(connection, groups))

    async def deliveries_seen(
        self, ids: Sequence[DeliveryKey], *, since: datetime
    ) -> Mapping[DeliveryKey, tuple[str, ...]]:
        return await self._read(lambda connection: queries.deliveries_seen(connection, ids, since))

    async def life_keys(self, after: LifeKey | None, *, step: int) -> Sequence[LifeKey]:
        return await self._look(lambda connection: queries.life_keys(connection, after, step))

    async def delivery_keys(self, after: DeliveryKey | None, *, since: datetime, step: int) -> Sequence[DeliveryKey]:
        return await self._look(lambda connection: queries.delivery_keys(connection, after, since, step))

    async def event(self, id: str) -> StoredEvent | None:
        return await self._read(lambda connection: queries.event(connection, id))

    async def events_of(self, alert: str, *, limit: int = 100) -> Sequence[StoredEvent]:
        return await self._read(lambda connection: queries.events_of(connection, alert, limit))

    async def past_events(
        self, *, since: datetime, before: Mark | None, limit: int
    ) -> tuple[Sequence[StoredEvent], Mark | None]:
        return await self._read(lambda connection: queries.past_events(connection, since, before, limit))

    async def past(
        self, *, since: datetime, after: Mark | None, limit: int, bodies: Sequence[str] = ()
    ) -> tuple[Sequence[Happened], Mark | None]:
        return await self._look(lambda connection: queries.past(connection, since, after, limit, bodies))

    async def failed_events(self, *, after: str | None = None, limit: int = 100) -> Sequence[StoredEvent]:
        return await self._read(lambda connection: queries.failed_events(connection, after, limit))

    async def request(self, id: str) -> StoredRequest | None:
        return await self._read(lambda connection: queries.request(connection, id))

    async def requests(self, ids: Sequence[str]) -> Sequence[StoredRequest]:
        return await self._read(lambda connection: queries.requests(connection, ids))

    async def unrouted(self, *, limit: int) -> Sequence[StoredEvent]:
        return await self._read(lambda connection: queries.unrouted(connection, limit))

    async def alert(self, id: str) -> Alert | None:
        return await self._read(lambda connection: queries.alert(connection, id))

    async def alerts(self, *, state: str | None, before: str | None = None, limit: int = 500) -> Sequence[Alert]:
        return await self._read(lambda connection: queries.alerts(connection, state, before, limit))

    async def deliveries(
        self, *, state: str | None, group: str | None = None, before: str | None = None, limit: int = 500
    ) -> Sequence[Post | Line]:
        return await self._read(lambda connection: queries.deliveries(connection, state, group, before, limit))

    async def crowd(self, id: str) -> tuple[Group, Sequence[Alert]] | None:
        return await self._read(lambda connection: queries.crowd(connection, id))

    async def post(self, id: str) -> Post | None:
        return await self._read(lambda connection: queries.post(connection, id))

    async def line(self, id: str) -> Line | None:
        return await self._read(lambda connection: queries.line(connection, id))

    async def post_shown_as(self, chat: str, ref: str) -> Post | None:
        return await self._read(lambda connection: queries.post_shown_as(connection, chat, ref))

    async def silence(self, id: str) -> Silence | None:
        return await self._read(lambda connection: queries.silence(connection, id))

    async def ask(self, id: str) -> StoredAsk | None:
        return await self._read(lambda connection: queries.ask(connection, id))

    async def quarantine(self, *, before: str | None = None, limit: int = 200) -> Sequence[StoredRequest]:
        return await self._read(lambda connection: queries.quarantine(connection, before, limit))

    async def newest_quarantined(self, *, since: datetime) -> Sequence[StoredRequest]:
        return await self._read(lambda connection: queries.newest_quarantined(connection, since))

    async def in_quarantine(self, sources: Sequence[str]) -> Mapping[str, Waiting]:
        return await self._read(lambda connection: queries.in_quarantine(connection, sources))

    async def unsettled(self) -> Unsettled:
        return await self._read(queries.unsettled)

    async def audit(self, *, before: str | None = None, limit: int = 200) -> Sequence[Audit]:
        return await self._read(lambda connection: queries.audit(connection, before, limit))

    async def config(self, hash: str) -> str | None:
        return await self._read(lambda connection: queries.config(connection, hash))

    async def newest_config(self) -> tuple[str, str] | None:
        return await self._read(queries.newest_config)

    async def room_threads(self, room: str, *, limit: int) -> Sequence[RoomMessage]:
        return await self._read(lambda connection: queries.room_threads(connection, room, limit))

    async def room_thread(self, id: str) -> Sequence[RoomMessage]:
        return await self._read(lambda connection: queries.room_thread(connection, id))

    async def room_messages(self, ids: Sequence[str]) -> Sequence[RoomMessage]:
        return await self._read(lambda connection: queries.room_messages(connection, ids))

    async def count(self) -> Mapping[str, int]:
        return await self._read(queries.count)
