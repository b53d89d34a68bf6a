"""Which of several hubs on one database leads: it takes a lease for some seconds, and renews it well before its end.

Who leads has the memory. It routes, speaks in the chats, hears there and does what people ask; the others take in and
pass on. When a lease is over, whoever comes first takes it, under a higher epoch, and loads the memory anew.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress

from hub.errors import Overloaded
from hub.store import Desk, Lease, Term

log = logging.getLogger("tocsin.leadership")

LASTS = 5.0
"""Seconds of a lease."""
RENEW_EVERY = 1.0
LOOK_EVERY = 0.5
"""Seconds between two looks at who leads."""
SPARE = 0.5
"""Seconds before its end in which who leads does nothing any more."""
AFTER_A_FAILURE = 3.0
"""Seconds that a replica leaves the lease to others which could not lead."""
LET_GO_WITHIN = 10.0
"""Seconds that it may take to end what was done while leading."""
LEASE = "lease"
"""The call that says: who leads has changed."""

Lead = Callable[[Term], AbstractAsyncContextManager[None]]
"""What is to be done while leading."""


def ticks() -> float:
    """Seconds, whatever is done to the clock; those too in which the machine slept, or this process was stopped."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Leadership:
    """`name` is this replica's own, `address` where the others reach it."""

    def __init__(self, desk: Desk, *, name: str, address: str, lead: Lead, ticks: Callable[[], float] = ticks) -> None:
        self._desk = desk
        self._name = name
        self._address = address
        self._lead = lead
        self._ticks = ticks
        self._seen: Lease | None = None
        self._called = asyncio.Event()
        self._changed = asyncio.Event()
        self.failing = ""
        """Why nobody knows who leads."""
        desk.hear(self._hear)

    @property
    def leader(self) -> str:
        """Where the one that leads is reached, as far as is known; empty: nobody leads."""
        return self._seen.address if self._seen is not None and self._seen.lasts > 0 else ""

    async def another(self, than: str) -> None:
        """Wait until somebody leads at another address."""
        while self.leader in ("", than):
            changed = self._changed
            await changed.wait()

    async def serve(self) -> None:
        """Lead, or wait to, until cancelled."""
        while True:
            led = False
            try:
                term = await self._campaign()
                log.info("this replica leads now, in epoch %d", term.epoch)
                led = await self._serve_term(term)
            except Exception:
                log.exception("leading, or waiting to, failed; it goes on")
            if not led:
                await asyncio.sleep(AFTER_A_FAILURE)

    async def _campaign(self) -> Term:
        """Wait for a lease to be free, and take it."""
        while True:
            begun = self._ticks()
            try:
                self._see(await self._desk.look())
                epoch = None if self.leader else await self._desk.take(self._name, self._address, LASTS)
                self.failing = ""
            except Overloaded as error:
                epoch, self.failing = None, str(error)
            if epoch is not None:
                self._see(Lease(owner=self._name, epoch=epoch, address=self._address, lasts=LASTS))
                return Term(owner=self._name, epoch=epoch, until=begun + LASTS - SPARE, ticks=self._ticks)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._called.wait()
            self._called.clear()

    async def _serve_term(self, term: Term) -> bool:
        """Lead until the term is over. False: it could not."""
        renewing = asyncio.create_task(self._renew(term))
        leading = asyncio.create_task(self._until_lost(term))
        try:
            await asyncio.wait({renewing, leading}, return_when=asyncio.FIRST_COMPLETED)
            return term.lost.is_set()
        finally:
            await _ended(leading, within=LET_GO_WITHIN if term.lost.is_set() else 0)
            await _ended(renewing)
            self._see(None)
            log.log(logging.WARNING if term.lost.is_set() else logging.INFO, "this replica leads no more")
            await self._give_back(term)

    async def _until_lost(self, term: Term) -> None:
        try:
            await self._desk.call(LEASE)
            async with self._lead(term):
                await term.lost.wait()
        except Overloaded as error:
            log.warning("this replica cannot lead: %s", error)
        except Exception:
            log.exception("leading failed")

    async def _renew(self, term: Term) -> None:
        """Renew it until another one has it. While nobody can be asked, nobody can take it: then the term holds no more
        as soon as the lease may be over, and goes on if it turns out that nobody took it."""
        while not term.lost.is_set():
            await asyncio.sleep(RENEW_EVERY)
            begun = self._ticks()
            try:
                if await self._desk.renew(term, LASTS):
                    term.until = begun + LASTS - SPARE
                else:
                    term.lost.set()
                self.failing = ""
            except Overloaded as error:
                self.failing = str(error)

    async def _give_back(self, term: Term) -> None:
        """Where another one has it, this changes nothing."""
        with suppress(Overloaded):
            await self._desk.give_back(term)
            await self._desk.call(LEASE)

    def _see(self, lease: Lease | None) -> None:
        before, self._seen = self.leader, lease
        if self.leader != before:
            self._changed.set()
            self._changed = asyncio.Event()

    def _hear(self, words: Sequence[str]) -> None:
        if words[:1] == [LEASE]:
            self._called.set()


async def _ended(task: "asyncio.Task[None]", within: float = 0) -> None:
    """Let it end by itself within so many seconds, or end it."""
    if within:
        await asyncio.wait({task}, timeout=within)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
