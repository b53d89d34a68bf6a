"""A connection to a SQLite file and the thread in which it waits for the disk.

A thread that asks SQLite lets go of the interpreter with each statement, and a loop that is busy gives it back half a
millisecond later. What is little is therefore written on the loop, and only the commit, which is what waits for the
disk, in the thread: half the processor time for each event, and a third of the time until it is there.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from hub.errors import Overloaded
from hub.store.writing import driver

ResultT = TypeVar("ResultT")

PATIENCE = 5.0
"""Seconds to wait for a foreign process, such as a backup, that holds the database."""

WAITING = f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}"
NOT_WAITING = "PRAGMA busy_timeout = 0"
COMMON = (WAITING, "PRAGMA foreign_keys = OFF", "PRAGMA temp_store = MEMORY")
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
CURES = {
    "the database file cannot be opened": "let the user of this process read and write it, and its folder",
    "the disk is full": "make room there, or keep the database elsewhere: TOCSIN_DATABASE",
    "the disk failed to read or write": "see whether it has room, also by its quotas, and what the kernel says of it",
}
"""What to do about it, where the reason does not say so."""
PASSING = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
"""After these the connection is as good as before. After others, such as a disk that went away, a new one is made."""
LONG = 0.02
"""Seconds on the loop, after which what is written next is thought to wait for the disk even before its commit."""
REST = 2.0
"""Seconds for which all is left to the thread then."""


class SqliteLane:
    """It runs one transaction after the other."""

    def __init__(self, file: Path | None, begin: str, pragmas: Sequence[str], name: str) -> None:
        self._file, self._begin, self._pragmas = file, begin, pragmas
        self._engine = create_engine("sqlite://", creator=self._dial, poolclass=NullPool)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._under_way: set[Future[Any]] = set()
        """What the thread has not done yet."""
        self._rests_until = 0.0
        self._connection: Connection | None = None

    async def run(self, work: Callable[[Connection], ResultT]) -> ResultT:
        """What `work` returns, done in one transaction. Raises Overloaded: then nothing is done."""
        return await self._submit(partial(self._transact, work))

    async def run_little(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """As `run`, for what is soon done and finds what it needs in memory. It may be begun a second time."""
        if self._did_here(work):
            await asyncio.shield(self._submit(self._commit))  # what is begun is ended, though nobody waits for it
        else:
            await self.run(lambda connection: work(driver(connection)))

    def close(self) -> None:
        """Wait for what is under way and hang up. It blocks, so that no cancellation leaves a connection behind."""
        self._thread.submit(self._hang_up).result()
        self._thread.shutdown()

    def _submit(self, work: Callable[[], ResultT]) -> "asyncio.Future[ResultT]":
        future = self._thread.submit(work)
        self._under_way.add(future)
        # Also of a caller who was cancelled: only the thread knows when it has ended.
        future.add_done_callback(self._under_way.discard)
        return asyncio.wrap_future(future)

    def _did_here(self, work: Callable[[sqlite3.Connection], None]) -> bool:
        """Whether it is done, all but committed. If not, it is for the thread, which also says why it could not be."""
        connection, began = self._connection, time.monotonic()
        if connection is None or self._under_way or began < self._rests_until:
            return False
        at = driver(connection)
        try:
            at.execute(NOT_WAITING)
            at.execute(self._begin)
            work(at)
        except Exception:  # noqa: BLE001 - it comes again, in the thread
            with suppress(sqlite3.Error):
                at.rollback()
            return False
        finally:
            with suppress(sqlite3.Error):
                at.execute(WAITING)
        if (now := time.monotonic()) - began > LONG:
            self._rests_until = now + REST
        return True

    def _commit(self) -> None:
        assert self._connection is not None
        at = driver(self._connection)
        with self._failing():
            try:
                at.commit()  # lets go of the interpreter once, where the statement does three times
            except sqlite3.Error:
                with suppress(sqlite3.Error):
                    at.rollback()
                raise

    def _transact(self, work: Callable[[Connection], ResultT]) -> ResultT:
        with self._failing():
            if self._connection is None:
                self._connection = self._engine.connect()
            with self._connection.begin():
                self._connection.exec_driver_sql(self._begin)
                return work(self._connection)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            code, reason = _told(error)
            if code not in PASSING and self._file is not None:
                self._hang_up()
            raise Overloaded(reason) from error

    def _dial(self) -> sqlite3.Connection:
        # With `isolation_level` None the driver begins nothing by itself: our own BEGIN says what kind it is.
        # The loop and the thread take turns on it.
        connection = sqlite3.connect(
            self._file or ":memory:", timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
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


def complaint(file: Path | None, reason: str) -> str:
    """Of a file that cannot be used, for whoever can mend it."""
    cure = CURES.get(reason)
    return f"{file or 'the database in memory'}: {reason}{f'; {cure}' if cure else ''}"
