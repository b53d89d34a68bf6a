"""The store in one SQLite file.

One thread writes, one reads, and one looks for what has grown old, each with a connection of its own: a page never
waits behind a commit, no commit behind what was not read for weeks, and the event loop never waits for the disk.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from hub.errors import Overloaded, SettingsError
from hub.store import Store
from hub.store.address import FORMS
from hub.store.migrations import migrate, version_of
from hub.store.sql import SqlStore
from hub.store.tables import VERSION

ResultT = TypeVar("ResultT")

PATIENCE = 5.0
"""Seconds to wait for a foreign process, such as a backup, that holds the database."""

COMMON = (f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}", "PRAGMA foreign_keys = OFF", "PRAGMA temp_store = MEMORY")
WRITING = (
    *COMMON,
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # in WAL mode anything less may lose the last commits when the power goes
    "PRAGMA journal_size_limit = 67108864",
)
READING = (*COMMON, "PRAGMA query_only = ON")

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


def file_of(url: URL) -> Path | None:
    """The file that is meant; None: in memory only."""
    if url.host:
        raise SettingsError(f"a file has no host: the database URL lacks a slash; {FORMS}")
    if url.query:
        raise SettingsError(f"the database URL takes no options behind a `?`; {FORMS}")
    return None if url.database in (None, "", ":memory:") else Path(str(url.database))


@asynccontextmanager
async def opened(file: Path | None) -> AsyncIterator[Store]:
    with claimed(file):
        store = SqliteStore(file)
        try:
            await store.prepare()
            yield store
        finally:
            store.close()


@asynccontextmanager
async def read_only(file: Path | None) -> AsyncIterator[Store]:
    """What a hub keeps, whether it runs or not. Raises SettingsError where there is nothing that could be read."""
    store = SqliteStore(_there(file))
    try:
        await store.see()
        yield store
    finally:
        store.close()


@contextmanager
def claimed(file: Path | None) -> Iterator[None]:
    """Be the only hub on this file. Two would each route from a memory that the other does not see.

    The lock ends with the process, however that ends; its file stays, since to remove it would be a race.
    """
    if file is None:
        yield
        return
    lock = file.with_name(f"{file.name}.lock")
    try:
        with suppress(FileExistsError):
            make_private(lock, file if file.exists() else file.parent)
        held = lock.open("a")
    except FileNotFoundError as error:
        raise SettingsError(f"there is no folder {file.parent} for the database; make it, or name another") from error
    except OSError as error:
        cure = f"; let the hub's user write in {file.parent}" if isinstance(error, PermissionError) else ""
        raise SettingsError(f"{lock} cannot be opened: {error.strerror}{cure}") from error
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SettingsError(f"another hub uses {file}; stop it, or give this one a file of its own") from error
        yield


def make_private(file: Path, like: Path | None = None) -> None:
    """An empty file for nobody else. What root makes is for whoever owns `like`: a backup that root puts back must not
    keep out the hub's own user. Raises FileExistsError: what is there may lead anywhere, and is given to nobody."""
    made = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        if like is not None and os.geteuid() == 0:
            owner = like.stat()
            os.fchown(made, owner.st_uid, owner.st_gid)
    finally:
        os.close(made)


def _there(file: Path | None) -> Path:
    if file is None or not file.is_file():
        raise SettingsError(f"there is no database {file or 'in memory'}; {FORMS}")
    return file


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


def reason_of(error: Exception) -> str:
    return _told(error)[1]


class SqliteStore(SqlStore):
    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._writer = _Lane(file, "BEGIN IMMEDIATE", WRITING, "store-writer")
        # A database in memory is seen by its own connection only.
        self._reader = self._writer if file is None else _Lane(file, "BEGIN", READING, "store-reader")
        self._looker = self._writer if file is None else _Lane(file, "BEGIN", READING, "store-looker")
        super().__init__(self._writer, self._reader, self._looker)

    async def prepare(self) -> None:
        """Make the tables, or bring them up to date. Raises SettingsError where the file is not ours to use."""
        if self._file and self._file.exists() and not os.access(self._file, os.R_OK | os.W_OK):
            cure = f"give it to the user of this hub: chown {os.geteuid()} {self._file}"
            raise SettingsError(f"{self._file} may not be read and written by this process; {cure}")
        try:
            await self._writer.run(migrate)
        except (Overloaded, SettingsError) as error:
            raise SettingsError(f"{self._file}: {error}") from error

    async def see(self) -> None:
        """Look whether the tables are those of this hub, without a change. Raises SettingsError where they are not."""
        try:
            version = await self._reader.run(version_of)
        except Overloaded as error:
            raise SettingsError(f"{self._file}: {error}") from error
        if version != VERSION:
            what = f"its tables are of version {version}, and these are {VERSION}"
            raise SettingsError(f"{self._file}: {what}; run: tocsin database migrate")

    def close(self) -> None:
        for lane in (self._reader, self._looker):
            if lane is not self._writer:
                lane.close()
        # The last to close folds the journal into the file.
        self._writer.close()
