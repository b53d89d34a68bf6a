"""What `tocsin check` finds beyond what no reading takes: templates that do not speak, routes that nothing reaches."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hub.core.calendar import lies_beside
from hub.core.complaints import WRONG, Complaint
from hub.core.durations import say_duration
from hub.core.event import Event, EventId, Link, Severity, Status
from hub.core.matching import event_look
from hub.core.routing import Route
from hub.core.rules import Rules
from hub.errors import PayloadError
from hub.payload import decode_json
from hub.prose import say_count
from hub.saying.rendering import MESSAGE, render
from hub.saying.templates import FOLDERS, GROUP, PARTS, BrokenTemplate, Fault
from hub.saying.wording import Wording
from hub.store import Store, StoredEvent

LINTS: Mapping[str, str] = {
    WRONG: "What no reading of the rules takes.",
    "setting": "What a setting of this machine makes wrong.",
    "template": "A template that cannot be used, or does not render a sample of its occasion.",
    "one-place": "Two addresses that are one place.",
    "missing-setting": "A place or calendar that lacks a setting on this machine.",
    "unused-channel": "A channel that nothing is sent to.",
    "route-idle": "A key of a route that another leaves no effect.",
    "unreached-route": "A route that no recorded event reached.",
    "nothing-recorded": "No event was recorded by which routes could be judged.",
    "no-account": "A person whom a chat cannot reach, since their account is not known.",
    "unknown-account": "An account in a chat or tool that there is not.",
    "nobody-to-agree": "A second person is asked for, and there is none.",
    "silence-over": "A silence that is over.",
    "window-idle": "A window that is always open, or opens never again.",
    "access-idle": "An entry of access that can never apply.",
    "text-like-regex": "A text of a match that reads like a regular expression.",
    "text-like-list": "A text of a match that reads like several.",
    "text-like-not": "A text of a match that reads like a negation.",
    "empty-text": "An empty text in a match.",
    "odd-quotes": "A text of a match between quotes that YAML takes for letters.",
    "calendar": "A calendar beside the rules that is not there, or is none.",
    "no-file-yet": "A pattern of include that no file fits.",
}
"""Every sort of complaint by its lasting name, with a sentence."""
PAGE = 1_000
AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


# ---------------------------------------------------------------------------------------------------------- templates


def of_templates(wording: Wording) -> Iterator[Complaint]:
    """Those that cannot be used, and those that fail on a sample of each occasion that they are for."""
    known = {fault.name for fault in wording.templates.faults}
    found: dict[str, Fault] = {fault.name: fault for fault in wording.templates.faults}
    for occasion in FOLDERS:
        for events in SAMPLES:
            for part in MESSAGE if occasion == GROUP else PARTS:
                for dialect in wording.templates.dialects(occasion):
                    with suppress(BrokenTemplate):
                        list(render(wording, f"{occasion}/{part}", events, dialect))
    found |= {fault.name: fault for fault in wording.templates.take_news() if fault.name not in known}
    for fault in found.values():
        yield Complaint(file=fault.file, line=fault.line, column=1, what=fault.what, rule="template")


def _sample(status: Status, severity: Severity | None, host: str) -> Event:
    return Event(
        id=EventId(host),
        source="nagios",
        tool="nagios",
        status=status,
        kind="service",
        key=f"{host}/disk",
        title=f"disk on {host} is full",
        severity=severity,
        labels={"host": host, "service": "disk"},
        body="/var: 98 % of 40 GiB",
        actor="alice",
        links=(Link(title="Open", url="https://nagios.example.com/"),),
        received_at=AT,
        occurred_at=AT,
    )


def _bare(status: Status) -> Event:
    """An event of which a tool said the least."""
    return Event(
        id=EventId("bare"),
        source="json",
        tool="json",
        status=status,
        kind="message",
        key="bare",
        title="something happened",
        severity=None,
        labels={},
        received_at=AT,
        occurred_at=AT,
    )


SAMPLES: Sequence[Sequence[Event]] = (
    [_sample(Status.PROBLEM, Severity.CRITICAL, "web301"), _sample(Status.PROBLEM, Severity.WARNING, "web302")],
    [_bare(Status.PROBLEM)],
    [_bare(Status.NOTICE)],
)


# ------------------------------------------------------------------------------------------------------------- routes


@dataclass(frozen=True, slots=True)
class Reached:
    """By how many events which routes were taken."""

    events: int
    routes: frozenset[str]


async def reached(store: Store, rules: Rules, since: datetime) -> Reached:
    """Walk over what was recorded since then, by the rules of now."""
    taken, count, before = set[str](), 0, None
    with_body = any(name.startswith("body.") for route in rules.tree.every() for name in route.match.fields())
    while True:
        events, before = await store.past_events(since=since, before=before, limit=PAGE)
        bodies = await _bodies(store, events) if with_body else {}
        for stored in events:
            look = event_look(rules.enriched(stored.event), bodies.get(stored.event.request_id))
            taken |= rules.tree.taking(look)
        count += len(events)
        if before is None:
            return Reached(count, frozenset(taken))


async def _bodies(store: Store, events: Sequence[StoredEvent]) -> Mapping[str, Any]:
    found = {}
    for request in await store.requests([stored.event.request_id for stored in events if stored.event.request_id]):
        with suppress(PayloadError):
            found[request.id] = decode_json(request.body).value
    return found


# ---------------------------------------------------------------------------------------------------------- calendars

BEGINS = b"BEGIN:VCALENDAR"


def of_calendars(rules: Rules, main: Path) -> Iterator[Complaint]:
    """Those that lie beside the rules. What is elsewhere is not asked for: who checks may have no network."""
    for name, schedule in rules.schedules.items():
        if lies_beside(schedule.calendar) and (fault := calendar_fault(main.parent / schedule.calendar)):
            file, line = rules.places["schedules", name]
            what = f"nobody is on call for {name}: {schedule.calendar} {fault[0]}; {fault[1]}"
            yield Complaint(file=str(main.parent / file), line=line, column=1, what=what, rule="calendar")


def calendar_fault(path: Path) -> tuple[str, str] | None:
    """What is wrong with a file that should be a calendar, and what to do."""
    try:
        begins = BEGINS in path.read_bytes()
    except OSError as error:
        return f"cannot be read: {error.strerror}", "put it beside the rules"
    return None if begins else ("is no calendar", "export it as iCalendar (.ics)")


def unreached(rules: Rules, main: Path, reached: Reached, lasted: timedelta) -> Iterator[Complaint]:
    """The routes that none of the recorded events reached; of routes below such a one nothing is said."""
    last = f"the last {say_duration(lasted)}"
    if not reached.events:
        what = f"no event was recorded in {last}, so that nothing is said of routes"
        yield Complaint(file=str(main), line=1, column=1, what=what, warning=True, rule="nothing-recorded")
        return
    for route in _not_in(rules.tree.routes, reached.routes, rules):
        events = say_count(reached.events, "event")
        what = f"'{route.name}' was reached by none of the {events} of {last}; is it still needed?"
        file = str(main.parent / route.file)
        yield Complaint(file=file, line=route.line, column=1, what=what, warning=True, rule="unreached-route")


def _not_in(routes: Sequence[Route], taken: frozenset[str], rules: Rules) -> Iterator[Route]:
    for route in routes:
        if taken.isdisjoint(rules.tree.under(route.name)):
            yield route
        else:
            yield from _not_in(route.routes, taken, rules)
