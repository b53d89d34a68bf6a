"""Opens what a URL names: SQLite or PostgreSQL, as a store or to be looked after. Each is loaded when it is needed."""

from contextlib import AbstractAsyncContextManager

from hub.errors import Overloaded, SettingsError
from hub.store import SharedStore, Store
from hub.store.address import parse_url
from hub.store.care import Care


def open_store(url: str) -> AbstractAsyncContextManager[Store]:
    """The store at a URL such as `sqlite:///tocsin.db`. Raises SettingsError where it cannot be used."""
    if is_shared(url):
        return open_shared(url)
    from hub.store import sqlite

    return sqlite.opened(sqlite.file_of(parse_url(url)))


def open_to_read(url: str) -> AbstractAsyncContextManager[Store]:
    """What hubs keep there, whether they run or not."""
    from hub.store import sqlite

    return open_shared(url) if is_shared(url) else sqlite.read_only(sqlite.file_of(parse_url(url)))


def is_shared(url: str) -> bool:
    """Whether several hubs may use that database at once."""
    return parse_url(url).drivername == "postgresql"


def open_shared(url: str) -> AbstractAsyncContextManager[SharedStore]:
    from hub.store import postgres  # with its driver, which a hub on SQLite need not load

    return postgres.opened(parse_url(url))


def why_not(url: str, error: Overloaded) -> str:
    """Why a hub could not go on with this database when it had just begun, for whoever can mend it."""
    if is_shared(url):
        return str(error)
    from hub.store.sqlite import file_of
    from hub.store.sqlite_lane import complaint

    return complaint(file_of(parse_url(url)), str(error))


def care_of(url: str) -> Care:
    parts = parse_url(url)
    if parts.drivername == "postgresql":
        from hub.store.postgres import PostgresCare

        return PostgresCare(parts)
    from hub.store.sqlite import file_of
    from hub.store.sqlite_care import SqliteCare

    file = file_of(parts)
    if file is None:
        raise SettingsError("a database in memory is there only while its hub runs")
    return SqliteCare(file)
