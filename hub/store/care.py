"""Looking after a database from outside: `tocsin database …`.

Status, size and backup may be asked while a hub runs; to migrate and to restore it must be stopped.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from hub.core.past import Happened
from hub.errors import SettingsError
from hub.store.migrations import migrate, version_of
from hub.store.queries import count, past
from hub.store.sql import parse_url
from hub.store.sqlite import PATIENCE, claimed, file_of, reason_of
from hub.store.tables import VERSION

ResultT = TypeVar("ResultT")

STEP = 2_000
"""Events that are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`version` of the tables, 0 if there are none, and the one that this hub needs."""

    database: str
    version: int
    needed: int = VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    bytes: int
    rows: Mapping[str, int]


class Care(Protocol):
    """All raise SettingsError where it cannot be done, or Overloaded."""

    def status(self) -> Status: ...
    def migrate(self) -> int:
        """Bring the tables up to date; from which version."""

    def size(self) -> Size: ...
    def past(self, since: datetime, bodies: Sequence[str]) -> Sequence[Happened]:
        """All that happened since then, as far as it can be replayed; read, while the hub runs on."""

    def backup(self, file: Path) -> None:
        """A copy as of one moment, while the hub runs on. Refuses a file that exists."""

    def restore(self, file: Path) -> Path | None:
        """Put a backup in the place of the database; where that lies now, if there was one."""


def care_of(url: str) -> Care:
    parts = parse_url(url)
    if parts.drivername == "postgresql":
        from hub.store.postgres import PostgresCare

        return PostgresCare(parts)
    file = file_of(parts)
    if file is None:
        raise SettingsError("a database in memory is there only while its hub runs")
    return SqliteCare(file)


class SqliteCare:
    def __init__(self, file: Path) -> None:
        self._file = file

    def status(self) -> Status:
        return Status(database="sqlite", version=self._read(version_of) if self._file.exists() else 0)

    def migrate(self) -> int:
        with claimed(self._file), _connection(self._file) as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return migrate(connection)

    def size(self) -> Size:
        beside = [self._file, self._file.with_name(f"{self._file.name}-wal")]
        size = sum(file.stat().st_size for file in beside if file.exists())
        return Size(bytes=size, rows=self._read(current(count)))

    def past(self, since: datetime, bodies: Sequence[str]) -> Sequence[Happened]:
        return self._read(current(partial(whole_past, since=since, bodies=bodies)))

    def backup(self, file: Path) -> None:
        if file.exists():
            raise SettingsError(f"{file} exists; name a file that does not")
        self._read(version_of)
        part = file.with_name(f"{file.name}.part")
        with _named(file):
            part.unlink(missing_ok=True)
            part.touch(mode=0o600)
            # In one step, so that what a running hub writes meanwhile does not make it begin again.
            with closing(_opened(self._file)) as source, closing(sqlite3.connect(part)) as target:
                source.backup(target)
            _synced(part)
            part.replace(file)

    def restore(self, file: Path) -> Path | None:
        with claimed(self._file), _named(file):
            _seen_through(file)
            aside = self._set_aside()
            part = self._file.with_name(f"{self._file.name}.part")
            part.unlink(missing_ok=True)
            with closing(_opened(file)) as source, closing(sqlite3.connect(part)) as target:
                source.backup(target)
            _synced(part)
            part.replace(self._file)
            return aside

    def _set_aside(self) -> Path | None:
        if not self._file.exists():
            return None
        # Whoever opens and closes it as the only one folds its journal into it.
        with closing(_opened(self._file)) as connection:
            connection.execute("SELECT 1 FROM sqlite_master").fetchall()
        aside = self._file.with_name(f"{self._file.name}.{datetime.now(UTC):%Y%m%dT%H%M%S}")
        return self._file.rename(aside)

    def _read(self, work: Callable[[Connection], ResultT]) -> ResultT:
        if not self._file.exists():
            raise SettingsError(f"there is no {self._file}")
        with _connection(self._file) as connection:
            return work(connection)


def current(work: Callable[[Connection], ResultT]) -> Callable[[Connection], ResultT]:
    """It, of a database that has the tables of this hub."""

    def done(connection: Connection) -> ResultT:
        if version_of(connection) < VERSION:
            raise SettingsError("the database is that of an earlier hub; run: tocsin database migrate")
        return work(connection)

    return done


def whole_past(connection: Connection, since: datetime, bodies: Sequence[str]) -> Sequence[Happened]:
    found, mark = past(connection, since, None, STEP, bodies)
    everything = [*found]
    while mark is not None:
        found, mark = past(connection, since, mark, STEP, bodies)
        everything += found
    return everything


@contextmanager
def _named(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SettingsError(f"{file}: {reason_of(error)}") from error
    except OSError as error:
        raise SettingsError(f"{error.filename or file}: {error.strerror}") from error


@contextmanager
def _connection(file: Path) -> Iterator[Connection]:
    engine = create_engine("sqlite://", creator=lambda: _opened(file), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    except (DBAPIError, sqlite3.Error) as error:
        raise SettingsError(f"{file}: {reason_of(error)}") from error


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)


def _seen_through(file: Path) -> None:
    """Raises SettingsError where the file is no sound database of ours."""
    if not file.exists():
        raise SettingsError(f"there is no {file}")
    with _connection(file) as connection:
        if not version_of(connection):
            raise SettingsError(f"{file} holds no tables of a hub")
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found != "ok":
        raise SettingsError(f"{file} is damaged: {found}")


def _synced(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())
