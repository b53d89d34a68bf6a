"""Whatever is due is looked at, whenever that was said."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from hub.care.schedule import Schedule


@pytest.fixture
async def schedule() -> AsyncIterator[Schedule]:
    schedule = Schedule()
    schedule.start()
    yield schedule
    schedule.stop()


async def test_what_falls_due_while_it_looks_is_looked_at_next(schedule: Schedule) -> None:
    """A timer that is set for now while others ripen, by them or by an event, waits for nobody."""
    now = datetime.now(UTC)
    runs, begun, go_on, again = 0, asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def look() -> None:
        nonlocal runs
        runs += 1
        (begun if runs == 1 else again).set()
        await go_on.wait()

    schedule.wake_at(now, look)
    await begun.wait()
    schedule.wake_at(now + timedelta(microseconds=1), look)
    for _ in range(50):  # in which apscheduler would run it
        await asyncio.sleep(0)
    go_on.set()
    async with asyncio.timeout(5):
        await again.wait()

    assert 2 == runs


async def test_a_look_that_fails_does_not_end_the_looking(schedule: Schedule, caplog: pytest.LogCaptureFixture) -> None:
    runs, again = 0, asyncio.Event()

    async def look() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            schedule.wake_at(datetime.now(UTC), look)
            raise RuntimeError("it fell over")
        again.set()

    schedule.wake_at(datetime.now(UTC), look)
    async with asyncio.timeout(5):
        await again.wait()

    assert "it fell over" in caplog.text


@pytest.mark.parametrize("regular", [False, True])
async def test_what_runs_when_it_stops_ends_without_a_word(
    regular: bool, schedule: Schedule, caplog: pytest.LogCaptureFixture
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def look() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    if regular:
        schedule.every(timedelta(milliseconds=1), look, "look")
    else:
        schedule.wake_at(datetime.now(UTC), look)
    await begun.wait()
    schedule.stop()
    async with asyncio.timeout(5):
        await ended.wait()
    for _ in range(10):  # in which apscheduler would log it
        await asyncio.sleep(0)

    assert [] == [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
