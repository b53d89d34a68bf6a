"""Whatever an earlier hub has written is there after an upgrade, and the tables are those of a new database."""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from peers.postgres import Postgres
from sqlalchemy import Connection, NullPool, create_engine, insert, inspect, select

from hub.errors import SettingsError
from hub.store import Store, migrations
from hub.store.address import parse_url
from hub.store.opening import open_store
from hub.store.postgres import MIGRATES, once
from hub.store.postgres_server import MIGRATING
from hub.store.tables import VERSION, Row

WRITTEN = Path(__file__).with_name("version-4.sql")
"""A file of version 4 as the hub of that time made and filled it, before there were migrations."""
CAME_LATER: Mapping[int, Sequence[str]] = {2: ["link"], 3: ["group"], 4: ["calendar"]}
EARLIER = [1, 2, 3, 4]
COUNTS = {
    "requests": 2,
    "events": 3,
    "alerts": 2,
    "posts": 1,
    "lines": 1,
    "timers": 1,
    "silences": 1,
    "asks": 1,
    "audit": 1,
    "room": 1,
    "configs": 1,
}


def file_of(folder: Path, version: int) -> Path:
    """A file as a hub of that version left it."""
    file = folder / "tocsin.db"
    connection = sqlite3.connect(file)
    connection.executescript(WRITTEN.read_text())
    for added, names in CAME_LATER.items():
        if added > version:
            connection.executescript("".join(f'DROP TABLE "{name}";' for name in names))
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    return file


async def look(url: str) -> tuple[dict[str, int], Sequence[str], Sequence[str]]:
    async with open_store(url) as store:
        return dict(await store.count()), *await owed(store)


async def owed(store: Store) -> tuple[Sequence[str], Sequence[str]]:
    snapshot = await store.load(since=datetime(2026, 1, 1, tzinfo=UTC))
    return [alert.id for alert in snapshot.alerts], [link.person for link in snapshot.links]


@pytest.mark.parametrize("version", EARLIER)
async def test_a_file_of_any_earlier_hub_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    """By the hub itself, as it starts; with all that is in it."""
    url = f"sqlite:///{file_of(tmp_path, version)}"
    links = ["alice"] if version >= 2 else []

    assert (COUNTS, ["a1", "n1"], links) == await look(url)
    assert (COUNTS, ["a1", "n1"], links) == await look(url)
    assert shape(tmp_path / "tocsin.db") == shape(await a_new_file(tmp_path))


async def a_new_file(folder: Path) -> Path:
    file = folder / "new.db"
    async with open_store(f"sqlite:///{file}"):
        return file


def shape(file: Path) -> object:
    """Tables with their columns, and indexes; in no order."""
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    with engine.connect() as connection:
        return shape_of(connection)


def shape_of(connection: Connection) -> dict[str, Any]:
    found = inspect(connection)
    return {
        table: (
            {column["name"]: (str(column["type"]), column["nullable"]) for column in found.get_columns(table)},
            # What makes a column unique is an index too, which PostgreSQL lists once more.
            {
                str(index["name"]): index["column_names"]
                for index in found.get_indexes(table)
                if "duplicates_constraint" not in index
            },
        )
        for table in found.get_table_names()
        if table != "alembic_version"
    }


@pytest.mark.e2e("postgresql")
@pytest.mark.parametrize("version", EARLIER)
def test_a_postgresql_of_any_earlier_hub_is_brought_up_to_date(
    tmp_path: Path, postgres: Postgres, version: int
) -> None:
    """Once somebody says so: until then it is refused by the command to run."""
    url = postgres.new("earlier")
    run(url, lambda connection: migrations.migrate(connection, to=version))
    rows = rows_of(file_of(tmp_path, version))
    run(url, lambda connection: fill(connection, rows))
    if version < VERSION:
        with pytest.raises(SettingsError, match="run: tocsin database migrate"):
            asyncio.run(look(url))
    run(url, migrations.migrate)

    assert (COUNTS, ["a1", "n1"], ["alice"] if version >= 2 else []) == asyncio.run(look(url))


def run(url: str, work: Any) -> Any:
    return asyncio.run(once(parse_url(url), MIGRATING, work, MIGRATES))


def rows_of(file: Path) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    with engine.connect() as connection:
        there = inspect(connection).get_table_names()
        return {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in Row.metadata.sorted_tables
            if table.name in there
        }


def fill(connection: Connection, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    for table, some in rows.items():
        if some:
            connection.execute(insert(Row.metadata.tables[table]), list(some))


@pytest.mark.e2e("postgresql")
def test_migrations_make_the_tables_that_the_hub_asks(tmp_path: Path, postgres: Postgres) -> None:
    """Each column and each index that the code names, in both databases; PostgreSQL has one column more, which SQLite
    has by itself."""
    made = {"sqlite": shape(asyncio.run(a_new_file(tmp_path))), "postgresql": run(postgres.migrated, shape_of)}
    asked = {
        table.name: ({column.name for column in table.columns}, {str(index.name) for index in table.indexes})
        for table in Row.metadata.sorted_tables
    }

    for shapes in made.values():
        assert asked == {name: names(table) for name, table in shapes.items()}


def test_a_new_file_has_what_the_migrations_make(tmp_path: Path) -> None:
    """To the letter, though Alembic had no part in it."""
    made = asyncio.run(a_new_file(tmp_path))
    migrated = create_engine(f"sqlite:///{tmp_path}/migrated.db", poolclass=NullPool)
    with migrated.begin() as connection:
        migrations.upgrade(connection, 0, VERSION)

    assert sorted(words_of(tmp_path / "migrated.db")) == sorted(words_of(made))


def words_of(file: Path) -> Sequence[str]:
    """How its tables and indexes are written, and what number it bears."""
    with closing(sqlite3.connect(file)) as connection:
        made = connection.execute("SELECT name || sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        version = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        return ["".join(words.split()) for (words,) in (*made, *version)]


def names(table: Any) -> tuple[set[str], set[str]]:
    columns, indexes = table
    return set(columns) - {"rowid"}, set(indexes)


def test_the_newest_migration_has_the_number_of_the_tables() -> None:
    """A hub that finds this number in a database looks no further."""
    newest = max(file.name[:4] for file in (migrations.HERE / "versions").glob("[0-9]*.py"))

    assert f"{VERSION:04}" == newest


async def test_a_file_of_a_later_hub_is_refused(tmp_path: Path) -> None:
    """It would not understand what it reads."""
    other = sqlite3.connect(await a_new_file(tmp_path))
    other.execute("UPDATE alembic_version SET version_num = '0099'")
    other.commit()
    other.close()
    with pytest.raises(SettingsError, match=r"of version 99, written by a later hub; this one knows \d+"):
        await a_new_file(tmp_path)


async def test_a_failing_migration_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """All of it is one transaction."""
    file = file_of(tmp_path, 1)
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE calendar (in_the_way)")
    other.close()
    before = shape(file)
    with pytest.raises(SettingsError, match="calendar already exists"):
        await look(f"sqlite:///{file}")

    assert before == shape(file)
