"""How a database is, looked at from outside: with or without a hub that uses it, and without changing anything."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

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
