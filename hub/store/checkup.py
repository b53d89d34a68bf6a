"""How a database is, looked at from outside: with or without a hub that uses it, and without changing anything."""

import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from hub.store.address import parse_url
from hub.store.migrations import version_of
from hub.store.tables import VERSION

PATIENCE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """Sizes in bytes. `fault` is what is wrong with the file, empty if nothing is."""

    size: int = 0
    free: int = 0
    fault: str = ""
    new: bool = False
    """There is no file yet."""


def look_at(file: Path) -> Checkup:
    """What is there. It reads the whole file."""
    folder = file.absolute().parent
    if not folder.is_dir():
        return Checkup(fault=f"there is no folder {folder}")
    free = shutil.disk_usage(folder).free
    if not file.exists():
        return Checkup(new=True, free=free)
    size = sum(one.stat().st_size for one in folder.glob(f"{file.name}*") if one.is_file())
    return Checkup(size=size, free=free, fault=_fault(file))


def _fault(file: Path) -> str:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.Error as error:
        return str(error)
    return "" if found == ["ok"] else "; ".join(" ".join(line.split()) for line in found)


def sqlite_file(url: str) -> Path | None:
    """The file of a database of SQLite; None: it is another database, or in memory."""
    kind, _, name = url.partition(":///")
    return Path(name) if kind == "sqlite" and name not in ("", ":memory:") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCheckup:
    """Sizes in bytes. `server` is as PostgreSQL counts its versions: 160004. `tables` is 0 where there are none."""

    server: int
    tables: int
    size: int
    syncs: bool
    """What it says is on disk is on disk."""
    standby: bool
    ahead: float
    """Seconds by which its clock is ahead of ours."""
    closed: tuple[str, ...]
    """Tables that the user may not read and write."""
    needed: int = VERSION


_SERVER = """
    SELECT current_setting('server_version_num')::int AS server, pg_database_size(current_database()) AS size,
        current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' AS syncs,
        pg_is_in_recovery() AS standby, extract(epoch FROM clock_timestamp())::float8 AS at
"""
_CLOSED = """
    SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
        AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
            AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')) ORDER BY relname
"""


async def look_at_server(url: str) -> ServerCheckup:
    """What is there. Raises SettingsError or Overloaded where nobody can tell."""
    from hub.store.postgres import once
    from hub.store.postgres_server import READING

    return await once(parse_url(url), READING, _look, "")


def _look(connection: Connection) -> ServerCheckup:
    began = time.time()
    met = connection.exec_driver_sql(_SERVER).one()
    ahead = met.at - (began + time.time()) / 2
    return ServerCheckup(
        server=met.server,
        size=met.size,
        syncs=met.syncs,
        standby=met.standby,
        ahead=ahead,
        tables=version_of(connection),
        closed=tuple(connection.exec_driver_sql(_CLOSED).scalars()),
    )
