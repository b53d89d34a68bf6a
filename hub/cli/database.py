"""`tocsin database …`: looking after it."""

import argparse
from typing import Any

from hub.cli.printing import FAULTS, OK, tell


def _care(options: argparse.Namespace) -> Any:
    from hub.settings import database_named
    from hub.store.opening import care_of

    return care_of(database_named(options.database))


def _database_status(options: argparse.Namespace) -> int:
    found = _care(options).status()
    current = found.version == found.needed
    todo = "nothing to do" if current else "run: tocsin database migrate"
    tables = f"tables of version {found.version}" if found.version else "no tables yet"
    tell(
        options,
        {"ok": current, "database": found.database, "version": found.version, "needed": found.needed},
        f"{found.database}: {tables}, this hub needs {found.needed}; {todo}",
    )
    return OK if current else FAULTS


def _database_migrate(options: argparse.Namespace) -> int:
    care = _care(options)
    before, now = care.migrate(), care.status().version
    text = f"brought from version {before} to {now}" if before else f"made the tables, version {now}"
    tell(options, {"from": before, "to": now}, f"nothing to do, version {now}" if before == now else text)
    return OK


def _database_size(options: argparse.Namespace) -> int:
    size = _care(options).size()
    rows = [f"{name:<10} {number:>10,}" for name, number in size.rows.items()]
    tell(
        options,
        {"bytes": size.bytes, "rows": dict(size.rows)},
        "\n".join([f"{size.bytes / 2**20:,.1f} MiB", *rows]),
    )
    return OK


def _database_backup(options: argparse.Namespace) -> int:
    _care(options).backup(options.file)
    size = options.file.stat().st_size
    tell(options, {"file": str(options.file), "bytes": size}, f"{options.file}: {size / 2**20:,.1f} MiB")
    return OK


def _database_restore(options: argparse.Namespace) -> int:
    aside = _care(options).restore(options.file)
    tell(
        options,
        {"file": str(options.file), "aside": str(aside) if aside else None},
        f"restored from {options.file}" + (f"; what was there is now {aside}" if aside else ""),
    )
    return OK


CARE = (
    ("migrate", _database_migrate, "bring the tables up to date; the hub must be stopped"),
    ("status", _database_status, "say whether the tables are those of this hub"),
    ("size", _database_size, "say how large it is"),
    ("backup", _database_backup, "copy it into a new file, while the hub runs on"),
    ("restore", _database_restore, "put a backup in its place; the hub must be stopped"),
)
