"""The store in one SQLite file.

One thread writes and one reads, each with a connection of its own: a page never waits behind a commit, and the event
loop never waits for the disk.
"""

import asyncio
import fcntl
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from hub.contracts import RoomMessage
from hub.core.alert import Alert
from hub.core.notification import Line, Post
from hub.core.silence import Silence
from hub.errors import Overloaded, SettingsError
from hub.store import (
    Audit,
    Changes,
    LifeKey,
    Mark,
    Snapshot,
    Store,
    StoredAsk,
    StoredEvent,
    StoredRequest,
    queries,
    writing,
)
from hub.store.tables import VERSION, Row

ResultT = TypeVar("ResultT")

PATIENCE = 5.0
"""Seconds to wait for a foreign process, such as a backup, that holds the database."""

COMMON = (f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}", "PRAGMA foreign_keys = OFF", "PRAGMA temp_store = MEMORY")
WRITING = (
    *COMMON,
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # in WAL mode anything less may lose the last commits when the power goes
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA cache_size = -8000",
)
READING = (*COMMON, "PRAGMA query_only = ON", "PRAGMA cache_size = -4000")

REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: "the database is locked by another process",
    sqlite3.SQLITE_LOCKED: "the database is locked by another process",
    sqlite3.SQLITE_READONLY: "the database may only be read",
    sqlite3.SQLITE_IOERR: "the disk failed to read or write",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is not a database",
    sqlite3.SQLITE_PERM: "the database file may not be opened",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
}
PASSING = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
"""After these the connection is as good as before. After others, such as a disk that went away, a new one is made."""


def open_store(url: str) -> AbstractAsyncContextManager[Store]:
    """The store at a URL such as `sqlite:///tocsin.db`. Raises SettingsError where it cannot be used."""
    return _opened(_file_of(url))


def _file_of(url: str) -> Path | None:
    """The file that is meant; None: in memory only."""
    form = "sqlite:///tocsin.db (beside the hub) or sqlite:////var/lib/tocsin/tocsin.db works"
    try:
        parts = make_url(url)
    except ArgumentError:
        # Not "from" it: its text repeats the URL, and with it a password.
        raise SettingsError(f"the database is not a URL; {form}") from None
    if parts.drivername != "sqlite" or parts.host:
        raise SettingsError(f"the database cannot be a {parts.drivername}: URL like this yet; {form}")
    if parts.query:
        raise SettingsError(f"the database URL takes no options behind a `?`; {form}")
    return None if parts.database in (None, "", ":memory:") else Path(str(parts.database))


@asynccontextmanager
async def _opened(file: Path | None) -> AsyncIterator[Store]:
    with _claimed(file):
        store = SqliteStore(file)
        try:
            await store.prepare()
            yield store
        finally:
            store.close()


@contextmanager
def _claimed(file: Path | None) -> Iterator[None]:
    """Be the only hub on this file. Two would each route from a memory that the other does not see.

    The lock ends with the process, however that ends; its file stays, since to remove it would be a race.
    """
    if file is None:
        yield
        return
    lock = file.with_name(f"{file.name}.lock")
    try:
        held = lock.open("a")
    except OSError as error:
        raise SettingsError(f"{lock} cannot be opened: {error.strerror}") from error
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SettingsError(f"another hub uses {file}; stop it, or give this one a file of its own") from error
        yield


class _Lane:
    """A thread with a connection of its own, which runs one transaction after the other."""

    def __init__(self, file: Path | None, begin: str, pragmas: Sequence[str], name: str) -> None:
        self._file, self._begin, self._pragmas = file, begin, pragmas
        self._engine = create_engine("sqlite://", creator=self._dial, poolclass=NullPool)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._connection: Connection | None = None

    async def run(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """What `work` returns, done in one transaction. Raises Overloaded: then nothing is done."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def close(self) -> None:
        """Wait for what is under way and hang up. It blocks, so that no cancellation leaves a connection behind."""
        self._thread.submit(self._hang_up).result()
        self._thread.shutdown()

    def _transact(self, work: Callable[[Connection], ResultT]) -> ResultT:
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            with self._connection.begin():
                self._connection.exec_driver_sql(self._begin)
                return work(self._connection)
        except (DBAPIError, sqlite3.Error) as error:
            code, reason = _told(error)
            if code not in PASSING and self._file is not None:
                self._hang_up()
            raise Overloaded(reason) from error

    def _dial(self) -> sqlite3.Connection:
        # With `isolation_level` None the driver begins nothing by itself: our own BEGIN says what kind it is.
        connection = sqlite3.connect(self._file or ":memory:", timeout=PATIENCE, isolation_level=None)
        try:
            for pragma in self._pragmas:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _told(error: Exception) -> tuple[int, str]:
    """SQLite's code for it, and the reason in the words of the person who must fix it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the rest is only its finer kind
    return code, REASONS.get(code, f"the database failed: {cause}")


class SqliteStore:
    """A `Store`. Of the words on what each method gives, see there."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._writer = _Lane(file, "BEGIN IMMEDIATE", WRITING, "store-writer")
        # A database in memory is seen by its own connection only.
        self._reader = self._writer if file is None else _Lane(file, "BEGIN", READING, "store-reader")

    async def prepare(self) -> None:
        """Make the tables where the file is new. Raises SettingsError where it is not ours to use."""
        try:
            await self._writer.run(self._prepare)
        except Overloaded as error:
            raise SettingsError(f"{self._file}: {error}") from error

    def _prepare(self, connection: Connection) -> None:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version > VERSION:
            raise SettingsError(
                f"{self._file} is of version {version}, written by a later hub; this one knows {VERSION}"
            )
        if version == VERSION:
            return
        if version == 0 and connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first() is not None:
            raise SettingsError(f"{self._file} is the database of something else")
        Row.metadata.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        if self._reader is not self._writer:
            self._reader.close()
        # The last to close folds the journal into the file.
        self._writer.close()

    async def commit(self, changes: Changes) -> None:
        await self._writer.run(lambda connection: writing.write(connection, changes))

    async def prune(self, *, before: datetime, step: int = 500) -> int:
        return await self._writer.run(lambda connection: writing.prune(connection, before, step))

    async def load(self, *, since: datetime) -> Snapshot:
        return await self._reader.run(lambda connection: queries.load(connection, since))

    async def lives(self, keys: Sequence[LifeKey]) -> Mapping[LifeKey, Alert]:
        return await self._reader.run(lambda connection: queries.lives(connection, keys))

    async def known(
        self, keys: Sequence[LifeKey], ids: Sequence[tuple[str, str]], *, since: datetime
    ) -> tuple[Mapping[LifeKey, Alert], Mapping[tuple[str, str], tuple[str, ...]]]:
        return await self._reader.run(
            lambda connection: (queries.lives(connection, keys), queries.deliveries_seen(connection, ids, since))
        )

    async def posts_of(self, groups: Sequence[str]) -> Sequence[Post]:
        return await self._reader.run(lambda connection: queries.posts_of(connection, groups))

    async def deliveries_seen(
        self, ids: Sequence[tuple[str, str]], *, since: datetime
    ) -> Mapping[tuple[str, str], tuple[str, ...]]:
        return await self._reader.run(lambda connection: queries.deliveries_seen(connection, ids, since))

    async def event(self, id: str) -> StoredEvent | None:
        return await self._reader.run(lambda connection: queries.event(connection, id))

    async def events_of(self, alert: str, *, limit: int = 100) -> Sequence[StoredEvent]:
        return await self._reader.run(lambda connection: queries.events_of(connection, alert, limit))

    async def past_events(
        self, *, since: datetime, before: Mark | None, limit: int
    ) -> tuple[Sequence[StoredEvent], Mark | None]:
        return await self._reader.run(lambda connection: queries.past_events(connection, since, before, limit))

    async def failed_events(self, *, limit: int = 100) -> Sequence[StoredEvent]:
        return await self._reader.run(lambda connection: queries.failed_events(connection, limit))

    async def request(self, id: str) -> StoredRequest | None:
        return await self._reader.run(lambda connection: queries.request(connection, id))

    async def alert(self, id: str) -> Alert | None:
        return await self._reader.run(lambda connection: queries.alert(connection, id))

    async def alerts(self, *, state: str | None, limit: int = 500) -> Sequence[Alert]:
        return await self._reader.run(lambda connection: queries.alerts(connection, state, limit))

    async def deliveries(
        self, *, state: str | None, group: str | None = None, limit: int = 500
    ) -> Sequence[Post | Line]:
        return await self._reader.run(lambda connection: queries.deliveries(connection, state, group, limit))

    async def post(self, id: str) -> Post | None:
        return await self._reader.run(lambda connection: queries.post(connection, id))

    async def line(self, id: str) -> Line | None:
        return await self._reader.run(lambda connection: queries.line(connection, id))

    async def post_shown_as(self, chat: str, ref: str) -> Post | None:
        return await self._reader.run(lambda connection: queries.post_shown_as(connection, chat, ref))

    async def silence(self, id: str) -> Silence | None:
        return await self._reader.run(lambda connection: queries.silence(connection, id))

    async def ask(self, id: str) -> StoredAsk | None:
        return await self._reader.run(lambda connection: queries.ask(connection, id))

    async def quarantine(self, *, limit: int = 200) -> Sequence[StoredRequest]:
        return await self._reader.run(lambda connection: queries.quarantine(connection, limit))

    async def audit(self, *, limit: int = 200) -> Sequence[Audit]:
        return await self._reader.run(lambda connection: queries.audit(connection, limit))

    async def config(self, hash: str) -> str | None:
        return await self._reader.run(lambda connection: queries.config(connection, hash))

    async def newest_config(self) -> tuple[str, str] | None:
        return await self._reader.run(queries.newest_config)

    async def room_threads(self, room: str, *, limit: int) -> Sequence[RoomMessage]:
        return await self._reader.run(lambda connection: queries.room_threads(connection, room, limit))

    async def room_thread(self, id: str) -> Sequence[RoomMessage]:
        return await self._reader.run(lambda connection: queries.room_thread(connection, id))

    async def room_messages(self, ids: Sequence[str]) -> Sequence[RoomMessage]:
        return await self._reader.run(lambda connection: queries.room_messages(connection, ids))

    async def count(self) -> Mapping[str, int]:
        return await self._reader.run(queries.count)
