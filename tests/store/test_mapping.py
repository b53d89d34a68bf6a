"""Each core type goes into its row and comes back as it was."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.contracts import RoomMessage
from hub.core.alert import Alert
from hub.core.event import Event
from hub.core.notification import Line, Post
from hub.core.past import Act
from hub.core.records import replace
from hub.core.silence import Silence
from hub.store import Audit, StoredAsk, StoredCalendar, StoredEvent, StoredRequest, mapping
from hub.store.tables import Utc, micros

# What UTF-8 can hold; what it cannot is a test of its own.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  Hypothesis adds the zone
LABELS = st.dictionaries(TEXT, TEXT, max_size=3)
MATCHES = st.dictionaries(TEXT, TEXT | st.lists(TEXT, max_size=2) | st.dictionaries(TEXT, TEXT, max_size=2), max_size=3)

for _shape, _strategy in {str: TEXT, datetime: TIMES}.items():
    st.register_type_strategy(_shape, _strategy)


def records(shape: type[Any], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any record of the type, its optional fields filled in too."""
    hints = {name: st.from_type(hint) for name, hint in _hints(shape).items() if name not in fields}
    return st.builds(shape, **hints, **fields)


def _hints(shape: type[Any]) -> dict[str, Any]:
    from typing import get_type_hints

    names = getattr(shape, "__struct_fields__", None) or shape.__dataclass_fields__
    return {name: hint for name, hint in get_type_hints(shape).items() if name in names}


LENGTHS = st.none() | st.floats(0, 1e9)
ACTS = records(Act, seconds=LENGTHS)
READERS: list[tuple[st.SearchStrategy[Any], Callable[[Any], dict[str, Any]], Callable[[dict[str, Any]], Any]]] = [
    (
        records(StoredRequest, headers=LABELS, query=LABELS),
        mapping.request_row,
        lambda row: mapping.request_of(row["record"], row["body"]),
    ),
    (
        records(StoredEvent, event=records(Event, labels=LABELS)),
        mapping.event_row,
        lambda row: mapping.event_of(row["record"]),
    ),
    (records(Alert, labels=LABELS), mapping.alert_row, lambda row: mapping.alert_of(row["record"])),
    (records(Post), mapping.post_row, lambda row: mapping.post_of(row["record"])),
    (records(Line), mapping.line_row, lambda row: mapping.line_of(row["record"])),
    (records(StoredCalendar), mapping.calendar_row, lambda row: mapping.calendar_of(row["record"])),
    (records(Silence, match=MATCHES), mapping.silence_row, lambda row: mapping.silence_of(row["record"])),
    (
        records(StoredAsk, labels=LABELS, duration=LENGTHS),
        mapping.ask_row,
        lambda row: mapping.ask_of(row["record"]),
    ),
    (records(Audit, acts=st.tuples(ACTS)), mapping.audit_row, lambda row: mapping.audit_of(row["record"])),
    (records(RoomMessage), mapping.room_row, lambda row: mapping.room_of(row["record"])),
]


@pytest.mark.parametrize("which", range(len(READERS)), ids=lambda i: READERS[i][1].__name__)
@given(data=st.data())
def test_each_type_goes_there_and_back(which: int, data: st.DataObject) -> None:
    """Nothing is lost and nothing is added."""
    records_of, row, back = READERS[which]
    record = data.draw(records_of)

    assert record == back(row(record))


@given(TIMES)
def test_a_time_is_stored_to_the_microsecond(at: datetime) -> None:
    """What is read back is equal, and in UTC."""
    column = Utc()
    back = column.process_result_value(column.process_bind_param(at, None), None)

    assert at == back
    assert back is not None and back.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused() -> None:
    """Nobody can tell which moment is meant."""
    with pytest.raises(ValueError, match="no time zone"):
        micros(datetime(2026, 1, 1))  # noqa: DTZ001  the point of the test


@given(TIMES, TIMES, st.integers(-12, 12))
def test_stored_times_sort_as_the_moments_do(one: datetime, other: datetime, hours: int) -> None:
    """In whatever zone they were said."""
    elsewhere = other.astimezone(timezone(timedelta(hours=hours)))

    assert (one < other) == (micros(one) < micros(elsewhere))


def test_halves_of_characters_do_not_fail_the_batch() -> None:
    """A header is decoded so that any bytes fit in; no database takes them as text."""
    request = StoredRequest(
        id="r1",
        source="s",
        tool="t",
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        headers={"x-name": "M\udcfcller"},
        delivery_id="\udcff1",
        verdict="quiet",
    )
    row = mapping.request_row(request)

    assert replace(request, headers={"x-name": "M?ller"}, delivery_id="?1") == mapping.request_of(row["record"], b"")
    assert row["delivery_id"] == "?1"


def test_any_mapping_may_stand_in_a_record() -> None:
    """The contracts say `Mapping`, and a frozen one is one."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    silence = Silence(id="x", match=MappingProxyType({"host": "web*"}), author="alice", starts_at=at, ends_at=at)  # type: ignore[arg-type]

    assert {"host": "web*"} == mapping.silence_of(mapping.silence_row(silence)["record"]).match


@given(st.binary() | st.binary().map(lambda more: b"\0z" + more) | st.binary(max_size=9).map(lambda one: one * 99))
def test_a_body_is_read_as_it_came_packed_or_not(body: bytes) -> None:
    """Whatever a stranger lets it begin with."""
    request = StoredRequest(
        id="r1", source="s", tool="t", received_at=datetime(2026, 1, 1, tzinfo=UTC), verdict="quiet", body=body
    )
    row = mapping.request_row(request)
    small = mapping.packed(row["body"])

    assert request == mapping.request_of(row["record"], row["body"]) == mapping.request_of(row["record"], small)
    assert len(small) <= len(body) + 2
    assert mapping.packed(small) is small
