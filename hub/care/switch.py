"""The dead man's switch: an address elsewhere that is pinged as long as all is well here, and cries when that ends.

A ping follows a timer that ripened and was committed; so while pings arrive, timers ripen and the disk takes
what we write. Without these, or while the hub is not ready, there is none.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from hub.core.durations import say_duration
from hub.core.event import Report, Severity, Status
from hub.errors import Overloaded
from hub.memory.draft import Draft
from hub.memory.writer import Writer
from hub.outward import Get, NotAnswered, Question
from hub.proof import Secret
from hub.router import SWITCH
from hub.store import Changes

log = logging.getLogger("tocsin.switch")

PATIENCE = timedelta(minutes=5)
"""How long pings may fail before that is told: those who watch wait as well."""
PING = Question(largest=1 << 20, within=10)


class Switch:
    """`ready` says why we are not; empty if we are."""

    def __init__(
        self,
        *,
        address: Secret | None,
        get: Get,
        writer: Writer,
        report: Callable[[Draft, Report], None],
        ready: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:
        self._address = address
        self._get = get
        self._writer = writer
        self._report = report
        self._ready = ready
        self._now = now
        self._ripened = asyncio.Event()
        self._fails_since: datetime | None = None
        self._told = False
        writer.listen(self._note)

    async def begin(self) -> None:
        """Set the timer that goes on by itself; or take away what an earlier setting left."""
        await self._writer.do(lambda draft: draft.set_timer(SWITCH, "", draft.now if self._address else None))

    async def serve(self) -> None:
        """Ping until cancelled."""
        while True:
            await self._ripened.wait()
            try:
                await self.ping()
            except Exception:
                log.exception("pinging the dead man's switch failed; it goes on")

    async def ping(self) -> None:
        """Ping, if its timer has ripened since the last time and all is well."""
        if not self._ripened.is_set() or self._address is None:
            return
        self._ripened.clear()
        if why := self._ready():
            log.warning("the dead man's switch is not pinged: %s", why)
            return
        try:
            answer = await self._get(self._address, PING)
            if answer.status >= 300:
                raise NotAnswered(f"it answered {answer.status}")
        except NotAnswered as error:
            await self._fails(str(error))
        else:
            await self._works()

    async def _fails(self, why: str) -> None:
        if self._fails_since is None:
            self._fails_since = self._now()
            log.warning("the dead man's switch could not be pinged: %s", why)
        lasted = self._now() - self._fails_since
        if lasted >= PATIENCE and not self._told:
            self._told = await self._say(
                Report(
                    status=Status.PROBLEM,
                    kind=SWITCH,
                    key=SWITCH,
                    title=f"the dead man's switch could not be pinged for {say_duration(lasted)}",
                    severity=Severity.ERROR,
                    body=f"{why}\nWhoever watches us there may think that we are gone.",
                )
            )

    async def _works(self) -> None:
        if self._fails_since is not None:
            log.info("the dead man's switch is pinged again")
        self._fails_since, self._told = None, False
        title = "the dead man's switch is pinged again"
        await self._say(Report(status=Status.RECOVERY, kind=SWITCH, key=SWITCH, title=title))

    async def _say(self, report: Report) -> bool:
        try:
            await self._writer.do(lambda draft: self._report(draft, report))
        except Overloaded as error:
            log.warning("what is to be said of the dead man's switch waits: %s", error)
            return False
        return True

    def _note(self, changes: Changes) -> None:
        timer = changes.timers.get((SWITCH, ""))
        if timer is not None and timer.due_at > self._now():  # it ripened, and was set anew
            self._ripened.set()
