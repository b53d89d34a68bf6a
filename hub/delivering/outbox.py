"""Posts and lines to chats: per channel, in order, paced. It brings the version shown to the version wanted.

What is new in a chat that the hub itself keeps is written in one transaction with what caused it. All else is tried
when that is on disk, and then it is put on record what came of it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any

from hub.alerting.fallbacks import Fallbacks, broken_channels
from hub.contracts import Chat, Repeat, Room
from hub.core.delivery import Came
from hub.core.event import Report
from hub.core.notification import DeliveryState, Line
from hub.core.records import replace
from hub.delivering.attempts import Attempts
from hub.delivering.channel import Channel
from hub.delivering.items import Item, about, current_of, is_edit, keeps, owed_at, put
from hub.delivering.settling import Settling, Tried, mark_begun
from hub.errors import Overloaded
from hub.memory.draft import Draft
from hub.memory.state import State
from hub.memory.writer import Writer
from hub.saying.templates import Fault, Templates, broken
from hub.store import Changes

log = logging.getLogger("tocsin.outbox")

TOGETHER = 64
"""Messages that go out at once to a chat that keeps a repeated key one message and needs no pacing."""
IDLE = 60.0
NEVER = datetime.min.replace(tzinfo=UTC)


class Outbox:
    def __init__(
        self,
        *,
        state: State,
        writer: Writer,
        chats: Mapping[str, Chat],
        options: Callable[[str], Any],
        attempts: Attempts,
        settling: Settling,
        templates: Templates,
        report: Callable[[Draft, Report], None],
        fallbacks: Fallbacks,
        now: Callable[[], datetime],
        count: Callable[[str, str], None],
        observe: Callable[[str, float], None],
        leads: Callable[[], bool],
    ) -> None:
        self._leads = leads
        self._observe = observe
        self._listeners: list[Callable[[Tried, float], None]] = []
        self._state = state
        self._writer = writer
        self._chats = chats
        self._options = options
        self._templates = templates
        self._report = report
        self._fallbacks = fallbacks
        self._now = now
        self._count = count
        self._channels: dict[str, Channel] = {}
        self._turns: dict[str, datetime] = {}
        """Of each chat whose channels share a pace: when the next of them may speak."""
        self._along: list[Tried] = []
        """What was shown in the transaction that is under way."""
        self._tasks: asyncio.TaskGroup | None = None
        self._attempts = attempts
        self._settling = settling
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
            try:
                await asyncio.Event().wait()
            finally:
                self._tasks = None  # what is owed from now on, the next start finds

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
        """Forget what the clock of before said: until when chats asked us to wait, and since when they took nothing."""
        self._turns.clear()
        for channel in self._channels.values():
            channel.not_before = channel.in_vain_since = None
            channel.wake.set()
        if by < timedelta(0):
            await self._writer.do(self._hurry)

    def _hurry(self, draft: Draft) -> None:
        for item in self._items():
            now = current_of(draft, item)
            if now is not None and now.sending.due_at is not None and now.sending.state is DeliveryState.OWED:
                put(draft, replace(now, sending=replace(now.sending, due_at=None)))

    def listen(self, listener: Callable[[Tried, float], None]) -> None:
        """Be told of every attempt, and how many seconds it took, after what came of it is on disk."""
        self._listeners.append(listener)

    def oldest(self) -> Mapping[str, float]:
        """Seconds that the oldest owed thing of each channel has waited."""
        now, ages = self._now(), dict.fromkeys(self._channels, 0.0)
        for item in self._items():
            if item.sending.state is DeliveryState.OWED:
                age = (now - owed_at(item)).total_seconds()
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
        if self._not_before(channel) > now:
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
        if channel.queue and (turn := self._not_before(channel)) > now:
            due = [turn]
        wait = min(((at - now).total_seconds() for at in due), default=IDLE)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.001, min(wait, IDLE))):
                await channel.wake.wait()

    async def _step(self, channel: Channel) -> int:
        """Attempt what can go together now, and record what came of it. How many were attempted."""
        self._attempts.see_that_we_lead()
        await self._fall_back(channel)
        chat = self._chats.get(channel.room.chat)
        together = chat is not None and chat.traits.pace == 0 and chat.traits.repeat is Repeat.ONCE
        ready = self._ready(channel, TOGETHER if together else 1)
        if not ready:
            return 0
        self._set_up(channel)
        if chat is not None and chat.traits.pace_is_shared:
            self._turns[channel.room.chat] = self._now() + timedelta(seconds=chat.traits.pace)
        with self._on_their_way(channel, ready):
            await self._begin(chat, ready)
            began = time.perf_counter()
            tried = await self._attempts.all(chat, channel, ready)
            took = time.perf_counter() - began
            self._observe("deliver", took)
            news = self._templates.take_news()
            await self._writer.do(lambda draft: self._record(draft, channel, tried, news))
        self._tell_of(tried, took)
        if chat is not None and chat.traits.pace:
            rest = timedelta(seconds=chat.traits.pace * (2 if self._gives_way(channel, chat) else 1))
            channel.not_before = max(channel.not_before or self._now(), self._now() + rest)
        return len(tried)

    def _gives_way(self, channel: Channel, chat: Chat) -> bool:
        """Whether another channel shares its pace and may have something to say: the next turn is not this one's."""
        beside = (other for other in self._channels.values() if other.room.chat == channel.room.chat)
        return chat.traits.pace_is_shared and any(other.queue for other in beside if other is not channel)

    def _not_before(self, channel: Channel) -> datetime:
        """Until when the chat wants to be left alone, as far as this channel goes."""
        return max(channel.not_before or NEVER, self._turns.get(channel.room.chat, NEVER))

    def _tell_of(self, tried: Sequence[Tried], took: float) -> None:
        """What came of it is on disk."""
        for one in tried:
            self._count(one.item.channel, DeliveryState.SHADOW if one.shadow else one.came)
            _note(one)
            for listener in self._listeners:
                listener(one, took)

    def _record(self, draft: Draft, channel: Channel, tried: Sequence[Tried], news: Sequence[Fault]) -> None:
        self._settling.settle(draft, channel, tried)
        for fault in news:
            self._report(draft, broken(fault))

    def _set_up(self, channel: Channel) -> None:
        """As the rules set it now."""
        options = self._options(channel.room.address)
        if options is not channel.room.options:
            channel.room = replace(channel.room, options=options)

    async def _fall_back(self, channel: Channel) -> None:
        """While it takes nothing, let its fallback hear what wakes."""
        address = channel.room.address
        why = broken_channels(self._state).get(address)
        if why is None:
            return
        channel.trouble, channel.troubled_at = why, self._now()
        if not self._fallbacks.of(address):
            return
        owed = [item for _, id in sorted(channel.queue) if (item := self._item(id)) is not None]
        untold = self._fallbacks.waiting(Draft(self._state, self._now()), owed)
        if untold:
            await self._writer.do(lambda draft: self._fallbacks.tell(draft, untold, f"took nothing: {why}"))

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
        new = [item for item in ready if not item.sending.trying and not is_edit(chat, item)]
        if new:
            await self._writer.do(lambda draft: mark_begun(draft, new))

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
        return (
            self._attempts.is_kept(self._chats.get(channel.room.chat), item) and not channel.queue and not channel.busy
        )

    def _write_along(self, id: str, draft: Draft) -> None:
        item = draft.post(id) or draft.line(id)
        if item is None or item.sending.state is not DeliveryState.OWED:  # what went before it may have begun a storm
            return
        post = draft.post_of(item)
        if post is not None and post is not item and post.ref is None and post.sending.state is DeliveryState.OWED:
            return
        channel = self._channel(item.channel)
        chat = self._chats[channel.room.chat]
        assert keeps(chat)
        self._set_up(channel)
        tried = self._attempts.keep(draft, chat, channel, item)
        if news := self._templates.take_news():
            draft.on_drop(partial(self._templates.give_back, news))
        self._record(draft, channel, [tried], news)
        self._along.append(tried)


def _note(tried: Tried) -> None:
    if tried.came is Came.SHOWN:
        if log.isEnabledFor(logging.DEBUG):
            log.debug("a message was shown", extra=about(tried.item))
        return
    level = logging.WARNING if tried.came is Came.REFUSED else logging.INFO
    log.log(level, "a message was not shown: %s, %s", tried.came, tried.error, extra=about(tried.item))
