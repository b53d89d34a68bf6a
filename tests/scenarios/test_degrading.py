"""A disk that is full, locked or slow, and a clock that somebody sets: the hub says so, loses nothing, and goes on."""

import asyncio
import resource
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from chat import FakeChat, FindingChat
from scenario import RULES, Scenario

from hub.errors import Overloaded, SettingsError, Unreachable
from hub.registry import installed
from hub.store import Changes
from hub.store.opening import care_of

PAGED = """\
version: 1
channels: {ops: room:ops, pager: "pager:night"}
routes: [{name: paged, match: {tool: nagios}, to: pager}]
everything_else: {to: ops}
"""
SMALL = 3 << 20
VERSION_4 = Path(__file__).parent.parent / "store" / "version-4.sql"


class Tmpfs:
    """A file system of three MiB, which only root may mount. `why` is what SQLite says of it when it is full."""

    why = "the disk is full"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tocsin-test", str(folder)], check=True)

    def fill(self, room: int = 0) -> None:
        with (self.folder / "ballast").open("wb", buffering=0) as ballast:
            with suppress(OSError):
                while ballast.write(bytes(1 << 16)):
                    continue
            ballast.truncate(ballast.tell() - room)

    def free(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


class Quota:
    """No file of this process may grow: as on a disk that is full, or a quota that is used up, for who is not root."""

    why = "the disk failed to read or write"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self) -> None:
        most = max(file.stat().st_size for file in self.folder.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, self._before[1]))

    def free(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)

    close = free


@pytest.fixture(params=[Quota, pytest.param(Tmpfs, marks=pytest.mark.e2e("tmpfs"))])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Quota | Tmpfs]:
    folder = tmp_path / "disk"
    folder.mkdir()
    made = request.param(folder)
    yield made
    made.close()


@asynccontextmanager
async def asked(hub: Scenario) -> AsyncIterator[TestClient]:
    server = TestServer(hub.hub.app, host="127.0.0.1")
    async with TestClient(server) as client:
        yield client


async def test_a_full_disk_refuses_and_recovers_by_itself(disk: Quota | Tmpfs) -> None:
    """With 503 and Retry-After; what was accepted is there, and what was not is not."""
    hub = Scenario(disk.folder)
    await hub.start()
    try:
        accepted = [await hub.nagios("before")]
        disk.fill()
        async with asked(hub) as client:
            statuses = []
            for number in range(60):
                answer = await client.post("/in/nagios", data={"HOSTNAME": f"h{number}", "NOTIFICATIONTYPE": "PROBLEM"})
                statuses.append(answer.status)
                if answer.status == 503:
                    assert int(answer.headers["Retry-After"]) > 0
            assert 503 in statuses
            ready = await client.get("/readyz")
            assert (503, disk.why) == (ready.status, (await ready.json())["why"])
            assert "Retry-After" in ready.headers
            stranger = await client.get("/readyz", headers={"X-Forwarded-For": "203.0.113.7"})
            assert (503, "the log of the hub says why") == (stranger.status, (await stranger.json())["why"])
            disk.free()
            await hub.hub.writer.probe()
            assert 200 == (await client.get("/readyz")).status
        accepted.append(await hub.nagios("after"))
        await hub.restarts()

        assert all([await hub.hub.store.event(one.events[0]) for one in accepted])
        assert {"before is DOWN", "after is DOWN"} <= {message.message.title for message in await hub.told()}
    finally:
        await hub.stop()


async def test_a_disk_that_is_full_at_the_first_start_is_named_with_the_cure(disk: Quota | Tmpfs) -> None:
    hub = Scenario(disk.folder)
    disk.fill()
    with pytest.raises(
        SettingsError, match=rf"{disk.folder}/tocsin.db: {disk.why}; (make room there|see whether it has)"
    ):
        await hub.start()
    await hub.stop()
    disk.free()
    await hub.start()
    await hub.nagios("web301")
    await hub.stop()


@pytest.mark.parametrize("disk", [pytest.param(Tmpfs, marks=pytest.mark.e2e("tmpfs"))], indirect=True)
@pytest.mark.parametrize("room", [0, 32 << 10, 64 << 10])
async def test_a_disk_that_fills_during_a_migration_leaves_what_was_there(disk: Tmpfs, room: int) -> None:
    file, hub = disk.folder / "tocsin.db", Scenario(disk.folder)
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(VERSION_4.read_text())
    disk.fill(room)
    with pytest.raises((SettingsError, Overloaded), match=disk.why):
        await hub.start()
    await hub.stop()
    with closing(sqlite3.connect(file)) as connection:
        (before,) = connection.execute("SELECT count(*) FROM event").fetchone()
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
    disk.free()
    await hub.start()
    counted = await hub.hub.store.count()
    await hub.stop()

    assert 0 < before <= counted["events"]


@pytest.mark.parametrize("disk", [pytest.param(Tmpfs, marks=pytest.mark.e2e("tmpfs"))], indirect=True)
async def test_a_restore_for_which_there_is_no_room_leaves_what_was_there(disk: Tmpfs, tmp_path: Path) -> None:
    hub, backup = Scenario(disk.folder), tmp_path / "backup.db"
    await hub.start()
    accepted = await hub.nagios("web301")
    await hub.stop()
    care = care_of(hub.database)
    care.backup(backup)
    disk.fill(room=100 << 10)
    before = {file.name for file in disk.folder.iterdir()}
    with pytest.raises(SettingsError, match=r"/tocsin\.db: the disk is full; make room"):
        care.restore(backup)
    assert before == {file.name for file in disk.folder.iterdir()}
    disk.free()
    await hub.start()
    kept = await hub.hub.store.event(accepted.events[0])
    await hub.stop()

    assert kept is not None


async def test_a_database_that_fails_is_tried_again_though_nobody_asks(hub: Scenario) -> None:
    """Who looks at /readyz sends nothing before it is well, so that we must look ourselves."""
    writer, store = hub.hub.writer, hub.hub.store
    file = hub.folder / "tocsin.db"
    with sqlite3.connect(file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Overloaded, match="locked by another process"):
            await hub.nagios("web301")
        assert "the database is locked by another process" == writer.failing
        assert [] == list(await store.quarantine())
        other.execute("ROLLBACK")
    other.close()
    async with asyncio.timeout(20):
        while writer.failing:
            await asyncio.sleep(0.05)
    await hub.nagios("web301")

    assert "web301 is DOWN" == (await hub.latest()).message.title


async def test_a_database_that_hangs_takes_nothing_more_and_says_so(hub: Scenario) -> None:
    """What waits for it stays; who comes is told to come again instead of waiting, too."""
    store, writer = hub.hub.store, hub.hub.writer
    begun, go_on = asyncio.Event(), asyncio.Event()
    commit = store.commit

    async def slow(changes: object) -> None:
        begun.set()
        await go_on.wait()
        await commit(changes)  # type: ignore[arg-type]

    store.commit = slow  # type: ignore[method-assign]
    first = asyncio.create_task(hub.nagios("web301"))
    await begun.wait()
    hub.clock += timedelta(seconds=11)
    assert "the database has not answered for 11 seconds" == writer.failing
    with pytest.raises(Overloaded, match="has not answered"):
        await hub.hub.ingest.accept(hub.request("nagios", {"HOSTNAME": "web302"}))
    go_on.set()
    await first

    assert "" == writer.failing
    assert "web301 is DOWN" == (await hub.latest()).message.title


async def test_what_is_being_written_when_the_hub_stops_is_written(hub: Scenario) -> None:
    """And whoever posted it is told so, though the disk takes its time."""
    store, begun, go_on = hub.hub.store, asyncio.Event(), asyncio.Event()
    commit = store.commit

    async def slow(changes: Changes) -> None:
        begun.set()
        await go_on.wait()
        await commit(changes)

    store.commit = slow  # type: ignore[method-assign]
    posting = asyncio.create_task(hub.nagios("web301"))
    await begun.wait()
    stopping = asyncio.create_task(hub.stop())
    for _ in range(100):
        await asyncio.sleep(0)
    go_on.set()
    await stopping

    assert 1 == len((await posting).events)


async def test_what_is_written_after_the_outbox_has_stopped_is_written(hub: Scenario) -> None:
    """Also where it is owed to a channel to which nothing was owed before."""
    delivering = asyncio.create_task(hub.hub.outbox.serve())
    await asyncio.sleep(0)
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    async with asyncio.timeout(10):
        await hub.says("pause channel web for 1h")

    assert "paused for 1h by alice" == (await hub.latest("web")).message.title


@pytest.mark.parametrize("commit", [2, 3], ids=["before it is sent", "after it was shown"])
async def test_what_could_not_be_put_on_record_is_delivered_when_the_database_is_back(begin, commit: int) -> None:
    """Without a restart, and once: the chat is asked whether it is there."""
    chat = FindingChat()
    hub = await begin(PAGED, {**installed(), "pager": chat.integration()})
    commits = count(1)
    hub.fails_to_write(lambda _: next(commits) == commit)
    with pytest.raises(Overloaded):
        await hub.nagios("web301")
    await hub.settle()
    await hub.later("1m")

    assert ["web301 is DOWN"] == [message.title for _, message in chat.posted]
    assert [] == [post for post in hub.hub.state.posts.values() if post.shown != post.wanted]


@pytest.mark.parametrize(("said", "answer"), [("shut up nagios", "nagios is quiet until"), ("status", "0 open alerts")])
async def test_what_was_done_is_answered_though_its_record_cannot_be_ended(
    hub: Scenario, said: str, answer: str
) -> None:
    """Not with an error, after which one would say it again."""
    store = hub.hub.store
    write = store.commit

    async def fails_at_last(changes: Changes) -> None:
        if any(answer in record.outcome for record in changes.audit):
            raise Overloaded("the disk is full")
        await write(changes)

    store.commit = fails_at_last  # type: ignore[method-assign]
    reply = await hub.says(said)

    assert reply.ok
    assert answer in reply.text


async def test_a_clock_that_is_set_back_holds_up_no_delivery(begin) -> None:
    chat = FakeChat()
    hub = await begin(PAGED, {**installed(), "pager": chat.integration()})
    chat.failures = [Unreachable("away", retry_after=60)]
    await hub.nagios("web301")
    assert [] == chat.posted
    await hub.sets_the_clock(-timedelta(hours=3))

    assert ["web301 is DOWN"] == [message.title for _, message in chat.posted]


async def test_a_clock_that_is_set_forward_lets_ripen_what_is_due(hub: Scenario) -> None:
    await hub.says("shut up nagios for 1h")
    await hub.nagios("web301")
    assert "web301 is DOWN" not in [message.message.title for message in await hub.told()]
    await hub.sets_the_clock(timedelta(hours=2))

    assert "web301 is DOWN" in [message.message.title for message in await hub.told()]


async def test_a_clock_that_is_set_far_ahead_takes_nothing_away(hub: Scenario) -> None:
    """It may be wrong; and if it was right, a day later is soon enough."""
    accepted = await hub.nagios("web301", number=1)
    await hub.nagios("web301", "UP", "RECOVERY", number=2)
    await hub.sets_the_clock(timedelta(days=400))
    await hub.hub.upkeep.prune()
    assert await hub.hub.store.event(accepted.events[0]) is not None
    await hub.later("25h")
    await hub.hub.upkeep.prune()

    assert await hub.hub.store.event(accepted.events[0]) is None


async def test_a_storm_ends_though_the_clock_was_set_back(begin) -> None:
    hub = await begin()
    for number in range(30):
        await hub.nagios(f"web{number}")
    await hub.sets_the_clock(-timedelta(hours=3))
    await hub.later("3h10m")
    await hub.nagios("db1")

    assert "db1 is DOWN" == (await hub.latest()).message.title


async def test_rules_that_cannot_be_put_on_record_are_not_in_force(hub: Scenario) -> None:
    """And are taken in, whole, when the database is back."""
    before = hub.hub.current().hash
    hub.fails_to_write(lambda changes: bool(changes.configs))
    planned = '{name: patching, match: {host: "web*"}, until: 2026-12-01T00:00Z}'
    with pytest.raises(Overloaded):
        await hub.reloads(f"{RULES}silences: [{planned}]\n")
    meanwhile = hub.hub.current().hash
    assert await hub.hub.current.reload(hub.hub.writer, hub.clock)

    assert before == meanwhile
    assert ["patching"] == [silence.name for silence in hub.hub.operations.silences()]
    assert await hub.hub.store.config(hub.hub.current().hash)


async def test_a_clock_that_is_set_back_while_the_database_is_away_holds_up_no_delivery_either(begin) -> None:  # type: ignore[no-untyped-def]
    chat = FakeChat()
    hub = await begin(PAGED, {**installed(), "pager": chat.integration()})
    chat.failures = [Unreachable("away", retry_after=60)]
    await hub.nagios("web301")
    hub.fails_to_write()
    with pytest.raises(Overloaded):
        await hub.sets_the_clock(-timedelta(hours=3))
    await hub.hub.clock.look()
    await hub.settle()

    assert ["web301 is DOWN"] == [message.title for _, message in chat.posted]


async def test_who_fails_over_what_was_written_keeps_nothing_from_being_written(hub: Scenario) -> None:
    """It is a fault of the hub's own; whoever posted is answered, and what comes next goes its way."""

    def fails(_: Changes) -> None:
        raise RuntimeError("a span without an end")

    hub.hub.writer.listen(fails)
    async with asyncio.timeout(10):
        first = await hub.nagios("web301")
        second = await hub.nagios("web302")

    assert (1, 1) == (len(first.events), len(second.events))


async def test_that_broken_rules_are_mended_is_told_when_the_database_is_back(hub: Scenario) -> None:
    """Though they are in force by then: what told of the broken ones would stay open."""
    await hub.reloads("version: 1\nroutes: nonsense\n")
    commits = count(1)
    hub.fails_to_write(lambda _: next(commits) == 2)
    with pytest.raises(Overloaded):
        await hub.reloads(RULES)
    await hub.reloads(RULES)
    await hub.settle()

    assert "resolved" == (await hub.latest()).message.state
