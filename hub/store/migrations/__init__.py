"""From the tables of any earlier hub to those of this one: one file per version, run by Alembic in one transaction.
A new SQLite file gets the tables as they are, without Alembic, which most hubs then never load: 8 MiB.

A new version is a new file in `versions`, numbered on, with `hub.store.tables.VERSION` raised to its number. What has
been released is never edited: databases stand on it.
"""

from pathlib import Path

from sqlalchemy import BigInteger, Column, Connection, Identity, String, Text, inspect
from sqlalchemy.types import TypeEngine

from hub.errors import SettingsError
from hub.store.tables import VERSION, Row

HERE = Path(__file__).parent
VERSION_TABLE = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
"""As Alembic would make it."""


def version_of(connection: Connection) -> int:
    """Of the tables that are there; 0: there are none. Raises SettingsError of a database that is not ours.

    It does without Alembic, whose loading a hub is spared that has nothing to migrate.
    """
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" in tables:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        if found is None or not found.isdecimal():
            raise SettingsError("the database is that of something else")
        return _known(int(found))
    if connection.dialect.name == "sqlite":
        # Before there were migrations, the file itself bore the number.
        told = _known(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        if told:
            return told
    if tables:
        raise SettingsError("the database is that of something else")
    return 0


def _known(version: int) -> int:
    if version > VERSION:
        raise SettingsError(f"the database is of version {version}, written by a later hub; this one knows {VERSION}")
    return version


def migrate(connection: Connection, to: int = VERSION) -> int:
    """Bring the tables to that version within the transaction that has begun; from which."""
    version = version_of(connection)
    if not version and to == VERSION and connection.dialect.name == "sqlite":
        _make(connection)
    elif version < to:
        upgrade(connection, version, to)
    return version


def _make(connection: Connection) -> None:
    Row.metadata.create_all(connection, checkfirst=False)
    connection.exec_driver_sql(VERSION_TABLE)
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (f"{VERSION:04}",))


def upgrade(connection: Connection, version: int, to: int) -> None:
    """By the files, from the first that is newer."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    if version and "alembic_version" not in inspect(connection).get_table_names():
        command.stamp(config, f"{version:04}")
    command.upgrade(config, f"{to:04}")


# ---------------------------------------------------------------------------- what the files in `versions` are made of

# PostgreSQL would sort by the language of the server; SQLite sorts by code point, and so do we.
TEXT: TypeEngine[str] = String().with_variant(Text(collation="C"), "postgresql")


def arrival(dialect: str) -> list[Column[int]]:
    """Keeps what has the same time in the order in which it came. In SQLite every table has it by itself."""
    return [Column("rowid", BigInteger, Identity(), nullable=False)] if dialect == "postgresql" else []
