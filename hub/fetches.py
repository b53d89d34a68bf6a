"""What the hub asks tools for: deliveries that never reached it, and more about an event. All by the same door."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from hub.care.schedule import Schedule
from hub.contracts import Fetching, FetchTools, Integration, Setting, WebhookRequest
from hub.core.event import Event
from hub.core.rules import Rules, SourceRule
from hub.errors import TocsinError
from hub.ingest import Ingest, Malformed
from hub.store import DUPLICATES_FOR, Store

log = logging.getLogger("tocsin.fetches")

MOST_WAITING = 1_000
"""Events that may wait for more about them. In a storm the oldest go without: it adds to an alert, no more."""
FOLLOWED_WITHIN = 30.0
"""Seconds for one follow-up."""
CAUGHT_UP_WITHIN = 600.0


class Fetches:
    def __init__(
        self,
        *,
        ingest: Ingest,
        store: Store,
        rules: Callable[[], Rules],
        tools: Mapping[str, Integration],
        setting: Callable[[str], Setting],
        http: Any,
        now: Callable[[], datetime],
    ) -> None:
        self._ingest = ingest
        self._store = store
        self._rules = rules
        self._fetching = {name: tool.fetching for name, tool in tools.items() if tool.fetching}
        self._setting = setting
        self._http = http
        self._now = now
        self._waiting: deque[Event] = deque(maxlen=MOST_WAITING)
        self._more = asyncio.Event()
        self._troubles: dict[str, str] = {}
        """By source, why it could not be caught up with the last time."""
        ingest.listen(self._note)

    def start(self, schedule: Schedule) -> None:
        """Catch up every so often."""
        for tool, fetching in self._fetching.items():
            if fetching.catch_up is not None:
                schedule.every(fetching.every, partial(self.catch_up, tool), f"catch-up {tool}")

    async def serve(self) -> None:
        """Catch up once, then follow up what is accepted, until cancelled."""
        for tool in self._fetching:
            await self.catch_up(tool)
        while True:
            await self._more.wait()
            self._more.clear()
            await self.follow_up()

    async def catch_up(self, tool: str) -> None:
        """Take in what the sources of this tool posted and we did not get."""
        fetching = self._fetching[tool]
        for source in self._sources(tool, fetching):
            if fetching.catch_up is None:
                return
            taken, about, trouble = 0, {"source": source.name}, ""
            try:
                async with asyncio.timeout(CAUGHT_UP_WITHIN):
                    async for request in fetching.catch_up(self.given(source)):
                        taken += await self._take(request)
            except (TocsinError, TimeoutError) as error:
                trouble = str(error) or "it takes too long"
            except Exception:
                log.exception("catching up with source %s failed", source.name, extra=about)
            if trouble and trouble != self._troubles.get(source.name):  # said once, and not each time
                log.warning("source %s could not be caught up with: %s", source.name, trouble, extra=about)
            self._troubles[source.name] = trouble
            if taken:
                log.info("source %s: %d missed deliveries were fetched", source.name, taken, extra=about)

    async def follow_up(self) -> None:
        """Fetch more about the events that wait for it."""
        while self._waiting:
            event = self._waiting.popleft()
            source, fetching = self._rules().source(event.source), self._fetching[event.tool]
            if source is None or fetching.follow_up is None:
                continue
            about = {"source": event.source, "event_id": event.id}
            try:
                async with asyncio.timeout(FOLLOWED_WITHIN):
                    more = await fetching.follow_up(event, self.given(source))
                if more is not None:
                    await self._take(more)
            except (TocsinError, TimeoutError) as error:
                why = error or "it takes too long"
                log.warning("nothing more about an event of %s: %s", event.source, why, extra=about)
            except Exception:
                log.exception("following up an event of %s failed", event.source, extra=about)

    async def _take(self, request: WebhookRequest) -> bool:
        """Whether it brought events. What cannot be understood lies in quarantine, and stops nothing."""
        try:
            return bool((await self._ingest.take(request)).events)
        except Malformed as error:
            about = {"source": request.source, "request_id": error.quarantined}
            log.warning("something fetched for %s lies in quarantine: %s", request.source, error, extra=about)
            return False

    def _note(self, events: Sequence[Event], request: WebhookRequest) -> None:
        fetching = self._fetching.get(events[0].tool)
        if fetching is None or fetching.follow_up is None or request.fetched:
            return
        if fetching.ready(self._setting(events[0].source)):
            self._waiting.extend(events)
            self._more.set()

    def _sources(self, tool: str, fetching: Fetching) -> list[SourceRule]:
        return [
            source
            for source in self._rules().sources.values()
            if source.tool == tool and fetching.ready(self._setting(source.name))
        ]

    def given(self, source: SourceRule) -> FetchTools:
        """What asking the tool of a source needs."""
        return FetchTools(
            source=source.name,
            options=source.options,
            setting=self._setting(source.name),
            http=self._http,
            now=self._now(),
            accepted=partial(self._accepted, source.name),
        )

    async def _accepted(self, source: str, delivery: str) -> bool:
        wanted = (source, delivery)
        return wanted in await self._store.deliveries_seen([wanted], since=self._now() - DUPLICATES_FOR)
