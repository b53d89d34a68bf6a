"""Timers in memory, the earliest first."""

from datetime import UTC, datetime, timedelta

from hub.memory.state import FEW, State
from hub.store import Changes, Timer

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def set_timers(state: State, *timers: tuple[str, timedelta]) -> None:
    made = {("expire", subject): Timer(kind="expire", subject=subject, due_at=NOW + wait) for subject, wait in timers}
    state.apply(Changes(timers={**made}))


def test_what_is_put_off_again_and_again_takes_no_more_room() -> None:
    """A tool says each minute of a thousand things that they are still so, and has a week for it."""
    state, week = State(), timedelta(weeks=1)
    for minute in range(20 * FEW):
        set_timers(state, (str(minute % 10), week + timedelta(minutes=minute)))
    set_timers(state, ("soon", timedelta(0)))

    assert len(state._heap) <= 2 * FEW
    assert [("expire", "soon")] == state.due(NOW)
    assert ["soon", *"0123456789"] == [subject for _, subject in state.due(NOW + 100 * week)]
