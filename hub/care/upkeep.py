"""What keeps the house in order: due timers, old rows, memory that is no longer needed, and what a crash left over."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from hub import failures
from hub.alerting.ripening import LOOK_AGAIN
from hub.care.schedule import Schedule
from hub.core.alert import Alert
from hub.core.records import replace
from hub.core.rules import OWN, Rules
from hub.errors import Overloaded
from hub.ingest import Ingest
from hub.memory.draft import Draft
from hub.memory.looking import open_alerts
from hub.memory.state import State
from hub.memory.writer import Writer
from hub.router import Router
from hub.saying.templates import Templates, broken, mended
from hub.store import Changes, Mark, Store, StoredEvent, StoredRequest, Waiting

log = logging.getLogger("tocsin.upkeep")

KEEP = timedelta(days=90)
"""How long requests, events and what came of them are kept."""
SHORT_REST = timedelta(minutes=1)
"""How long memory keeps what has come to rest, of alerts in no group, while it has more than MANY."""
MANY = 50_000
"""Alerts; with their messages they take some 75 MiB."""
FORGOTTEN_AT_ONCE = 200
RAW = timedelta(hours=1)
"""How long a body stays as it came: to pack it at once would cost as much as to accept it."""
TOGETHER = 500
"""Events that are routed together, late."""
LATE = timedelta(minutes=1)
"""After what came so long ago nothing is written that came before it."""
MANY_MORE = 2
"""Times what was told."""
PAUSE = 0.05
"""Seconds at least between two steps of pruning or packing, so that what comes in goes first."""
SHARE = 0.2
"""Of the time, how much such work may take: where the disk is slow or busy, it waits longer."""


class Upkeep:
    def __init__(
        self,
        *,
        state: State,
        writer: Writer,
        store: Store,
        router: Router,
        rules: Callable[[], Rules],
        ingest: Ingest,
        templates: Templates,
        schedule: Schedule,
        trusted: Callable[[], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._state = state
        self._writer = writer
        self._store = store
        self._router = router
        self._rules = rules
        self._ingest = ingest
        self._templates = templates
        self._schedule = schedule
        self._trusted = trusted
        self._now = now
        self._packed: Mark | None = None
        self._looked_at = now() - RAW
        """When it was told last what lies in quarantine; at a start, long enough ago for what a crash left untold."""
        writer.listen(self._rewind)

    def start(self) -> None:
        self._schedule.every(timedelta(hours=1), self.prune, "prune")
        self._schedule.every(timedelta(minutes=10), self.pack, "pack")
        self._schedule.every(timedelta(minutes=1), self.forget, "forget")
        self._schedule.every(timedelta(minutes=1), self.tell_of_quarantine, "quarantine")
        self._schedule.wake_at(self._state.next_due(), self.ripen)

    async def route_leftovers(self, unrouted: Sequence[StoredEvent]) -> None:
        """Route what was accepted and not routed: before a crash, or while no replica led."""
        for at in range(0, len(unrouted), TOGETHER):
            await self._ingest.route_all(unrouted[at : at + TOGETHER])

    async def ripen(self) -> None:
        """Do what the due timers were set for."""
        if due := self._state.due(self._now()):
            try:
                await self._writer.do(lambda draft: self._router.ripen(draft, due))
            except Overloaded as error:
                log.warning("timers wait: %s", error)
                self._schedule.wake_at(self._now() + timedelta(seconds=error.retry_after), self.ripen)
                return
            except Exception:
                log.exception("timers wait")
                self._schedule.wake_at(self._now() + LOOK_AGAIN, self.ripen)
                return
        self._schedule.wake_at(self._state.next_due(), self.ripen)

    async def read_templates(self) -> None:
        """Read them anew, and tell of it."""
        self._templates.read()
        await self.tell_of_templates()

    async def tell_of_templates(self) -> None:
        """Say which templates cannot be used; what was said of others is over."""
        faults = {fault.name: fault for fault in self._templates.faults}
        for fault in faults.values():
            log.warning("%s", fault)
        told = await self._told_of("template", "template")
        reports = [*map(broken, faults.values()), *map(mended, sorted(told.keys() - faults.keys()))]

        def job(draft: Draft) -> None:
            for report in reports:
                self._router.report(draft, report)

        if told.keys() != faults.keys():
            await self._writer.do(job)

    async def tell_of_quarantine(self) -> None:
        """Say which sources post what nobody hears of, and anew how much it is when that has doubled; what was said of
        others is over. Whoever closed it by hand hears of it again when more comes."""
        looked_at = self._now()
        try:
            found = await self._store.newest_quarantined(since=self._looked_at - LATE)
            fresh = {newest.source: newest for newest in found}
            told = await self._told_of(failures.QUARANTINE, "source")
            waiting = await self._store.in_quarantine([*told.keys() | fresh.keys()])
            over = told.keys() - waiting.keys()
            news = [newest for source, newest in fresh.items() if source in waiting and _is_news(told, waiting, source)]
            if news or over:
                keys = [(OWN, f"{failures.QUARANTINE}:{source}", False) for source in (*fresh, *over)]
                await self._writer.do(lambda draft: self._report_quarantine(draft, news, waiting, over), keys=keys)
        except Overloaded as error:
            log.warning("it waits to be told what lies in quarantine: %s", error)
            return
        self._looked_at = looked_at

    def _report_quarantine(
        self, draft: Draft, news: Iterable[StoredRequest], waiting: Mapping[str, Waiting], over: Iterable[str]
    ) -> None:
        for newest in news:
            report = failures.not_understood(newest.source, newest.id, newest.why, waiting[newest.source])
            known = draft.life(OWN, report.key, notice=False)
            if known is None or known.open or known.updated_at < newest.received_at:
                self._router.report(draft, report, again=True)
                if (alert := draft.life(OWN, report.key, notice=False)) is not None:
                    draft.put_alert(replace(alert, count=waiting[newest.source].number))
        for source in sorted(over):
            self._router.report(draft, failures.understood(source))

    async def _told_of(self, kind: str, label: str) -> Mapping[str, Alert]:
        """The hub's own open alerts of a kind, by what they are about."""
        own = await open_alerts(self._state, lambda alert: alert.source == OWN and alert.kind == kind)
        return {alert.labels[label]: alert for alert in own}

    async def forget(self) -> None:
        """In small steps: those of a minute, a hundred a second, would keep the loop for a twentieth of one."""
        now, state, ids = self._now(), self._state, [*self._state.alerts]
        before = now - self._rules().rest
        alone = now - SHORT_REST if len(ids) > MANY else before
        for at in range(0, len(ids), FORGOTTEN_AT_ONCE):
            some = ids[at : at + FORGOTTEN_AT_ONCE]
            await self._writer.between(partial(state.forget, some, before=before, alone=alone))
            await asyncio.sleep(0)
        await self._writer.between(partial(state.forget_groups, before))

    async def prune(self) -> None:
        """Take away what is too old, in small steps; but not by a clock that was just set far ahead."""
        if not self._trusted():
            log.warning("nothing old is taken away: the clock was set far ahead, and may be wrong")
            return
        before, gone, place = self._now() - KEEP, 0, None
        try:
            while True:
                began = time.perf_counter()
                step = await self._store.prune(place, before=before)
                gone, place = gone + step.gone, step.next
                if place is None:
                    break
                await _let_others(time.perf_counter() - began)
        except Overloaded as error:
            log.warning("pruning waits: %s", error)
        if gone:
            log.info("%d rows older than %d days were taken away", gone, KEEP.days)

    async def pack(self) -> None:
        """Make raw bodies smaller that are read seldom by now, in small steps. After a start from the oldest on."""
        before = self._now() - RAW
        try:
            while True:
                began = time.perf_counter()
                if (mark := await self._store.pack(self._packed, before=before)) is None:
                    break
                self._packed = mark
                await _let_others(time.perf_counter() - began)
        except Overloaded as error:
            log.warning("packing waits: %s", error)

    def _rewind(self, changes: Changes) -> None:
        if changes.timers:
            self._schedule.wake_at(self._state.next_due(), self.ripen)


def _is_news(told: Mapping[str, Alert], waiting: Mapping[str, Waiting], source: str) -> bool:
    """Whether so much waits of it that nobody was told of as much: twice as much, or for the first time."""
    return source not in told or waiting[source].number >= MANY_MORE * told[source].count


async def _let_others(took: float) -> None:
    """Pause after a step that took so many seconds."""
    await asyncio.sleep(max(PAUSE, took * (1 / SHARE - 1)))
