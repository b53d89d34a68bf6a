"""The pages: rooms with their alerts, what lies undelivered or in quarantine, and the way in.

A page is whole without its script. The script only keeps it live: the server sends the same fragment that the page is
made of, as an event stream, and the script puts it where its id says. Whatever is written into a template is escaped
there, and what comes out passes through `plain` as a whole, so that no handler has to think of it.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import web

from hub.contracts import Asker, Reply, Room, RoomMessage, Via
from hub.core.alert import Alert, most_pressing
from hub.core.namesakes import told_apart
from hub.core.notification import MessageState, Post
from hub.core.oncall import Schedule
from hub.errors import Overloaded, PayloadError, TocsinError, UsageError
from hub.payload import decode_form
from hub.web.answers import Named, page_of
from hub.web.failing import BadRequest
from hub.web.gate import GateSettings, Throttle, address_of, caller, give_cookie, guarded, take_cookie, token_shown
from hub.web.showing import (
    ALERTS_LISTED,
    UNSHOWABLE,
    alert_state,
    packed,
    page_environment,
    plain,
    static_answer,
    static_files,
    threads_of,
    version_of,
)
from hub.web.site import LiveQueue, Site

AnswerT = TypeVar("AnswerT")
_Ask = Callable[[str | None, int], Awaitable[Sequence[Named]]]

CHAT = "room"
NOBODY = "operator"
"""Who speaks at an open hub without having said a name."""
LONGEST_SENTENCE = 4_000
LONGEST_NAME = 60
ABOUT_SILENCES: Mapping[str, str] = {
    "silence": "silence {}",
    "end": "unsilence {}",
    "extend": "extend {} 1h",
    "approve": "approve {}",
}
"""The sentences that the page of silences says."""
SHOWN = 100
"""Of what is listed, on one page."""
SHARED = 200
"""Events that are kept for the next who watches."""
KEPT = 100
"""Answers to what was asked of the page of silences."""
MOST_AT_ONCE = 32
"""Messages that a reader is sent in one go."""
HEARTBEAT = 15.0
STALLED = 30.0
"""Seconds that a reader may take for one write before it is let go."""

# --------------------------------------------------------------------------------------------------------- the pages


def page_routes(
    site: Site, settings: GateSettings, folders: Sequence[Path], *, heartbeat: float = HEARTBEAT
) -> list[web.RouteDef]:
    """The routes of all pages. `folders` hold `pages/`: the operator's first, the shipped one last."""
    pages = Pages(site, settings, folders, heartbeat)
    return [
        web.get("/", pages.home),
        web.get("/room/{name}", pages.room),
        web.get("/room/{name}/live", pages.live, allow_head=False),  # which would be answered without an end
        web.post("/room/{name}/say", pages.say),
        web.post("/room/{name}/press", pages.press),
        web.get("/told/{post}", pages.told),
        web.get("/silences", pages.silences),
        web.post("/silences", pages.ask_for_silence),
        web.get("/events/{id}", pages.event),
        web.get("/quarantine", pages.quarantine),
        web.post("/quarantine/{id}/replay", pages.replay_quarantined),
        web.post("/unrouted/{id}/replay", pages.replay_event),
        web.get("/dead", pages.dead),
        web.post("/dead/{id}/replay", pages.replay_delivery),
        web.get("/audit", pages.audit),
        web.get("/login", pages.login),
        web.post("/login", pages.enter),
        web.post("/logout", pages.leave),
        web.get("/static/{file}", pages.static),
    ]


class Pages:
    """What every page needs at hand."""

    def __init__(self, site: Site, settings: GateSettings, folders: Sequence[Path], heartbeat: float) -> None:
        self._site = site
        self._settings = settings
        self._heartbeat = heartbeat
        self._throttle = Throttle()
        self._static = static_files(folders)
        self._templates = page_environment(folders, self._static)
        self._templates.globals |= {"about": site.about, "zone": site.zone}
        self._events: dict[str, tuple[RoomMessage, str]] = {}
        self._answers: dict[str, Mapping[str, Any]] = {}

    # --------------------------------------------------------------------------------------------------- to be seen

    async def home(self, request: web.Request) -> web.Response:
        alerts, unsettled = self._site.alerts(), await self._site.unsettled()
        listed = [(one, self._state(one), self._told(one)) for one in most_pressing(alerts)[:ALERTS_LISTED]]
        return self._page(
            request,
            "home.html.j2",
            alerts=sorted(listed, key=lambda row: row[1] is not MessageState.OPEN),
            apart=told_apart(alert for alert, *_ in listed),
            open_alerts=len(alerts),
            turns=[self._turn(schedule) for _, schedule in sorted(self._site.schedules().items())],
            silences=self._site.silences(),
            status=await self._site.status(),
            unsettled=unsettled,
        )

    async def room(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        messages = await self._site.room_log.read(name)
        if not messages and name not in self._site.rooms():
            return self._nothing(request, f"No channel of the rules is room:{name[:80]}.")
        version, wanted = version_of(messages), request.query.get("m", "")
        if wanted and all(message.id != wanted for message in messages):  # so old that the room begins after it
            messages = [*(one for one in await self._site.room_log.thread(wanted) if one.room == name), *messages]
        return self._page(request, "room.html.j2", room=name, threads=threads_of(messages), version=version)

    async def told(self, request: web.Request) -> web.Response:
        """On to a message in its own chat, which is asked only now where it is."""
        href = await _told(self._site.permalink(request.match_info["post"]))
        if href is None:
            return self._nothing(request, "There is no such message, or not any more: what is old is forgotten.")
        return _go(href)

    async def silences(self, request: web.Request) -> web.Response:
        """With the answer to what was asked last, if it is still known."""
        answered = self._answers.get(request.query.get("answer", ""), {"words": "", "reply": None, "do": ""})
        return self._page(request, "silences.html.j2", silences=self._site.every_silence(), **answered)

    async def event(self, request: web.Request) -> web.Response:
        id, asked, complaint = request.match_info["id"], request.query.get("why_not", "").strip(), ""
        try:
            explained = await self._site.explained(id, asked)
        except UsageError as error:
            complaint, explained = str(error), await self._site.explained(id)
        if explained is None:
            return self._nothing(request, f"No event is called {id[:80]}, or not any more: what is old is forgotten.")
        reached = [(post, _href(post)) for _, post in self._site.reached(explained.posts)]
        later = [(post, href) for post, href in reached if post.channel not in {told for _, told in explained.told}]
        shown = {"explained": explained, "channels": self._site.channels(), "asked": asked, "complaint": complaint}
        shown |= {"messages": {post.channel: href for post, href in reached}, "later": later}
        return self._page(request, "event.html.j2", **shown)

    async def quarantine(self, request: web.Request) -> web.Response:
        unrouted = () if request.query.get("before") else await self._site.unrouted()
        return await self._listed(request, "quarantine.html.j2", self._site.quarantine, unrouted=unrouted)

    async def dead(self, request: web.Request) -> web.Response:
        return await self._listed(request, "dead.html.j2", self._site.dead)

    async def audit(self, request: web.Request) -> web.Response:
        return await self._listed(request, "audit.html.j2", self._site.audit)

    async def _listed(self, request: web.Request, template: str, ask: _Ask, **more: Any) -> web.Response:
        """The newest of what there is, or what is older than the one that the address names."""
        before = request.query.get("before")
        listed, older = page_of(await ask(before, SHOWN + 1), SHOWN)
        return self._page(request, template, items=listed, before=before, older=older, **more)

    async def static(self, request: web.Request) -> web.Response:
        file = self._static.get(request.match_info["file"])
        if file is None:
            raise web.HTTPNotFound
        return static_answer(request, file)

    # ---------------------------------------------------------------------------------------------------- to be live

    async def live(self, request: web.Request) -> web.StreamResponse:
        """New and edited messages, as fragments. It begins with the room's version: a page that shows another one
        missed something while it was away, and loads itself again."""
        name = await self._room(request)
        async with self._site.live(name) as queue:
            version = version_of(await self._site.room_log.read(name))
            response = guarded(
                web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
            )
            try:
                await response.prepare(request)
                await self._stream(response, version, queue, name)
            except (ConnectionResetError, TimeoutError):
                return response  # The reader is gone, or as good as gone.
            return response

    async def _stream(self, response: web.StreamResponse, version: str, queue: LiveQueue, room: str) -> None:
        await _send(response, f"retry: 2000\nevent: version\ndata: {version}\n\n")
        while True:
            try:
                async with asyncio.timeout(self._heartbeat):
                    message = await queue.get()
            except TimeoutError:
                await _send(response, "event: beat\ndata: still here\n\n")
                continue
            newest, goes_on = _waiting(queue, message)
            await _send(response, "".join(self._event_once(one, room) for one in newest))
            if not goes_on:
                await _send(response, "event: reload\ndata: reload\n\n")
                return
            await asyncio.sleep(0)  # whoever else waits for the loop has it before the next

    def _event_once(self, message: RoomMessage, room: str) -> str:
        """The event of a message; all who watch the room share what was made for the first of them."""
        made = self._events.get(message.id)
        if made is None or made[0] is not message:
            made = message, self._event(message, room)
            _keep(self._events, message.id, made, most=SHARED)
        return made[1]

    @cached_property
    def _parts(self) -> Any:
        """Macros, as the template names them."""
        return self._templates.get_template("parts.html.j2").module

    def _event(self, message: RoomMessage, room: str) -> str:
        now = self._site.now()
        part = self._parts.entry(message, room, now) if message.thread else self._parts.thread(message, (), room, now)
        body = {"id": message.id, "thread": message.thread, "loud": message.loud, "html": plain(str(part))}
        return f"event: message\nid: {message.id}\ndata: {msgspec.json.encode(body).decode()}\n\n"

    # --------------------------------------------------------------------------------------------------------- to do

    async def say(self, request: web.Request) -> web.Response:
        name, fields = await self._room(request), await _fields(request)
        text = fields.get("text", "").strip()
        if not text or len(text) > LONGEST_SENTENCE:
            raise BadRequest("say something" if not text else f"say it in at most {LONGEST_SENTENCE} characters")
        reply = await _told(
            self._site.say(
                text,
                asker=self._asker(request),
                place=_address(name),
                thread=fields.get("thread") or None,
                via=Via.CHAT,
            )
        )
        return (
            web.json_response({"reply": reply.text, "ok": reply.ok})
            if _is_json(request)
            else _go(f"/room/{quote(name)}")
        )

    async def press(self, request: web.Request) -> web.Response:
        name, fields = await self._room(request), await _fields(request)
        asking = self._site.press(fields.get("value", ""), asker=self._asker(request), place=_address(name))
        return self._answer(request, await _told(asking), back=f"/room/{quote(name)}")

    async def ask_for_silence(self, request: web.Request) -> web.Response:
        """Preview a silence, or say what was previewed. What came of it, with the words still there, is shown by the
        page that one is sent on to: to load that again asks for nothing a second time."""
        fields = await _fields(request)
        words, do, asker = fields.get("words", "").strip()[:LONGEST_SENTENCE], fields.get("do"), self._asker(request)
        if do == "preview":
            reply = await _told(self._site.preview_said(words, asker))
        elif sentence := ABOUT_SILENCES.get(do or ""):
            asking = self._site.say(sentence.format(words), asker=asker, place="", via=Via.HTTP)
            reply = await _told(asking)
        else:
            raise BadRequest(f"do is one of preview, {', '.join(ABOUT_SILENCES)}")
        # A button under a silence names it by its id, which nobody typed.
        typed = words if do in ("preview", "silence") else ""
        return _go(f"/silences?answer={self._keep_answer(words=typed, reply=reply, do=do)}")

    def _keep_answer(self, **shown: Any) -> str:  # what the template names
        """A name for it that nobody else guesses."""
        name = secrets.token_urlsafe(12)
        _keep(self._answers, name, shown, most=KEPT)
        return name

    async def replay_quarantined(self, request: web.Request) -> web.Response:
        await _fields(request)
        asking = self._site.replay_quarantined(request.match_info["id"], self._asker(request))
        return self._answer(request, Reply(text=await _told(asking)), back="/quarantine")

    async def replay_event(self, request: web.Request) -> web.Response:
        await _fields(request)
        asking = self._site.replay_event(request.match_info["id"], self._asker(request))
        return self._answer(request, Reply(text=await _told(asking)), back="/quarantine")

    async def replay_delivery(self, request: web.Request) -> web.Response:
        await _fields(request)
        asking = self._site.replay_delivery(request.match_info["id"], self._asker(request))
        return self._answer(request, Reply(text=await _told(asking)), back="/dead")

    # ---------------------------------------------------------------------------------------------------- to come in

    async def login(self, request: web.Request) -> web.Response:
        return self._login_page(request, next=request.query.get("next", "/"))

    async def enter(self, request: web.Request) -> web.Response:
        fields, now = await _fields(request), self._settings.now()
        person, onward = plain(fields.get("person", "")).strip(), fields.get("next", "/")
        address, token = address_of(request), token_shown(fields.get("token", "").strip(), self._settings)
        if wait := self._throttle.wait(address, now):
            return self._login_page(
                request, next=onward, complaint=f"Too many tries. Wait {wait} s.", status=429, wait=wait
            )
        if token is None and self._settings.api_tokens:
            self._throttle.failed(address, now)
            return self._login_page(request, next=onward, person=person, complaint="That is not the token.", status=401)
        if token is None and not self._settings.open:
            return self._login_page(request, next=onward, complaint="Set TOCSIN_API_TOKEN first.", status=401)
        if not person or len(person) > LONGEST_NAME or "\n" in person:
            return self._login_page(request, next=onward, complaint="Say your name, in one line.", status=400)
        response = _go(_within(onward))
        give_cookie(response, person, token, self._settings)
        return response

    async def leave(self, request: web.Request) -> web.Response:  # noqa: ARG002  a handler is given its request
        response = _go("/login")
        take_cookie(response, self._settings)
        return response

    def _login_page(
        self,
        request: web.Request,
        *,
        next: str,
        person: str = "",
        complaint: str = "",
        status: int = 200,
        wait: int = 0,
    ) -> web.Response:
        known = caller(request)
        page = self._render(
            "login.html.j2",
            speaker=known.person,
            people=self._site.people() if known.admitted else (),
            person=person or known.person or "",
            next=_within(next),
            complaint=complaint,
            needs_token=not self._settings.open,
            rooms=(),
        )
        headers = {"Retry-After": str(wait)} if wait else None
        return packed(request, web.Response(text=page, content_type="text/html", status=status, headers=headers))

    # ------------------------------------------------------------------------------------------------------- at hand

    def _page(self, request: web.Request, template: str, **shown: Any) -> web.Response:  # what each template names
        shown = {"rooms": self._site.rooms(), "speaker": self._speaker(request), "now": self._site.now(), **shown}
        return packed(request, web.Response(text=self._render(template, **shown), content_type="text/html"))

    def _nothing(self, request: web.Request, why: str) -> web.Response:
        """For whoever followed an old link."""
        page = self._page(request, "answer.html.j2", heading="Not found", reply=Reply(text=why, ok=False), back="/")
        page.set_status(404)
        return page

    def _render(self, template: str, **shown: Any) -> str:  # what each template names
        return plain(self._templates.get_template(template).render(**shown))

    def _answer(self, request: web.Request, reply: Reply, *, back: str) -> web.Response:
        if _is_json(request):
            return web.json_response({"reply": reply.text, "ok": reply.ok})
        heading = "Done" if reply.ok else "Not done"
        return self._page(request, "answer.html.j2", heading=heading, reply=reply, back=back)

    def _state(self, alert: Alert) -> MessageState:
        return alert_state(alert, silenced=bool(self._site.silences_over(alert)))

    def _told(self, alert: Alert) -> Sequence[tuple[str, str]]:
        """The channels in which it is talked about, each with the address of the message; our own rooms first."""
        found = [(channel, _href(post)) for channel, post in self._site.told(alert)]
        return sorted(found, key=lambda one: not one[1].startswith("/room/"))

    def _turn(self, schedule: Schedule) -> Mapping[str, Any]:  # what the template names
        now = self._site.now()
        ends = schedule.next_handover(now)
        return {
            "name": schedule.name,
            "duty": schedule.on_call(now),
            "ends": ends,
            "then": schedule.on_call(ends) if ends else None,
        }

    async def _room(self, request: web.Request) -> str:
        """Also one that the rules let go of: who was told there that it fires is told there that it is over."""
        name = request.match_info["name"]
        if name not in self._site.rooms() and not await self._site.room_log.read(name, limit=1):
            raise web.HTTPNotFound
        return name

    def _speaker(self, request: web.Request) -> str:
        return caller(request).person or NOBODY

    def _asker(self, request: web.Request) -> Asker:
        known = caller(request)
        return self._site.asker(self._speaker(request), trusted=known.trusted, token=known.token)


# ------------------------------------------------------------------------------------------------ small, for the above


def _keep(kept: dict[str, AnswerT], name: str, one: AnswerT, *, most: int) -> None:
    """Beside the others, of which the oldest go."""
    kept.pop(name, None)
    kept[name] = one
    while len(kept) > most:
        del kept[next(iter(kept))]


def _waiting(queue: LiveQueue, first: RoomMessage | None) -> tuple[list[RoomMessage], bool]:
    """What waits, up to a bound, each message as it stands last; and whether more will come."""
    newest: dict[str, RoomMessage] = {}
    message = first
    while message is not None:
        newest[message.id] = message
        if queue.empty() or len(newest) == MOST_AT_ONCE:
            return list(newest.values()), True
        message = queue.get_nowait()
    return list(newest.values()), False


def _href(post: Post) -> str:
    chat, _, name = post.channel.partition(":")
    return f"/room/{quote(name)}?m={post.ref}#m-{post.ref}" if chat == CHAT else f"/told/{post.id}"


def _address(room: str) -> str:
    return Room(chat=CHAT, name=room).address


async def _send(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(STALLED):
        await response.write(text.encode())


def _is_json(request: web.Request) -> bool:
    return request.content_type == "application/json"


async def _fields(request: web.Request) -> Mapping[str, str]:
    """What was posted: JSON by the script, a form where the script did not run (yet). Of all sorts of forms only the
    plain one is read: ours send no files."""
    body = await request.read()
    try:
        return msgspec.json.decode(body, type=dict[str, str]) if _is_json(request) else dict(decode_form(body).value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, PayloadError) as error:
        raise BadRequest(str(error)) from None


async def _told(asking: Awaitable[AnswerT]) -> AnswerT:
    """The site's answer, or what it complained of, in the shape of every error."""
    try:
        return await asking
    except Overloaded:
        raise
    except TocsinError as refused:
        body = msgspec.json.encode({"error": "refused", "detail": str(refused)}).decode()
        raise web.HTTPConflict(text=body, content_type="application/json") from refused


def _go(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})


def _within(path: str) -> str:
    """A path of ours, whatever the address bar was talked into: `//elsewhere` and `/\\elsewhere` lead away."""
    ours = (
        path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and not UNSHOWABLE.search(path)
        and path.isprintable()
    )
    return path if ours else "/"
