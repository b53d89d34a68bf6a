"""A silence counts what it holds within a bound, and warns while there is time."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.core.silence import KINDS_REMEMBERED, REMEMBERED, WARNED, Silence, SilenceId, counted, extended

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


def a_silence(length: timedelta = timedelta(hours=1)) -> Silence:
    return Silence(id=SilenceId("7f3"), author="alice", starts_at=NOW, ends_at=NOW + length)


@given(st.lists(st.tuples(st.integers(0, 80), st.sampled_from(["nagios", "sensu"]), st.integers(0, 40)), max_size=200))
def test_it_counts_every_event_and_names_some(events: list[tuple[int, str, int]]) -> None:
    """Each name has its true count from when it is known; what has no place any more counts all the same."""
    silence = a_silence()
    for alert, source, title in events:
        silence = counted(silence, f"a{alert}", source, f"title {title}")
    true = Counter((source, f"title {title}") for _, source, title in events)

    assert len(events) == silence.held
    assert min(len(true), KINDS_REMEMBERED) == len(silence.often)
    assert all(true[one.source, one.title] == one.events for one in silence.often)
    newest = list(dict.fromkeys(f"a{alert}" for alert, *_ in reversed(events)))[:REMEMBERED]
    assert newest == list(reversed(silence.held_alerts))


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=30)))
def test_it_warns_in_time_and_not_too_soon(length: timedelta) -> None:
    silence = a_silence(length)

    assert silence.starts_at < silence.warns_at < silence.ends_at
    assert silence.ends_at - silence.warns_at <= WARNED
    assert silence.active(silence.warns_at)


def test_an_extension_is_another_version() -> None:
    longer = extended(a_silence(), NOW + timedelta(hours=2))

    assert (2, NOW + timedelta(hours=2)) == (longer.version, longer.ends_at)
    assert not longer.active(NOW + timedelta(hours=2))
