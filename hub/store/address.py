"""Where a database is: a URL, as people write it."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from hub.errors import SettingsError

FORMS = (
    "sqlite:///tocsin.db (beside the hub), sqlite:////var/lib/tocsin/tocsin.db "
    "or postgresql://user:password@host/tocsin (host1,host2: whichever leads) works"
)
PORT = 5432
_SEVERAL = re.compile("([a-z]+://(?:[^@/]*@)?)([^@/?]*,[^@/?]*)")
"""How a URL begins that names several servers, as libpq takes it."""


def parse_url(url: str) -> URL:
    """Several servers stand in the query then, where libpq, too, looks for them: `host=a,b&port=5432,5433`."""
    several = _SEVERAL.match(url)
    try:
        parts = make_url(several[1] + url[several.end() :] if several else url)
        named = _listed(parts) if several is None else [*map(_server, several[2].split(","))]
    except (ArgumentError, ValueError):
        # Not "from" it: its text repeats the URL, and with it a password.
        raise SettingsError(f"the database is not a URL; {FORMS}") from None
    if parts.drivername == "postgres":
        parts = parts.set(drivername="postgresql")
    if parts.drivername not in ("sqlite", "postgresql"):
        raise SettingsError(f"the database cannot be a {parts.drivername}: URL; {FORMS}")
    if len(named) > 1:
        hosts, ports = (",".join(of_each) for of_each in zip(*named, strict=True))
        parts = parts.update_query_dict({"host": hosts, "port": ports})
    return parts


def _listed(url: URL) -> Sequence[tuple[str, str]]:
    """Host and port of those in its query, in one of the ways in which drivers take them."""
    hosts, ports = _values(url, "host"), _values(url, "port")
    if ports and hosts:
        return [*zip(hosts, [*ports] * (len(hosts) // len(ports)), strict=True)]
    return [*map(_server, hosts)]


def _values(url: URL, name: str) -> Sequence[str]:
    value = url.query.get(name, ())
    return [one for some in ([value] if isinstance(value, str) else value) for one in some.split(",")]


def _server(text: str) -> tuple[str, str]:
    if text.startswith("/"):
        folder, _, port = text.partition(":")
        return folder, port or str(PORT)
    parts = urlsplit(f"//{text}")
    return parts.hostname or "localhost", str(parts.port or PORT)


def servers(url: URL) -> Sequence[URL]:
    """One URL for each server that it names."""
    hosts, ports = _values(url, "host"), _values(url, "port")
    if len(hosts) < 2:
        return [url]
    rest = url.difference_update_query(["host", "port"])
    return [
        rest.update_query_dict({"host": host, "port": port})
        if host.startswith("/")
        else rest.set(host=host, port=int(port))
        for host, port in zip(hosts, ports, strict=True)
    ]


def server_of(url: URL) -> str:
    """`db.example.com:5432`, or where its socket is; nothing of who speaks to it."""
    return " or ".join(map(_called, servers(url)))


def _called(url: URL) -> str:
    host = url.host or url.query.get("host") or "localhost"
    port = url.port or url.query.get("port") or PORT
    return f"socket {host}" if str(host).startswith("/") else f"{host}:{port}"
