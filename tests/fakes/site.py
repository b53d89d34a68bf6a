"""A hub as the pages see it, in memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from hub.contracts import Asker, Reply, RoomMessage, Via
from hub.core.alert import Alert
from hub.core.explaining import Missed
from hub.core.notification import Line, Message, MessageKind, Post
from hub.core.oncall import Schedule
from hub.core.records import replace
from hub.core.silence import Silence
from hub.errors import TocsinError, UsageError
from hub.explain import Explained, WhyNot
from hub.store import Audit, StoredEvent, StoredRequest, Unsettled
from hub.web.answers import NamedT
from tests.fakes.room_log import MemoryRoomLog

NOW = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)


class FakeSite:
    def __init__(self, rooms: Sequence[str] = ("ops",)) -> None:
        self.moment = NOW
        self.names = list(rooms)
        self.room_log = MemoryRoomLog(NOW)
        self.open: list[Alert] = []
        self.places: list[tuple[str, Post]] = []
        self.addresses: dict[str, str] = {}
        self.duties: dict[str, Schedule] = {}
        self.quiet: list[Silence] = []
        self.held: list[StoredRequest] = []
        self.lost: list[Post | Line] = []
        self.failed: list[StoredEvent] = []
        self.said: list[Audit] = []
        self.heard: list[tuple[str, Asker, str, str | None]] = []
        self.pressed: list[tuple[str, Asker, str]] = []
        self.replayed: list[str] = []
        self.fails: TocsinError | None = None
        self.reasons: dict[str, Explained] = {}

    def now(self) -> datetime:
        return self.moment

    def rooms(self) -> Sequence[str]:
        return self.names

    def channels(self) -> Sequence[str]:
        return ["ops", "web"]

    async def explained(self, id: str, channel: str = "") -> Explained | None:
        if channel and channel not in self.channels():
            raise UsageError(f"no channel is called '{channel}'")
        found = self.reasons.get(id)
        if found is None or not channel:
            return found
        way = Missed(route="web-tier", place="routes.yaml:14", why='host is "db1", not "web*"')
        return replace(found, why_not=WhyNot(channel=channel, address=f"room:{channel}", missed=(way,)))

    def people(self) -> Sequence[str]:
        return ["alice", "bob"]

    @asynccontextmanager
    async def live(self, room: str) -> AsyncIterator[asyncio.Queue[RoomMessage | None]]:
        with self.room_log.listen(room) as queue:
            yield queue

    def close(self) -> None:
        for _, queue in self.room_log.listening:
            queue.put_nowait(None)

    def zone(self) -> str:
        return "Europe/London"

    def alerts(self) -> Sequence[Alert]:
        return self.open

    def schedules(self) -> Mapping[str, Schedule]:
        return self.duties

    def silences(self) -> Sequence[Silence]:
        return self.quiet

    async def preview_said(self, words: str, asker: Asker) -> Reply:
        return Reply(text=f"{words}, quiet for 15m, would hide 3 open alerts")

    def every_silence(self) -> Sequence[Silence]:
        return self.quiet

    def about(self, silence: Silence) -> str:
        return " ".join(f"{name}={value}" for name, value in silence.match.items())

    def told(self, alert: Alert) -> Sequence[tuple[str, Post]]:
        return self.places

    def reached(self, posts: Sequence[Post]) -> Sequence[tuple[str, Post]]:
        return [(post.channel, post) for post in posts if post.ref is not None]

    async def permalink(self, post: str) -> str | None:
        if self.fails:
            raise self.fails
        return self.addresses.get(post)

    def silences_over(self, alert: Alert) -> Sequence[Silence]:
        return [silence for silence in self.quiet if silence.match == {"host": alert.labels.get("host")}]

    async def status(self) -> Sequence[str]:
        return ["up for 3 d, rules 3f9a2c", "nothing waits to be routed"]

    async def unsettled(self) -> Unsettled:
        return Unsettled(dead=len(self.lost), quarantined=len(self.held), unrouted=len(self.failed))

    async def quarantine(self, before: str | None, limit: int) -> Sequence[StoredRequest]:
        return _behind(self.held, before, limit)

    async def dead(self, before: str | None, limit: int) -> Sequence[Post | Line]:
        return _behind(self.lost, before, limit)

    async def audit(self, before: str | None, limit: int) -> Sequence[Audit]:
        return _behind(self.said, before, limit)

    async def replay_quarantined(self, id: str, asker: Asker) -> str:
        return self._replay(id, [request.id for request in self.held])

    async def unrouted(self) -> Sequence[StoredEvent]:
        return self.failed

    async def replay_event(self, id: str, asker: Asker) -> str:
        return self._replay(id, [stored.event.id for stored in self.failed])

    async def replay_delivery(self, id: str, asker: Asker) -> str:
        return self._replay(id, [item.id for item in self.lost])

    def asker(self, person: str, *, trusted: bool, token: bool) -> Asker:
        return Asker(person=person, known=person in self.people(), trusted=trusted, token=token)

    async def say(self, text: str, *, asker: Asker, place: str, thread: str | None = None, via: Via) -> Reply:
        if self.fails:
            raise self.fails
        self.heard.append((text, asker, place, thread))
        reply = Reply(text=f"you said {text}")
        await self.writes(MessageKind.SAID, text, place, author=asker.person, thread=thread)
        await self.writes(MessageKind.REPLY, reply.text, place, thread=thread)
        return reply

    async def press(self, value: str, *, asker: Asker, place: str) -> Reply:
        self.pressed.append((value, asker, place))
        return Reply(text=f"{value.rsplit(':', 1)[-1]}: done")

    async def writes(
        self, kind: MessageKind, text: str, place: str, *, author: str = "tocsin", thread: str | None = None
    ) -> RoomMessage:
        message = Message(kind=kind, title="", text=text, author=author)
        return await self.shows(message, place.partition(":")[2], thread=thread)

    async def shows(
        self, message: Message, room: str = "ops", *, thread: str | None = None, id: str = "", loud: bool = False
    ) -> RoomMessage:
        name = id or f"n{len(self.room_log.messages) + 1}"
        at = message.at or self.moment
        told = replace(message, at=at)
        return await self.room_log.put(
            RoomMessage(id=name, room=room, thread=thread, message=told, posted_at=at, loud=loud)
        )

    def _replay(self, id: str, known: Sequence[str]) -> str:
        if id not in known:
            raise UsageError(f"nothing here is called {id}")
        self.replayed.append(id)
        return f"{id} is on its way again"


def _behind(listed: Sequence[NamedT], before: str | None, limit: int) -> Sequence[NamedT]:
    begin = 0 if before is None else next(n for n, one in enumerate(listed, 1) if one.id == before)
    return listed[begin : begin + limit]
