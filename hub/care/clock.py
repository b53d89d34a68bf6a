"""Notices that the machine's clock was set: by somebody, by its time server, or by a sleep of the machine.

Timers follow the clock, so that "until 14:00" stays true; what was to wake when it was set before is looked at again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from hub.core.durations import say_duration

log = logging.getLogger("tocsin.clock")

EVERY = 5.0
"""Seconds between two looks."""
A_JUMP = timedelta(seconds=5)
FAR = timedelta(days=1)
"""Of a clock that was set so far ahead it is first to be seen whether it is right."""
SEEN_AFTER = 24 * 3600.0
"""Seconds."""


class Clock:
    """`was_set` is told by how much."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        was_set: Callable[[timedelta], Awaitable[None]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._was_set = was_set
        self._monotonic = monotonic
        self._at, self._ticks = now(), monotonic()
        self._doubtful_until: float | None = None
        self._unsaid = timedelta(0)

    def trusted(self) -> bool:
        """Whether what is old by this clock may be taken away."""
        self._measure()
        return self._doubtful_until is None or self._monotonic() >= self._doubtful_until

    async def look(self) -> None:
        """Tell of it if it was set; again the next time, if what is to follow failed."""
        self._measure()
        if by := self._unsaid:
            await self._was_set(by)
            self._unsaid -= by

    def _measure(self) -> None:
        at, ticks = self._now(), self._monotonic()
        by = (at - self._at) - timedelta(seconds=ticks - self._ticks)
        self._at, self._ticks = at, ticks
        if abs(by) < A_JUMP:
            return
        self._unsaid += by
        if by >= FAR:
            self._doubtful_until = ticks + SEEN_AFTER
        log.warning("the clock was set %s by %s", "back" if by < timedelta(0) else "forward", say_duration(abs(by)))

    async def serve(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look()
            except Exception:
                log.exception("what follows from a clock that was set failed; it goes on")
