"""What calendars say is read as their owners see it; what would take a hub down takes down only who reads it."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.calendars import reading
from hub.calendars.keeping import read_calendar
from hub.outward import NotAnswered

START = datetime(2026, 11, 20, tzinfo=UTC)
END = START + timedelta(days=14)
HEAD = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//example//EN\n"


def calendar(*events: str) -> bytes:
    body = "".join(f"BEGIN:VEVENT\nUID:{n}\n{event}\nEND:VEVENT\n" for n, event in enumerate(events))
    return f"{HEAD}{body}END:VCALENDAR\n".replace("\n", "\r\n").encode()


async def times(text: bytes, zone: str = "Europe/London") -> list[tuple[str, str, str]]:
    found = await read_calendar(text, zone, START, END)
    return [(f"{one.starts_at:%d %H:%M}", f"{one.ends_at:%d %H:%M}", one.title) for one in found]


async def test_a_day_without_a_time_is_a_day_where_the_schedule_is() -> None:
    text = calendar("DTSTART;VALUE=DATE:20261123\nSUMMARY:alice", "DTSTART:20261125T090000\nDURATION:PT2H\nSUMMARY:bob")

    assert [("22 23:00", "23 23:00", "alice"), ("25 08:00", "25 10:00", "bob")] == await times(text, "Europe/Berlin")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "W. Europe Standard Time"])
async def test_a_time_may_have_a_zone_of_its_own(zone: str) -> None:
    """By Outlook's name, too."""
    text = calendar(f"DTSTART;TZID={zone}:20261123T090000\nDTEND;TZID={zone}:20261123T170000\nSUMMARY:alice")

    assert [("23 08:00", "23 16:00", "alice")] == await times(text)


async def test_what_repeats_is_there_each_time_but_where_it_is_excepted() -> None:
    text = calendar(
        "DTSTART:20261116T090000Z\nDTEND:20261116T170000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR\n"
        "EXDATE:20261125T090000Z\nSUMMARY:alice"
    )

    assert ["20 09:00", "23 09:00", "27 09:00", "30 09:00", "02 09:00"] == [begin for begin, _, _ in await times(text)]


async def test_one_of_a_series_may_be_moved_or_cancelled() -> None:
    text = calendar("DTSTART:20261123T090000Z\nDTEND:20261123T170000Z\nRRULE:FREQ=DAILY;COUNT=3\nSUMMARY:alice")
    moved = "RECURRENCE-ID:20261124T090000Z\nDTSTART:20261124T120000Z\nDTEND:20261124T170000Z\nSUMMARY:bob"
    gone = "RECURRENCE-ID:20261125T090000Z\nDTSTART:20261125T090000Z\nDTEND:20261125T170000Z\nSTATUS:CANCELLED"
    more = "".join(f"BEGIN:VEVENT\r\nUID:0\r\n{one}\r\nEND:VEVENT\r\n".replace("\n", "\r\n") for one in (moved, gone))
    text = text.replace(b"END:VCALENDAR", more.replace("\r\r", "\r").encode() + b"END:VCALENDAR")

    assert [("23 09:00", "23 17:00", "alice"), ("24 12:00", "24 17:00", "bob")] == await times(text)


async def test_what_is_cancelled_is_not_there_and_who_declined_is_not_asked() -> None:
    found = await read_calendar(
        calendar(
            "DTSTART:20261123T090000Z\nDTEND:20261123T170000Z\nSTATUS:CANCELLED\nSUMMARY:alice",
            "DTSTART:20261124T090000Z\nDTEND:20261124T170000Z\nSUMMARY:web\nATTENDEE:mailto:alice@example.com\n"
            "ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.com\nATTENDEE:tel:5550100",
        ),
        *("UTC", START, END),
    )

    assert [("web", ("alice@example.com",))] == [(one.title, one.mails) for one in found]


async def test_one_that_cannot_be_read_leaves_the_others() -> None:
    text = calendar("DTSTART:20261123T090000Z\nRRULE:FREQ=NEVERLY\nSUMMARY:x", "DTSTART:20261124T090000Z\nSUMMARY:bob")

    assert ["bob"] == [title for _, _, title in await times(text)]


async def test_so_many_are_read_and_no_more() -> None:
    text = calendar(*("DTSTART:20261123T090000Z\nDURATION:PT1H\nSUMMARY:x" for _ in range(reading.MOST + 5)))

    assert reading.MOST == len(await times(text))


@pytest.mark.parametrize(
    "text", [b"", b"<html>log in</html>", b"\xff\xfe", b"BEGIN:VTODO\r\nEND:VTODO\r\n", calendar()[:40]]
)
async def test_what_is_no_calendar_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(NotAnswered, match="cannot be read as a calendar"):
        await read_calendar(text, "UTC", START, END)


async def test_what_takes_forever_is_given_up() -> None:
    """Each second since 1900: what reads it is ended, and nothing else."""
    text = calendar("DTSTART:19000101T000000Z\nRRULE:FREQ=SECONDLY\nSUMMARY:x")
    with pytest.raises(NotAnswered, match="takes too long"):
        await read_calendar(text, "UTC", START, END, within=1)
