"""What people say and press in chats: who it was, where, about which post. The same door as everything else, once."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.actions import HubActions, pressed
from hub.contracts import Chat, Heard, Locates, Replies, Reply, Utterance, Via
from hub.core.notification import Post
from hub.core.rules import Rules
from hub.errors import DeliveryError, Unreachable
from hub.state import State
from hub.store import Store

log = logging.getLogger("tocsin.hearing")

TRIES = 4
"""To say something back; it is an answer to somebody who looks, and worth nothing later."""
FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
LOCATED_WITHIN = 1.0
"""Seconds to find out what a place is called, within the three that a chat waits."""

STRANGE_BUTTON = Reply(text="that button is of a message that is not known here", ok=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """What a button's value `<post>:<version>:<verb>` says."""

    post: Post
    version: int
    verb: str


class Threads:
    """Posts by what people click and answer: also those older than what memory holds."""

    def __init__(self, state: State, store: Store) -> None:
        self._state = state
        self._store = store

    async def button(self, value: str) -> Pressed | None:
        """What was pressed, and its alert in memory. None if no such message is known."""
        id, _, rest = value.partition(":")
        version, _, verb = rest.partition(":")
        post = self._state.posts.get(id) or await self._store.post(id)
        if post is None or not version.isdecimal():
            return None
        await self.recall(post)
        return Pressed(post=post, version=int(version), verb=verb)

    async def of(self, place: str, ref: str) -> Post | None:
        """The post that the chat calls `ref`, and its alert in memory."""
        post = await self._store.post_shown_as(place.partition(":")[0], ref)
        if post is not None:
            await self.recall(post)
        return post

    async def recall(self, post: Post) -> None:
        """Bring the alert of a post back into memory, if it was let go of."""
        alert = self._state.alerts.get(post.group) or await self._store.alert(post.group)
        if alert is not None:
            self._state.remember([alert], [post])


class Hearing:
    def __init__(
        self,
        *,
        actions: HubActions,
        threads: Threads,
        chats: Mapping[str, Chat],
        rules: Callable[[], Rules],
        now: Callable[[], datetime],
    ) -> None:
        self._actions = actions
        self._threads = threads
        self._chats = chats
        self._rules = rules
        self._now = now

    async def hear(self, chat: str, utterance: Utterance) -> Reply | None:
        """Perform what was said, on record. None: the chat said it before. Raises Overloaded: nothing was done."""
        delivery = (f"chat/{chat}", utterance.id)
        place = await self._place(chat, utterance)
        heard = Heard(
            text=utterance.text,
            asker=self._actions.asker_of(f"{chat}:{utterance.user}", utterance.user_name),
            place=place,
            via=Via.BUTTON if utterance.button else Via.CHAT,
            heard_at=self._now(),
        )
        if not utterance.button:
            post = await self._threads.of(place, utterance.message) if utterance.message else None
            return await self._actions.perform_once(_about(heard, post), delivery)
        button = await self._threads.button(utterance.button)
        if button is None or button.post.channel.partition(":")[0] != chat:
            return STRANGE_BUTTON
        sentence = pressed(button.verb)
        if isinstance(sentence, Reply):
            return sentence
        return await self._actions.perform_once(_about(heard, button.post, sentence, button.version), delivery)

    async def say_back(self, chat: str, utterance: Utterance, reply: Reply) -> None:
        """Say a reply in the chat itself, where its request could not be answered with it."""
        mouth, wait = self._chats.get(chat), FIRST_WAIT
        if not isinstance(mouth, Replies):
            return
        for attempt in range(1, TRIES + 1):
            try:
                await mouth.reply(utterance, reply)
            except Unreachable as error:
                if attempt == TRIES:
                    log.warning("a reply to %s could not be said: %s", chat, error)
                    return
                await asyncio.sleep(min(LONGEST_WAIT, max(wait, error.retry_after or 0)))
                wait *= 2
            except DeliveryError as error:
                log.warning("a reply to %s could not be said: %s", chat, error)
                return
            else:
                return

    async def _place(self, chat: str, utterance: Utterance) -> str:
        """The address of where it was said, as the rules have it if they speak of it."""
        known = self._rules().channels.values()
        address = f"{chat}:{utterance.room}"
        ears = self._chats.get(chat)
        if address in known or not isinstance(ears, Locates):
            return address
        try:
            async with asyncio.timeout(LOCATED_WITHIN):
                return f"{chat}:{await ears.locate(utterance.room)}"
        except (TimeoutError, DeliveryError):
            return address


def _about(heard: Heard, post: Post | None, sentence: str | None = None, version: int | None = None) -> Heard:
    return Heard(
        text=heard.text if sentence is None else sentence,
        asker=heard.asker,
        place=heard.place,
        via=heard.via,
        post=post.id if post else None,
        version=version,
        heard_at=heard.heard_at,
    )
