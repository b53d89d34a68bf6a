"""What the pages need of the hub, and nothing more: the pages decide how things look, the site says what there is."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from hub.contracts import Asker, Reply, RoomLog, RoomMessage, Via
from hub.core.alert import Alert
from hub.core.notification import Line, Post
from hub.core.oncall import Schedule
from hub.core.silence import Silence
from hub.explain import Explained
from hub.store import Audit, StoredEvent, StoredRequest, Unsettled

LiveQueue = asyncio.Queue[RoomMessage | None]
"""Each new or edited message of a room. None ends it: the page was too slow, or the hub is closing."""


class Site(Protocol):
    @property
    def room_log(self) -> RoomLog: ...
    def now(self) -> datetime: ...
    def rooms(self) -> Sequence[str]:
        """The names of the `room:` channels in the rules. Any other has a page if something was said there."""

    def people(self) -> Sequence[str]: ...
    def live(self, room: str) -> AbstractAsyncContextManager[LiveQueue]:
        """Subscribed when entered, so that nothing is missed which is written after. The queue is bounded."""

    def zone(self) -> str:
        """In which the hub says times: `Europe/London`."""

    def alerts(self) -> Sequence[Alert]:
        """All unresolved, newest first."""

    def schedules(self) -> Mapping[str, Schedule]:
        """Who is on call for what, as it is now."""

    def silences(self) -> Sequence[Silence]:
        """Those in force, and those that wait for a second person."""

    async def preview_said(self, words: str, asker: Asker) -> Reply:
        """What would be hidden by what these words, behind `silence`, ask for."""

    def every_silence(self) -> Sequence[Silence]:
        """These, and those of the rules file that are to come."""

    def about(self, silence: Silence) -> str:
        """What is silenced, as people say it; of one alert, its title."""

    def told(self, alert: Alert) -> Sequence[tuple[str, Post]]:
        """The messages that tell of it, as far as one gets there: of each its channel, as the rules call it."""

    def reached(self, posts: Sequence[Post]) -> Sequence[tuple[str, Post]]:
        """The same of these messages."""

    async def permalink(self, post: str) -> str | None:
        """The address of a message in its own chat. None: there is none. Raises a TocsinError where the chat does not
        say it."""

    def silences_over(self, alert: Alert) -> Sequence[Silence]:
        """Those in force that cover it."""

    async def status(self) -> Sequence[str]: ...
    async def unsettled(self) -> Unsettled: ...
    async def quarantine(self, before: str | None, limit: int) -> Sequence[StoredRequest]:
        """What was not understood, with the beginnings of bodies, newest first, behind the one that is called so."""

    async def dead(self, before: str | None, limit: int) -> Sequence[Post | Line]:
        """What was not delivered, likewise."""

    async def audit(self, before: str | None, limit: int) -> Sequence[Audit]:
        """What people said, likewise."""

    async def unrouted(self) -> Sequence[StoredEvent]:
        """Events that a rule failed to route."""

    async def explained(self, id: str, channel: str = "") -> Explained | None:
        """Why an event was told, and why not in a channel. None: there is no such event. Raises UsageError where no
        channel is called so."""

    def channels(self) -> Sequence[str]:
        """The names of the rules."""

    async def replay_quarantined(self, id: str, asker: Asker) -> str:
        """What came of it, in words. Raises a TocsinError where it cannot be done."""

    async def replay_delivery(self, id: str, asker: Asker) -> str: ...
    async def replay_event(self, id: str, asker: Asker) -> str: ...
    def asker(self, person: str, *, trusted: bool, token: bool) -> Asker: ...
    async def say(self, text: str, *, asker: Asker, place: str, thread: str | None = None, via: Via) -> Reply:
        """Say it in a room (`place` is an address, `thread` a room message's id). What was said and the reply are
        written into the room, so that all who look see them."""

    async def press(self, value: str, *, asker: Asker, place: str) -> Reply:
        """A button, whose value is `<post>:<version>:<verb>`."""
