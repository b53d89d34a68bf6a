"""`POST /chat/{chat}/{part}`: where chats post what people said to the hub."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web

from hub.contracts import ChatDriver, Ear, Reply, Utterance, WebhookRequest, WebhookResponse
from hub.errors import Overloaded, PayloadError, Unauthenticated
from hub.hearing.utterances import Hearing
from hub.proof import Secret
from hub.settings import variable
from hub.web.answers import error

log = logging.getLogger("tocsin.web.chats")

LARGEST = 1024 * 1024
"""Of what people say; no chat's own bound is higher."""
SLOW = Reply(text="nothing was done: the hub is too busy to hear; say it again in a moment", ok=False)


class Chats:
    def __init__(
        self,
        *,
        drivers: Mapping[str, ChatDriver],
        secrets: Callable[[str, str], Sequence[Secret]],
        hearing: Hearing,
        now: Callable[[], datetime],
    ) -> None:
        self._drivers = drivers
        self._secrets = secrets
        self._hearing = hearing
        self._now = now
        self._talking: set[asyncio.Task[None]] = set()

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/chat/{chat}", self.receive), web.post("/chat/{chat}/{part}", self.receive)]

    async def receive(self, request: web.Request) -> web.Response:
        chat, part = request.match_info["chat"], request.match_info.get("part", "")
        driver = self._drivers.get(chat)
        if driver is None or driver.ear is None or part not in driver.ear.parts:
            return error(404, "unknown chat", f"nothing is heard at /chat/{chat[:40]}{'/' if part else ''}{part[:40]}")
        secrets = self._secrets(chat, driver.ear_secret)
        if not secrets:
            missing = variable(chat, driver.ear_secret)
            return error(401, "unauthenticated", f"{chat} is not heard: the operator must set {missing}")
        if (request.content_length or 0) > LARGEST or len(body := await request.read()) > LARGEST:
            return error(413, "too large", f"what people say has at most {LARGEST:,} bytes")
        webhook = WebhookRequest(
            source=chat,
            part=part,
            headers={name.lower(): value for name, value in request.headers.items()},
            query=dict(request.query),
            body=body,
            received_at=self._now(),
        )
        try:
            driver.ear.verify(webhook, secrets)
            said = driver.ear.hear(webhook)
        except Unauthenticated as refusal:
            return error(401, "unauthenticated", str(refusal))
        except PayloadError as broken:
            return error(400, "payload", str(broken), path=broken.path)
        if isinstance(said, WebhookResponse):
            return _response(said)
        return await self._answer(chat, driver.ear, said)

    async def _answer(self, chat: str, ear: Ear, said: Utterance) -> web.Response:
        """With the reply, where it is there in time; else so that the chat does not ask again, and the reply later."""
        hearing = asyncio.ensure_future(self._hearing.hear(chat, said))
        done, _ = await asyncio.wait({hearing}, timeout=ear.within)
        if not done:
            self._later(self._reply_when_done(chat, said, hearing))
            return _response(ear.answer(said, None))
        try:
            reply = hearing.result()
        except Overloaded as busy:
            return error(503, "overloaded", busy.outside, headers={"Retry-After": str(busy.retry_after)})
        answer = ear.answer(said, reply)
        if reply is not None and not answer.body:
            self._later(self._hearing.say_back(chat, said, reply))
        return _response(answer)

    async def _reply_when_done(self, chat: str, said: Utterance, hearing: "asyncio.Future[Reply | None]") -> None:
        try:
            reply = await hearing
        except Overloaded:
            reply = SLOW
        if reply is not None:
            await self._hearing.say_back(chat, said, reply)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_watched(work))
        self._talking.add(task)
        task.add_done_callback(self._talking.discard)

    async def close(self) -> None:
        """Let go of what is still being said."""
        for task in list(self._talking):
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)


async def _watched(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("replying in a chat failed")


def _response(answer: WebhookResponse) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, headers=dict(answer.headers))
