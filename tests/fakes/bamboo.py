"""Bamboo's REST interface, as far as it is asked: one result, behind a personal access token, in its various moods."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from tests.fakes.loopback import serving

TOKEN = "pat-s3cret"
PAGE = "<html><head><title>Bamboo</title></head><body>Log in to <b>Bamboo</b></body></html>"

Mood = Literal["", "slow", "drops", "page", "cut", "moved", "forbidden", "broken", "endless"]


@dataclass(kw_only=True)
class Bamboo:
    """`results` are by their key. What it is not asked to expand it leaves out, as Bamboo does."""

    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mood: Mood = ""
    path: str = ""
    """Where it lies on its server: `/bamboo`."""
    elsewhere: str = ""
    """Where it sends who asks, if it moved."""
    url: str = ""
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def serves(self) -> AsyncIterator["Bamboo"]:
        app = web.Application()
        app.router.add_get(f"{self.path}/rest/api/latest/result/{{key}}", self._result)
        app.router.add_get(f"{self.path}/rest/api/latest/currentUser", self._user)
        async with serving(app) as url:
            self.url = f"{url}{self.path}"
            yield self

    async def _user(self, request: web.Request) -> web.StreamResponse:
        self.tokens.append(request.headers.get("Authorization", ""))
        if (answer := await self._by_mood(request)) is not None:
            return answer
        if self.tokens[-1] != f"Bearer {TOKEN}":
            return _refusal(401, "Client must be authenticated to access this resource.")
        return web.json_response({"name": "tocsin", "fullName": "Tocsin"})

    async def _result(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.match_info["key"])
        self.tokens.append(request.headers.get("Authorization", ""))
        if (answer := await self._by_mood(request)) is not None:
            return answer
        if self.tokens[-1] != f"Bearer {TOKEN}":
            return _refusal(401, "Client must be authenticated to access this resource.")
        result = self.results.get(request.match_info["key"])
        if result is None:
            return _refusal(404, f"Result {request.match_info['key']} not found.")
        wanted = request.query.get("expand", "").split(",")
        return web.json_response(_expanded(result, [path.split(".") for path in wanted]))

    async def _by_mood(self, request: web.Request) -> web.StreamResponse | None:
        match self.mood:
            case "slow":
                await asyncio.Event().wait()
            case "drops":
                assert request.transport
                request.transport.abort()
            case "page":
                return web.Response(text=PAGE, content_type="text/html")
            case "cut":
                return web.Response(body=b'{"buildResultKey": "WEB-M', content_type="application/json")
            case "moved":
                return web.Response(status=302, headers={"Location": f"{self.elsewhere}{request.path_qs}"})
            case "forbidden":
                return _refusal(403, "You don't have sufficient permissions.")
            case "broken":
                return web.Response(status=500, text=PAGE, content_type="text/html")
            case "endless":
                return await _endless(request)
        return None


def _refusal(status: int, message: str) -> web.Response:
    return web.json_response({"message": message, "status-code": status}, status=status)


async def _endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b" " * (1 << 20))


def _expanded(thing: Any, paths: Sequence[Sequence[str]]) -> Any:
    """A list, and the object that holds it, are there if they are asked for; of others only how many they are."""
    if isinstance(thing, list):
        return [_expanded(entry, paths) for entry in thing]
    if not isinstance(thing, dict):
        return thing
    shown = {}
    for name, value in thing.items():
        deeper = [path[1:] for path in paths if path[:1] == [name]]
        if deeper or not isinstance(value, list):
            shown[name] = _expanded(value, deeper)
    return shown
