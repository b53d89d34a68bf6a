"""Reads an iCalendar in a process of its own: `python -m hub.calendars.reading ZONE FROM UNTIL`, text in, JSON out.

A calendar is a stranger's text, and in its language of repetition a line can ask for a day's work. Here it has so much
time and memory, and takes nothing down with it; and what reads it costs a hub without calendars nothing.
"""

import json
import resource
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

MOST = 2_000
"""Occurrences that are given, the first ones."""
LONGEST_TITLE = 200
MOST_MAILS = 20
SECONDS, MEMORY = 10, 1 << 30


def main() -> None:
    zone, start, end = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        found = list(read(sys.stdin.buffer.read(), ZoneInfo(zone), _utc(start), _utc(end)))
    except Exception as error:  # noqa: BLE001 - whatever it is, whoever asked gets it
        sys.exit(type(error).__name__)  # its words may hold the calendar's
    json.dump(sorted(found, key=lambda one: str(one["starts_at"]))[:MOST], sys.stdout)


def read(text: bytes, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    """What happens between these times, in no order. A day without a time, and a time without a zone, are of this zone.
    Raises anything where it is no calendar."""
    calendars = icalendar.Calendar.from_ical(text, multiple=True)
    if not calendars or any(one.name != "VCALENDAR" for one in calendars):
        raise ValueError("it is no calendar")
    for calendar in calendars:
        for event in recurring_ical_events.of(calendar, skip_bad_series=True).between(start, end):
            if str(event.get("STATUS", "")).upper() != "CANCELLED":
                yield {
                    "starts_at": _instant(event.start, zone).isoformat(),
                    "ends_at": _instant(event.end, zone).isoformat(),
                    "title": " ".join(str(event.get("SUMMARY", "")).split())[:LONGEST_TITLE],
                    "mails": list(_mails(event))[:MOST_MAILS],
                }


def _mails(event: Any) -> Iterator[str]:
    attendees = event.get("ATTENDEE", [])
    for attendee in attendees if isinstance(attendees, list) else [attendees]:
        scheme, _, address = str(attendee).partition(":")
        if scheme.lower() == "mailto" and "@" in address and _comes(attendee):
            yield address.strip()[:LONGEST_TITLE]


def _comes(attendee: Any) -> bool:
    return str(attendee.params.get("PARTSTAT", "")).upper() != "DECLINED"


def _instant(at: date, zone: ZoneInfo) -> datetime:
    if not isinstance(at, datetime):
        at = datetime.combine(at, time(), tzinfo=zone)
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


if __name__ == "__main__":
    main()
