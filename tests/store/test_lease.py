"""Several hubs on one PostgreSQL: one of them leads, and who led before writes nothing more."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from time import monotonic

import asyncpg
import pytest
from peers.postgres import Postgres

from hub.core.records import replace
from hub.errors import Deposed, Overloaded, Overtaken
from hub.store import Changes, Lease, SharedStore, StoredRequest, Term
from hub.store.address import parse_url
from hub.store.lease import LEADER, LOST
from hub.store.opening import open_shared
from hub.store.postgres import BEGUN_IN_TERM
from hub.store.postgres_server import WRITING, dial

pytestmark = pytest.mark.e2e("postgresql")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LONG, OVER = 60.0, 0.0
"""Seconds of a lease."""


@pytest.fixture
async def stores(postgres: Postgres) -> AsyncIterator[Sequence[SharedStore]]:
    """Of two hubs."""
    url = postgres.clean()
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_shared(url)) for _ in range(2)]


async def term(store: SharedStore, owner: str, seconds: float = LONG) -> Term:
    epoch = await store.desk.take(owner, f"http://{owner}", seconds)
    assert epoch is not None
    return Term(owner=owner, epoch=epoch, until=monotonic() + seconds, ticks=monotonic)


def request(id: str, delivery: str = "", at: datetime = NOW) -> StoredRequest:
    return StoredRequest(id=id, source="s", tool="t", received_at=at, verdict="quiet", delivery_id=delivery)


def taken_in(id: str, delivery: str = "", at: datetime = NOW) -> Changes:
    return Changes(requests=[request(id, delivery, at)])


async def begun(url: str, led: Term) -> tuple[asyncpg.Connection, asyncpg.transaction.Transaction]:
    """A transaction of the one that leads, in the middle of it."""
    connection = await dial(parse_url(url), WRITING, 5)
    transaction = connection.transaction()
    await transaction.start()
    await connection.fetchval(BEGUN_IN_TERM, LEADER, led.owner, led.epoch)
    return connection, transaction


async def test_one_leads_and_the_other_sees_who(stores: Sequence[SharedStore]) -> None:
    one, other = stores
    assert await other.desk.look() is None
    led = await term(one, "one")
    seen = await other.desk.look()

    assert await other.desk.take("other", "http://other", LONG) is None
    assert seen is not None
    assert Lease(owner="one", epoch=led.epoch, address="http://one", lasts=LONG) == replace(seen, lasts=LONG)
    assert 0 < seen.lasts <= LONG


async def test_of_many_that_want_it_at_once_one_gets_it(stores: Sequence[SharedStore]) -> None:
    tries = (store.desk.take(f"hub{n}", "http://hub", LONG) for n in range(10) for store in stores)

    assert 1 == len([epoch for epoch in await asyncio.gather(*tries) if epoch is not None])


async def test_a_lease_that_is_renewed_goes_on_and_one_that_is_over_is_taken(stores: Sequence[SharedStore]) -> None:
    """Each time under a higher number, by which the one before is known."""
    one, other = stores
    first = await term(one, "one", OVER)

    assert await one.desk.renew(first, LONG)
    assert await other.desk.take("other", "http://other", LONG) is None
    assert await one.desk.renew(first, OVER)
    assert first.epoch + 1 == (await term(other, "other")).epoch
    assert not await one.desk.renew(first, LONG)


async def test_a_lease_given_back_is_free_at_once(stores: Sequence[SharedStore]) -> None:
    one, other = stores
    await one.desk.give_back(await term(one, "one"))

    assert await other.desk.take("other", "http://other", LONG) is not None


async def test_who_led_before_writes_nothing_more(stores: Sequence[SharedStore]) -> None:
    """Whatever it does: its transactions are rolled back, and it is told."""
    one, other = stores
    first = await term(one, "one", OVER)
    led = one.under(first)
    await led.commit(taken_in("r1"))
    second = await term(other, "other")
    with pytest.raises(Deposed):
        await led.commit(taken_in("r2"))
    with pytest.raises(Deposed):
        await led.prune(before=NOW + timedelta(days=1))
    await other.under(second).commit(taken_in("r3"))

    assert first.lost.is_set()
    assert not second.lost.is_set()
    assert {"r1", "r3"} == {found.id for found in await other.requests(["r1", "r2", "r3"])}


async def test_it_is_renewed_beside_a_transaction_and_taken_only_after_it(
    stores: Sequence[SharedStore], postgres: Postgres
) -> None:
    """Or what is under way would come to be after the next one has begun to read."""
    one, other = stores
    first = await term(one, "one", LONG)
    connection, writing = await begun(postgres.migrated, first)
    assert await one.desk.renew(first, OVER)
    taking = asyncio.create_task(other.desk.take("other", "http://other", LONG))
    await asyncio.sleep(0.2)
    assert not taking.done()
    await writing.commit()

    assert first.epoch + 1 == await taking
    await connection.close()


async def test_a_hub_frozen_while_it_writes_keeps_nobody_from_leading(
    stores: Sequence[SharedStore], postgres: Postgres
) -> None:
    """The server ends what waits for its hub too long."""
    one, other = stores
    first = await term(one, "one", LONG)
    connection, writing = await begun(postgres.migrated, first)
    await one.desk.renew(first, OVER)
    epoch, since = None, monotonic()
    while epoch is None and monotonic() - since < 10:
        with suppress(Overloaded):
            epoch = await other.desk.take("other", "http://other", LONG)

    assert first.epoch + 1 == epoch
    with pytest.raises(LOST):
        await writing.commit()
    connection.terminate()


async def test_a_delivery_that_two_take_in_at_once_is_one(stores: Sequence[SharedStore]) -> None:
    """The second is told to look again, and nothing of it is there."""
    one, other = stores
    await one.commit(taken_in("r1", "d1"))
    with pytest.raises(Overtaken):
        await other.commit(Changes(requests=[request("r2", "d2"), request("r3", "d1")]))

    assert {"r1"} == {found.id for found in await one.requests(["r1", "r2", "r3"])}


async def test_a_delivery_after_its_time_and_one_that_is_replayed_are_new(stores: Sequence[SharedStore]) -> None:
    one, other = stores
    await one.commit(taken_in("r1", "d1"))
    later = NOW + timedelta(days=8)
    await other.commit(taken_in("r2", "d1", later))
    held = replace(request("r3", "d1", NOW), verdict="quarantined")
    await one.commit(Changes(requests=[held]))
    released = replace(held, verdict="quiet", replayed_at=later + timedelta(hours=1))
    await other.commit(Changes(released={"r3": released}))

    assert {("s", "d1"): ()} == await one.deliveries_seen([("s", "d1")], since=NOW)
    assert 3 == (await one.count())["requests"]


async def test_what_one_calls_all_hear(stores: Sequence[SharedStore]) -> None:
    heard: asyncio.Queue[Sequence[str]] = asyncio.Queue()
    one, other = stores
    other.desk.hear(heard.put_nowait)
    await other.desk.look()
    await one.desk.call("events", "nagios")

    assert ["events", "nagios"] == list(await asyncio.wait_for(heard.get(), 5))
