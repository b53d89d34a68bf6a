"""Looking after a database from outside: `tocsin database …`.

Status, size and backup may be asked while a hub runs; to migrate and to restore it must be stopped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from hub.core.past import Happened
from hub.errors import SettingsError
from hub.store.migrations import version_of
from hub.store.queries import past
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
