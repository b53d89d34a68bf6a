"""Two servers of PostgreSQL, of which one leads and the other follows, until that one has to lead."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic

import pytest
from peers.pgbouncer import pgbouncer
from peers.postgres import Postgres, Standby

from hub.errors import Deposed, Overloaded, SettingsError
from hub.store import Changes, StoredRequest, Term
from hub.store.opening import open_shared, open_store
from hub.store.postgres_server import PATIENCE

pytestmark = pytest.mark.e2e("postgresql")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def follower(postgres: Postgres) -> Iterator[Standby]:
    postgres.clean()
    with postgres.standby() as standby:
        yield standby


def request(id: str) -> Changes:
    return Changes(requests=[StoredRequest(id=id, source="s", tool="t", received_at=NOW, verdict="quiet")])


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """The address of a server that takes connections and says nothing, as one whose machine hangs."""
    taken: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(lambda _, writer: taken.append(writer), "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in taken:
            writer.close()


async def test_of_several_the_one_that_leads_is_asked(postgres: Postgres, follower: Standby) -> None:
    """Wherever it stands in the URL, and though another one says nothing at all. Where none leads each says why."""
    async with silent() as mute:
        hosts = f"{follower.folder},{mute},{postgres.socket.parent}"
        begun = monotonic()
        async with open_store(f"postgresql://postgres@/tocsin?host={hosts}") as store:
            await store.commit(request("r1"))
        took = monotonic() - begun
    with pytest.raises(SettingsError) as refused:
        async with open_store(f"postgresql://postgres:hunter2@/tocsin?host={follower.folder},/nowhere"):
            pass

    assert took < PATIENCE, "the one that says nothing was not waited for"
    assert "the database server at socket /nowhere cannot be reached" in str(refused.value)
    assert f"the database at socket {follower.folder} may only be read; is it a standby?" in str(refused.value)
    assert "hunter2" not in str(refused.value)


async def test_a_standby_that_must_lead_is_found_and_what_it_never_heard_of_is_noticed(
    postgres: Postgres, follower: Standby, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever led has a memory of what is nowhere any more: its term is over, so that it reads anew what there is."""
    async with open_shared(f"postgresql://postgres@/tocsin?host={postgres.socket.parent},{follower.folder}") as store:
        epoch = await store.desk.take("one", "http://one", 60)
        assert epoch is not None
        term = Term(owner="one", epoch=epoch, until=monotonic() + 60, ticks=monotonic)
        await store.under(term).commit(request("r2"))
        await passed_on(postgres)
        await asyncio.to_thread(follower.stop)
        await store.under(term).commit(request("r3"))
        led = store.under(term)
        await asyncio.to_thread(postgres.stop)
        await asyncio.to_thread(follower.start)
        with pytest.raises(Overloaded, match="may only be read; is it a standby"):
            await led.commit(request("r4"))
        await asyncio.to_thread(follower.leads)
        with pytest.raises(Deposed), caplog.at_level(logging.WARNING):
            await led.commit(request("r5"))
        await store.commit(request("r6"))

        assert {"r2", "r6"} == {found.id for found in await store.requests([f"r{n}" for n in range(2, 7)])}
        assert term.lost.is_set()
        assert "another server leads the database" in caplog.text


async def passed_on(postgres: Postgres) -> None:
    caught_up = "SELECT bool_and(replay_lsn = pg_current_wal_lsn()) FROM pg_stat_replication"
    while await asyncio.to_thread(postgres.sql, caught_up) != "t":
        await asyncio.sleep(0.05)


@pytest.mark.e2e("pgbouncer")
@pytest.mark.parametrize("pooled", ["session", "transaction"])
async def test_a_pooler_of_connections_is_refused_by_name(postgres: Postgres, pooled: str) -> None:
    """It would keep settings from the server, and give the locks of a hub to whoever comes next."""
    postgres.clean()
    with pgbouncer(postgres, pooled) as address, pytest.raises(SettingsError) as refused:
        async with open_store(f"postgresql://postgres@{address}/tocsin"):
            pass

    assert f"what answers at {address} is a pooler of connections, or no PostgreSQL" in str(refused.value)
