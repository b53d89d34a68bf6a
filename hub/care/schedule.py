"""When things are looked at: apscheduler wakes, and decides nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler

TIMERS = "timers"
Work = Callable[[], Awaitable[None]]


class Schedule:
    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._next: datetime | None = None
        self._at_work = False

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def every(self, period: timedelta, work: Work, name: str) -> None:
        self._scheduler.add_job(
            _until_stopped, "interval", seconds=period.total_seconds(), args=[work], id=name, replace_existing=True
        )

    def wake_at(self, at: datetime | None, work: Work) -> None:
        """Wake once at that time, instead of when it was said last; None: not at all."""
        if at == self._next:
            return
        self._next = at
        if not self._at_work:  # apscheduler would pass over what is due while its last run goes on
            self._set(work)

    def _set(self, work: Work) -> None:
        if self._next is not None:
            # Two, since the run that sets the next one is itself not over yet.
            self._scheduler.add_job(
                self._once, "date", run_date=self._next, args=[work], id=TIMERS, replace_existing=True, max_instances=2
            )
            return
        with suppress(JobLookupError):
            self._scheduler.remove_job(TIMERS)

    async def _once(self, work: Work) -> None:
        self._next, self._at_work = None, True
        try:
            await _until_stopped(work)
        finally:
            self._at_work = False
            self._set(work)


async def _until_stopped(work: Work) -> None:
    """A scheduler that stops cancels what runs, which is no failure that its log should tell of."""
    with suppress(asyncio.CancelledError):
        await work()
