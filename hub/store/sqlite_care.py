"""Looking after an SQLite file."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from hub.core.past import Happened
from hub.errors import SettingsError
from hub.store.care import Size, Status, current, whole_past
from hub.store.migrations import migrate, version_of
from hub.store.queries import count
from hub.store.sqlite import claimed, make_private
from hub.store.sqlite_lane import PATIENCE, complaint, reason_of

ResultT = TypeVar("ResultT")


class SqliteCare:
    def __init__(self, file: Path) -> None:
        self._file = file

    def status(self) -> Status:
        return Status(database="sqlite", version=self._read(version_of) if self._file.exists() else 0)

    def migrate(self) -> int:
        with claimed(self._file):
            with suppress(FileExistsError):
                make_private(self._file, self._file.parent)
            return self._migrate()

    def _migrate(self) -> int:
        with _connection(self._file) as connection:
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
        if not file.parent.is_dir():
            raise SettingsError(f"there is no folder {file.parent}; make it, or name another")
        self._read(version_of)
        with _named(file):
            _copy(self._file, file)

    def restore(self, file: Path) -> Path | None:
        with claimed(self._file):
            with _named(file):
                _seen_through(file)
            with _named(self._file):
                return self._put(file)

    def _put(self, file: Path) -> Path | None:
        """A copy of it in the place of what was there, which lies beside it then, or stays if there is no room."""
        aside = self._set_aside()
        try:
            _copy(file, self._file, like=aside or self._file.parent)
        except BaseException:
            if aside is not None:
                aside.rename(self._file)
            raise
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


@contextmanager
def _named(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SettingsError(complaint(file, reason_of(error))) from error
    except OSError as error:
        raise SettingsError(f"{error.filename or file}: {error.strerror}") from error


@contextmanager
def _connection(file: Path) -> Iterator[Connection]:
    engine = create_engine("sqlite://", creator=lambda: _opened(file), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    except (DBAPIError, sqlite3.Error) as error:
        raise SettingsError(complaint(file, reason_of(error))) from error


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


def _copy(file: Path, to: Path, *, like: Path | None = None) -> None:
    """Whole or not at all."""
    part = to.with_name(f"{to.name}.part")
    part.unlink(missing_ok=True)
    make_private(part, like)
    try:
        # In one step, so that what a running hub writes meanwhile does not make it begin again.
        with closing(_opened(file)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
        _synced(part)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)


def _synced(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())
