"""The store in PostgreSQL.

One connection writes and a few read. Connections that were lost, for instance because the server was restarted, are
made anew when they are needed. What is asked is the same SQL as of SQLite; what every batch needs goes to the driver
directly, all of it in one round trip.
"""

import asyncio
import logging
import shlex
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import asyncpg
from sqlalchemy import URL, Connection, NullPool, Text, any_, bindparam, literal_column
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from hub.core.alert import Alert
from hub.core.past import Happened
from hub.errors import Overloaded, Overtaken, SettingsError
from hub.store import (
    DUPLICATES_FOR,
    Changes,
    DeliveryKey,
    LifeKey,
    SharedStore,
    Store,
    StoredEvent,
    StoredRequest,
    Term,
    mapping,
    queries,
)
from hub.store.care import Size, Status, current, whole_past
from hub.store.lease import LEADER, PostgresDesk, deposed
from hub.store.mapping import storable
from hub.store.migrations import migrate, version_of
from hub.store.postgres_server import LONGEST, MIGRATING, PATIENCE, READING, WRITING, Failure, dial, past_of, reason
from hub.store.postgres_writing import Batch, batches, compiled
from hub.store.sql import SqlStore
from hub.store.tables import VERSION, micros
from hub.store.writing import REQUEST

ResultT = TypeVar("ResultT")

READERS = 4
ASK_AGAIN = 0.5
"""Seconds between two attempts to learn what became of a transaction."""
OURS = int.from_bytes(b"tocsin")
"""The advisory lock by which hubs that use the tables, and who migrates them, keep out of each other's way."""
MIGRATES, USES = "pg_advisory_lock", "pg_advisory_lock_shared"
IN_THE_WAY = {
    MIGRATES: "a hub uses this database; stop all that do, then migrate it",
    USES: "the database is being migrated, or a hub of an earlier version has it for itself; try again after that",
}

OUTSIDE = "the database cannot be used just now"
REPLACED = (
    "another server leads the database now, from which all is read anew. What the one before had confirmed and not "
    "passed on is lost; where synchronous_standby_names is set, nothing is confirmed before a standby has it"
)

log = logging.getLogger("tocsin.store")

LOST = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    OSError,
    TimeoutError,
)
"""After these of a COMMIT nobody knows yet whether it was done."""


@asynccontextmanager
async def opened(url: URL) -> AsyncIterator[SharedStore]:
    store = PostgresStore(
        _Lane(url, WRITING, 1, USES),
        _Lane(url, READING, READERS),
        PostgresDesk(partial(dial, url), partial(reason, url=url)),
    )
    try:
        await store.prepare()
        yield store
    finally:
        await store.close()


@contextmanager
def _told(url: URL) -> Iterator[None]:
    try:
        yield
    except Failure as error:
        kind = Overtaken if _is_overtaken(error) else Overloaded
        raise kind(reason(error, url), outside=OUTSIDE) from error


def _is_overtaken(error: BaseException) -> bool:
    """Whether another replica takes in the same delivery; two that take in several may wait for each other."""
    delivery = isinstance(error, asyncpg.UniqueViolationError) and error.constraint_name == "request_by_delivery"
    return delivery or isinstance(error, asyncpg.DeadlockDetectedError)


@dataclass(frozen=True, slots=True)
class _Held:
    """A connection, and what the driver calls it."""

    connection: AsyncConnection
    driver: asyncpg.Connection

    @property
    def broken(self) -> bool:
        """What the server has closed is seen without asking it."""
        return self.connection.invalidated or self.driver.is_closed()


class _Lane:
    """Connections of one kind, each of which runs one transaction after the other.

    It keeps them itself: SQLAlchemy's pool takes a tenth of a millisecond to give one out and take it back.
    """

    def __init__(self, url: URL, settings: Mapping[str, str], size: int, lock: str = "") -> None:
        self._url, self._settings, self._lock = url, settings, lock
        self.past = ""
        """Of the server on which it writes, where it does."""
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._dial,
            poolclass=NullPool,
            hide_parameters=True,
            isolation_level="READ COMMITTED" if lock else "REPEATABLE READ",
        )
        self._places = asyncio.Semaphore(size)
        self._idle: list[_Held] = []

    async def run(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """What `work` returns, done in one transaction. Raises Overloaded: then nothing is done."""
        async with self._held() as held, held.connection.begin():
            return await held.connection.run_sync(work)

    @asynccontextmanager
    async def driver(self) -> AsyncIterator[asyncpg.Connection]:
        """The driver's own connection, outside of any transaction."""
        async with self._held() as held:
            yield held.driver

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[_Held]:
        """One that nobody else has meanwhile. Raises Overloaded for whatever fails of it."""
        with _told(self._url):
            async with asyncio.timeout(PATIENCE):
                await self._places.acquire()
            try:
                held = await self._one()
                try:
                    yield held
                finally:
                    self._idle.append(held)
            finally:
                self._places.release()

    async def _one(self) -> _Held:
        while self._idle:
            held = self._idle.pop()
            if not held.broken:
                return held
            await held.connection.close()
        connection = await self._engine.connect()
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        return _Held(connection, raw)

    async def close(self) -> None:
        """Hang up. A server that does not say goodbye is not waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*(held.connection.close() for held in self._idle), return_exceptions=True)

    async def _dial(self) -> asyncpg.Connection:
        limit = None if self._settings is MIGRATING else LONGEST + PATIENCE
        connection = await dial(self._url, self._settings, limit)
        if self._lock:
            await _keep_out(connection, self._lock)
            self.past = await past_of(connection)
        return connection


async def _keep_out(connection: asyncpg.Connection, lock: str) -> None:
    """The lock ends with the connection; that of a connection of ours that was just lost may stand a moment longer."""
    try:
        await connection.execute(f"SELECT {lock}($1)", OURS)
    except asyncpg.LockNotAvailableError:
        connection.terminate()
        raise Overloaded(IN_THE_WAY[lock]) from None
    except BaseException:
        connection.terminate()
        raise


_NEWEST_LIFE, _life = compiled(queries.NEWEST_LIFE.limit(literal_column("1")))
_SEEN, _delivery = compiled(queries.SEEN.limit(literal_column("1")))
_UNROUTED, _limit = compiled(queries.UNROUTED.limit(bindparam("limit")))
_REQUESTS, _ids = compiled(queries.REQUESTS.where(REQUEST.c.id == any_(bindparam("ids", type_=ARRAY(Text)))))


_UNMARK = """
UPDATE request SET accepted = false
WHERE accepted AND source = $1 AND delivery_id = $2 AND id <> $3 AND received_at < $4
"""
"""An older request of the same delivery is no longer what a repeat is compared with."""


def _outlived(changes: Changes) -> Iterator[tuple[str, str, str, int]]:
    """What `_UNMARK` must be told, so that these can be written: what is known of a delivery after its time, or of one
    that an operator takes in on purpose. An hour less, since the clocks of replicas differ."""
    for request in (*changes.requests, *changes.released.values()):
        if request.delivery_id:
            before = request.replayed_at or request.received_at - DUPLICATES_FOR + timedelta(hours=1)
            yield request.source, storable(request.delivery_id), request.id, micros(before)


_BEGUN = "SELECT pg_current_xact_id()::text"
# Renewing the lease goes on meanwhile; who wants to take it waits until this transaction has ended.
BEGUN_IN_TERM = f"{_BEGUN} FROM lease WHERE name = $1 AND owner = $2 AND epoch = $3 FOR KEY SHARE"


class _InTerm:
    """A lane on which each transaction fails where the term is over."""

    def __init__(self, lane: _Lane, term: Term) -> None:
        self._lane, self._term, self._past = lane, term, lane.past

    def term(self) -> Term:
        """Raises Deposed on a server with another past than that which was read when the term began: the memory holds
        what this one may never have heard of."""
        if self._lane.past == self._past:
            return self._term
        if not self._term.lost.is_set():
            log.warning(REPLACED)
        raise deposed(self._term, "another server leads the database now")

    async def run(self, work: Callable[[Connection], ResultT]) -> ResultT:
        def led(connection: Connection) -> ResultT:
            term = self.term()
            begun = connection.exec_driver_sql(BEGUN_IN_TERM, (LEADER, term.owner, term.epoch)).scalar()
            if begun is None:
                raise deposed(term)
            return work(connection)

        return await self._lane.run(led)


class PostgresStore(SqlStore):
    def __init__(self, writer: _Lane, reader: _Lane, desk: PostgresDesk, term: Term | None = None) -> None:
        led = None if term is None else _InTerm(writer, term)
        super().__init__(led or writer, reader)
        self._writer, self._reader, self._led = writer, reader, led
        self.desk = desk

    def under(self, term: Term) -> Store:
        return PostgresStore(self._writer, self._reader, self.desk, term)

    async def prepare(self) -> None:
        """See that the tables are those of this hub. Raises SettingsError where they are not, or cannot be reached."""
        try:
            version = await self._writer.run(version_of)
        except Overloaded as error:
            raise SettingsError(str(error)) from error
        if version < VERSION:
            found = f"is of version {version}, and this hub needs {VERSION}" if version else "has no tables yet"
            raise SettingsError(f"the database {found}; run: tocsin database migrate")

    async def close(self) -> None:
        await self.desk.close()
        await self._reader.close()
        await self._writer.close()

    async def commit(self, changes: Changes) -> None:
        # All rows are made before the first is sent: one that cannot be made fails with nothing begun.
        written = batches(changes)
        try:
            await self._transact(written, changes)
        except Overtaken:
            await self._transact([(_UNMARK, list(_outlived(changes))), *written], changes)

    async def _transact(self, batches: Sequence[Batch], changes: Changes) -> None:
        try:
            async with self._writer.driver() as connection:
                await _write(connection, batches, None if self._led is None else self._led.term())
        except _Unsure as unsure:
            if not await self._was_kept(unsure.transaction, changes):
                raise Overloaded("the connection to the database was lost") from unsure

    async def _was_kept(self, transaction: str, changes: Changes) -> bool:
        """What became of a transaction whose COMMIT was not answered. It waits until the server can be asked: to guess
        would be to lose what a source was promised, or to do twice what it was told is not done."""
        while True:
            with suppress(Overloaded):
                async with self._writer.driver() as connection:
                    status = await _status(connection, transaction)
                    if status != "in progress":
                        return status == "committed" and await _was_ours(connection, transaction, changes)
            await asyncio.sleep(ASK_AGAIN)

    async def lives(self, keys: Sequence[LifeKey]) -> Mapping[LifeKey, Alert]:
        asked = {(storable(source), storable(key), notice): (source, key, notice) for source, key, notice in keys}
        given = [_life({"source": source, "key": key, "notice": notice}) for source, key, notice in asked]
        async with self._reader.driver() as connection:
            rows = await connection.fetchmany(_NEWEST_LIFE, given) if given else []
        return {asked[row["source"], row["key"], row["notice"]]: mapping.alert_of(row["record"]) for row in rows}

    async def deliveries_seen(
        self, ids: Sequence[DeliveryKey], *, since: datetime
    ) -> Mapping[DeliveryKey, tuple[str, ...]]:
        asked = {(storable(source), storable(delivery)): (source, delivery) for source, delivery in ids}
        start = micros(since)
        given = [_delivery({"source": s, "delivery_id": delivery, "since": start}) for s, delivery in asked]
        async with self._reader.driver() as connection:
            rows = await connection.fetchmany(_SEEN, given) if given else []
        return {
            asked[row["source"], row["delivery_id"]]: queries.events_of_request(row["record"]).events for row in rows
        }

    async def unrouted(self, *, limit: int) -> Sequence[StoredEvent]:
        async with self._reader.driver() as connection:
            rows = await connection.fetch(_UNROUTED, *_limit({"limit": limit}))
        return [mapping.event_of(row["record"]) for row in rows]

    async def requests(self, ids: Sequence[str]) -> Sequence[StoredRequest]:
        async with self._reader.driver() as connection:
            rows = await connection.fetch(_REQUESTS, *_ids({"ids": [*map(storable, ids)]})) if ids else []
        return [mapping.request_of(row["record"], row["body"]) for row in rows]

    async def known(
        self, keys: Sequence[LifeKey], ids: Sequence[DeliveryKey], *, since: datetime
    ) -> tuple[Mapping[LifeKey, Alert], Mapping[DeliveryKey, tuple[str, ...]]]:
        lives, seen = await asyncio.gather(self.lives(keys), self.deliveries_seen(ids, since=since))
        return lives, seen


async def _status(connection: asyncpg.Connection, transaction: str) -> str | None:
    try:
        status: str | None = await connection.fetchval("SELECT pg_xact_status($1::text::xid8)", transaction)
    except asyncpg.InvalidParameterValueError:
        return "never heard of"  # nothing of it was on disk when the server crashed
    return status


async def _was_ours(connection: asyncpg.Connection, transaction: str, changes: Changes) -> bool:
    """A server that crashed gives away again the numbers of which nothing was on disk, so that another transaction may
    have this one by now: whose number it is, a row says that only ours can have written."""
    for table, ids in _written(changes):
        for id in ids:
            same = f'SELECT true FROM "{table}" WHERE id = $1 AND xmin = $2::text::xid8::xid'  # noqa: S608 - ours
            return bool(await connection.fetchval(same, id, transaction))
    for (kind, subject), timer in changes.timers.items():
        due = 'SELECT due_at FROM "timer" WHERE kind = $1 AND subject = $2'
        return bool(await connection.fetchval(due, kind, storable(subject)) == (timer and micros(timer.due_at)))
    return True


def _written(changes: Changes) -> Iterator[tuple[str, Iterable[str]]]:
    """By table, the ids of what it writes."""
    yield "request", (request.id for request in changes.requests)
    yield "event", (stored.event.id for stored in changes.events)
    yield "audit", (one.id for one in changes.audit)
    yield from (("alert", changes.alerts), ("post", changes.posts), ("line", changes.lines), ("group", changes.groups))
    yield from (("room_message", changes.room), ("silence", changes.silences), ("ask", changes.asks))
    yield from (("event", changes.decided), ("request", changes.released))


class _Unsure(Exception):
    """The connection was lost while the server was committing this transaction."""

    def __init__(self, transaction: str) -> None:
        super().__init__(transaction)
        self.transaction = transaction


async def _write(connection: asyncpg.Connection, batches: Sequence[Batch], term: Term | None) -> None:
    transaction = connection.transaction()
    try:
        await transaction.start()
        begun = (_BEGUN,) if term is None else (BEGUN_IN_TERM, LEADER, term.owner, term.epoch)
        number = await connection.fetchval(*begun)
        if number is None and term is not None:
            raise deposed(term)
        for text, rows in batches:
            await connection.executemany(text, rows)
    except BaseException:
        # Also when it is cancelled: a connection on which a transaction may be open is good for nothing more.
        connection.terminate()
        raise
    try:
        await transaction.commit()
    except LOST as error:
        connection.terminate()
        raise _Unsure(number) from error


class PostgresCare:
    """What PostgreSQL brings itself for backups is better than what a hub could do: it is named."""

    def __init__(self, url: URL) -> None:
        self._url = url

    def status(self) -> Status:
        return Status(database="postgresql", version=self._run(READING, version_of))

    def migrate(self) -> int:
        return self._run(MIGRATING, migrate, MIGRATES)

    def size(self) -> Size:
        return self._run(READING, current(_size))

    def past(self, since: datetime, bodies: Sequence[str]) -> Sequence[Happened]:
        return self._run(READING, current(partial(whole_past, since=since, bodies=bodies)))

    def backup(self, file: Path) -> None:
        raise SettingsError(f"PostgreSQL makes its own, while the hub runs: pg_dump -Fc -f {file} {self._named()}")

    def restore(self, file: Path) -> Path | None:
        raise SettingsError(
            "PostgreSQL does it itself, into an empty database and with the hub stopped: "
            f"pg_restore -O -d {self._named()} {file}"
        )

    def _named(self) -> str:
        """The URL for a command line, where others see a password: without it, and without stars in its place, which
        would be tried."""
        return shlex.quote(self._url._replace(password=None).render_as_string())

    def _run(self, settings: Mapping[str, str], work: Callable[[Connection], ResultT], lock: str = "") -> ResultT:
        return asyncio.run(once(self._url, settings, work, lock))


async def once(url: URL, settings: Mapping[str, str], work: Callable[[Connection], ResultT], lock: str) -> ResultT:
    lane = _Lane(url, settings, 1, lock)
    try:
        return await lane.run(work)
    finally:
        await lane.close()


def _size(connection: Connection) -> Size:
    size = connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
    return Size(bytes=size, rows=queries.count(connection))
