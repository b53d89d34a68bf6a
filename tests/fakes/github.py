"""GitHub's REST interface as the catch-up meets it: webhooks, their deliveries page by page, and its ways to refuse."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from tests.fakes.forge import Repository
from tests.fakes.loopback import serving

KEY = "github_pat_not_to_be_told"
ACCEPT = "application/vnd.github+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What is answered in place of the next answer. A status of 0 drops the connection, one of 1 never comes."""

    status: int
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class GitHub:
    """`hooks` are by owner (`acme/web`, `acme`), `deliveries` by hook, newest first, as GitHub lists them."""

    page: int = 100
    """Most entries of one page, whatever is asked for."""
    hooks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    deliveries: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    """Used up one by one, before anything else is answered."""
    after: int = 0
    """How many answers are given before the refusals."""
    asked: list[str] = field(default_factory=list)
    url: str = ""
    repository: Repository | None = None

    def add_hook(self, owner: str, url: str) -> int:
        id = 7000 + len(self.deliveries)
        self.hooks.setdefault(owner, []).append({"id": id, "name": "web", "active": True, "config": {"url": url}})
        self.deliveries[id] = []
        return id

    def deliver(
        self,
        hook: int,
        guid: str,
        code: int,
        *,
        at: datetime,
        event: str = "push",
        payload: Any = None,
        again: bool = False,
    ) -> None:
        """Note how a delivery went; called oldest first."""
        self.deliveries[hook].insert(
            0,
            {
                "id": 90_000 + sum(map(len, self.deliveries.values())),
                "guid": guid,
                "delivered_at": at.isoformat().replace("+00:00", "Z"),
                "redelivery": again,
                "duration": 0.2,
                "status": "OK" if code == 202 else "failed to connect to host",
                "status_code": code,
                "event": event,
                "action": None,
                "request": {"headers": {"X-GitHub-Event": event, "X-GitHub-Delivery": guid}, "payload": payload},
            },
        )

    @asynccontextmanager
    async def serves(self) -> AsyncIterator["GitHub"]:
        app = web.Application()
        for base in ("/repos/{owner}/{repo}/hooks", "/orgs/{owner}/hooks"):
            app.router.add_get(base, self._hooks)
            app.router.add_get(base + "/{hook}/deliveries", self._listed)
            app.router.add_get(base + "/{hook}/deliveries/{id}", self._delivery)
        if self.repository is not None:
            app.add_routes(self.repository.routes(self._refuses, self._page))
        async with serving(app) as url:
            self.url = url
            yield self

    async def _refuses(self, request: web.Request) -> web.Response | None:
        self.asked.append(request.path_qs)
        if request.headers.get("Accept") != ACCEPT or not request.headers.get("User-Agent"):
            return _said(415, "Must accept 'application/vnd.github+json'")
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return _said(401, "Bad credentials")
        if len(self.asked) <= self.after or not self.refusals:
            return None
        refusal = self.refusals.pop(0)
        if refusal.status == 0:
            assert request.transport
            request.transport.abort()
        if refusal.status == 1:
            await asyncio.sleep(60)
        return _said(refusal.status if refusal.status > 1 else 500, refusal.message, refusal.headers)

    async def _hooks(self, request: web.Request) -> web.Response:
        if (refused := await self._refuses(request)) is not None:
            return refused
        owner = "/".join(request.match_info[part] for part in ("owner", "repo") if part in request.match_info)
        if owner not in self.hooks:
            return _said(404, "Not Found")
        number = int(request.query.get("page", "1"))
        first, hooks = (number - 1) * self._size(request), self.hooks[owner]
        more = {"page": str(number + 1)} if first + self._size(request) < len(hooks) else None
        return self._page(request, hooks[first : first + self._size(request)], more)

    async def _listed(self, request: web.Request) -> web.Response:
        """The cursor is opaque to whoever asks."""
        if (refused := await self._refuses(request)) is not None:
            return refused
        first = int(request.query.get("cursor", "v1_0").removeprefix("v1_"))
        entries = self.deliveries[int(request.match_info["hook"])]
        shown = [
            {k: v for k, v in entry.items() if k != "request"} for entry in entries[first : first + self._size(request)]
        ]
        more = first + self._size(request)
        return self._page(request, shown, {"cursor": f"v1_{more}"} if more < len(entries) else None)

    async def _delivery(self, request: web.Request) -> web.Response:
        if (refused := await self._refuses(request)) is not None:
            return refused
        entries = self.deliveries[int(request.match_info["hook"])]
        found = [entry for entry in entries if str(entry["id"]) == request.match_info["id"]]
        return web.json_response(found[0]) if found else _said(404, "Not Found")

    def _size(self, request: web.Request) -> int:
        return min(self.page, int(request.query.get("per_page", "30")))

    def _page(
        self, request: web.Request, entries: list[dict[str, Any]], more: Mapping[str, str] | None
    ) -> web.Response:
        answer = web.json_response(entries)
        if more:
            # As GitHub does, at an address of its own: whoever follows it blindly takes the token there.
            following = request.url.with_host("elsewhere.example.com").update_query(more)
            answer.headers["Link"] = f'<{following}>; rel="next", <{following}>; rel="last"'
        return answer


def _said(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"message": message}, status=status, headers=headers)
