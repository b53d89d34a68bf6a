"""The ways in which people, libpq and other drivers write where a database is."""

import pytest

from hub.errors import SettingsError
from hub.store.address import parse_url, server_of, servers


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgresql://tocsin:p%40ss@db/tocsin", "db:5432"),
        ("postgres://tocsin:p%40ss@db1,db2:5433/tocsin", "db1:5432 or db2:5433"),
        ("postgresql://tocsin@[::1],[fe80::1]:7/tocsin?sslmode=require", "::1:5432 or fe80::1:7"),
        ("postgresql://db1,db2/tocsin", "db1:5432 or db2:5432"),
        ("postgresql:///tocsin?host=/run/postgresql", "socket /run/postgresql"),
        ("postgresql:///tocsin?host=/run/a,/run/b", "socket /run/a or socket /run/b"),
        ("postgresql://tocsin@/tocsin?host=db1,db2&port=1,2", "db1:1 or db2:2"),
        ("postgresql://tocsin@/tocsin?host=db1,db2&port=9", "db1:9 or db2:9"),
        ("postgresql://tocsin@/tocsin?host=db1:1&host=db2:2", "db1:1 or db2:2"),
    ],
)
def test_where_the_servers_are(url: str, where: str) -> None:
    """Each is reached by a URL of its own, with all else that the whole one says."""
    parts = parse_url(url)
    each = servers(parts)

    assert where == server_of(parts) == " or ".join(map(server_of, each))
    assert {(parts.username, parts.password, parts.database)} == {(u.username, u.password, u.database) for u in each}
    assert {parts.query.get("sslmode")} == {server.query.get("sslmode") for server in each}
    assert where == server_of(parse_url(parts.render_as_string(hide_password=False))), "and it is read as it is written"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://tocsin:hunter2@db1:x,db2/tocsin",
        "postgresql://tocsin:hunter2@/tocsin?host=db1,db2&port=1,2,3",
        "postgresql://tocsin:hunter2@db1:99999,db2/tocsin",
        "mysql://tocsin:hunter2@db/tocsin",
        "tocsin.db",
    ],
)
def test_what_is_no_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="works") as refused:
        parse_url(url)

    assert "hunter2" not in f"{refused.value}{refused.value.__cause__}"
