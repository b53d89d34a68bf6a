"""What the pages and the API need of the hub, behind one front: it answers questions and passes requests on."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

from hub import failures, ids
from hub.commands.phrases import say_silenced
from hub.commands.subjects import alert_of
from hub.contracts import Actions, Asker, Chat, Drilled, Heard, Match, Permalinks, Reply, RoomMessage, Via
from hub.core.alert import Alert
from hub.core.durations import parse_duration
from hub.core.effect import Effect
from hub.core.event import Report
from hub.core.notification import DeliveryState, Line, Message, MessageKind, Post, PostId, Sending
from hub.core.oncall import Schedule
from hub.core.records import replace
from hub.core.rules import Rules
from hub.core.silence import Silence
from hub.delivering.items import Item, current_of, put
from hub.errors import TocsinError, UsageError
from hub.explain import Explained, Explainer
from hub.hearing.askers import Askers
from hub.hearing.performing import Performing
from hub.hearing.utterances import STRANGE_BUTTON, Threads
from hub.ingest import Ingest
from hub.memory.draft import Draft
from hub.memory.state import State
from hub.memory.writer import Writer
from hub.prose import say_count
from hub.rooms import StoredRoomLog
from hub.store import Audit, Store, StoredEvent, StoredRequest, Unsettled


class NotThere(TocsinError):
    """What should be replayed is not there, or not any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a request over HTTP: the words, and the status that says the same."""

    ok: bool
    text: str
    status: int = 200
    silence: Silence | None = None
    effect: Effect | None = None


class Operations:
    """Satisfies `hub.web.site.Site`."""

    def __init__(
        self,
        *,
        store: Store,
        state: State,
        writer: Writer,
        threads: Threads,
        ingest: Ingest,
        actions: Actions,
        performing: Performing,
        askers: Askers,
        explainer: Explainer,
        room_log: StoredRoomLog,
        rules: Callable[[], Rules],
        chats: Mapping[str, Chat],
        status: Callable[[], Awaitable[Sequence[str]]],
        report: Callable[[Draft, Report], None],
        now: Callable[[], datetime],
        redact: Callable[[str], str],
    ) -> None:
        self._redact = redact
        self.store = store
        self.ingest = ingest
        self.actions = actions
        self.performing = performing
        self.askers = askers
        self.explainer = explainer
        self.rules = rules
        self._state = state
        self._writer = writer
        self._threads = threads
        self._room_log = room_log
        self._chats = chats
        self._status = status
        self._report = report
        self._now = now
        self._replays = asyncio.Lock()
        """Held from the look whether something may be replayed until it is: who presses twice replays once."""

    @property
    def room_log(self) -> StoredRoomLog:
        return self._room_log

    def now(self) -> datetime:
        return self._now()

    def rooms(self) -> Sequence[str]:
        addresses = sorted(set(self.rules().channels.values()))
        return [address.removeprefix("room:") for address in addresses if address.startswith("room:")]

    def people(self) -> Sequence[str]:
        return sorted(self.rules().people)

    def live(self, room: str) -> "AbstractAsyncContextManager[asyncio.Queue[RoomMessage | None]]":
        return self._room_log.live(room)

    def alerts(self) -> Sequence[Alert]:
        return self.actions.alerts()

    def schedules(self) -> Mapping[str, Schedule]:
        return self.actions.schedules()

    def silences(self) -> Sequence[Silence]:
        return [*self.actions.waiting(), *self.actions.silences()]

    def zone(self) -> str:
        return str(self.actions.here().tzinfo)

    def every_silence(self) -> Sequence[Silence]:
        return [*self.silences(), *self.actions.scheduled()]

    def about(self, silence: Silence) -> str:
        return say_silenced(silence.match, alert_of(silence, self.actions))

    def told(self, alert: Alert) -> Sequence[tuple[str, Post]]:
        return self.reached(self._state.posts_about(alert))

    def reached(self, posts: Sequence[Post]) -> Sequence[tuple[str, Post]]:
        names = {address: name for name, address in self.rules().channels.items()}
        found = [post for post in posts if post.ref is not None and self._is_found(post)]
        return [(names.get(post.channel, post.channel), post) for post in found]

    def _is_found(self, post: Post) -> bool:
        chat = post.channel.partition(":")[0]
        return chat == "room" or isinstance(self._chats.get(chat), Permalinks)

    async def permalink(self, post: str) -> str | None:
        found = self._state.posts.get(PostId(post)) or await self.store.post(post)
        chat = self._chats.get(found.channel.partition(":")[0]) if found is not None else None
        if found is None or found.ref is None or not isinstance(chat, Permalinks):
            return None
        return await chat.permalink(found.ref)

    def silences_over(self, alert: Alert) -> Sequence[Silence]:
        if not alert.open:
            return ()
        return self._state.covering(alert, self._state.active_silences(self._now()))

    async def status(self) -> Sequence[str]:
        return await self._status()

    def asker(self, person: str, *, trusted: bool, token: bool) -> Asker:
        return self.askers.named(person, trusted=trusted, token=token)

    async def explained(self, id: str, channel: str = "") -> Explained | None:
        return await self.explainer.explain(id, channel)

    def channels(self) -> Sequence[str]:
        return [*self.rules().channels]

    # ------------------------------------------------------------------------------------------------------- talking

    async def say(
        self, text: str, *, asker: Asker, place: str, thread: str | None = None, via: Via = Via.CHAT
    ) -> Reply:
        """Hear a sentence. In a room it is written down with the reply, so that all who look see both."""
        text = self._redact(text)
        heard = Heard(text=text, asker=asker, place=place, via=via, back=place, heard_at=self._now())
        if not place.startswith("room:"):
            return await self.performing.perform(replace(heard, aside=True))
        head = await self._head(thread) if thread else None
        post = await self._threads.of(place, head) if head else None
        said = await self._write(place, head, MessageKind.SAID, text[:2_000], asker.person)
        reply = await self.performing.perform(replace(heard, post=post.id if post else None))
        await self._write(place, head or said, MessageKind.REPLY, reply.text, "tocsin", reply.proposals)
        return reply

    async def press(self, value: str, *, asker: Asker, place: str) -> Reply:
        """A button in a room."""
        button = await self._threads.button(value, lambda address: address == place)
        if button is None:
            return STRANGE_BUTTON
        heard = Heard(
            text=button.sentence,
            asker=asker,
            place=place,
            via=Via.BUTTON,
            post=button.post.id if button.post else None,
            version=button.version,
            back=place,
            heard_at=self._now(),
        )
        reply = await self.performing.perform(heard)
        if place.startswith("room:") and not (button.post and button.post.ref is None):
            said = f"{asker.person}: {button.verb} – {reply.text}"
            under = button.post.ref if button.post else None
            await self._write(place, under, MessageKind.REPLY, said, "tocsin", reply.proposals)
        return reply

    async def _head(self, thread: str) -> str | None:
        entries = await self._room_log.thread(thread)
        return entries[0].id if entries else None

    async def _write(
        self,
        place: str,
        thread: str | None,
        kind: MessageKind,
        text: str,
        author: str,
        proposals: tuple[str, ...] = (),
    ) -> str:
        title, _, more = text.partition("\n")
        now = self._now()
        message = Message(kind=kind, title=title, text=more, author=author, at=now, proposals=proposals)
        entry = RoomMessage(
            id=ids.new_id(), room=place.removeprefix("room:"), thread=thread, message=message, posted_at=now
        )
        await self._room_log.put(entry)
        return entry.id

    # ------------------------------------------------------------------------------------------------------ silences

    async def silence(self, match: Match, length: str, because: str, asker: Asker) -> Done:
        """A silence over HTTP goes through the same door as one in chat."""
        try:
            seconds = parse_duration(length).total_seconds()
        except ValueError as error:
            return Done(ok=False, text=f"for: {error}", status=400)
        heard = Heard(
            text=f"POST silence {match} for {length}", asker=asker, place="", via=Via.HTTP, heard_at=self._now()
        )
        made = await self.performing.silence_by_match(match, seconds, because, heard)
        if isinstance(made, Reply):
            return Done(ok=False, text=made.text, status=400 if made.ok else 403)
        return Done(ok=True, text="", status=202 if made.silence.waiting else 201, silence=made.silence)

    async def about_silence(self, id: str, sentence: str, asker: Asker) -> Done:
        """Say something of a silence, such as `extend {} 1h`, with its id; gives it as it is then."""
        if id not in self._state.silences:
            planned = any(id == silence.id for silence in self.actions.scheduled())
            text = (
                f"silence '{id}' has not begun; take it out of the rules"
                if planned
                else f"there is no silence '{id[:40]}'"
            )
            return Done(ok=False, text=text, status=404)
        text = sentence.format(id)
        heard = Heard(text=text, asker=asker, place="", via=Via.HTTP, heard_at=self._now())
        reply = await self.performing.perform(heard)
        return Done(ok=reply.ok, text=reply.text, status=200 if reply.ok else 403, silence=self._state.silences.get(id))

    async def preview(self, match: Match) -> Done:
        """What a silence would hide. Reading needs no right beyond that of whoever is let in."""
        try:
            return Done(ok=True, text="", effect=await self.actions.preview(match))
        except UsageError as error:
            return Done(ok=False, text=str(error), status=400)

    async def preview_said(self, words: str, asker: Asker) -> Reply:
        """The same for what would be said behind `silence`, in words."""
        text = f"preview silence {words}"
        return await self.performing.read(Heard(text=text, asker=asker, place="", via=Via.HTTP, heard_at=self._now()))

    async def drill(self, channel: str, asker: Asker) -> Sequence[Drilled] | Done:
        """A drill over HTTP goes through the same door as one in chat."""
        heard = Heard(text=f"drill {channel}".strip(), asker=asker, place="", via=Via.HTTP, heard_at=self._now())
        try:
            tried = await self.performing.drill_in(channel, heard)
        except UsageError as error:
            return Done(ok=False, text=f"in: {error}", status=400)
        return Done(ok=False, text=tried.text, status=403) if isinstance(tried, Reply) else tried

    async def unsilence(self, id: str, asker: Asker) -> Done:
        done = await self.about_silence(id, "unsilence {}", asker)
        return replace(done, status=204) if done.ok else done

    # ------------------------------------------------------------------------------------------------------- replays

    async def unsettled(self) -> Unsettled:
        return await self.store.unsettled()

    async def quarantine(self, before: str | None, limit: int) -> Sequence[StoredRequest]:
        return await self.store.quarantine(before=before, limit=limit)

    async def dead(self, before: str | None, limit: int) -> Sequence[Post | Line]:
        return await self.store.deliveries(state="dead", before=before, limit=limit)

    async def audit(self, before: str | None, limit: int) -> Sequence[Audit]:
        return await self.store.audit(before=before, limit=limit)

    async def unrouted(self) -> Sequence[StoredEvent]:
        return await self.store.failed_events()

    async def replay_quarantined(self, id: str, asker: Asker) -> str:
        """Read it again with the parser and rules of now. Raises NotThere, Malformed or Unsupported."""
        await self.performing.note(f"replay {id}", asker, self._now())
        async with self._replays:
            accepted = await self.ingest.replay(id)
        if accepted is None:
            raise NotThere(f"there is no quarantined request '{id[:80]}'")
        events = len(accepted.events)
        rest = f"; {len(accepted.missing)} more of its entries not yet" if accepted.missing else ""
        return accepted.ignored or f"understood now: {say_count(events, 'event')}{rest}"

    async def replay_delivery(self, id: str, asker: Asker) -> str:
        """Owe a dead or unknown delivery anew. Raises NotThere."""
        await self.performing.note(f"replay {id}", asker, self._now())
        async with self._replays:
            item: Item | None = await self.store.post(id) or await self.store.line(id)
            if item is None or item.sending.state not in (DeliveryState.DEAD, DeliveryState.UNKNOWN):
                raise NotThere(f"there is no dead delivery '{id[:80]}'")
            post = item if isinstance(item, Post) else await self.store.post(item.post) if item.post else None
            if post is not None:
                await self._threads.recall(post)
            await self._writer.do(lambda draft: _owe_anew(draft, item))
        return "it is owed again"

    async def replay_event(self, id: str, asker: Asker) -> str:
        """Route an event that a failing rule left unrouted. Raises NotThere."""
        await self.performing.note(f"replay {id}", asker, self._now())
        async with self._replays:
            stored = await self.store.event(id)
            if stored is None or stored.decision is not None:
                raise NotThere(f"there is no unrouted event '{id[:80]}'")
            routed = await self.ingest.route_again(stored)
        if not await self.unrouted():
            await self._writer.do(lambda draft: self._report(draft, failures.all_routed()))
        return "it fails again" if routed.failure else "it is routed"


def _owe_anew(draft: Draft, item: Item) -> None:
    now = current_of(draft, item) or item  # it may have changed since it was read; or memory has let go of it
    owed = Sending(state=DeliveryState.OWED, since=draft.now)  # however old it is, it has a day to be shown
    put(draft, replace(now, order=draft.pen.next_order(), sending=owed))
