"""Where SQLite's statements run: what is little on the loop, and whatever may wait in the thread."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from hub.errors import Overloaded
from hub.store import sqlite_lane
from hub.store.sqlite_lane import LONG, WRITING, SqliteLane
from hub.store.writing import driver

LOOP = threading.current_thread()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "lane.db"


@pytest.fixture
async def lane(file: Path) -> AsyncIterator[SqliteLane]:
    made = SqliteLane(file, "BEGIN IMMEDIATE", WRITING, "writer")
    await made.run(lambda connection: connection.exec_driver_sql("CREATE TABLE said (word)"))
    yield made
    made.close()


class Saying:
    """Says a word into the table, and remembers in which threads."""

    def __init__(self, word: str, then: Callable[[], object] = lambda: None) -> None:
        self.word, self.then = word, then
        self.where: list[threading.Thread] = []

    def __call__(self, connection: Connection | sqlite3.Connection) -> None:
        self.where.append(threading.current_thread())
        at = connection if isinstance(connection, sqlite3.Connection) else driver(connection)
        at.execute("INSERT INTO said VALUES (?)", (self.word,))
        self.then()

    @property
    def was_here(self) -> list[bool]:
        return [thread is LOOP for thread in self.where]


def said(file: Path) -> list[str]:
    """As another process sees it."""
    with closing(sqlite3.connect(file)) as other:
        return [word for (word,) in other.execute("SELECT word FROM said")]


async def test_what_is_little_is_written_on_the_loop_and_there_when_it_returns(lane: SqliteLane, file: Path) -> None:
    saying = Saying("web1")
    await lane.run_little(saying)

    assert [True] == saying.was_here
    assert ["web1"] == said(file)


async def test_what_may_wait_for_the_disk_never_runs_on_the_loop(lane: SqliteLane, file: Path) -> None:
    saying = Saying("web1")
    await lane.run(saying)

    assert [False] == saying.was_here
    assert ["web1"] == said(file)


async def test_behind_what_the_thread_does_it_waits_in_the_thread(lane: SqliteLane, file: Path) -> None:
    goes_on = threading.Event()
    pruning = asyncio.ensure_future(lane.run(Saying("pruned", goes_on.wait)))
    await asyncio.sleep(0)
    saying = Saying("web1")
    writing = asyncio.ensure_future(lane.run_little(saying))
    await asyncio.sleep(0)
    goes_on.set()
    await asyncio.gather(pruning, writing)

    assert [False] == saying.was_here
    assert ["pruned", "web1"] == said(file)


async def test_who_was_cancelled_still_keeps_the_thread(lane: SqliteLane, file: Path) -> None:
    """What it does has a transaction open, into which nothing else may be written."""
    goes_on = threading.Event()
    pruning = asyncio.ensure_future(lane.run(Saying("pruned", goes_on.wait)))
    while not lane._connection or not lane._connection.in_transaction():
        await asyncio.sleep(0.001)
    pruning.cancel()
    await asyncio.sleep(0)
    saying = Saying("web1")
    writing = asyncio.ensure_future(lane.run_little(saying))
    await asyncio.sleep(0)
    goes_on.set()
    await writing

    assert [False] == saying.was_here
    assert ["pruned", "web1"] == said(file)


async def test_a_commit_that_nobody_waits_for_is_made(lane: SqliteLane, file: Path) -> None:
    first = asyncio.ensure_future(lane.run_little(Saying("web1")))
    await asyncio.sleep(0)
    first.cancel()
    await lane.run_little(Saying("web2"))

    assert ["web1", "web2"] == said(file)


async def test_a_foreign_process_in_the_way_does_not_hold_the_loop(lane: SqliteLane, file: Path) -> None:
    """The thread waits for it, with patience, and others go on."""
    saying = Saying("web1")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.ensure_future(lane.run_little(saying))
    await asyncio.sleep(0.05)  # would not return while the loop waited
    assert not writing.done()
    other.execute("COMMIT")
    other.close()
    await writing

    assert [False] == saying.was_here
    assert ["web1"] == said(file)


async def test_what_fails_on_the_loop_is_taken_back_and_said_by_the_thread(lane: SqliteLane, file: Path) -> None:
    def fail() -> None:
        raise sqlite3.OperationalError("no such luck")

    saying = Saying("web1", fail)
    with pytest.raises(Overloaded, match="no such luck"):
        await lane.run_little(saying)
    await lane.run_little(Saying("web2"))

    assert [True, False] == saying.was_here
    assert ["web2"] == said(file)


async def test_a_commit_that_fails_leaves_nothing_and_the_next_goes_through(lane: SqliteLane, file: Path) -> None:
    """A foreign key that is looked at in the end is one way to fail there without a full disk."""
    await lane.run(lambda c: c.exec_driver_sql("CREATE TABLE about (id INTEGER PRIMARY KEY)"))
    await lane.run(lambda c: c.exec_driver_sql("CREATE TABLE told (id REFERENCES about DEFERRABLE INITIALLY DEFERRED)"))

    def tell_of_nothing(at: sqlite3.Connection) -> None:
        at.execute("INSERT INTO told VALUES (1)")

    assert lane._connection is not None
    driver(lane._connection).execute("PRAGMA foreign_keys = ON")
    with pytest.raises(Overloaded, match="FOREIGN KEY"):
        await lane.run_little(tell_of_nothing)
    await lane.run_little(Saying("web1"))

    assert ["web1"] == said(file)


async def test_what_took_long_on_the_loop_lets_the_next_go_to_the_thread(
    lane: SqliteLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of it had to be read from a slow disk; for a while the same is expected of the rest."""
    monkeypatch.setattr(sqlite_lane, "REST", 0.05)
    await lane.run_little(Saying("web1", lambda: time.sleep(2 * LONG)))
    at_once, later = Saying("web2"), Saying("web3")
    await lane.run_little(at_once)
    await asyncio.sleep(0.06)
    await lane.run_little(later)

    assert [False] == at_once.was_here
    assert [True] == later.was_here
