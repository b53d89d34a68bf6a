"""When things are looked at: apscheduler wakes, and decides nothing."""

from collections.abc import Awaitable, Callable
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

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def every(self, period: timedelta, work: Work, name: str) -> None:
        self._scheduler.add_job(work, "interval", seconds=period.total_seconds(), id=name, replace_existing=True)

    def wake_at(self, at: datetime | None, work: Work) -> None:
        """Wake once at that time, instead of when it was said last; None: not at all."""
        if at == self._next:
            return
        self._next = at
        if at is not None:
            self._scheduler.add_job(self._once, "date", run_date=at, args=[work], id=TIMERS, replace_existing=True)
            return
        try:
            self._scheduler.remove_job(TIMERS)
        except JobLookupError:
            return

    async def _once(self, work: Work) -> None:
        self._next = None
        await work()
