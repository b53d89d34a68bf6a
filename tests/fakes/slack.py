"""Slack as the hub meets it, on a port of loopback: the Web API, Socket Mode, and people who talk and press buttons.

It checks tokens and what it is sent, signs what it posts, comes again when nobody answers, and may keep what it took
though it hung up. `seen` gives what a reader gets out of a channel.
"""

import asyncio
import hmac
import json
import re
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from tests.fakes.loopback import serving
from tests.fakes.slack_blocks import Faulty, Seen, check, read

BOT_TOKEN, APP_TOKEN, SECRET = "xoxb-2026-example-bot", "xapp-1-A0-example-app", "5f1c0ffee0ddba11example5ec2e7"
APP, BOT, TEAM = "A0TOCSIN1", "U0TOCSIN1", "T0ACME001"
ALICE, BOB = "U0ALICE01", "U0BOB0001"
OPS, DEV, SECRETS, OLD = "C0OPS0001", "C0DEV0001", "C0SECRET1", "C0OLD0001"


@dataclass
class Channel:
    id: str
    name: str
    member: bool = True
    """Whether the app was invited."""
    private: bool = False
    archived: bool = False
    user: str = ""
    """Of a direct message: with whom."""


@dataclass(kw_only=True)
class Posted:
    """A message in a channel, as it is now."""

    channel: str
    ts: str
    user: str
    body: dict[str, Any]
    thread: str = ""
    broadcast: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    only_for: str = ""
    edits: int = 0

    @property
    def ref(self) -> str:
        return f"{self.channel}:{self.ts}"

    @property
    def seen(self) -> Seen:
        return read(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a method answers once, instead of what it would. `kept`: hangs up after it did it; `lost`: before."""

    error: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    content_type: str = "text/html"
    drops: str = ""
    after: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """What became of an envelope: after how many seconds, and with which answer."""

    envelope: str
    seconds: float
    payload: Mapping[str, Any] | None


class Refuses(Exception):
    """A method says no, by this code."""


@dataclass
class Slack:
    base: str = ""
    hub: str = ""
    """Where the hub is, for what is posted to it. Empty: everything goes by Socket Mode."""
    throttles: bool = False
    refusals: int = 0
    """How often it said that a message came too soon after another."""
    patience: float = 3.0
    """Seconds in which Slack wants an answer."""
    retries: tuple[float, ...] = (0.0, 60.0, 300.0)
    """Seconds before each time that Slack brings an event again."""
    now: Callable[[], float] = time.time
    channels: dict[str, Channel] = field(default_factory=dict)
    messages: list[Posted] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """What was wrong with what it was sent."""
    answers: defaultdict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    """Given first, by method."""
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    opened: int = 0
    """How many connections of Socket Mode there have been."""
    acknowledged: list[Acknowledged] = field(default_factory=list)
    _waiting: dict[str, "asyncio.Future[Any]"] = field(default_factory=dict)
    _tickets: set[str] = field(default_factory=set)
    _urls: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    _posts: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _count: int = 0
    _last: tuple[str, Mapping[str, Any]] = ("", {})

    def __post_init__(self) -> None:
        self._add(Channel(OPS, "ops"), Channel(DEV, "dev", member=False))
        self._add(Channel(SECRETS, "secrets", member=False, private=True), Channel(OLD, "old", archived=True))

    def _add(self, *channels: Channel) -> None:
        self.channels.update((channel.id, channel) for channel in channels)

    # -------------------------------------------------------------------------------------------------- what is seen

    def posted(self, name: str) -> list[Posted]:
        """The messages of a channel (`#ops`), or of somebody's direct messages (`@U…`): oldest first, threads too."""
        id = self._find(name).id
        return [message for message in self.messages if message.channel == id]

    def seen(self, name: str) -> list[Seen]:
        return [message.seen for message in self.posted(name) if message.user == BOT]

    def thread(self, ref: str) -> list[Posted]:
        channel, _, ts = ref.partition(":")
        return [message for message in self.messages if (message.channel, message.thread) == (channel, ts)]

    # ------------------------------------------------------------------------------------------------------- Web API

    async def call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        arguments = dict(request.query)
        if request.content_type == "application/json":
            arguments = await request.json()
        self.calls.append((method, arguments))
        answer = self.answers[method].pop(0) if self.answers[method] else Answer()
        await asyncio.sleep(answer.after)
        if answer.drops == "lost":
            return _hang_up(request)
        if answer.text is not None:
            return web.Response(
                status=answer.status, text=answer.text, content_type=answer.content_type, headers=answer.headers
            )
        if answer.error or answer.status != 200:
            said = {"ok": False, "error": answer.error, **answer.more}
            return web.json_response(said, status=answer.status, headers=answer.headers)
        token = request.headers.get("Authorization", "")
        if token != f"Bearer {APP_TOKEN if method == 'apps.connections.open' else BOT_TOKEN}":
            return web.json_response({"ok": False, "error": "invalid_auth" if token else "not_authed"})
        done = self._do(method, arguments)
        if done.get("error") == "ratelimited":
            return web.json_response(done, status=429, headers={"Retry-After": "1"})
        return _hang_up(request) if answer.drops == "kept" else web.json_response(done, headers=answer.headers)

    def _do(self, method: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        known: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "conversations.info": self._info,
            "conversations.open": self._open,
            "chat.getPermalink": self._permalink,
            "users.conversations": self._memberships,
            "apps.connections.open": self._ticket,
            "auth.test": lambda _: {"team": "Example", "user": "tocsin"},
        }
        try:
            return {"ok": True, **known[method](arguments)}
        except Faulty as fault:
            self.complaints.append(str(fault))
            return {"ok": False, "error": fault.code}
        except Refuses as refusal:
            return {"ok": False, "error": str(refusal)}

    def _post(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        channel = self._writable(arguments["channel"])
        check(arguments)
        thread = arguments.get("thread_ts", "")
        if thread and self._message(channel.id, thread).thread:
            raise Faulty("invalid_thread_ts", "an entry of a thread has no thread of its own")
        if self.throttles and self._too_many(channel):
            self.refusals += 1
            raise Refuses("ratelimited")
        message = self._put(
            channel,
            BOT,
            {**arguments, "parse": arguments.get("parse", "none")},
            thread=thread,
            broadcast=bool(arguments.get("reply_broadcast")),
            metadata=arguments.get("metadata", {}),
        )
        return {"channel": channel.id, "ts": message.ts, "message": self._told(message)}

    def _update(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        if arguments["channel"] not in self.channels:
            raise Refuses("channel_not_found")
        message = self._message(arguments["channel"], arguments["ts"])
        if message.user != BOT:
            raise Refuses("cant_update_message")
        check(arguments)
        message.body = {**arguments, "parse": arguments.get("parse", "client")}
        message.edits += 1
        message.metadata = arguments.get("metadata", message.metadata)
        return {"channel": message.channel, "ts": message.ts}

    def _permalink(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        message = self._message(arguments["channel"], arguments["message_ts"])
        place = f"https://example.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"
        return {"channel": message.channel, "permalink": place}

    def _history(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        channel = self._readable(arguments["channel"])
        shown = [m for m in self.messages if m.channel == channel.id and (not m.thread or m.broadcast)]
        return self._page(shown[::-1], arguments)

    def _replies(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        channel = self._readable(arguments["channel"])
        top = self._message(channel.id, arguments["ts"])
        return self._page([top, *self.thread(top.ref)], arguments)

    def _page(self, messages: list[Posted], arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        begin, limit = int(arguments.get("cursor") or 0), int(arguments["limit"])
        told = [
            self._told(message, metadata=arguments.get("include_all_metadata") == "1")
            for message in messages[begin : begin + limit]
            if not message.only_for
        ]
        cursor = str(begin + limit) if begin + limit < len(messages) else ""
        return {"messages": told, "response_metadata": {"next_cursor": cursor}}

    def _info(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        channel = self.channels.get(arguments["channel"])
        if channel is None or (channel.private and not channel.member):
            raise Refuses("channel_not_found")
        return {"channel": {"id": channel.id, "name": channel.name, "is_im": bool(channel.user), "is_mpim": False}}

    def _open(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"channel": {"id": self._find(f"@{arguments['users']}").id}}

    def _memberships(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        mine = [channel for channel in self.channels.values() if channel.member and not channel.user]
        begin, limit = int(arguments.get("cursor") or 0), int(arguments["limit"])
        cursor = str(begin + limit) if begin + limit < len(mine) else ""
        channels = [{"id": channel.id, "name": channel.name} for channel in mine[begin : begin + limit]]
        return {"channels": channels, "response_metadata": {"next_cursor": cursor}}

    # ------------------------------------------------------------------------------------------ channels and messages

    def _find(self, name: str) -> Channel:
        """By `#name`, by its id, or by whom it is with: `@U…` and `U…`."""
        user = name.removeprefix("@")
        for channel in self.channels.values():
            if name in (channel.id, f"#{channel.name}") or (channel.user and channel.user == user):
                return channel
        if not user.startswith("U0"):
            raise Refuses("channel_not_found")
        direct = Channel(id=f"D{user[1:]}", name="", user=user)
        self._add(direct)
        return direct

    def _writable(self, name: str) -> Channel:
        channel = self._find(name)
        if channel.archived:
            raise Refuses("is_archived")
        if channel.private and not channel.member:
            raise Refuses("channel_not_found")
        return channel

    def _readable(self, id: str) -> Channel:
        channel = self.channels.get(id)
        if channel is None:
            raise Refuses("channel_not_found")
        if not channel.member:
            raise Refuses("not_in_channel")
        return channel

    def _message(self, channel: str, ts: str) -> Posted:
        for message in self.messages:
            if (message.channel, message.ts) == (channel, ts) and not message.only_for:
                return message
        raise Refuses("message_not_found")

    def _put(self, channel: Channel, user: str, body: dict[str, Any], **more: Any) -> Posted:
        self._count += 1
        ts = f"{int(self.now())}.{self._count:06}"
        self.messages.append(Posted(channel=channel.id, ts=ts, user=user, body=body, **more))
        return self.messages[-1]

    def _told(self, message: Posted, *, metadata: bool = False) -> Mapping[str, Any]:
        told = {"type": "message", "user": message.user, "ts": message.ts, "text": message.body["text"]}
        if message.thread:
            told["thread_ts"] = message.thread
        if metadata and message.metadata:
            told["metadata"] = message.metadata
        return told

    def _too_many(self, channel: Channel) -> bool:
        now, times = time.monotonic(), self._posts[channel.id]
        times[:] = [*(at for at in times if at > now - 1), now]
        return len(times) > 1

    def delete(self, ref: str) -> None:
        self.messages = [message for message in self.messages if message.ref != ref]

    # -------------------------------------------------------------------------------------------------------- people

    async def say(self, place: str, text: str, *, user: str = ALICE, thread: str = "", **more: Any) -> Posted:
        """Somebody writes into a channel or, with `@U…` of themselves, to the app alone."""
        channel = self._find(place)
        said = self._put(channel, user, {"text": _typed(text)}, thread=thread.partition(":")[2])
        event = {
            "type": "message" if channel.user else "app_mention",
            "user": user,
            "text": said.body["text"],
            "ts": said.ts,
            "event_ts": said.ts,
            "channel": channel.id,
            "client_msg_id": str(uuid.uuid4()),
            "team": TEAM,
            "blocks": [{"type": "rich_text", "elements": []}],
            **({"channel_type": "im"} if channel.user else {}),
            **({"thread_ts": said.thread} if said.thread else {}),
            **more,
        }
        await self.happens(event)
        return said

    async def happens(self, event: Mapping[str, Any]) -> list[int]:
        """Something happens in Slack. Which answers the hub gave."""
        self._count += 1
        body = {
            "token": "not-to-be-trusted",
            "team_id": TEAM,
            "api_app_id": APP,
            "type": "event_callback",
            "event": event,
            "event_id": f"Ev{self._count:09}",
            "event_time": int(self.now()),
            "event_context": "4-eyJ",
            "authorizations": [
                {"enterprise_id": None, "team_id": TEAM, "user_id": BOT, "is_bot": True, "is_enterprise_install": False}
            ],
        }
        if not self.hub:
            await self._envelope("events_api", body)
            return []
        return await self._deliver(json.dumps(body).encode())

    async def command(self, text: str, *, place: str = "#ops", user: str = ALICE) -> str:
        """Somebody gives `/tocsin …`. What they are told at once."""
        channel = self._find(place)
        form = {
            "token": "not-to-be-trusted",
            "team_id": TEAM,
            "team_domain": "acme",
            "channel_id": channel.id,
            "channel_name": channel.name or "directmessage",
            "user_id": user,
            "user_name": _name(user),
            "command": "/tocsin",
            "text": _typed(text),
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "response_url": self._response_url(channel, user),
            "trigger_id": f"{self._count}.{uuid.uuid4().hex}",
        }
        return await self._answered("slash_commands", "command", form, urlencode(form).encode(), channel, user)

    async def press(self, ref: str, label: str, *, user: str = ALICE) -> str:
        """Somebody presses a button, as it is now."""
        channel, _, ts = ref.partition(":")
        message = self._message(channel, ts)
        value = message.seen.buttons[label]
        body = {
            "type": "block_actions",
            "user": {"id": user, "username": _name(user), "name": "x", "team_id": TEAM},
            "api_app_id": APP,
            "token": "not-to-be-trusted",
            "container": {
                "type": "message_attachment",
                "message_ts": ts,
                "attachment_id": 1,
                "channel_id": channel,
                "is_ephemeral": False,
            },
            "trigger_id": f"{self._count}.{uuid.uuid4().hex}",
            "team": {"id": TEAM, "domain": "acme"},
            "channel": {"id": channel, "name": self.channels[channel].name},
            "message": {"ts": ts, "text": message.body["text"]},
            "response_url": self._response_url(self.channels[channel], user),
            "actions": [
                {
                    "action_id": f"press.{list(message.seen.buttons).index(label)}",
                    "block_id": "b1",
                    "text": {"type": "plain_text", "text": label},
                    "value": value,
                    "type": "button",
                    "action_ts": message.ts,
                }
            ],
        }
        form = urlencode({"payload": json.dumps(body)}).encode()
        return await self._answered("interactive", "action", body, form, self.channels[channel], user)

    async def _answered(
        self, envelope: str, part: str, payload: Mapping[str, Any], form: bytes, channel: Channel, user: str
    ) -> str:
        if self.hub:
            status, answer = await self._post_to_hub(part, form, "application/x-www-form-urlencoded")
            if status != 200:
                return f"failed with the error {status}"
            said = json.loads(answer) if answer else None
        else:
            said = await self._envelope(envelope, payload, answers=part == "command")
        if not said:
            return ""
        check(said)
        return self._put(channel, BOT, said, only_for=user).seen.text

    def _response_url(self, channel: Channel, user: str) -> str:
        self._count += 1
        id = f"{self._count}-{uuid.uuid4().hex}"
        self._urls[id] = (channel.id, user, 0)
        return f"{self.base}/respond/{id}"

    async def respond(self, request: web.Request) -> web.Response:
        """What is posted to a response URL: five times, for thirty minutes."""
        id, body = request.match_info["id"], await request.json()
        if self.answers["respond"]:
            answer = self.answers["respond"].pop(0)
            return web.Response(status=answer.status, headers=answer.headers, text=answer.text or "")
        if id not in self._urls:
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        channel, user, used = self._urls[id]
        if used >= 5:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        self._urls[id] = (channel, user, used + 1)
        check(body)
        self._put(self.channels[channel], BOT, body, only_for=user if body["response_type"] == "ephemeral" else "")
        return web.Response(text="ok")

    # ------------------------------------------------------------------------------------------------- to the hub

    async def _deliver(self, body: bytes) -> list[int]:
        statuses: list[int] = []
        for attempt, wait in enumerate((0.0, *self.retries)):
            await asyncio.sleep(wait)
            status, _ = await self._post_to_hub("events", body, "application/json", attempt)
            statuses.append(status)
            if 200 <= status < 300:
                break
        return statuses

    async def _post_to_hub(self, part: str, body: bytes, content_type: str, attempt: int = 0) -> tuple[int, str]:
        again = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": "http_error"} if attempt else {}
        headers = {"Content-Type": content_type, **signed(body, at=int(self.now())), **again}
        limit = aiohttp.ClientTimeout(total=self.patience)
        with suppress(TimeoutError):
            async with (
                aiohttp.ClientSession(timeout=limit) as http,
                http.post(f"{self.hub}/chat/slack/{part}", data=body, headers=headers) as answer,
            ):
                return answer.status, await answer.text()
        return 0, ""

    # ---------------------------------------------------------------------------------------------------- Socket Mode

    def _ticket(self, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return {"url": f"{self.base.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={APP}"}

    async def connect(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("ticket") not in self._tickets:
            return web.Response(status=403)
        self._tickets.remove(request.query["ticket"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        self.opened += 1
        await socket.send_json({"type": "hello", "num_connections": len(self.sockets), "debug_info": {}})
        try:
            async for frame in socket:
                answer = json.loads(frame.data)
                waiting = self._waiting.get(answer["envelope_id"])
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer.get("payload"))
        finally:  # a hub that is killed says no farewell
            self.sockets.remove(socket)
        return socket

    async def _envelope(self, type: str, payload: Mapping[str, Any], *, answers: bool = False) -> Any:
        """Send it, and again where it is not acknowledged. The answer that came with the acknowledgement."""
        self._last = (type, payload)
        for attempt, wait in enumerate((0.0, *self.retries)):
            await asyncio.sleep(wait)
            with suppress(TimeoutError):
                return await self._send(type, payload, answers, attempt)
        return None

    async def again(self) -> None:
        """The last envelope once more, as happens when a connection ends."""
        await self._send(*self._last, False, 0)

    async def _send(self, type: str, payload: Mapping[str, Any], answers: bool, attempt: int) -> Any:
        id, began = str(uuid.uuid4()), time.monotonic()
        self._waiting[id] = asyncio.get_running_loop().create_future()
        envelope = {"envelope_id": id, "type": type, "payload": payload, "accepts_response_payload": answers}
        await self.sockets[-1].send_json({**envelope, "retry_attempt": attempt, "retry_reason": ""})
        async with asyncio.timeout(self.patience):
            said = await self._waiting[id]
        self.acknowledged.append(Acknowledged(envelope=id, seconds=time.monotonic() - began, payload=said))
        return said

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Say to the connections that they end soon. Slack closes them some seconds later; here, `let_go` does."""
        for socket in self.sockets:
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink"}})

    async def let_go(self, *sockets: web.WebSocketResponse) -> None:
        for socket in sockets or list(self.sockets):
            await socket.close()

    async def connected(self, times: int = 1) -> None:
        """Once so many connections were opened."""
        async with asyncio.timeout(5):
            while self.opened < times or not self.sockets:
                await asyncio.sleep(0.005)


def _name(user: str) -> str:
    return re.sub(r"\d", "", user[1:]).lower()


def _hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def signed(body: bytes, *, at: int, secret: str = SECRET) -> dict[str, str]:
    """The headers that prove what Slack posts."""
    signature = hmac.digest(secret.encode(), f"v0:{at}:".encode() + body, "sha256").hex()
    return {"X-Slack-Signature": f"v0={signature}", "X-Slack-Request-Timestamp": str(at)}


_HOST = re.compile(r"(?<![\w/@.-])(?:https?://)?([a-z][\w-]*(?:\.[a-z][\w-]*)+)(/\S*)?")


def _typed(text: str) -> str:
    """What Slack makes of what somebody types: entities, mentions, links."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    linked = _HOST.sub(lambda found: f"<http://{found[1]}{found[2] or ''}|{found[0]}>", escaped)
    return linked.replace("@tocsin", f"<@{BOT}>").replace("@bob", f"<@{BOB}>").replace("#dev", f"<#{DEV}|dev>")


@asynccontextmanager
async def slack(**settings: Any) -> AsyncIterator[Slack]:
    fake, app = Slack(**settings), web.Application(client_max_size=1 << 20)
    app.router.add_route("*", "/api/{method}", fake.call)
    app.router.add_post("/respond/{id}", fake.respond)
    app.router.add_get("/link/", fake.connect)
    async with serving(app, handler_cancellation=True) as fake.base:
        try:
            yield fake
        finally:
            await fake.let_go()


def settings(fake: Slack) -> dict[str, str]:
    """What a hub is told of it, but for the app-level token."""
    return {"BOT_TOKEN": BOT_TOKEN, "SIGNING_SECRET": SECRET, "API_URL": f"{fake.base}/api/"}
