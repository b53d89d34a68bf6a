"""A server of PostgreSQL: how it is reached, and what its failures mean to the person who must mend them."""

import asyncio
import os
import ssl
from collections.abc import Mapping
from pathlib import Path

import asyncpg
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from hub.errors import SettingsError
from hub.store.address import FORMS, server_of, servers

PATIENCE = 5.0
"""Seconds to wait for a connection."""
LOCKED = 2.0
"""Seconds to wait for what another session has locked."""
LONGEST = 30.0
"""Seconds that a statement may take."""
HELD_UP = 3.0
"""Seconds that a transaction may wait for its hub. One that was frozen in the middle of it must not keep another from
leading for longer."""

SETTINGS = {
    "application_name": "tocsin",
    "timezone": "UTC",
    "lock_timeout": f"{LOCKED:.0f}s",
    "statement_timeout": f"{LONGEST:.0f}s",
    "idle_in_transaction_session_timeout": f"{2 * LONGEST:.0f}s",
    # A hub whose machine has vanished must not keep its lock for the two hours of the usual keep-alive.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
WRITING = {
    **SETTINGS,
    "synchronous_commit": "on",  # whatever the server says: a 2xx means that it is on disk
    "idle_in_transaction_session_timeout": f"{HELD_UP:.0f}s",
}
READING = {**SETTINGS, "default_transaction_read_only": "on"}
MIGRATING = {**WRITING, "statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}

STANDBY = "may only be read; is it a standby?"
DIRECTLY = "name the server itself: a hub needs six connections, and keeps locks on them"
REASONS = {
    "08P01": f"what answers at {{server}} is a pooler of connections, or no PostgreSQL; {DIRECTLY} ({{said}})",
    "25006": f"the database at {{server}} {STANDBY}",
    "28000": "the database server at {server} refuses user {user}: {said}",
    "28P01": "the database server at {server} refuses the password of user {user}; correct it in TOCSIN_DATABASE",
    "3D000": "the database server at {server} has no database {database}; make it: createdb -O {user} {database}",
    "42501": "user {user} has no right to do that in database {database}: {said}",
    "42P01": "the database lacks a table; `tocsin database migrate` makes it",
    "53100": "the disk of the database server at {server} is full",
    "53200": "the database server at {server} has no memory left",
    "53300": "the database server at {server} takes no more connections; see its max_connections",
    "55P03": "the database is locked by another session",
    "57014": f"the database took longer than {LONGEST:.0f} seconds",
    "57P01": "the database server at {server} is being stopped",
    "57P02": "the database server at {server} has crashed",
    "57P03": "the database server at {server} is starting or being stopped",
}
TRUST = "name who vouches for it: ?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt"

_DATES = "give it a new certificate, or set the clock right"
_NAMES = "have the URL say the name that is in the certificate, or sslmode=verify-ca"
CERTIFICATES = {9: _DATES, 10: _DATES, 62: _NAMES, 64: _NAMES}
"""What mends it, by OpenSSL's number for what is wrong with a certificate; else it is `TRUST`."""

Failure = (
    DBAPIError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # asked on a connection over which the server has just said goodbye
    OSError,
    TimeoutError,
)
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
"""Of the URL, those that name files."""
SYSTEM = "system"
"""Of `sslrootcert`: whom the machine trusts."""
ABOUT_TLS = ("root certificate file", "`sslmode` parameter")
"""How the driver's complaints begin that hold nothing of a URL that is secret."""


PAST = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)"
"""The timeline: another one after a standby was promoted, or a backup was restored."""


class NoneLeads(OSError):
    """Why none of several servers can be written to, by the URL of each."""

    def __init__(self, whys: Mapping[URL, BaseException]) -> None:
        super().__init__()
        self.whys = whys


async def dial(url: URL, settings: Mapping[str, str], limit: float | None) -> asyncpg.Connection:
    """A connection to the server that leads, of which each statement may take `limit` seconds.

    Where the URL names several they are asked at once: one that has vanished without a word holds nobody up.
    """
    asked = {asyncio.create_task(_dial(server, settings, limit)): server for server in servers(url)}
    waiting, whys = set(asked), dict[URL, BaseException]()
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if (error := task.exception()) is None:
                    del asked[task]
                    return task.result()
                whys[asked[task]] = error
    finally:
        for task in asked:
            task.add_done_callback(_hang_up)
            task.cancel()
    raise next((why for why in whys.values() if len(whys) == 1 or isinstance(why, SettingsError)), NoneLeads(whys))


async def past_of(connection: asyncpg.Connection) -> str:
    """Which past the server goes on from; empty where it does not say, as services that are only like PostgreSQL."""
    try:
        past: str = await connection.fetchval(PAST)
    except asyncpg.PostgresError:
        return ""
    return past


def _hang_up(dialled: "asyncio.Task[asyncpg.Connection]") -> None:
    """Of two that lead, or seem to, one is enough."""
    if not dialled.cancelled() and dialled.exception() is None:
        dialled.result().terminate()


async def _dial(url: URL, settings: Mapping[str, str], limit: float | None) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(
            url.render_as_string(hide_password=False),
            ssl=_trust_of_the_machine(url),
            timeout=PATIENCE,
            command_timeout=limit,
            server_settings=dict(settings),
            target_session_attrs="primary",  # even what only reads must see what was just written
        )
    except ssl.SSLError:  # some of these are ValueErrors, too
        raise
    except ValueError as error:
        if isinstance(error, asyncpg.ClientConfigurationError) and error.args[0].startswith(ABOUT_TLS):
            raise SettingsError(f"the database cannot be asked at {server_of(url)}: {error.args[0]}; {TRUST}") from None
        raise SettingsError(f"the database is not a URL that PostgreSQL understands; {FORMS}") from None
    except FileNotFoundError:
        if missing := _missing_file(url):
            told = f"there is no file {missing}"
            raise SettingsError(f"the database cannot be asked at {server_of(url)}: {told}; {TRUST}") from None
        raise


def _missing_file(url: URL) -> str:
    """Of those that the URL names, since the driver does not say which."""
    named = (str(url.query[name]) for name in FILES if name in url.query)
    return next((file for file in named if file != SYSTEM and not Path(file).exists()), "")


def _trust_of_the_machine(url: URL) -> ssl.SSLContext | None:
    """What `sslrootcert=system` asks for, as libpq knows it; the driver would take that for a file."""
    if url.query.get("sslrootcert") != SYSTEM:
        return None
    if url.query.get("sslmode", "verify-full") != "verify-full":
        raise SettingsError(
            f"the database cannot be asked at {server_of(url)}: anybody may have a certificate, so that "
            "sslrootcert=system needs sslmode=verify-full"
        )
    context = ssl.create_default_context()
    if "sslcert" in url.query:
        context.load_cert_chain(str(url.query["sslcert"]), str(url.query.get("sslkey") or "") or None)
    return context


def reason(error: BaseException, url: URL) -> str:
    """In the words of the person who must fix it, and without what a statement was given."""
    cause = getattr(error.orig, "__cause__", None) or error if isinstance(error, DBAPIError) else error
    if isinstance(cause, asyncpg.PostgresError):
        words = REASONS.get(str(cause.sqlstate), "the database failed: {said}")
        return words.format(
            user=url.username or "(of this process)", database=url.database, server=server_of(url), said=cause.args[0]
        )
    if isinstance(cause, asyncpg.TargetServerAttributeNotMatched):
        return f"the database at {server_of(url)} {STANDBY}"
    if isinstance(cause, NoneLeads):
        return "; ".join(reason(why, server) for server, why in cause.whys.items())
    if isinstance(cause, TimeoutError):
        return f"the database at {server_of(url)} does not answer"
    if isinstance(cause, ssl.SSLError):
        return f"the database server at {server_of(url)} cannot be trusted: {_why_not_trusted(cause)}"
    if isinstance(cause, ConnectionError) and "rejected SSL" in str(cause):
        return f"the database server at {server_of(url)} speaks no TLS; turn its ssl on, or take sslmode from the URL"
    if isinstance(cause, OSError):
        return f"the database server at {server_of(url)} cannot be reached: {_why_not_reached(cause)}"
    return f"the connection to the database at {server_of(url)} was lost"


def _why_not_trusted(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{error.verify_message.rstrip('.')}; {CERTIFICATES.get(error.verify_code, TRUST)}"
    if error.reason == "NO_CERTIFICATE_OR_CRL_FOUND":
        return f"the file of sslrootcert holds no certificate; {TRUST}"
    return f"{error.reason or type(error).__name__}; {TRUST}"


def _why_not_reached(error: OSError) -> str:
    """The driver's own words for it repeat the address."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else error.strerror or str(error) or type(error).__name__
