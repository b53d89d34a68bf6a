"""`/healthz`, `/readyz`, `/metrics`: how the hub is doing, for machines."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import web

from hub import __version__
from hub.current import Current
from hub.delivering.outbox import Outbox
from hub.errors import Overloaded
from hub.memory.writer import Writer
from hub.store import Store
from hub.telemetry.metrics import CONTENT_TYPE, Metrics
from hub.web.answers import answer
from hub.web.gate import caller


class Health:
    def __init__(
        self,
        *,
        current: Current,
        writer: Writer,
        outbox: Outbox | None,
        store: Store,
        metrics: Metrics,
        ready: Callable[[], str],
    ) -> None:
        """Without an outbox: of a replica that does not lead."""
        self._current = current
        self._writer = writer
        self._outbox = outbox
        self._store = store
        self._metrics = metrics
        self._ready = ready

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self.healthz),
            web.get("/readyz", self.readyz),
            web.get("/metrics", self.metrics),
        ]

    async def healthz(self, request: web.Request) -> web.Response:
        """Alive; details, which may name files, only for those who are let in."""
        said: dict[str, Any] = {"status": "ok", "version": __version__}
        return answer(said | self._details() if caller(request).admitted else said)

    def _details(self) -> dict[str, Any]:
        refused = self._current.refused
        return {
            "role": "leader" if self._outbox else "standby",
            "config": self._current().hash,
            "refused_reload": {"at": refused.at, "why": refused.why} if refused else None,
            "waiting": self._writer.waiting,
            "database": self._writer.failing or "ok",
        }

    def unready(self) -> str:
        """Why we are not ready; empty if we are."""
        return self._ready() or self._writer.failing

    async def readyz(self, request: web.Request) -> web.Response:
        """Whether it takes anything; why not, which may name servers, only for those who are let in."""
        if why := self.unready():
            told = why if caller(request).admitted else "the log of the hub says why"
            return answer({"status": "not ready", "why": told}, status=503, headers={"Retry-After": "5"})
        return answer({"status": "ready"})

    async def metrics(self, request: web.Request) -> web.Response:  # noqa: ARG002 - the shape of a handler
        with suppress(Overloaded):  # while the database is away, the number of before stays
            self._metrics.unrouted.set((await self._store.unsettled()).unrouted)
        body = self._metrics.render(
            config=self._current().hash,
            oldest=self._outbox.oldest() if self._outbox else {},
            leads=self._outbox is not None,
        )
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})
