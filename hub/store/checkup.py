"""How a database is, looked at from outside: with or without a hub that uses it, and without changing anything."""

import re
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from hub.store.address import parse_url, servers
from hub.store.migrations import version_of
from hub.store.tables import VERSION

PATIENCE = 5.0
MOUNTS = Path("/proc/self/mounts")
OF_OTHERS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "beegfs"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone"}
)
"""Kinds of file systems on which another machine may change a file, or lose it, without this one knowing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """Sizes in bytes. `fault` is what is wrong with the file, empty if nothing is."""

    size: int = 0
    free: int = 0
    network: str = ""
    """The kind of file system, where it is one of other machines."""
    fault: str = ""
    new: bool = False
    """There is no file yet."""


def look_at(file: Path) -> Checkup:
    """What is there. It reads the whole file."""
    folder = file.absolute().parent
    if not folder.is_dir():
        return Checkup(fault=f"there is no folder {folder}")
    free, kind = shutil.disk_usage(folder).free, kind_of(folder.resolve(), MOUNTS.read_text())
    network = kind if kind in OF_OTHERS else ""
    if not file.exists():
        return Checkup(new=True, free=free, network=network)
    size = sum(one.stat().st_size for one in folder.glob(f"{file.name}*") if one.is_file())
    return Checkup(size=size, free=free, network=network, fault=_fault(file))


def kind_of(folder: Path, mounts: str) -> str:
    """The kind of the file system in which a folder is; `mounts` as Linux lists them. Empty: nobody knows."""
    found = [(place, kind) for _, place, kind, *_ in map(str.split, mounts.splitlines())]
    # Spaces stand there as octals. Of two at one place the later one hides the other.
    there = [(len(place), n, kind) for n, (place, kind) in enumerate(found) if folder.is_relative_to(_unescaped(place))]
    return max(there, default=(0, 0, ""))[2]


def _unescaped(place: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place)


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
    alone: bool
    """It confirms what those have not yet of which one may have to lead in its place."""
    ahead: float
    """Seconds by which its clock is ahead of ours."""
    closed: tuple[str, ...]
    """Tables that the user may not read and write."""
    needed: int = VERSION


_SERVER = """
    SELECT current_setting('server_version_num')::int AS server, pg_database_size(current_database()) AS size,
        current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' AS syncs,
        current_setting('synchronous_standby_names') = '' AS alone, extract(epoch FROM clock_timestamp())::float8 AS at
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

    parts = parse_url(url)
    return await once(parts, READING, partial(_look, several=len(servers(parts)) > 1), "")


def _look(connection: Connection, several: bool) -> ServerCheckup:
    began = time.time()
    met = connection.exec_driver_sql(_SERVER).one()
    ahead = met.at - (began + time.time()) / 2
    return ServerCheckup(
        server=met.server,
        size=met.size,
        syncs=met.syncs,
        alone=met.alone and several,
        ahead=ahead,
        tables=version_of(connection),
        closed=tuple(connection.exec_driver_sql(_CLOSED).scalars()),
    )
