"""What only a server does: it goes away and comes back, and it is reached over a connection that may break."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from peers.postgres import Postgres

from hub.errors import Overloaded, SettingsError
from hub.settings import read_settings
from hub.store import Changes, StoredRequest
from hub.store.opening import care_of, open_store
from hub.store.tables import VERSION

pytestmark = pytest.mark.e2e("postgresql")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.clean()


def request(id: str) -> Changes:
    return Changes(requests=[StoredRequest(id=id, source="s", tool="t", received_at=NOW, verdict="quiet")])


async def test_a_restarted_server_is_found_again(postgres: Postgres, url: str) -> None:
    """Without a word: what was idle meanwhile is made anew."""
    async with open_store(url) as store:
        await store.commit(request("r1"))
        await asyncio.to_thread(postgres.restart)
        await store.commit(request("r2"))

        assert 2 == (await store.count())["requests"]


async def test_a_server_that_is_gone_is_overloaded_until_it_is_back(postgres: Postgres, url: str) -> None:
    """Readers and writer alike; nothing of what was refused is there."""
    async with open_store(url) as store:
        await asyncio.to_thread(postgres.stop)
        try:
            with pytest.raises(Overloaded, match=r"the database server at socket /\S+ cannot be reached: ") as away:
                await store.commit(request("r1"))
            assert "the database cannot be used just now" == away.value.outside, "to a tool the server is not named"
            with pytest.raises(Overloaded, match=r"the database server at socket /\S+ cannot be reached: "):
                await store.request("r1")
        finally:
            await asyncio.to_thread(postgres.start)
        await store.commit(request("r2"))

        assert [None, "r2"] == [found and found.id for found in [await store.request("r1"), await store.request("r2")]]


async def test_a_server_killed_while_it_writes_keeps_a_transaction_whole_or_not_at_all(
    postgres: Postgres, url: str
) -> None:
    """And what was acknowledged is there."""
    told: list[int] = []

    async def write() -> None:
        for number in range(100_000):
            both = [*request(f"{number}a").requests, *request(f"{number}b").requests]
            await store.commit(Changes(requests=both))
            told.append(number)

    async with open_store(url) as store:
        writing = asyncio.create_task(write())
        while len(told) < 50:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(postgres.restart, "immediate")
        with suppress(Overloaded, TimeoutError):
            await asyncio.wait_for(writing, 0.2)
        last = len(told)
        found = [[await store.request(f"{n}{half}") is not None for half in "ab"] for n in range(last + 1)]

    assert [[True, True]] * last == found[:last]
    assert found[last] in ([True, True], [False, False])


@pytest.mark.parametrize("arrives", [True, False], ids=["before the answer", "before the server has it"])
async def test_a_connection_that_breaks_at_the_commit_leaves_no_doubt(url: str, arrives: bool) -> None:
    """The server is asked what became of it: what it kept is not refused, or a source would send it again."""
    async with wire(url, arrives=arrives) as (by_wire, broken), open_store(by_wire) as store:
        broken.set()
        if arrives:
            await store.commit(request("r1"))
        else:
            with pytest.raises(Overloaded, match="was lost"):
                await store.commit(request("r1"))
        await store.commit(request("r2"))

        assert [arrives, True] == [await store.request(id) is not None for id in ("r1", "r2")]


@asynccontextmanager
async def wire(
    url: str,
    *,
    arrives: bool,
    clients: list[asyncio.StreamWriter] | None = None,
    silent: asyncio.Event | None = None,
) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A way to the server that breaks, once it is told to, at one COMMIT: with it on its way, or behind it. `clients`
    are whom it connects; once `silent` is set nothing comes through any more."""
    socket = f"{url.partition('host=')[2]}/.s.PGSQL.5432"
    broken = asyncio.Event()

    serving = set[asyncio.Task[Any]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            serving.add(task)
        try:
            answers, server = await asyncio.open_unix_connection(socket)
        except OSError:  # it is away
            writer.close()
            return
        down = asyncio.create_task(pass_on(answers, writer))
        if clients is not None:
            clients.append(writer)
        while some := await reader.read(65536):
            if silent is not None and silent.is_set():
                continue
            if broken.is_set() and b"COMMIT" in some:
                broken.clear()
                down.cancel()
                await asyncio.wait([down])
                if arrives:
                    server.write(some)
                    await answers.read(1)
                break
            server.write(some)
        down.cancel()
        server.close()
        writer.close()

    async def pass_on(answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):  # which a server that crashes may leave behind
            while some := await answers.read(65536):
                writer.write(some)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        yield f"postgresql://postgres:hunter2@127.0.0.1:{port}/tocsin?sslmode=disable", broken
        if serving:
            await asyncio.wait(serving, timeout=5)


async def test_a_server_that_falls_silent_keeps_nobody_from_stopping(url: str) -> None:
    """As where the network between them is cut: it never says goodbye."""
    silent = asyncio.Event()
    async with wire(url, arrives=True, silent=silent) as (by_wire, _), open_store(by_wire) as store:
        await store.commit(request("r1"))
        silent.set()


@pytest.mark.parametrize("time", range(3))
async def test_a_crash_at_the_commit_is_not_taken_for_a_success(postgres: Postgres, url: str, time: int) -> None:
    """The server gives the number of a transaction of which nothing was on disk to others, who may have committed."""
    async with wire(url, arrives=False) as (by_wire, broken), open_store(by_wire) as store:
        await store.commit(request("r1"))
        broken.set()
        refused = asyncio.create_task(store.commit(request("r2")))
        while broken.is_set():
            await asyncio.sleep(0)
        await asyncio.to_thread(postgres.stop)
        await asyncio.to_thread(postgres.start)
        for _ in range(5):
            await asyncio.to_thread(postgres.sql, "SELECT pg_current_xact_id()", "tocsin")
        with pytest.raises(Overloaded, match="was lost"):
            await refused

        assert [True, False] == [await store.request(id) is not None for id in ("r1", "r2")]


async def test_a_server_that_says_goodbye_while_nobody_asks_is_a_lost_connection(url: str) -> None:
    """It hangs up a moment later; a statement in between is what asyncpg takes for an error of its own."""
    clients: list[asyncio.StreamWriter] = []
    async with wire(url, arrives=True, clients=clients) as (by_wire, _), open_store(by_wire) as store:
        for client in clients:
            client.write(b"E\0\0\0\x1dSFATAL\0C57P01\0Mgood bye\0\0")
            await client.drain()
        for _ in range(50):  # so that it has come before anything is asked
            await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="was lost"):
            await store.commit(request("r1"))
        await store.commit(request("r2"))

        assert [False, True] == [await store.request(id) is not None for id in ("r1", "r2")]


async def test_nobody_migrates_under_a_hub(url: str) -> None:
    """Any number of them use the tables; who changes these waits until the last has gone."""
    async with open_store(url), open_store(url):
        with pytest.raises(Overloaded, match="a hub uses this database; stop all that do"):
            await asyncio.to_thread(care_of(url).migrate)
    assert VERSION == await asyncio.to_thread(care_of(url).migrate)


async def test_a_database_without_tables_is_refused_by_the_command_to_run(postgres: Postgres) -> None:
    """To make them takes rights that a hub need not have."""
    with pytest.raises(SettingsError, match="has no tables yet; run: tocsin database migrate"):
        async with open_store(postgres.new("bare")):
            pass


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ("postgres:hunter2@127.0.0.1:1/tocsin", "server at 127.0.0.1:1 cannot be reached: Connection refused"),
        ("postgres:hunter2@db.invalid/tocsin", "server at db.invalid:5432 cannot be reached"),
        ("postgres:hunter2@/tocsin?host=/nowhere", "server at socket /nowhere cannot be reached: No such file"),
        ("postgres:hunter2@/nowhere?host={socket}", "no database nowhere; make it: createdb -O postgres nowhere"),
        ("nobody:hunter2@/tocsin?host={socket}", 'refuses user nobody: role "nobody" does not exist'),
        ("postgres:hunter2@[/tocsin", "not a URL that PostgreSQL understands"),
        (
            "postgres:hunter2@127.0.0.1:1/tocsin?sslmode=verify-full",
            "root certificate file .*; name who vouches for it",
        ),
        ("postgres:hunter2@127.0.0.1:1/t?sslmode=verify-full&sslrootcert=/nowhere", "there is no file /nowhere"),
        ("postgres:hunter2@127.0.0.1:1/tocsin?sslmode=hunter2", "`sslmode` parameter must be one of: disable"),
    ],
)
async def test_a_database_that_cannot_be_used_says_why_without_the_password(
    url: str, there: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the message nor in the log nor where settings are printed."""
    named = f"postgresql://{there.format(socket=url.partition('host=')[2])}"
    with caplog.at_level(logging.DEBUG), pytest.raises(SettingsError, match=why) as refused:
        async with open_store(named):
            pass

    assert "hunter2" not in f"{refused.value}{refused.value.__cause__}{caplog.text}"
    assert "hunter2" not in repr(read_settings(database=named, variables={}))


@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_what_is_named_for_a_backup_holds_no_password(verb: str, tmp_path: Path) -> None:
    """Nor stars in its place, which `pg_dump` would try."""
    care = care_of("postgresql://tocsin:hunter2@db.example.com/tocsin")
    with pytest.raises(SettingsError, match=r"postgresql://tocsin@db\.example\.com/tocsin"):
        getattr(care, verb)(tmp_path / "b.dump")


async def test_a_zero_character_fails_nobody(url: str) -> None:
    """PostgreSQL takes none in a text. A source may send one, and anybody may ask for an id with one."""
    async with open_store(url) as store:
        one = StoredRequest(
            id="r1", source="s", tool="t", received_at=NOW, verdict="quiet", headers={"x": "\0"}, delivery_id="d\0"
        )
        await store.commit(Changes(requests=[one]))

        assert ("s", "d\0") in await store.deliveries_seen([("s", "d\0")], since=NOW)
        assert one.headers == (await store.request("r1") or one).headers
        assert await store.alert("a\0") is None
