"""The calendars of schedules: fetched every few minutes, read, and kept, so that a start without a network knows who is
on call."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from hub import processes
from hub.core.calendar import PRIVATE, Occurrence, over_http, say_strangers, turns_of
from hub.core.event import Report, Severity, Status
from hub.core.oncall import Schedule
from hub.core.records import replace
from hub.core.rules import OWN, Rules
from hub.errors import Overloaded
from hub.memory.draft import Draft
from hub.memory.state import State
from hub.memory.writer import Writer
from hub.outward import Get, NotAnswered, Question
from hub.proof import Secret
from hub.store import StoredCalendar

log = logging.getLogger("tocsin.calendars")

EVERY = timedelta(minutes=10)
SOON = timedelta(minutes=1)
"""Until it is tried again where it failed."""
READ_AGAIN = timedelta(days=1)
"""A calendar that does not change is read again after so long, for what comes next."""
BEHIND, AHEAD = timedelta(days=2), timedelta(days=90)
"""What of a calendar is read."""
PATIENCE = timedelta(hours=1)
"""How old what we know of a calendar may be before that is told."""
LARGEST = 4 << 20
FETCHED_WITHIN = 30.0
READ_WITHIN = 30.0
KIND = "calendar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A calendar's text, and what its server calls this version of it."""

    text: bytes
    etag: str = ""
    modified: str = ""


class Calendars:
    """`private` is the URL that the settings have for a schedule; `folder` is that of the rules."""

    def __init__(
        self,
        *,
        rules: Callable[[], Rules],
        private: Callable[[str], Secret | None],
        folder: Path,
        state: State,
        writer: Writer,
        report: Callable[[Draft, Report], None],
        get: Get,
        now: Callable[[], datetime],
    ) -> None:
        self._rules = rules
        self._private = private
        self._folder = folder
        self._state = state
        self._writer = writer
        self._report = report
        self._get = get
        self._now = now
        self._failing: dict[str, str] = {}
        """By schedule why; empty where only the database fails."""
        self._strangers: dict[str, Sequence[str]] = {}
        self._changed = asyncio.Event()

    def adopt(self, draft: Draft) -> None:
        """Rules come into force: their calendars are looked at soon, and others forgotten."""
        wanted = self._wanted()
        for name in self._state.calendars.keys() - wanted:
            draft.changes.calendars[name] = None
        for alert in draft.open_alerts():
            if alert.source == OWN and alert.kind == KIND and alert.key.removeprefix(f"{KIND}:") not in wanted:
                title = "nobody asks for this calendar any more"
                self._report(draft, Report(status=Status.RECOVERY, kind=KIND, key=alert.key, title=title))
        self._changed.set()

    def _wanted(self) -> Set[str]:
        """The schedules that have one. Rules may change while it is fetched: then nobody asks for it any more."""
        return {name for name, schedule in self._rules().schedules.items() if schedule.calendar}

    async def serve(self) -> None:
        """Keep them fresh until cancelled."""
        while True:
            self._changed.clear()
            try:
                await self.refresh()
            except Exception:
                log.exception("looking at the calendars failed; it is tried again")
            with suppress(TimeoutError):
                async with asyncio.timeout((SOON if self._failing else EVERY).total_seconds()):
                    await self._changed.wait()

    async def refresh(self) -> None:
        """Look at every calendar once."""
        schedules = [schedule for schedule in self._rules().schedules.values() if schedule.calendar]
        self._failing = {one.name: self._failing[one.name] for one in schedules if one.name in self._failing}
        for schedule in schedules:
            try:
                await self._refresh(schedule)
            except Overloaded as error:
                log.warning("the calendar of %s waits: %s", schedule.name, error)
                self._failing.setdefault(schedule.name, "")

    async def _refresh(self, schedule: Schedule) -> None:
        try:
            await self._keep(schedule, await self._look(schedule))
        except NotAnswered as error:
            await self._fails(schedule, str(error))

    async def _look(self, schedule: Schedule) -> StoredCalendar:
        """The calendar as it is now. Raises NotAnswered."""
        now, place = self._now(), self._place(schedule)
        known = self._state.calendars.get(schedule.name)
        fresh = known if known and known.place == place and now - known.read_at < READ_AGAIN else None
        fetched = await self._fetch(schedule, fresh)
        if fetched is None and fresh is not None:
            return replace(fresh, seen_at=now)
        assert fetched is not None
        return StoredCalendar(
            schedule=schedule.name,
            place=place,
            read_at=now,
            seen_at=now,
            etag=fetched.etag,
            modified=fetched.modified,
            occurrences=await read_calendar(fetched.text, schedule.zone.key, now - BEHIND, now + AHEAD),
        )

    def _place(self, schedule: Schedule) -> str:
        address = self._private(schedule.name) if schedule.calendar == PRIVATE else None
        where = address.reveal() if address else schedule.calendar
        return hashlib.sha256(f"{schedule.zone.key} {where}".encode()).hexdigest()

    async def _fetch(self, schedule: Schedule, fresh: StoredCalendar | None) -> Fetched | None:
        """None: it is as it was."""
        address = self._private(schedule.name) if schedule.calendar == PRIVATE else Secret(schedule.calendar)
        if address is None:
            raise NotAnswered("its address is not set")
        if "://" not in address.reveal():
            return await asyncio.to_thread(_read_file, self._folder / address.reveal())
        answer = await self._get(
            Secret(over_http(address.reveal())),
            Question(headers=_if_changed(fresh), largest=LARGEST, within=FETCHED_WITHIN),
        )
        if answer.status == 304 and fresh is not None:
            return None
        if answer.status != 200:
            raise NotAnswered(f"it answered {answer.status}")
        headers = answer.headers
        return Fetched(
            text=answer.body, etag=_plain(headers.get("etag", "")), modified=_plain(headers.get("last-modified", ""))
        )

    async def _keep(self, schedule: Schedule, calendar: StoredCalendar) -> None:
        title = f"the calendar of {schedule.name} is read again"
        healed = Report(status=Status.RECOVERY, kind=KIND, key=f"{KIND}:{schedule.name}", title=title)

        def job(draft: Draft) -> None:
            if schedule.name in self._wanted():
                draft.changes.calendars[schedule.name] = calendar
                self._report(draft, healed)

        await self._writer.do(job)
        self._warn(schedule.name, turns_of(calendar.occurrences, self._rules().people).strangers)
        if self._failing.pop(schedule.name, ""):
            log.info("%s", title)

    def _warn(self, name: str, strangers: Sequence[str]) -> None:
        if strangers and self._strangers.get(name) != strangers:
            log.warning("the calendar of %s names nobody of people: with %s", name, say_strangers(strangers))
        self._strangers[name] = strangers

    async def _fails(self, schedule: Schedule, why: str) -> None:
        """What was read last goes on to count. It is told if there is nothing such, or only what is old."""
        if self._failing.get(schedule.name) != why:
            log.warning("the calendar of %s cannot be read: %s", schedule.name, why)
        self._failing[schedule.name] = why
        known = self._state.calendars.get(schedule.name)
        if known is None or self._now() - known.seen_at >= PATIENCE:
            report = _failure(schedule.name, why, known)

            def job(draft: Draft) -> None:
                if schedule.name in self._wanted():
                    self._report(draft, report)

            await self._writer.do(job)


async def read_calendar(
    text: bytes, zone: str, start: datetime, end: datetime, *, within: float = READ_WITHIN
) -> tuple[Occurrence, ...]:
    """What a calendar says of this time, read by a process of its own. Raises NotAnswered."""
    asked = (zone, start.isoformat(), end.isoformat())
    try:
        found = await processes.run("hub.calendars.reading", *asked, given=text, within=within)
    except TimeoutError:
        raise NotAnswered("it takes too long to read") from None
    except processes.Ended as error:
        said = f" ({error})" if str(error) else ""
        raise NotAnswered(f"it cannot be read as a calendar{said}") from None
    return msgspec.json.decode(found, type=tuple[Occurrence, ...])


def _read_file(path: Path) -> Fetched:
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except OSError as error:
        raise NotAnswered(f"{path}: {error.strerror or 'it cannot be opened'}") from None
    if len(text) > LARGEST:
        raise NotAnswered(f"it is larger than {LARGEST} bytes")
    return Fetched(text=text)


def _plain(header: str) -> str:
    """What can be stored, and sent back."""
    return header if header.isascii() and header.isprintable() else ""


def _if_changed(fresh: StoredCalendar | None) -> Mapping[str, str]:
    if fresh is None:
        return {}
    known = {"If-None-Match": fresh.etag, "If-Modified-Since": fresh.modified}
    return {name: value for name, value in known.items() if value}


def _failure(schedule: str, why: str, known: StoredCalendar | None) -> Report:
    counts = "It still counts as it was read last." if known else "Until it is, nobody is on call by it."
    return Report(
        status=Status.PROBLEM,
        kind=KIND,
        key=f"{KIND}:{schedule}",
        title=f"the calendar of {schedule} cannot be read",
        severity=Severity.ERROR,
        body=f"{why}\n{counts}",
        labels={"schedule": schedule},
    )
