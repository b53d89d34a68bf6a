"""Who of several hubs on one PostgreSQL leads: one row, which is taken for some seconds and renewed.

Times are the database's own, so that the clocks of the hubs need not agree. A transaction of the one that leads holds
on to the row (`FOR KEY SHARE`): to renew it goes on meanwhile, to take it waits until that transaction has ended. So no
transaction of an old leader ends after a new one has begun to read.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import asyncpg

from hub.errors import Deposed, Overloaded
from hub.store import Lease, Term

log = logging.getLogger("tocsin.store")

LEADER = "leader"
"""The one row there is."""
CHANNEL = "tocsin"
ANSWER_WITHIN = 2.0
"""Seconds. What takes longer is not worth to be known."""
SETTINGS = {
    "application_name": "tocsin-lease",
    "timezone": "UTC",
    "lock_timeout": "1s",
    "statement_timeout": "2s",
    "synchronous_commit": "on",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}

_LOOK = "SELECT owner, epoch, address, expires_at - clock_timestamp() AS lasts FROM lease WHERE name = $1"
_BEGIN = "INSERT INTO lease VALUES ($1, '', 0, '', 'epoch') ON CONFLICT DO NOTHING"
_HOLD = "SELECT epoch FROM lease WHERE name = $1 AND expires_at <= clock_timestamp() FOR UPDATE"
_TAKE = "UPDATE lease SET owner = $2, epoch = $3, address = $4, expires_at = clock_timestamp() + $5 WHERE name = $1"
_RENEW = "UPDATE lease SET expires_at = clock_timestamp() + $4 WHERE name = $1 AND owner = $2 AND epoch = $3"
_GIVE_BACK = "UPDATE lease SET expires_at = 'epoch' WHERE name = $1 AND owner = $2 AND epoch = $3"

LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
Dial = Callable[[Mapping[str, str], float | None], Awaitable[asyncpg.Connection]]


def deposed(term: Term, why: str = "another replica leads now") -> Deposed:
    """What to raise where the term is over. Whoever waits for its end hears of it."""
    term.lost.set()
    return Deposed(why, retry_after=1)


class PostgresDesk:
    """A `Desk`: one connection, which is made anew when it was lost."""

    def __init__(self, dial: Dial, reason: Callable[[BaseException], str]) -> None:
        """`reason` says in words what a failure means."""
        self._dial = dial
        self._reason = reason
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()
        self._listeners: list[Callable[[Sequence[str]], None]] = []

    async def look(self) -> Lease | None:
        async with self._connected() as connection:
            row = await connection.fetchrow(_LOOK, LEADER)
        if row is None:
            return None
        return Lease(owner=row["owner"], epoch=row["epoch"], address=row["address"], lasts=row["lasts"].total_seconds())

    async def take(self, owner: str, address: str, seconds: float) -> int | None:
        async with self._connected() as connection:
            await connection.execute(_BEGIN, LEADER)
            async with connection.transaction():
                before = await connection.fetchval(_HOLD, LEADER)
                if before is None:
                    return None
                await connection.execute(_TAKE, LEADER, owner, before + 1, address, timedelta(seconds=seconds))
        return int(before) + 1

    async def renew(self, term: Term, seconds: float) -> bool:
        async with self._connected() as connection:
            said = await connection.execute(_RENEW, LEADER, term.owner, term.epoch, timedelta(seconds=seconds))
        return bool(said == "UPDATE 1")

    async def give_back(self, term: Term) -> None:
        async with self._connected() as connection:
            await connection.execute(_GIVE_BACK, LEADER, term.owner, term.epoch)

    async def call(self, *words: str) -> None:
        async with self._connected() as connection:
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, json.dumps(words))

    def hear(self, listener: Callable[[Sequence[str]], None]) -> None:
        self._listeners.append(listener)

    async def close(self) -> None:
        async with self._one_at_a_time:
            self._hang_up()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    if self._connection is None or self._connection.is_closed():
                        self._connection = await self._dialled()
                    yield self._connection
            except LOST as error:
                self._hang_up()
                what = "replicas cannot agree on who leads"
                raise Overloaded(f"{what}: {self._reason(error)}", outside=what) from error
            except BaseException:
                self._hang_up()  # what was asked last may be under way still
                raise

    async def _dialled(self) -> asyncpg.Connection:
        connection = await self._dial(SETTINGS, ANSWER_WITHIN)
        try:
            await connection.add_listener(CHANNEL, self._heard)
        except BaseException:
            connection.terminate()
            raise
        return connection

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def _heard(self, connection: Any, pid: int, channel: str, said: str) -> None:  # noqa: ARG002  as asyncpg calls it
        words: object = None
        with suppress(ValueError):
            words = json.loads(said)
        if not isinstance(words, list):
            log.warning("something else speaks on the channel %s of the database", CHANNEL)
            return
        for listener in self._listeners:
            listener([str(word) for word in words])
