"""A page on the web that the hub asks for by itself, in its various moods: a dead man's switch, a calendar."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from tests.fakes.loopback import serving

SECRET = "k9-s3cret"
Mood = Literal["", "slow", "drops", "gone", "moved", "endless"]


@dataclass(kw_only=True)
class WebPage:
    """`text` is what stands there, and the page knows whether who asks has seen it."""

    text: str = "OK"
    mood: Mood = ""
    elsewhere: str = ""
    """Where it sends who asks, if it moved."""
    url: str = ""
    asked: list[web.BaseRequest] = field(default_factory=list)

    @asynccontextmanager
    async def serves(self) -> AsyncIterator["WebPage"]:
        app = web.Application()
        app.router.add_get(f"/{SECRET}/page", self._answer)
        async with serving(app) as url:
            self.url = f"{url}/{SECRET}/page"
            yield self

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        match self.mood:
            case "slow":
                await asyncio.Event().wait()
            case "drops":
                assert request.transport
                request.transport.abort()
            case "gone":
                return web.Response(status=404)
            case "moved":
                return web.Response(status=302, headers={"Location": self.elsewhere})
            case "endless":
                return await _endless(request)
        seen = f'"{hash(self.text)}"'
        if request.headers.get("If-None-Match") == seen:
            return web.Response(status=304)
        return web.Response(text=self.text, headers={"ETag": seen})


async def _endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b" " * (1 << 20))
