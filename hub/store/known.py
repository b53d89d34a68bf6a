"""What the store may know. Most of what comes in was never heard of, and memory can tell so without asking the store:
a Bloom filter holds every key and delivery id that is there. What it does not have, the store does not have."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from rbloom import Bloom

from hub.errors import Overloaded
from hub.store import DUPLICATES_FOR, Changes, DeliveryKey, LifeKey, Store, life_key
from hub.store.mapping import storable

log = logging.getLogger("tocsin.store")
KeyT = TypeVar("KeyT", LifeKey, DeliveryKey)

CAPACITY = 1_000_000
WRONG = 0.01
"""How often it takes what is new for known, once it holds so many. Then the store is asked, as of all that is known."""
STEP = 2_000
SHARE = 0.2
"""Of the time, how much the reading may take: what comes in goes first."""
EVERY = 24 * 3600.0
"""Seconds after which it is read anew, without what was taken away since."""
TRY_AGAIN = 10.0
"""Seconds until then where the database failed."""


class Known:
    """Before it was filled, and of what others wrote since then into a store that several hubs use, it cannot tell;
    that store itself refuses a delivery that it has."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._all: Bloom | None = None
        self._filling: Bloom | None = None

    def lives(self, keys: Iterable[LifeKey]) -> list[LifeKey]:
        """Those that the store may have."""
        return [key for key in keys if self._all is None or _life(key) in self._all]

    def deliveries(self, keys: Iterable[DeliveryKey]) -> list[DeliveryKey]:
        """Those that the store may have."""
        return [key for key in keys if self._all is None or _delivery(key) in self._all]

    def note(self, changes: Changes) -> None:
        """This was written."""
        for known in (self._all, self._filling):
            if known is None:
                continue
            for alert in changes.alerts.values():
                known.add(_life(life_key(alert)))
            for request in (*changes.requests, *changes.released.values()):
                known.add(_delivery((request.source, request.delivery_id)))

    async def serve(self) -> None:
        """Fill it, and again from time to time, until cancelled."""
        while True:
            wait = TRY_AGAIN
            try:
                await self.fill()
                wait = EVERY
            except Overloaded as error:
                log.warning("the store is asked about everything that comes in: %s", error)
            except Exception:
                log.exception("the store is asked about everything that comes in")
            await asyncio.sleep(wait)

    async def fill(self) -> None:
        """Read all that the store has; what is written meanwhile is noted. Raises Overloaded: it goes on as before."""
        filling = self._filling = Bloom(CAPACITY, WRONG)
        since = self._now() - DUPLICATES_FOR
        try:
            await _each(lambda after: self._store.life_keys(after, step=STEP), _life, filling)
            await _each(lambda after: self._store.delivery_keys(after, since=since, step=STEP), _delivery, filling)
            self._all = filling
        finally:
            self._filling = None


async def _each(
    read: Callable[[KeyT | None], Awaitable[Sequence[KeyT]]], stored: Callable[[KeyT], KeyT], filling: Bloom
) -> None:
    after: KeyT | None = None
    more = True
    while more:
        began = time.perf_counter()
        keys = await read(after)
        filling.update(map(stored, keys))
        if more := len(keys) == STEP:
            after = keys[-1]
            await asyncio.sleep((time.perf_counter() - began) * (1 / SHARE - 1))


def _life(key: LifeKey) -> LifeKey:
    """As the store has it."""
    source, name, notice = key
    return source, storable(name), notice


def _delivery(key: DeliveryKey) -> DeliveryKey:
    source, id = key
    return source, storable(id)
