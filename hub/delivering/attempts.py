"""One attempt to show a post or line in its chat: what it says there now, and what came of saying it. Nothing is put on
record here."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeGuard

from hub.contracts import Chat, Finds, Kept
from hub.core import delivery, telling
from hub.core.delivery import Came
from hub.core.notification import Line, Mention, Message, MessageRef, Post, Sending
from hub.core.records import replace
from hub.delivering.channel import Channel
from hub.delivering.items import Item, about, edits, is_edit, is_loud, keeps, key_of, over, owed_at, version_of
from hub.delivering.settling import Tried
from hub.errors import Overloaded, Refused, TocsinError, Uncertain, Unreachable
from hub.memory.draft import Draft
from hub.memory.state import State
from hub.saying.posts import Saying

log = logging.getLogger("tocsin.outbox")

WITHIN = 30.0
"""Seconds that a chat may take for one message."""


class Attempts:
    def __init__(
        self,
        *,
        state: State,
        saying: Saying,
        mentioned: Callable[[Sequence[str], str, Draft], tuple[Mention, ...]],
        missing: Callable[[str], str],
        shadows: Callable[[], frozenset[str]],
        leads: Callable[[], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._state = state
        self._saying = saying
        self._mentioned = mentioned
        self._missing = missing
        self._shadows = shadows
        self._leads = leads
        self._now = now
        self._began = now()

    def _view(self) -> Draft:
        """Memory as it is now."""
        return Draft(self._state, self._now())

    def see_that_we_lead(self) -> None:
        """Where this process stood still for a while, another replica may be saying it already."""
        if not self._leads():
            raise Overloaded("it is not known whether another replica leads", retry_after=1)

    async def all(self, chat: Chat | None, channel: Channel, ready: Sequence[Item]) -> Sequence[Tried]:
        draft = self._view()
        kept = {item.id: self.keep(draft, chat, channel, item) for item in ready if self.is_kept(chat, item)}
        rest = [item for item in ready if item.id not in kept]
        tried = await asyncio.gather(*(self._attempt(chat, channel, item) for item in rest))
        return [*kept.values(), *tried]

    # ------------------------------------------------------------------------------ in chats that the hub itself keeps

    def is_kept(self, chat: Chat | None, item: Item) -> TypeGuard[Kept]:
        """Whether it is new, in a chat that the hub itself keeps: then it is made here, and written with the record of
        it."""
        if chat is None or not keeps(chat) or item.sending.attempts or item.sending.trying or is_edit(chat, item):
            return False
        return item.channel not in self._shadows()

    def keep(self, draft: Draft, chat: Kept, channel: Channel, item: Item) -> Tried:
        try:
            message = self._composed(draft, chat, channel, item)
            kept = chat.written(channel.room, message, key_of(item), under=over(draft, item), loud=is_loud(item))
        except Exception as error:
            log.exception("chat %s failed", channel.room.chat, extra=about(item))
            return _failed_in_the_chat(item, error)
        return Tried(item=item, came=Came.SHOWN, version=version_of(item), ref=MessageRef(kept.id), kept=kept)

    # ---------------------------------------------------------------------------------------------------- in all others

    async def _attempt(self, chat: Chat | None, channel: Channel, item: Item) -> Tried:
        """Try it once. What no chat should do is as good as a refusal: the channel goes on."""
        try:
            return await self._try(chat, channel, item)
        except Exception as error:
            log.exception("chat %s failed", channel.room.chat, extra=about(item))
            return _failed_in_the_chat(item, error)

    async def _try(self, chat: Chat | None, channel: Channel, item: Item) -> Tried:
        version, room = version_of(item), channel.room
        if room.address in self._shadows():
            return Tried(item=item, came=Came.SHOWN, version=version, ref=item.ref, shadow=True)
        if chat is None:
            return Tried(item=item, came=Came.REFUSED, version=version, error=self._missing(room.chat))
        if item.sending.trying:
            # Which version it was nobody knows, so that it is edited once more if it is there.
            return await self._look(chat, channel, item, 0, "the hub stopped while it was being sent")
        gist = self._saying.gist(self._view(), item) if isinstance(item, Post) and not edits(chat) else ""
        if _goes_without_saying(chat, item, gist):
            return Tried(item=item, came=Came.SHOWN, version=version, ref=item.ref, gist=gist, unsaid=True)
        try:
            self.see_that_we_lead()
            async with asyncio.timeout(WITHIN):
                ref = await self._send(chat, channel, item)
        except Refused as error:
            return Tried(item=item, came=Came.REFUSED, version=version, error=str(error))
        except Unreachable as error:
            return Tried(
                item=item, came=Came.UNREACHABLE, version=version, error=str(error), retry_after=error.retry_after
            )
        except (Uncertain, TimeoutError) as error:
            return await self._look(chat, channel, item, version, str(error) or "no answer in time")
        except Overloaded as error:
            return Tried(item=item, came=Came.UNREACHABLE, version=version, error=str(error))
        return Tried(item=item, came=Came.SHOWN, version=version, ref=ref, gist=gist)

    async def _send(self, chat: Chat, channel: Channel, item: Item) -> MessageRef:
        draft, dialect = self._view(), chat.traits.dialect
        if isinstance(item, Post) and item.ref is not None and edits(chat):
            await chat.edit(item.ref, _noted(self._saying.post(draft, item, dialect), item.instead), key_of(item))
            return item.ref
        message = self._composed(draft, chat, channel, item)
        return await chat.post(channel.room, message, key_of(item), under=over(draft, item), loud=is_loud(item))

    async def _look(self, chat: Chat, channel: Channel, item: Item, version: int, why: str) -> Tried:
        """Nobody knows whether it arrived: where the chat can be asked, ask it."""
        came, ref = Came.UNCERTAIN, None
        if isinstance(chat, Finds) and not is_edit(chat, item):  # an edit is simply tried again
            try:
                async with asyncio.timeout(WITHIN):
                    ref = await chat.find(channel.room, key_of(item), under=over(self._view(), item))
                came = Came.SHOWN if ref is not None else Came.LOST
            except (TocsinError, TimeoutError) as error:
                why = f"{why}; asked whether it is there: {error}"
        return Tried(item=item, came=came, version=version, ref=ref, error=why)

    # ------------------------------------------------------------------------------------------------------- its words

    def _composed(self, draft: Draft, chat: Chat, channel: Channel, item: Item) -> Message:
        """What is new, and no edit."""
        post, dialect = draft.post_of(item), chat.traits.dialect
        if isinstance(item, Line):
            message = self._saying.line(item, dialect)
            if post is not None and not chat.traits.threads:
                message = replace(message, standing=f"about: {self._saying.post(draft, post, dialect).title}")
        else:
            message = self._saying.post(draft, item, dialect)
        message = _noted(message, item.instead, self._late(channel, item), _perhaps(item.sending))
        if post is None or not post.pace.mention or not telling.wakes(item, message.state, edits=edits(chat)):
            return message
        return replace(message, mentions=self._mentioned(post.pace.mention, channel.room.chat, draft))

    def _late(self, channel: Channel, item: Item) -> str:
        """That it comes late, and why, as far as is known."""
        since, why = owed_at(item), item.sending.error
        if not why and channel.troubled_at is not None and since <= channel.troubled_at:
            why = channel.trouble
        if not why:
            why = "the hub was not running" if since < self._began else "much else came before it"
        return delivery.lateness(since, self._now(), why)


def _goes_without_saying(chat: Chat, item: Item, gist: str) -> bool:
    """A chat that cannot edit hears of a change in a new message, or not at all."""
    if edits(chat):
        return False
    if isinstance(item, Line):
        return telling.said_by_its_post(item)
    return item.ref is not None and item.gist == gist


def _noted(message: Message, *notes: str) -> Message:
    """The message with what is to be said of its own delivery."""
    if not any(notes):
        return message
    said = [note for note in (message.standing, *notes) if note]
    return replace(message, standing=" · ".join(said))


def _perhaps(sending: Sending) -> str:
    """A repeat that may be the second of its kind says so."""
    return "perhaps again" if sending.perhaps_again else ""


def _failed_in_the_chat(item: Item, error: Exception) -> Tried:
    return Tried(item=item, came=Came.REFUSED, version=version_of(item), error=f"{type(error).__name__} in the chat")
