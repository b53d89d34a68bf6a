"""What people say and press in chats: who it was, where, about which post. The same door as everything else, once."""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.contracts import Asker, Chat, Heard, Locates, Replies, Reply, Utterance, Via
from hub.core.notification import Post
from hub.core.records import replace
from hub.core.rules import Rules
from hub.errors import DeliveryError, Unreachable
from hub.hearing.askers import Askers
from hub.hearing.performing import Performing
from hub.memory.state import State
from hub.saying.wording import ABOUT_SILENCES, SENTENCES
from hub.store import Store

log = logging.getLogger("tocsin.hearing")

TRIES = 4
"""To say something back; it is an answer to somebody who looks, and worth nothing later."""
FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
LOCATED_WITHIN = 1.0
"""Seconds to find out what a place is called, within the three that a chat waits."""

OF_SILENCE = "silence/"
"""How the value of a button of a silence begins."""
_NUMBER = re.compile(r"[0-9]{1,9}")

STRANGE_BUTTON = Reply(text="that button is of a message that is not known here", ok=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """What a button's value says."""

    verb: str
    sentence: str
    version: int
    post: Post | None
    """In whose thread it is said; None: in the channel."""


class Threads:
    """Posts by what people click and answer: also those older than what memory holds."""

    def __init__(self, state: State, store: Store) -> None:
        self._state = state
        self._store = store

    async def button(self, value: str, here: Callable[[str], bool]) -> Pressed | None:
        """What was pressed, and its alert in memory. None if no such message or button is known at an address that is
        here."""
        id, _, rest = value.partition(":")
        version, _, verb = rest.partition(":")
        if not _NUMBER.fullmatch(version):
            return None
        if id.startswith(OF_SILENCE):
            return await self._of_silence(id.removeprefix(OF_SILENCE), int(version), verb, here)
        post = self._state.posts.get(id) or await self._store.post(id)
        if post is None or verb not in SENTENCES or not here(post.channel):
            return None
        await self.recall(post)
        return Pressed(verb=verb, sentence=SENTENCES[verb], version=int(version), post=post)

    async def _of_silence(self, id: str, version: int, verb: str, here: Callable[[str], bool]) -> Pressed | None:
        """A button under what a silence announced or, if it is about one alert, in a thread of that alert."""
        silence = self._state.silences.get(id) or await self._store.silence(id)
        if silence is None or verb not in ABOUT_SILENCES:
            return None
        alert = self._state.alerts.get(silence.alert)
        groups = (alert.id, *alert.groups) if alert else ()
        posts = [self._state.posts[post] for group in groups for post in self._state.groups.get(group, ())]
        post = next((post for post in posts if here(post.channel)), None)
        if post is None and not any(map(here, (silence.place, *silence.told))):
            return None
        return Pressed(verb=verb, sentence=ABOUT_SILENCES[verb].format(id), version=version, post=post)

    async def of(self, place: str, ref: str) -> Post | None:
        """The post that the chat calls `ref`, and its alert in memory."""
        post = await self._store.post_shown_as(place.partition(":")[0], ref)
        if post is not None:
            await self.recall(post)
        return post

    async def recall(self, post: Post) -> None:
        """Bring what a post tells of back into memory, if it was let go of."""
        if post.group in self._state.crowds:
            return
        alert = self._state.alerts.get(post.group) or await self._store.alert(post.group)
        if alert is not None:
            self._state.remember([alert], [post])
        elif (found := await self._store.crowd(post.group)) is not None:
            group, members = found
            self._state.remember(members, [post], [group])


class Hearing:
    """`desk` gives the address at which a user of a chat hears alone; `can_say` says whether a chat could post to an
    address that no channel of the rules has."""

    def __init__(
        self,
        *,
        performing: Performing,
        askers: Askers,
        threads: Threads,
        chats: Mapping[str, Chat],
        desk: Callable[[str, str], str],
        can_say: Callable[[str], bool],
        rules: Callable[[], Rules],
        now: Callable[[], datetime],
    ) -> None:
        self._performing = performing
        self._askers = askers
        self._threads = threads
        self._chats = chats
        self._desk = desk
        self._can_say = can_say
        self._rules = rules
        self._now = now

    async def hear(self, chat: str, utterance: Utterance) -> Reply | None:
        """Perform what was said, on record. None: the chat said it before. Raises Overloaded: nothing was done."""
        delivery = (f"chat/{chat}", utterance.id)
        place = await self._place(chat, utterance)
        heard = Heard(
            text=utterance.text,
            asker=self._asker(chat, utterance),
            place=place,
            via=Via.BUTTON if utterance.button else Via.CHAT,
            back=self._back(chat, utterance, place),
            aside=utterance.aside,
            heard_at=self._now(),
        )
        if not utterance.button:
            post = await self._threads.of(place, utterance.message) if utterance.message else None
            return await self._performing.perform_once(replace(heard, post=post.id if post else None), delivery)
        button = await self._threads.button(utterance.button, lambda address: address.partition(":")[0] == chat)
        if button is None:
            return STRANGE_BUTTON
        under = button.post.id if button.post else None
        pressed = replace(heard, text=button.sentence, post=under, version=button.version)
        return await self._performing.perform_once(pressed, delivery)

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
                    log.warning("a reply to %s could not be said: %s", chat, error, extra={"chat": chat})
                    return
                await asyncio.sleep(min(LONGEST_WAIT, max(wait, error.retry_after or 0)))
                wait *= 2
            except DeliveryError as error:
                log.warning("a reply to %s could not be said: %s", chat, error, extra={"chat": chat})
                return
            else:
                return

    def _asker(self, chat: str, utterance: Utterance) -> Asker:
        if not utterance.user:
            return Asker(person=f"{utterance.user_name or 'somebody'} on {chat}")
        return self._askers.by_account(f"{chat}:{utterance.user}", utterance.user_name)

    def _back(self, chat: str, utterance: Utterance, place: str) -> str:
        """Where the speaker hears later what comes of it."""
        if utterance.private:
            return self._desk(chat, utterance.user) if utterance.user else ""
        return place if place in self._rules().channels.values() or self._can_say(place) else ""

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
