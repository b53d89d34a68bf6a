"""The two databases of the hub as whoever looks from outside sees them, and what may be done to them."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from peers.postgres import Postgres


class Database(Protocol):
    url: str
    faults: Mapping[str, Callable[[], None]]
    """What may befall it, by name."""

    def rows(self, select: str) -> list[str]:
        """The one column of a query."""


def records(database: Database, table: str, where: str = "true") -> list[Any]:
    return [json.loads(row) for row in database.rows(f'SELECT record FROM "{table}" WHERE {where}')]


class Sqlite:
    faults: Mapping[str, Callable[[], None]] = {}

    def __init__(self, folder: Path) -> None:
        self._file = folder / "tocsin.db"
        self.url = f"sqlite:///{self._file}"

    def rows(self, select: str) -> list[str]:
        with closing(sqlite3.connect(self._file, timeout=10)) as connection:
            return [str(row[0]) for row in connection.execute(select)]


class Postgresql:
    def __init__(self, server: Postgres) -> None:
        self._server = server
        self.url = server.clean()
        self.faults = {"postgres killed": server.crash, "postgres restarted": lambda: server.restart("immediate")}

    def rows(self, select: str) -> list[str]:
        return self._server.sql(select, "tocsin").splitlines()
