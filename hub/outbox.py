"""Posts and lines to chats: per channel, in order, paced. It brings the version shown to the version wanted.

What is new in a chat that the hub itself keeps is written in one transaction with what caused it. All else is tried
when that is on disk, and then it is put on record what came of it. Whether a failed attempt is tried again, and when,
is decided in `core.delivery`; this module attempts and records.
"""

import asyncio
import heapq
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import chain
from typing import Any, TypeGuard

from hub.alerting.fallbacks import Fallbacks, broken_channels
from hub.contracts import Chat, Edits, Finds, Kept, PostKey, Repeat, Room, RoomMessage
from hub.core import delivery, telling
from hub.core.alert import Alert
from hub.core.delivery import Attempt, Came, Dead, Fallback, Next, Retry, Settled, Unknown
from hub.core.event import Report, Severity, Status
from hub.core.grouping import VERSIONS
from hub.core.notification import DeliveryState, Line, Mention, Message, MessageRef, Post, Sending
from hub.core.records import Record, replace
from hub.errors import Overloaded, Refused, TocsinError, Uncertain, Unreachable
from hub.saying import Saying
from hub.state import Draft, State
from hub.store import Changes
from hub.templates import Fault, broken
from hub.wording import Wording
from hub.writer import Writer

log = logging.getLogger("tocsin.outbox")

ATTEMPT_WITHIN = 30.0
"""Seconds that a chat may take for one message."""
TOGETHER = 64
"""Messages that go out at once to a chat that keeps a repeated key one message and needs no pacing."""
IDLE = 60.0

Item = Post | Line


class Tried(Record, frozen=True, kw_only=True):
    """What one attempt came to. `version` is that of the post that was tried; 0 for a line."""

    item: Item
    came: Came
    version: int = 0
    ref: MessageRef | None = None
    gist: str = ""
    error: str = ""
    shadow: bool = False
    """Nothing was sent: its channel is a shadow."""
    retry_after: float | None = None
    kept: RoomMessage | None = None
    """What is still to be written of it, in a chat that the hub itself keeps."""


@dataclass(slots=True)
class Channel:
    """What is owed to one address, and until when its chat asked us to wait."""

    room: Room
    queue: list[tuple[int, str]] = field(default_factory=list)
    queued: set[tuple[int, str]] = field(default_factory=set)
    """What is in the queue: a post of a storm is owed anew with every event, and stands in it once."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    not_before: datetime | None = None
    busy: bool = False
    """Something is on its way."""
    trouble: str = ""
    """Why a try failed last."""
    troubled_at: datetime | None = None

    def owe(self, item: Item) -> None:
        entry = item.order, item.id
        if entry not in self.queued:
            self.queued.add(entry)
            heapq.heappush(self.queue, entry)
        self.wake.set()

    def take(self) -> tuple[int, str]:
        entry = heapq.heappop(self.queue)
        self.queued.discard(entry)
        return entry

    def put_back(self, entry: tuple[int, str]) -> None:
        self.queued.add(entry)
        heapq.heappush(self.queue, entry)


class Outbox:
    def __init__(
        self,
        *,
        state: State,
        writer: Writer,
        chats: Mapping[str, Chat],
        missing: Callable[[str], str],
        shadows: Callable[[], frozenset[str]],
        options: Callable[[str], Any],
        wording: Wording,
        report: Callable[[Draft, Report], None],
        fallbacks: Fallbacks,
        explained: Callable[[Draft, Alert], Sequence[tuple[str, str]]],
        mentioned: Callable[[Sequence[str], str, Draft], tuple[Mention, ...]],
        now: Callable[[], datetime],
        count: Callable[[str, str], None],
        observe: Callable[[str, float], None],
        redact: Callable[[str], str],
        leads: Callable[[], bool],
    ) -> None:
        self._leads = leads
        self._redact = redact
        self._observe = observe
        self._listeners: list[Callable[[Tried, float], None]] = []
        self._state = state
        self._writer = writer
        self._chats = chats
        self._missing = missing
        self._shadows = shadows
        self._options = options
        self._wording = wording
        self._report = report
        self._fallbacks = fallbacks
        self._began = now()
        self._saying = Saying(wording, explained)
        self._mentioned = mentioned
        self._now = now
        self._count = count
        self._channels: dict[str, Channel] = {}
        self._along: list[Tried] = []
        """What was shown in the transaction that is under way."""
        self._tasks: asyncio.TaskGroup | None = None
        for item in self._items():
            self._owe(item)
        writer.listen(self._note)
        writer.follow(self._what_goes_along)

    async def serve(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for channel in list(self._channels.values()):
                tasks.create_task(self._serve(channel))
            await asyncio.Event().wait()

    async def deliver_due(self) -> int:
        """Deliver all that is due now, and stop. How many attempts were made."""
        made, before = 0, -1
        while made != before:  # what one channel did may make another owe
            before = made
            for channel in list(self._channels.values()):
                while attempted := await self._step(channel):
                    made += attempted
        return made

    async def clock_was_set(self, by: timedelta) -> None:
        """Forget until when chats asked us to wait, where the clock that said so has been set back."""
        for channel in self._channels.values():
            channel.not_before = None
            channel.wake.set()
        if by < timedelta(0):
            await self._writer.do(self._hurry)

    def _hurry(self, draft: Draft) -> None:
        for item in self._items():
            current = draft.post(item.id) if isinstance(item, Post) else draft.line(item.id)
            if current is None or current.sending.due_at is None or current.sending.state is not DeliveryState.OWED:
                continue
            sending = replace(current.sending, due_at=None)
            if isinstance(current, Post):
                draft.put(posts=[replace(current, sending=sending)])
            else:
                draft.put(lines=[replace(current, sending=sending)])

    def listen(self, listener: Callable[[Tried, float], None]) -> None:
        """Be told of every attempt, and how many seconds it took, after what came of it is on disk."""
        self._listeners.append(listener)

    def oldest(self) -> Mapping[str, float]:
        """Seconds that the oldest owed thing of each channel has waited."""
        now, ages = self._now(), dict.fromkeys(self._channels, 0.0)
        for item in self._items():
            if item.sending.state is DeliveryState.OWED:
                age = (now - _owed_at(item)).total_seconds()
                ages[item.channel] = max(ages.get(item.channel, 0.0), age)
        return ages

    # ------------------------------------------------------------------------------------------------- what is owed

    def _items(self) -> Iterator[Item]:
        return chain[Item](self._state.posts.values(), self._state.lines.values())

    def _note(self, changes: Changes) -> None:
        if self._along:  # told of when all others have heard of the events that it tells of
            asyncio.get_running_loop().call_soon(self._tell_of, self._along, 0.0)
            self._along = []
        for item in chain[Item](changes.posts.values(), changes.lines.values()):
            self._owe(item)

    def _owe(self, item: Item) -> None:
        if item.sending.state is not DeliveryState.OWED:
            return
        self._channel(item.channel).owe(item)

    def _channel(self, address: str) -> Channel:
        channel = self._channels.get(address)
        if channel is None:
            chat, _, name = address.partition(":")
            channel = self._channels[address] = Channel(room=Room(chat=chat, name=name))
            if self._tasks is not None:
                self._tasks.create_task(self._serve(channel))
        return channel

    def _item(self, id: str) -> Item | None:
        return self._state.posts.get(id) or self._state.lines.get(id)

    def _ready(self, channel: Channel, most: int) -> list[Item]:
        """What can go now, in order, at most so many."""
        now = self._now()
        ready: list[Item] = []
        later: list[tuple[int, str]] = []
        if channel.not_before is not None and channel.not_before > now:
            return []
        taken: set[str] = set()
        while channel.queue and len(ready) < most:
            order, id = channel.take()
            item = self._item(id)
            if item is None or item.order != order or item.sending.state is not DeliveryState.OWED:
                continue
            due = item.sending.due_at
            if (due is not None and due > now) or (isinstance(item, Line) and self._waits_for_its_post(item, taken)):
                later.append((order, id))
            else:
                taken.add(id)
                ready.append(item)
        for entry in later:
            channel.put_back(entry)
        return ready

    def _waits_for_its_post(self, line: Line, taken: set[str]) -> bool:
        post = self._state.posts.get(line.post) if line.post else None
        if post is None:
            return False
        return post.id in taken or (post.ref is None and post.sending.state is DeliveryState.OWED)

    # ------------------------------------------------------------------------------------------------------ sending

    async def _serve(self, channel: Channel) -> None:
        while True:
            channel.wake.clear()
            try:
                attempted = await self._step(channel)
            except Overloaded as error:
                address = channel.room.address
                log.warning("deliveries to %s wait: %s", address, error, extra={"channel": address})
                await asyncio.sleep(error.retry_after)
                continue
            except Exception:
                address = channel.room.address
                log.exception("delivering to %s failed; it goes on", address, extra={"channel": address})
                await asyncio.sleep(1)
                continue
            if not attempted:
                await self._rest(channel)

    async def _rest(self, channel: Channel) -> None:
        now = self._now()
        due = [i.sending.due_at for _, id in channel.queue if (i := self._item(id)) and i.sending.due_at]
        if channel.not_before is not None and channel.not_before > now:
            due = [channel.not_before]
        wait = min(((at - now).total_seconds() for at in due), default=IDLE)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.001, min(wait, IDLE))):
                await channel.wake.wait()

    async def _step(self, channel: Channel) -> int:
        """Attempt what can go together now, and record what came of it. How many were attempted."""
        self._see_that_we_lead()
        await self._fall_back(channel)
        chat = self._chats.get(channel.room.chat)
        together = chat is not None and chat.traits.pace == 0 and chat.traits.repeat is Repeat.ONCE
        ready = self._ready(channel, TOGETHER if together else 1)
        if not ready:
            return 0
        room = self._room(channel)
        with self._on_their_way(channel, ready):
            await self._begin(chat, ready)
            began = time.perf_counter()
            tried = await self._attempt_all(chat, room, ready)
            took = time.perf_counter() - began
            self._observe("deliver", took)
            news = self._wording.templates.take_news()
            await self._writer.do(lambda draft: self._settle_all(draft, channel, tried, news))
        self._tell_of(tried, took)
        if chat is not None and chat.traits.pace:
            channel.not_before = max(
                channel.not_before or self._now(), self._now() + timedelta(seconds=chat.traits.pace)
            )
        return len(tried)

    def _tell_of(self, tried: Sequence[Tried], took: float) -> None:
        """What came of it is on disk."""
        for one in tried:
            self._count(one.item.channel, DeliveryState.SHADOW if one.shadow else one.came)
            _note(one)
            for listener in self._listeners:
                listener(one, took)

    def _room(self, channel: Channel) -> Room:
        """With what the rules set of it now."""
        options = self._options(channel.room.address)
        if options is not channel.room.options:
            channel.room = replace(channel.room, options=options)
        return channel.room

    def _see_that_we_lead(self) -> None:
        """Where this process stood still for a while, another replica may be saying it already."""
        if not self._leads():
            raise Overloaded("it is not known whether another replica leads", retry_after=1)

    async def _fall_back(self, channel: Channel) -> None:
        """While it takes nothing, let its fallback hear what wakes."""
        address = channel.room.address
        why = broken_channels(self._state).get(address)
        if why is None:
            return
        channel.trouble, channel.troubled_at = why, self._now()
        if not self._fallbacks.of(address):
            return
        owed = [(id, item) for _, id in sorted(channel.queue) if (item := self._item(id)) is not None]
        untold = [id for id, item in owed if telling.falls_back(item, self._alerts_of(item), self._now())]
        if untold:
            await self._writer.do(lambda draft: self._fallbacks.tell(draft, untold, f"took nothing: {why}"))

    def _alerts_of(self, item: Item) -> Sequence[Alert]:
        post = _post_of(self._view(), item)
        return self._state.told_of(post.group) if post is not None else ()

    def _view(self) -> Draft:
        """Memory as it is now."""
        return Draft(self._state, self._now())

    @contextmanager
    def _on_their_way(self, channel: Channel, items: Sequence[Item]) -> Iterator[None]:
        """Nobody folds into another message what may be shown already. What could not be put on record stays owed."""
        ids = {item.id for item in items}
        self._state.sending |= ids
        channel.busy = True
        try:
            yield
        except Exception:
            for item in items:
                channel.owe(item)
            raise
        finally:
            self._state.sending -= ids
            channel.busy = False

    async def _begin(self, chat: Chat | None, ready: Sequence[Item]) -> None:
        """Put on record what is about to be tried, where a second try after a crash would show it twice."""
        if chat is None or chat.traits.repeat is Repeat.ONCE:
            return
        new = [item for item in ready if not item.sending.trying and not _is_edit(chat, item)]
        if new:
            await self._writer.do(lambda draft: _mark_begun(draft, new))

    async def _attempt_all(self, chat: Chat | None, room: Room, ready: Sequence[Item]) -> Sequence[Tried]:
        draft = self._view()
        kept = {item.id: self._keep(draft, chat, room, item) for item in ready if self._is_kept(chat, item)}
        rest = [item for item in ready if item.id not in kept]
        tried = await asyncio.gather(*(self._attempt(chat, room, item) for item in rest))
        return [*kept.values(), *tried]

    # ------------------------------------------------------------------------------ in chats that the hub itself keeps

    def _what_goes_along(self, draft: Draft) -> Sequence[Callable[[Draft], None]]:
        """What a batch owes to chats that the hub itself keeps, and nothing owed before stands in front of."""
        self._along = []
        if not self._leads():
            return ()
        changed = chain[Item](draft.changes.posts.values(), draft.changes.lines.values())
        along = sorted((item.order, item.id) for item in changed if self._may_go_along(item))
        return [partial(self._write_along, id) for _, id in along]

    def _may_go_along(self, item: Item) -> bool:
        if item.sending.state is not DeliveryState.OWED or item.sending.due_at is not None:
            return False
        channel = self._channel(item.channel)
        return self._is_kept(self._chats.get(channel.room.chat), item) and not channel.queue and not channel.busy

    def _write_along(self, id: str, draft: Draft) -> None:
        item = draft.post(id) or draft.line(id)
        if item is None or item.sending.state is not DeliveryState.OWED:  # what went before it may have begun a storm
            return
        post = _post_of(draft, item)
        if post is not None and post is not item and post.ref is None and post.sending.state is DeliveryState.OWED:
            return
        channel = self._channel(item.channel)
        chat = self._chats[channel.room.chat]
        assert _keeps(chat)
        tried = self._keep(draft, chat, self._room(channel), item)
        if news := self._wording.templates.take_news():
            draft.on_drop(partial(self._wording.templates.give_back, news))
        self._settle_all(draft, channel, [tried], news)
        self._along.append(tried)

    def _is_kept(self, chat: Chat | None, item: Item) -> TypeGuard[Kept]:
        """Whether it is new, in a chat that the hub itself keeps: then it is made here, and written with the record of
        it."""
        if chat is None or not _keeps(chat) or item.sending.attempts or item.sending.trying or _is_edit(chat, item):
            return False
        return item.channel not in self._shadows()

    def _keep(self, draft: Draft, chat: Kept, room: Room, item: Item) -> Tried:
        try:
            message = self._composed(draft, chat, room, item)
            kept = chat.written(room, message, _key(item), under=_over(draft, item), loud=_loud(item))
        except Exception as error:
            log.exception("chat %s failed", room.chat, extra=_about(item))
            return _failed_in_the_chat(item, error)
        return Tried(item=item, came=Came.SHOWN, version=_version(item), ref=MessageRef(kept.id), kept=kept)

    # ---------------------------------------------------------------------------------------------------- in all others

    async def _attempt(self, chat: Chat | None, room: Room, item: Item) -> Tried:
        """Try it once. What no chat should do is as good as a refusal: the channel goes on."""
        try:
            return await self._try(chat, room, item)
        except Exception as error:
            log.exception("chat %s failed", room.chat, extra=_about(item))
            return _failed_in_the_chat(item, error)

    async def _try(self, chat: Chat | None, room: Room, item: Item) -> Tried:
        version = _version(item)
        if room.address in self._shadows():
            return Tried(item=item, came=Came.SHOWN, version=version, ref=item.ref, shadow=True)
        if chat is None:
            return Tried(item=item, came=Came.REFUSED, version=version, error=self._missing(room.chat))
        if item.sending.trying:
            # Which version it was nobody knows, so that it is edited once more if it is there.
            return await self._look(chat, room, item, 0, "the hub stopped while it was being sent")
        gist = self._saying.gist(self._view(), item) if isinstance(item, Post) and not _edits(chat) else ""
        if self._goes_without_saying(chat, item, gist):
            return Tried(item=item, came=Came.SHOWN, version=version, ref=item.ref, gist=gist)
        try:
            self._see_that_we_lead()
            async with asyncio.timeout(ATTEMPT_WITHIN):
                ref = await self._send(chat, room, item)
        except Refused as error:
            return Tried(item=item, came=Came.REFUSED, version=version, error=str(error))
        except Unreachable as error:
            return Tried(
                item=item, came=Came.UNREACHABLE, version=version, error=str(error), retry_after=error.retry_after
            )
        except (Uncertain, TimeoutError) as error:
            return await self._look(chat, room, item, version, str(error) or "no answer in time")
        except Overloaded as error:
            return Tried(item=item, came=Came.UNREACHABLE, version=version, error=str(error))
        return Tried(item=item, came=Came.SHOWN, version=version, ref=ref, gist=gist)

    def _goes_without_saying(self, chat: Chat, item: Item, gist: str) -> bool:
        """A chat that cannot edit hears of a change in a new message, or not at all."""
        if _edits(chat):
            return False
        if isinstance(item, Line):
            return telling.said_by_its_post(item)
        return item.ref is not None and item.gist == gist

    async def _send(self, chat: Chat, room: Room, item: Item) -> MessageRef:
        draft, dialect = self._view(), chat.traits.dialect
        if isinstance(item, Post) and item.ref is not None and _edits(chat):
            await chat.edit(item.ref, _noted(self._saying.post(draft, item, dialect), item.instead), _key(item))
            return item.ref
        message = self._composed(draft, chat, room, item)
        return await chat.post(room, message, _key(item), under=_over(draft, item), loud=_loud(item))

    def _composed(self, draft: Draft, chat: Chat, room: Room, item: Item) -> Message:
        """What is new, and no edit."""
        post, dialect = _post_of(draft, item), chat.traits.dialect
        if isinstance(item, Line):
            message = self._saying.line(item, dialect)
            if post is not None and not chat.traits.threads:
                message = replace(message, standing=f"about: {self._saying.post(draft, post, dialect).title}")
        else:
            message = self._saying.post(draft, item, dialect)
        message = _noted(message, item.instead, self._late(item), _perhaps(item.sending))
        if post is None or not post.pace.mention or not telling.wakes(item, message.state, edits=_edits(chat)):
            return message
        return replace(message, mentions=self._mentioned(post.pace.mention, room.chat, draft))

    def _late(self, item: Item) -> str:
        """That it comes late, and why, as far as is known."""
        since, channel = _owed_at(item), self._channel(item.channel)
        why = item.sending.error
        if not why and channel.troubled_at is not None and since <= channel.troubled_at:
            why = channel.trouble
        if not why:
            why = "the hub was not running" if since < self._began else "much else came before it"
        return delivery.lateness(since, self._now(), why)

    async def _look(self, chat: Chat, room: Room, item: Item, version: int, why: str) -> Tried:
        """Nobody knows whether it arrived: where the chat can be asked, ask it."""
        came, ref = Came.UNCERTAIN, None
        if isinstance(chat, Finds) and not _is_edit(chat, item):  # an edit is simply tried again
            try:
                async with asyncio.timeout(ATTEMPT_WITHIN):
                    ref = await chat.find(room, _key(item), under=_over(self._view(), item))
                came = Came.SHOWN if ref is not None else Came.LOST
            except (TocsinError, TimeoutError) as error:
                why = f"{why}; asked whether it is there: {error}"
        return Tried(item=item, came=came, version=version, ref=ref, error=why)

    # ---------------------------------------------------------------------------------------------------- recording

    def _settle_all(self, draft: Draft, channel: Channel, tried: Sequence[Tried], news: Sequence[Fault]) -> None:
        for one in tried:
            self._settle(draft, channel, replace(one, error=self._redact(one.error)) if one.error else one)
            if one.kept is not None:
                draft.changes.room[one.kept.id] = one.kept
        for fault in news:
            self._report(draft, broken(fault))

    def _settle(self, draft: Draft, channel: Channel, tried: Tried) -> None:
        current = draft.post(tried.item.id) if isinstance(tried.item, Post) else draft.line(tried.item.id)
        if current is None:
            return
        chat = self._chats.get(channel.room.chat)
        attempt = Attempt(
            number=current.sending.attempts + 1,
            owed_at=_owed_at(current),
            edit=chat is not None and _is_edit(chat, current),
            loud=isinstance(current, Post) or current.loud,
            repeats_safely=chat is not None and chat.traits.repeat is Repeat.ONCE,
            perhaps_again=current.sending.perhaps_again,
            failing_since=current.sending.failing_since,
        )
        jitter = random.random()  # noqa: S311 - spreads retries, hides nothing
        what = delivery.after(attempt, tried.came, draft.now, retry_after=tried.retry_after, jitter=jitter)
        if isinstance(what, Retry):
            channel.not_before = what.at
            channel.trouble, channel.troubled_at = tried.error, draft.now
        if isinstance(current, Post):
            settled = settled_post(current, tried, what, draft.now)
            if settled.shown and not current.shown:
                first_shown(draft, settled)
            draft.put(posts=[settled])
        else:
            draft.put(lines=[settled_line(current, tried, what, draft.now)])
        self._note_health(draft, channel.room.address, current.id, what, tried.error)

    def _note_health(self, draft: Draft, address: str, id: str, what: Next, error: str) -> None:
        """What follows for the channel, and for those who hear in its place."""
        match what:
            case Settled():
                self._fallbacks.mends(draft, address)
                self._report(draft, _recovered(address))
            case Fallback() if self._fallbacks.breaks(draft, address, error):
                place = self._fallbacks.of(address)
                meanwhile = f"What wakes is told in {place} meanwhile." if place else "What is owed is told later."
                self._report(draft, _failed(address, "takes nothing", f"{error}\n{meanwhile}"))
            case Dead():
                where = "It lies in the dead letters: tocsin deliveries --dead"
                self._report(draft, _failed(address, "did not take a message", f"{error}\n{where}"))
                self._fallbacks.tell(draft, [id], f"did not take it: {error}")
            case Unknown():
                self._fallbacks.tell(draft, [id], f"may not have shown it: {error}")
            case _:
                pass


def _recovered(address: str) -> Report:
    """What the hub itself says of a channel that takes something again."""
    return Report(
        status=Status.RECOVERY,
        kind="delivery",
        key=f"delivery:{address}",
        title=f"{address} takes messages again",
        labels={"channel": address},
    )


def _failed(address: str, what: str, body: str) -> Report:
    return Report(
        status=Status.PROBLEM,
        kind="delivery",
        key=f"delivery:{address}",
        title=f"{address} {what}",
        severity=Severity.ERROR,
        body=body,
        labels={"channel": address},
    )


def _post_of(draft: Draft, item: Item) -> Post | None:
    """The post that it is, or in whose thread it stands."""
    if isinstance(item, Post):
        return item
    return draft.post(item.post) if item.post else None


def _over(draft: Draft, item: Item) -> MessageRef | None:
    """In whose thread it stands; of a post, none."""
    post = _post_of(draft, item) if isinstance(item, Line) else None
    return post.ref if post else None


def first_shown(draft: Draft, post: Post) -> None:
    """From now on it is reminded of."""
    if first := post.pace.repeats_after(0):
        draft.set_timer("remind", post.id, draft.now + first)


def _key(item: Item) -> PostKey:
    """What a chat cannot edit is told again under another key: it is another message."""
    return PostKey(f"{item.id}.{item.wanted}" if isinstance(item, Post) and item.ref is not None else item.id)


def _edits(chat: Chat) -> TypeGuard[Edits]:
    return _can_edit(type(chat))


def _keeps(chat: Chat) -> TypeGuard[Kept]:
    return hasattr(chat, "written")


def _version(item: Item) -> int:
    return item.wanted if isinstance(item, Post) else 0


def _failed_in_the_chat(item: Item, error: Exception) -> Tried:
    return Tried(item=item, came=Came.REFUSED, version=_version(item), error=f"{type(error).__name__} in the chat")


def _loud(item: Item) -> bool:
    return isinstance(item, Line) and item.loud


@cache
def _can_edit(kind: type) -> bool:
    # To ask a protocol takes longer than to render a message.
    return issubclass(kind, Edits)


def _is_edit(chat: Chat, item: Item) -> bool:
    return isinstance(item, Post) and item.ref is not None and _edits(chat)


def _mark_begun(draft: Draft, items: Sequence[Item]) -> None:
    for item in items:
        current = draft.post(item.id) if isinstance(item, Post) else draft.line(item.id)
        if isinstance(current, Post):
            draft.put(posts=[replace(current, sending=replace(current.sending, trying=True))])
        elif current is not None:
            draft.put(lines=[replace(current, sending=replace(current.sending, trying=True))])


def _noted(message: Message, *notes: str) -> Message:
    """The message with what is to be said of its own delivery."""
    if not any(notes):
        return message
    said = [note for note in (message.standing, *notes) if note]
    return replace(message, standing=" · ".join(said))


def _perhaps(sending: Sending) -> str:
    """A repeat that may be the second of its kind says so."""
    return "perhaps again" if sending.perhaps_again else ""


def settled_line(item: Line, tried: Tried, what: Next, now: datetime) -> Line:
    return replace(item, sending=_sending(item.sending, tried, what, now), ref=tried.ref or item.ref)


def settled_post(post: Post, tried: Tried, what: Next, now: datetime) -> Post:
    """The post after an attempt. If more was wanted meanwhile it stays owed."""
    sending = _sending(post.sending, tried, what, now)
    shown = tried.version if isinstance(what, Settled) else post.shown
    if isinstance(what, Settled) and post.wanted > tried.version and isinstance(tried.item, Post):
        sending = telling.still_owed(post, tried.item, now)
    return replace(
        post,
        sending=sending,
        shown=shown,
        ref=tried.ref or post.ref,
        shown_at=now if isinstance(what, Settled) else post.shown_at,
        gist=tried.gist or post.gist,
        shown_versions=((tried.version, now), *post.shown_versions)[:VERSIONS]
        if isinstance(what, Settled) and post.pace.group_by
        else post.shown_versions,
    )


def _sending(sending: Sending, tried: Tried, what: Next, now: datetime) -> Sending:
    attempts = sending.attempts + 1
    match what:
        case Settled():
            state = DeliveryState.SHADOW if tried.shadow else DeliveryState.SENT
            return Sending(state=state, attempts=attempts)
        case Retry(at=at, perhaps_again=again):
            again = again or sending.perhaps_again
            return Sending(
                state=DeliveryState.OWED,
                attempts=attempts,
                error=tried.error,
                due_at=at,
                since=sending.since,
                failing_since=sending.failing_since or now,
                perhaps_again=again,
            )
        case Dead():
            return Sending(state=DeliveryState.DEAD, attempts=attempts, error=tried.error)
        case Unknown():
            return Sending(state=DeliveryState.UNKNOWN, attempts=attempts, error=tried.error)


def _about(item: Item) -> Mapping[str, str]:
    about = {"channel": item.channel, "delivery_id": item.id}
    return about | ({"alert_id": item.group} if isinstance(item, Post) else {"event_id": item.event})


def _note(tried: Tried) -> None:
    if tried.came is Came.SHOWN:
        if log.isEnabledFor(logging.DEBUG):
            log.debug("a message was shown", extra=_about(tried.item))
        return
    level = logging.WARNING if tried.came is Came.REFUSED else logging.INFO
    log.log(level, "a message was not shown: %s, %s", tried.came, tried.error, extra=_about(tried.item))


def _owed_at(item: Item) -> datetime:
    return item.sending.since or item.created_at
