"""`POST /in/{source}`: where tools post."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from hub.contracts import WebhookRequest
from hub.errors import Overloaded, Unauthenticated
from hub.ingest import Accepted, Ingest, Malformed, UnknownSource
from hub.web.answers import answer, error


class Inbound:
    def __init__(self, ingest: Ingest, now: Callable[[], datetime], observe: Callable[[str, float], None]) -> None:
        self._ingest = ingest
        self._now = now
        self._observe = observe

    def routes(self) -> list[web.RouteDef]:
        return [*self.accepting(), web.post("/in/{source}/heartbeat/{name}", self.heartbeat)]

    def accepting(self) -> list[web.RouteDef]:
        """What every replica answers by itself."""
        return [web.post("/in/{source}", self.receive)]

    async def receive(self, request: web.Request) -> web.Response:
        began = time.perf_counter()
        try:
            accepted = await self._ingest.accept(await self._webhook(request))
        except UnknownSource as unknown:
            return error(404, "unknown source", str(unknown), nearest=list(unknown.nearest))
        except Unauthenticated as refusal:
            return error(401, "unauthenticated", str(refusal), headers={"WWW-Authenticate": "Bearer"})
        except Malformed as broken:
            return error(400, "payload", str(broken), path=broken.path, quarantined=broken.quarantined)
        except Overloaded as busy:
            return error(503, "overloaded", str(busy), headers={"Retry-After": str(busy.retry_after)})
        finally:
            self._observe("accept", time.perf_counter() - began)
        return answer(say_accepted(accepted), status=202)

    async def heartbeat(self, request: web.Request) -> web.Response:
        try:
            known = await self._ingest.beat(await self._webhook(request), request.match_info["name"])
        except UnknownSource as unknown:
            return error(404, "unknown source", str(unknown), nearest=list(unknown.nearest))
        except Unauthenticated as refusal:
            return error(401, "unauthenticated", str(refusal), headers={"WWW-Authenticate": "Bearer"})
        except Overloaded as busy:
            return error(503, "overloaded", str(busy), headers={"Retry-After": str(busy.retry_after)})
        if not known:
            name = request.match_info["name"][:80]
            return error(404, "unknown heartbeat", f"heartbeats: of the rules names no '{name}'")
        return answer({"accepted": 1}, status=202)

    async def _webhook(self, request: web.Request) -> WebhookRequest:
        return WebhookRequest(
            source=request.match_info["source"],
            headers={name.lower(): value for name, value in request.headers.items()},
            query=dict(request.query) if request.query_string else {},
            body=await request.read(),
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
    return said
