"""What only the replica that leads can answer, asked of it by another one: as it came, and back as it is answered.

Who may ask, that one judges: Host, Origin, cookies and tokens reach it as they were. Nothing is passed on twice.
"""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from hub import outward
from hub.web.answers import error
from hub.web.gate import PASSED_ON, address_of, guarded
from hub.web.showing import StaticFile, static_answer

log = logging.getLogger("tocsin.web.forward")

MARK = "X-Tocsin-Passed-On"
"""In a request: another replica passed it on. In an answer: this one does not lead; nothing was done."""
WAIT = 3.0
"""Seconds in which somebody must lead: as long as Slack waits for an answer."""
CONNECT_WITHIN = 2.0
SILENT = 60.0
"""Seconds without a byte. What is streamed says something more often."""
ASK_AGAIN = 0.1
TAKEN_WITHIN = 30.0
"""Seconds that a reader may take for one piece."""
NOBODY = (
    "no replica of this hub leads just now; when one went away, another leads within ten seconds. "
    "What tools post meanwhile is taken in, and told then"
)
OF_THE_CONNECTION = (
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Expect",
)
SAFE = ("GET", "HEAD")


class _NotThere(Exception):
    """Nothing was done there: nobody listens, or who does leads no more."""


class _Moved(Exception):
    """Another replica leads now, and the one that was asked has not answered."""


class Forward:
    """`leader` is where the one that leads is reached, `another` waits until it is another one than that. `local`: only
    who sits at this machine reaches this replica. `static` is what pages of its own, such as that nobody leads, are
    made with."""

    def __init__(
        self,
        leader: Callable[[], str],
        another: Callable[[str], Awaitable[None]],
        *,
        local: bool,
        static: Mapping[str, StaticFile] = {},
    ) -> None:
        self._local = local
        self._static = static
        self._leader = leader
        self._another = another
        self._streams: set[aiohttp.ClientResponse] = set()
        self._http: aiohttp.ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/static/{file}", self.static),
            web.route("*", PASSED_ON.replace("}", ":.*}"), self.pass_on),
        ]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with outward.among_replicas(connect_within=CONNECT_WITHIN, silent=SILENT) as self._http:
            yield

    def let_go(self) -> None:
        """End what is being streamed: who looks at it asks anew."""
        for stream in list(self._streams):
            stream.close()

    async def static(self, request: web.Request) -> web.StreamResponse:
        """Its own file, if it is the very one that a page asks for: while hubs are upgraded they have other ones."""
        file, asked = self._static.get(request.match_info["file"]), request.query.get("v")
        if file is None or asked != file.mark:
            return await self.pass_on(request)
        return static_answer(request, file)

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        if MARK in request.headers:
            return _nobody("this replica does not lead", {MARK: "1"})
        if not request.rel_url.raw_path.startswith("/"):
            return error(400, "request", "ask for a path, such as /api/v1/alerts")
        body = await request.read()
        try:
            answer = await self._asked(request, body)
        except TimeoutError:
            return _nobody(NOBODY)
        except (_Moved, aiohttp.ClientError) as failure:
            log.warning("the replica that leads did not answer %s %s: %s", request.method, request.path, failure)
            return _nobody("the replica that leads went away meanwhile; look what was done before you ask again")
        return await self._given_back(request, answer)

    async def _asked(self, request: web.Request, body: bytes) -> aiohttp.ClientResponse:
        """The answer of the one that leads, or of the next. What may have been done is not asked again."""
        loop = asyncio.get_running_loop()
        end = loop.time() + WAIT
        while True:
            async with asyncio.timeout_at(end):
                await self._another("")
            try:
                return await self._ask(self._leader(), request, body)
            except _NotThere:
                if loop.time() > end:
                    raise TimeoutError from None
            except (_Moved, aiohttp.ClientError):
                if request.method not in SAFE:
                    raise
            await asyncio.sleep(ASK_AGAIN)

    async def _ask(self, address: str, request: web.Request, body: bytes) -> aiohttp.ClientResponse:
        """As long as it takes, unless another replica leads meanwhile."""
        asking = asyncio.ensure_future(self._send(address, request, body))
        moving = asyncio.ensure_future(self._another(address))
        try:
            await asyncio.wait({asking, moving}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise _Moved("another one leads now")
            return asking.result()
        finally:
            for task in (asking, moving):
                task.cancel()

    async def _send(self, address: str, request: web.Request, body: bytes) -> aiohttp.ClientResponse:
        assert self._http is not None
        at, asked = URL(address), request.rel_url
        url = URL.build(
            scheme=at.scheme,
            authority=at.raw_authority,
            path=asked.raw_path,
            query_string=asked.raw_query_string,
            encoded=True,
        )
        headers = _without_the_connections(request.headers)
        headers[MARK] = "1"
        if not self._local:  # an open hub trusts whoever sits at it, which who comes this way may not
            headers.add("X-Forwarded-For", address_of(request))
        try:
            answer = await self._http.request(
                request.method,
                url,
                headers=headers,
                data=io.BytesIO(body) if body else None,
                allow_redirects=False,
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            )
        except aiohttp.ClientConnectorError as failure:
            raise _NotThere from failure
        if MARK in answer.headers:
            answer.close()
            raise _NotThere
        return answer

    async def _given_back(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        """Piece by piece, as it comes; where it ends too early, it ends so for whoever asked."""
        response = web.StreamResponse(
            status=answer.status, reason=answer.reason, headers=_without_the_connections(answer.headers)
        )
        self._streams.add(answer)
        try:
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                async with asyncio.timeout(TAKEN_WITHIN):
                    await response.write(piece)
            await response.write_eof()
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            with suppress(AttributeError):
                request.transport.abort()  # type: ignore[union-attr]  # None: it is gone already
        finally:
            self._streams.discard(answer)
            answer.close()
        return response


def _without_the_connections(headers: "CIMultiDictProxy[str]") -> "CIMultiDict[str]":
    """Without what is said about the connection itself."""
    own = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    own |= {name.lower() for name in OF_THE_CONNECTION}
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in own)


def _nobody(why: str, headers: dict[str, str] | None = None) -> web.StreamResponse:
    return guarded(error(503, "no leader", why, headers={"Retry-After": "2", **(headers or {})}))
