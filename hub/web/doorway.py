"""The door itself: how many may stand in it, how long they may take to come in, and how much they may carry.

aiohttp bounds the header lines and their number; it waits for ever, and unpacks at once whatever it has received, which
for a quarter of a megabyte of gzip is a quarter of a gigabyte. No tool of ours packs what it posts, so that is refused.
So whoever holds a connection and asks nothing, or brings a body slowly, is put out here, and where there is no room
the one who has stood there longest makes it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware
from aiohttp.web_protocol import RequestHandler

from hub.web.answers import error
from hub.web.gate import guarded
from hub.web.inbound import Inbound

log = logging.getLogger("tocsin.web")

LARGEST_BODY = 25 * 1024 * 1024
"""GitHub's own limit; no tool of ours posts more."""
LARGEST_SAID = 1024 * 1024
"""Of what is posted anywhere but at `/in/`."""
AT_ONCE = 64 * 1024
"""A body up to this size is read by aiohttp before anybody asks for it."""
LINGER = 2.0
"""Seconds in which what is still sent of a refused body is taken and thrown away, so that the refusal can be read."""
LET_GO_WITHIN = 5.0
"""Seconds that open requests have to end at a stop."""


Answerer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLimits:
    """Times in seconds."""

    connections: int = 1_000
    headers_within: float = 15.0
    """From the connection to the end of the first request's headers."""
    body_within: float = 60.0
    idle: float = 75.0
    """Between two requests of a connection."""
    carried: int = 10 * LARGEST_BODY
    """Bytes of all bodies together that are on their way in."""
    look_every: float = 1.0


DOOR = DoorLimits()


class Connection(RequestHandler):
    """What is said on it that is no HTTP reaches no handler; it is answered like all that goes wrong."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, HttpProcessingError):  # as every port scan brings; what it says may hold a secret, too
            log.debug("what %s sent is no HTTP: %s", request.remote, type(exc).__name__)
            if request.writer.output_size > 0:
                raise ConnectionError("the answer has begun already")
        else:
            super().handle_error(request, status, exc, message)
        why = (message or "the hub failed").strip().splitlines()[0].rstrip(":")[:200]
        said = guarded(error(status, "request" if status < 500 else "internal", why))
        said.force_close()
        return said


@dataclass(slots=True)
class Doorway:
    """Connections that have asked nothing yet, by the loop's time since when, and the bodies on their way in."""

    limits: DoorLimits = DOOR
    waiting: dict[Any, float] = field(default_factory=dict)
    carried: int = 0

    def admit(self) -> Middleware:
        """Stands behind the gate, so that nothing is read from those who may not call."""

        @web.middleware
        async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.waiting.pop(request.protocol, None)
            if not request.body_exists:
                return await handler(request)
            if not request.path.startswith("/in/"):
                request = request.clone(client_max_size=LARGEST_SAID)
            if (packed := request.headers.get("Content-Encoding", "identity")) != "identity":
                return error(415, "content encoding", f"send the body as it is, not as {packed[:40]}")
            try:
                if request.content.is_eof() or (refusal := await self._read(request)) is None:
                    return await handler(request)
            except web.HTTPRequestEntityTooLarge:
                return error(413, "too large", f"a body may have {request.client_max_size:,} bytes here")
            except web.RequestPayloadError:
                return error(400, "body", "the body ends too early, or is not sent as its headers say")
            return refusal

        return stand

    async def _read(self, request: web.Request) -> web.Response | None:
        """Take in the whole body, which the request then keeps; or say why not."""
        size = request.content_length
        if size is not None and size > request.client_max_size:
            raise web.HTTPRequestEntityTooLarge(max_size=request.client_max_size, actual_size=size)
        weight = request.client_max_size if size is None else 0 if size <= AT_ONCE else size
        if self.carried + weight > self.limits.carried:
            return error(503, "overloaded", "too many large bodies are on their way in", headers={"Retry-After": "5"})
        self.carried += weight
        try:
            async with asyncio.timeout(self.limits.body_within):
                await request.read()
        except TimeoutError:
            late = f"the body did not come within {self.limits.body_within:g} seconds"
            return error(408, "too slow", late, headers={"Connection": "close"})
        finally:
            self.carried -= weight
        return None

    @asynccontextmanager
    async def open(
        self, app: web.Application, host: str, port: int, inbound: Callable[[], Inbound] | None = None
    ) -> AsyncIterator[int]:
        """Listen; gives the port, which the system chooses where it is 0. Raises OSError.

        What tools post goes to `inbound`. Its way through resolver and middlewares costs as much as a handler that
        does nothing, and they have nothing to say of it; what they may have something to say of goes that way.
        """
        manners: dict[str, Any] = {
            "access_log": None,
            "keepalive_timeout": self.limits.idle,
            "lingering_time": LINGER,
            "auto_decompress": False,
        }
        runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=LET_GO_WITHIN, **manners)
        await runner.setup()
        assert runner.server is not None
        if inbound is not None:
            runner.server.request_handler = self._short_way(inbound, runner.server.request_handler)
        loop = asyncio.get_running_loop()
        try:
            listening = await loop.create_server(lambda: self._greet(runner, manners), host, port, backlog=1024)
            looking = asyncio.create_task(self._look())
            try:
                yield listening.sockets[0].getsockname()[1]
            finally:
                looking.cancel()
                with suppress(asyncio.CancelledError):
                    await looking
                listening.close()
        finally:
            await runner.cleanup()

    def _short_way(self, inbound: Callable[[], Inbound], long_way: Answerer) -> Answerer:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            assert isinstance(request, web.Request)
            answering = inbound().at_once(request) if _whole_post(request) else None
            if answering is None:
                return await long_way(request)
            self.waiting.pop(request.protocol, None)
            return await answering

        return answer

    def _greet(self, runner: web.AppRunner, manners: Mapping[str, Any]) -> asyncio.Protocol:
        assert runner.server is not None
        loop = asyncio.get_running_loop()
        came = Connection(runner.server, loop=loop, **manners)
        now = loop.time()
        if len(runner.server.connections) >= self.limits.connections and not self._put_out_oldest():
            now = float("-inf")  # all others are at work: it goes at the next look
        self.waiting[came] = now
        return came

    def _put_out_oldest(self) -> bool:
        return any(self._put_out(connection) for connection in list(self.waiting))

    def _put_out(self, connection: Any) -> bool:
        """False: it was gone already."""
        del self.waiting[connection]
        if (transport := connection.transport) is None:
            return False
        transport.abort()
        return True

    async def _look(self) -> None:
        """Put out who took too long, and forget who left."""
        while True:
            await asyncio.sleep(self.limits.look_every)
            now = asyncio.get_running_loop().time()
            for connection, since in list(self.waiting.items()):
                waited = now - since
                if waited > self.limits.headers_within or (connection.transport is None and waited > 1):
                    self._put_out(connection)


def _whole_post(request: web.Request) -> bool:
    """Whether it is here with its whole body, which is small then, and has no header that gate or door look at."""
    if request.method != "POST" or not request.body_exists:
        return False
    body, headers = request.content, request.headers
    asked_about = "Origin" in headers or "Sec-Fetch-Site" in headers or "Content-Encoding" in headers
    return body.is_eof() and body.exception() is None and not asked_about and "Expect" not in headers
