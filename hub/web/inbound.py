"""`POST /in/{source}`: where tools post."""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from aiohttp import web

from hub.contracts import WebhookRequest
from hub.errors import Unauthenticated
from hub.ingest import Accepted, Ingest, Malformed, NotNamed
from hub.web.answers import answer, error
from hub.web.failing import plainly
from hub.web.gate import guarded


class Inbound:
    def __init__(self, ingest: Ingest, now: Callable[[], datetime], observe: Callable[[str, float], None]) -> None:
        self._ingest = ingest
        self._now = now
        self._observe = observe

    def routes(self) -> list[web.RouteDef]:
        return [
            *self.accepting(),
            web.post("/in/{source}/heartbeat/{name}", self.heartbeat),
            web.post("/in/{source}/{path:.+}", self.receive_below),
        ]

    def accepting(self) -> list[web.RouteDef]:
        """What every replica answers by itself."""
        return [web.post("/in/{source}", self.receive)]

    def at_once(self, request: web.Request) -> Awaitable[web.StreamResponse] | None:
        """The answer to a request that is here with its whole body, and that nobody but its source can refuse; None
        where its path names no source."""
        path = request.raw_path
        source = path[4:] if path.startswith("/in/") else ""
        return self._guarded(request, source) if self._ingest.knows(source) else None

    async def _guarded(self, request: web.Request, source: str) -> web.StreamResponse:
        return guarded(await plainly(request, partial(self._receive, source, request.content.read_nowait()), ""))

    async def receive(self, request: web.Request) -> web.Response:
        return await self._receive(request.match_info["source"], await request.read(), request)

    async def receive_below(self, request: web.Request) -> web.Response:
        """Only the replica that leads answers it: who posts so says the same again and again, and it knows what of that
        is new. It is answered as by an Alertmanager: vmalert takes nothing but 200 for a success."""
        source, path = request.match_info["source"], request.match_info["path"]
        if self._ingest.knows(source) and path not in (paths := self._ingest.paths(source)):
            places = " or ".join([f"/in/{source}", *(f"/in/{source}/{path}" for path in paths)])
            return error(404, "unknown path", f"source {source} takes what is posted to {places}")
        return await self._receive(source, await request.read(), request, done=200)

    async def _receive(self, source: str, body: bytes, request: web.Request, done: int = 202) -> web.Response:
        began = time.perf_counter()
        try:
            accepted = await self._ingest.accept(self._webhook(source, body, request))
        except NotNamed as unknown:
            return error(404, f"unknown {unknown.what}", str(unknown), nearest=unknown.nearest)
        except Unauthenticated as refusal:
            return error(401, "unauthenticated", str(refusal), headers={"WWW-Authenticate": "Bearer"})
        except Malformed as broken:
            return error(400, "payload", str(broken), path=broken.path, quarantined=broken.quarantined)
        finally:
            self._observe("accept", time.perf_counter() - began)
        return answer(say_accepted(accepted), status=done)

    async def heartbeat(self, request: web.Request) -> web.Response:
        try:
            webhook = self._webhook(request.match_info["source"], await request.read(), request)
            await self._ingest.beat(webhook, request.match_info["name"])
        except NotNamed as unknown:
            return error(404, f"unknown {unknown.what}", str(unknown), nearest=unknown.nearest)
        except Unauthenticated as refusal:
            return error(401, "unauthenticated", str(refusal), headers={"WWW-Authenticate": "Bearer"})
        return answer({"accepted": 1}, status=202)

    def _webhook(self, source: str, body: bytes, request: web.Request) -> WebhookRequest:
        return WebhookRequest(
            source=source,
            headers={name.lower(): value for name, value in request.headers.items()},
            query=dict(request.query) if request.query_string else {},
            body=body,
            received_at=self._now(),
        )


def say_accepted(accepted: Accepted) -> dict[str, Any]:
    said: dict[str, Any] = {"accepted": 0 if accepted.duplicate else len(accepted.events), "events": accepted.events}
    if accepted.ignored:
        said["ignored"] = accepted.ignored
    if accepted.duplicate:
        said["duplicate"] = True
    if accepted.quarantined:
        said["quarantined"] = accepted.quarantined
    if accepted.missing:
        said["not_understood"] = [{"path": place, "detail": why} for place, why in accepted.missing.items() if why]
    return said
