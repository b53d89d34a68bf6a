"""Several hubs on one database: all of them take in, one routes. What the others leave to it, and how it is found."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from hub.core.event import Event
from hub.core.rules import Heartbeat
from hub.errors import Overloaded
from hub.memory.draft import Draft
from hub.store import Changes, Desk, LifeKey, Store, StoredEvent

log = logging.getLogger("tocsin.replicas")

EVENTS = "events"
"""The first word of a call: there are events to be routed. The others are the sources that were heard."""
LOOK_EVERY = 1.0
"""Seconds after which the one that leads looks for events that it was not called for."""
CALL_EVERY = 0.02
"""Seconds between two calls, of which each says all that came in between."""
AT_ONCE = 500
NAMES_AT_ONCE = 50
"""Sources named in one call: PostgreSQL bounds its length."""


class Leaves:
    """What a replica does that does not lead: it leaves what it took in to the one that does, and calls it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._heard: dict[str, None] = {}
        self._more = asyncio.Event()

    def route(self, draft: Draft, event: Event, body: Any = None) -> StoredEvent:  # noqa: ARG002  as a router does
        return StoredEvent(event=event)

    fold = route

    def keys(self, event: Event) -> Sequence[LifeKey]:  # noqa: ARG002  likewise
        return ()

    def hear(self, draft: Draft, source: str, beat: Heartbeat | None = None) -> None:  # noqa: ARG002  likewise
        self._heard[source] = None

    def note(self, changes: Changes) -> None:
        """Something was written."""
        if changes.requests:
            self._more.set()

    async def serve(self) -> None:
        """Call until cancelled. A call that is not heard costs a second: the one that leads looks by itself."""
        while True:
            await self._more.wait()
            await asyncio.sleep(CALL_EVERY)
            self._more.clear()
            names = [*self._heard][:NAMES_AT_ONCE]
            try:
                await self._desk.call(EVENTS, *names)
            except Overloaded as error:
                await asyncio.sleep(error.retry_after)
                self._more.set()
                continue
            for name in names:
                self._heard.pop(name, None)
            if self._heard:
                self._more.set()


class Gathering:
    """What the one that leads does: it routes what the others took in. `heard` is told which sources they heard."""

    def __init__(
        self,
        *,
        store: Store,
        route: Callable[[Sequence[StoredEvent]], Awaitable[None]],
        heard: Callable[[Sequence[str]], Awaitable[None]],
    ) -> None:
        self._store = store
        self._route = route
        self._heard = heard
        self._sources: dict[str, None] = {}
        self._called = asyncio.Event()
        self._waits = ""
        """Why they wait; empty: they do not."""
        self._one = asyncio.Lock()
        """Held while it gathers, so that nothing is routed twice."""
        self._next: asyncio.Task[None] | None = None
        """What those wait for who came since the last look began."""

    def call(self, words: Sequence[str]) -> None:
        """Somebody called."""
        if words[:1] == [EVENTS]:
            self._sources |= dict.fromkeys(words[1:])
            self._called.set()

    async def serve(self) -> None:
        """Gather until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._called.wait()
            self._called.clear()
            try:
                await self.gather()
                self._note("")
            except Overloaded as error:
                self._note(str(error))
                await asyncio.sleep(LOOK_EVERY)
            except Exception:
                log.exception("routing what other replicas took in failed; it goes on")
                await asyncio.sleep(LOOK_EVERY)

    def _note(self, why: str) -> None:
        """Once for each reason, not every two seconds of a long night."""
        if why and why != self._waits:
            log.warning("events that other replicas took in wait: %s", why)
        elif self._waits and not why:
            log.warning("events that other replicas took in are routed again")
        self._waits = why

    async def gather(self) -> None:
        """Route all there is, and hear who was heard."""
        if names := [*self._sources]:
            await self._heard(names)
            for name in names:
                self._sources.pop(name, None)
        async with self._one:
            await self._route_waiting()

    async def catch_up(self) -> None:
        """Route what was taken in before now. Without it what comes to the one that leads would overtake what another
        replica took in a moment before: a recovery its problem. One look serves all who wait for one."""
        if self._next is None:
            self._next = asyncio.create_task(self._look())
        await asyncio.shield(self._next)

    async def _look(self) -> None:
        async with self._one:
            self._next = None
            await self._route_waiting()

    async def _route_waiting(self) -> None:
        more = True
        while more:
            unrouted = await self._store.unrouted(limit=AT_ONCE)
            if unrouted:
                await self._route(unrouted)
            more = len(unrouted) == AT_ONCE
