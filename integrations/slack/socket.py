"""Hears Slack by Socket Mode: a connection that the hub opens, for where Slack cannot reach it.

slack-sdk has a client for it, which is not used: it makes an HTTP session of its own, starts tasks that nobody waits
for when it is closed, answers by whichever connection is newest, and tries a broken one anew every few seconds for
ever. What there is to do is little: open, read, answer; and open the next one before the old one goes.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import msgspec

from hub.contracts import ChatTools, Hear, Reply, Utterance, WebhookResponse
from hub.errors import DeliveryError, Overloaded, PayloadError, Refused, Unreachable
from hub.payload import Field, decode_json
from hub.proof import Secret
from integrations.slack import ear
from integrations.slack.chat import SlackChat, session

log = logging.getLogger("tocsin.slack")

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before the next connection, doubling, after one that did not last."""
REFUSED_WAIT = 300.0
LASTED = 30.0
LINGER = 10.0
"""Seconds in which an old connection may bring what is still on its way."""
HEARTBEAT = 20.0
CLOSING = aiohttp.ClientWSTimeout(ws_close=1.0)
"""Slack is slow to let go of what we close."""
WAITS = (1.0, 2.0, 4.0)
"""Seconds between tries to reply; it is worth nothing later."""
BUSY = Reply(text="nothing was done: the hub is too busy to hear; say it again in a moment", ok=False)

Socket = aiohttp.ClientWebSocketResponse


class SocketChat(SlackChat):
    """Slack, heard by a connection of our own."""

    def __init__(self, tools: ChatTools, http: aiohttp.ClientSession, token: Secret) -> None:
        super().__init__(tools, http)
        self._token = token

    async def listen(self, hear: Hear) -> None:
        wait, loop = FIRST_WAIT, asyncio.get_running_loop()
        async with asyncio.TaskGroup() as connections:
            while True:
                began = loop.time()
                asked = await self._hold(connections, hear)
                if loop.time() - began >= LASTED:
                    wait = FIRST_WAIT
                    continue
                await asyncio.sleep(max(asked, wait * (1 + random.random() / 2)))  # noqa: S311 - hides nothing
                wait = min(wait * 2, LONGEST_WAIT)

    async def _hold(self, connections: asyncio.TaskGroup, hear: Hear) -> float:
        """Hear by a connection until it is time for the next one. Seconds to wait before that, if Slack said so."""
        leaving = asyncio.Event()
        try:
            socket = await self._connect()
        except DeliveryError as error:
            log.warning("Slack cannot be heard: %s", error)
            if isinstance(error, Refused):
                return REFUSED_WAIT
            return (error.retry_after or 0) if isinstance(error, Unreachable) else 0
        log.info("Slack is heard, by a connection of our own")
        connections.create_task(self._serve(socket, hear, leaving))
        await leaving.wait()
        return 0

    async def _connect(self) -> Socket:
        answer = await self.call(self.web.apps_connections_open, app_token=self._token.reveal().strip(), by="APP_TOKEN")
        try:
            return await self.http.ws_connect(answer["url"].text(), heartbeat=HEARTBEAT, timeout=CLOSING)
        except (aiohttp.ClientError, TimeoutError, ValueError, PayloadError):
            # Their words hold the URL, and that the ticket.
            raise Unreachable("Slack let us open no connection") from None

    async def _serve(self, socket: Socket, hear: Hear, leaving: asyncio.Event) -> None:
        """Take what comes, until the connection ends or has had its time to."""
        try:
            async with asyncio.TaskGroup() as taking:
                with suppress(TimeoutError, aiohttp.ClientError):
                    async with asyncio.timeout(None) as limit:
                        async for frame in _frames(socket):
                            if frame["type"].text("") == "disconnect":
                                limit.reschedule(asyncio.get_running_loop().time() + LINGER)
                                leaving.set()
                            elif frame["envelope_id"].present:
                                taking.create_task(self._take(socket, frame, hear))
                leaving.set()
        finally:
            await socket.close()

    async def _take(self, socket: Socket, envelope: Field, hear: Hear) -> None:
        """Perform what an envelope says. Slack brings again what is not acknowledged."""
        said = _said(envelope)
        if said is None:
            await _acknowledge(socket, envelope, WebhookResponse())
            return
        try:
            reply = await self._hear(socket, envelope, said, hear)
        except Overloaded as busy:
            log.warning("what was said in Slack could not be heard: %s", busy)
        except Exception:
            log.exception("hearing what was said in Slack failed")
        else:
            if reply is not None:
                await self._say(said, reply)

    async def _hear(self, socket: Socket, envelope: Field, said: Utterance, hear: Hear) -> Reply | None:
        """Have it heard, and acknowledge it in Slack's time. The reply, where the acknowledgement does not hold it."""
        async with _under_way(hear(said)) as hearing:
            await asyncio.wait({hearing}, timeout=ear.within)
            if not hearing.done():
                await _acknowledge(socket, envelope, WebhookResponse())
                return await _late(hearing)
            reply = hearing.result()
            told = await _acknowledge(socket, envelope, ear.answer(said, reply))
            return None if told else reply

    async def _say(self, said: Utterance, reply: Reply) -> None:
        for wait in WAITS:
            try:
                await self.reply(said, reply)
            except Unreachable as error:
                await asyncio.sleep(max(wait, min(error.retry_after or 0, LONGEST_WAIT)))
            except DeliveryError as error:
                log.warning("a reply in Slack could not be said: %s", error)
                return
            else:
                return
        log.warning("a reply in Slack could not be said: Slack took none")


async def _frames(socket: Socket) -> AsyncIterator[Field]:
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.TEXT:
            continue
        try:
            frame = decode_json(message.data.encode()).object()
        except PayloadError as error:
            log.warning("Slack sent what is not understood: %s", error)
            continue
        yield frame


def _said(envelope: Field) -> Utterance | None:
    read = ear.ENVELOPES.get(envelope["type"].text(""))
    try:
        return read(envelope["payload"]) if read else None
    except PayloadError as error:
        log.warning("Slack sent what is not understood: %s", error)
        return None


async def _acknowledge(socket: Socket, envelope: Field, answer: WebhookResponse) -> bool:
    """Tell Slack that it is here. Whether the answer went with it."""
    told = bool(answer.body) and envelope["accepts_response_payload"].flag()
    acknowledgement: dict[str, Any] = {"envelope_id": envelope["envelope_id"].value}
    if told:
        acknowledgement["payload"] = msgspec.Raw(answer.body)
    try:
        await socket.send_str(msgspec.json.encode(acknowledgement).decode())
    except (aiohttp.ClientError, ConnectionError):
        # Slack brings it again by the next connection, and the hub knows it.
        return False
    return told


@asynccontextmanager
async def _under_way(hearing: Awaitable[Reply | None]) -> AsyncIterator["asyncio.Future[Reply | None]"]:
    """As a task that does not outlive us."""
    task = asyncio.ensure_future(hearing)
    try:
        yield task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


async def _late(hearing: Awaitable[Reply | None]) -> Reply | None:
    try:
        return await hearing
    except Overloaded:
        return BUSY


@asynccontextmanager
async def open_chat(tools: ChatTools, token: Secret) -> AsyncIterator[SocketChat]:
    async with session(tools) as http:
        yield SocketChat(tools, http, token)
