"""What the hub itself asks of addresses that its operator gave it: a ping, a calendar, a tool's API.

Everything has a limit, and no error speaks of the address, which may be a secret. An address of the public network may
send us on, but not into our own network.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import aiohttp
from yarl import URL

from hub.errors import TocsinError
from hub.proof import Secret

MOVED = (301, 302, 303, 307, 308)
MOST_MOVES = 5
CHUNK = 1 << 16


class NotAnswered(TocsinError):
    """Nothing came back, or nothing that can be used. The text never names the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What we want, and how much of it we take."""

    headers: Mapping[str, str] = field(default_factory=dict)
    largest: int
    """Bytes."""
    within: float
    """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Get = Callable[[Secret, Question], Awaitable[Answer]]
"""Asks an address. Raises NotAnswered."""


async def get(http: Any, address: Secret, question: Question) -> Answer:
    """Ask, and follow where it sends us. `http` is an aiohttp.ClientSession. Raises NotAnswered."""
    try:
        async with asyncio.timeout(question.within):
            url = URL(address.reveal().strip(), encoded=True)
            met = await _ask(http, url, question)
            return met if met.status not in MOVED else await _follow(http, url, met, question)
    except TimeoutError:
        raise NotAnswered("no answer came in time") from None
    except (aiohttp.InvalidURL, ValueError):
        raise NotAnswered("it is not a URL, or sends us to what is none") from None
    except aiohttp.ClientError as error:
        raise NotAnswered(_cause(error)) from None


async def _follow(http: aiohttp.ClientSession, url: URL, met: Answer, question: Question) -> Answer:
    if await is_ours(url.host or ""):
        return await _follow_with(http, url, met, question)
    async with abroad() as session:
        return await _follow_with(session, url, met, question)


async def _follow_with(http: aiohttp.ClientSession, url: URL, met: Answer, question: Question) -> Answer:
    for _ in range(MOST_MOVES):
        url = url.join(URL(met.headers.get("location", "")))
        if url.scheme not in ("http", "https"):
            raise NotAnswered("it sends us to what is no web page")
        met = await _ask(http, url, question)
        if met.status not in MOVED:
            return met
    raise NotAnswered("it sends us from one place to another without end")


async def _ask(http: aiohttp.ClientSession, url: URL, question: Question) -> Answer:
    async with http.get(url, allow_redirects=False, headers=question.headers) as response:
        body = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK):
            body += chunk
            if len(body) > question.largest:
                raise NotAnswered(f"it is larger than {question.largest} bytes")
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status, headers=headers, body=bytes(body))


async def is_ours(host: str) -> bool:
    """Whether a name or an address is one of our own network, or of this machine."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return not all(_is_public(str(address[0])) for *_, address in found)


class Astray(aiohttp.ClientError):
    """What was asked sends us to another host."""


def session() -> aiohttp.ClientSession:
    """What tools and chats ask with. Without cookies, and it follows nobody to another host: what answers is trusted
    with the token that it was given, not with what else can be reached from here."""
    staying = aiohttp.TraceConfig()
    staying.on_request_redirect.append(_stay)
    timeout = aiohttp.ClientTimeout(total=20)
    return aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[staying])


async def _stay(_: aiohttp.ClientSession, __: Any, sent: aiohttp.TraceRequestRedirectParams) -> None:
    headers = sent.response.headers
    onward = sent.url.join(URL(headers.get("Location") or headers.get("URI") or ""))
    if onward.origin() != sent.url.origin():
        raise Astray("it sends us to another host")


def among_replicas(*, connect_within: float, silent: float) -> aiohttp.ClientSession:
    """What one replica asks another with, times in seconds: it takes and gives what is said as it is. A connection for
    each question, since one that was kept may be closed just when the next is sent on it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_within, sock_read=silent),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


def abroad() -> aiohttp.ClientSession:
    """A session that reaches the public network only, whatever a name leads to."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=_socket_to), cookie_jar=aiohttp.DummyCookieJar()
    )


def _socket_to(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, where = address
    if not _is_public(str(where[0])):
        raise OSError("it is not of the public network")
    return socket.socket(family, kind, protocol)


def _is_public(host: str) -> bool:
    return ip_address(host.partition("%")[0]).is_global


def _cause(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "its certificate cannot be trusted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not found"
    return "the connection was not answered, or was cut"
