"""Where a database is: a URL, as people write it."""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from hub.errors import SettingsError

FORMS = (
    "sqlite:///tocsin.db (beside the hub), sqlite:////var/lib/tocsin/tocsin.db "
    "or postgresql://user:password@host/tocsin works"
)


def parse_url(url: str) -> URL:
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        # Not "from" it: its text repeats the URL, and with it a password.
        raise SettingsError(f"the database is not a URL; {FORMS}") from None
    if parts.drivername == "postgres":
        parts = parts.set(drivername="postgresql")
    if parts.drivername not in ("sqlite", "postgresql"):
        raise SettingsError(f"the database cannot be a {parts.drivername}: URL; {FORMS}")
    return parts


def server_of(url: URL) -> str:
    """`db.example.com:5432`, or where its socket is; nothing of who speaks to it."""
    host = url.host or url.query.get("host") or "localhost"
    port = url.port or url.query.get("port") or 5432
    return f"socket {host}" if str(host).startswith("/") else f"{host}:{port}"
