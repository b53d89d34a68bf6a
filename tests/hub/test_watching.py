"""A change of the rules, or of a table that they name, asks for a reload."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub.current import Current, Marks
from hub.errors import Overloaded, RulesError
from hub.registry import installed
from hub.routes_file.catalogue import catalogue_of
from hub.serving import reload_when_told, watch
from hub.store.opening import open_store

RULES = """\
version: 1
channels: {ops: room:ops}
everything_else: {to: ops}
enrich: [{name: hosts, table: team/hosts.csv, by: host}]
"""
PATIENCE = 20.0
"""Seconds; each change takes about one."""


@asynccontextmanager
async def meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """What never ends by itself goes on beside what follows."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Reader:
    """Reads the rules when it is asked to, as the hub does."""

    def __init__(self, folder: Path) -> None:
        self.current = Current(folder / "routes.yaml", catalogue_of(installed()), str)
        self.asked = asyncio.Event()
        self.hash = self._read()

    def _read(self) -> str:
        with suppress(RulesError):
            return self.current.read_files().hash
        return ""

    async def sees_other(self) -> bool:
        """Wait until other rules are there than the last."""
        async with asyncio.timeout(PATIENCE):
            before = self.hash
            while self.hash == before:
                await self.asked.wait()
                self.asked.clear()
                self.hash = self._read()
        return True


async def test_tables_are_watched_with_the_rules(tmp_path: Path) -> None:
    """Also one that is not there yet, nor its folder; and one whose folder takes the place of another."""
    table = tmp_path / "team" / "hosts.csv"
    (tmp_path / "routes.yaml").write_text(RULES)
    reader = Reader(tmp_path)
    async with meanwhile(watch(reader.current.look, reader.asked)):
        assert reader.hash == ""
        table.parent.mkdir()
        table.write_text("host,team\n")
        assert await reader.sees_other()
        table.write_text("host,team\ndb1,dba\n")
        assert await reader.sees_other()
        (tmp_path / "next").mkdir()
        (tmp_path / "next" / "hosts.csv").write_text("host,team\ndb2,dba\n")
        table.parent.rename(tmp_path / "old")
        (tmp_path / "next").rename(tmp_path / "team")
        assert await reader.sees_other()
        table.write_text("host,team\ndb3,dba\n")
        assert await reader.sees_other()
        (tmp_path / "routes.yaml").write_text(RULES.replace("by: host", "by: host, add: [team]"))
        assert await reader.sees_other()


async def test_a_file_that_begins_to_fit_what_is_included_is_noticed(tmp_path: Path) -> None:
    """As its folder is, where there was none; and what is changed in it, or taken away."""
    folder = tmp_path / "routes.d"
    rules = "version: 1\ninclude: [routes.d/*.yaml]\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n"
    (tmp_path / "routes.yaml").write_text(rules)
    reader = Reader(tmp_path)
    async with meanwhile(watch(reader.current.look, reader.asked)):
        folder.mkdir()
        (folder / "web.yaml").write_text("routes: [{name: web, match: {host: web1}, to: ops}]")
        assert await reader.sees_other()
        (folder / "db.yaml").write_text("routes: [{name: db, match: {host: db1}, to: ops}]")
        assert await reader.sees_other()
        (folder / "db.yaml").write_text("routes: [{name: db, match: {host: db2}, to: ops}]")
        assert await reader.sees_other()
        (folder / "web.yaml").unlink()
        assert await reader.sees_other()
        assert reader.hash


async def test_what_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    """A second file is, and one that is gone."""
    reads: list[datetime] = []

    def now() -> datetime:
        """Asked in each reading, for the window."""
        reads.append(datetime(2026, 11, 21, tzinfo=UTC))
        return reads[-1]

    rules = "include: [teams/*/*.yaml]\ntime_windows: {nights: {hours: 22:00-06:00}}\n"
    (tmp_path / "routes.yaml").write_text(RULES.replace("by: host", "by: host, add: [team]") + rules)
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "hosts.csv").write_text("host,team\ndb1,dba\n")
    file = tmp_path / "teams" / "web" / "routes.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("routes: [{name: web, match: {host: web1}, to: ops}]")
    current = Current(tmp_path / "routes.yaml", catalogue_of(installed(), now=now), str)
    async with open_store("sqlite:///:memory:") as store:
        await current.begin(store, now())

    async def reads_anew() -> bool:
        before = len(reads)
        await current.reload(None, datetime(2026, 11, 21, tzinfo=UTC))
        return len(reads) > before

    assert not await reads_anew()
    file.with_name("db.yaml").write_text("routes: [{name: db, match: {host: db1}, to: ops}]")
    assert await reads_anew()
    assert not await reads_anew()
    file.unlink()
    assert await reads_anew()
    (tmp_path / "team" / "hosts.csv").write_text("host,team\ndb1,ops\n")
    assert await reads_anew()


def test_a_mounted_configuration_that_is_swapped_is_noticed(tmp_path: Path) -> None:
    """The file stays the same link. What it leads to is another, be it as long and as old."""
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "routes.yaml").write_text(RULES.replace("room:ops", f"room:{version}"))
    data = tmp_path / "..data"
    data.symlink_to("one")
    (tmp_path / "routes.yaml").symlink_to("..data/routes.yaml")
    current = Current(tmp_path / "routes.yaml", catalogue_of(installed()), str)
    before = current.look()
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(data)

    assert before != current.look()
    assert current.look() == current.look()


async def test_what_the_database_did_not_take_is_loaded_again() -> None:
    """Until it does; nothing changes a second time, and nobody asks again."""
    wanted, taken = asyncio.Event(), asyncio.Event()
    failures = [Overloaded("the disk is full", retry_after=0), Overloaded("the disk is full", retry_after=0)]

    class Hub:
        async def reload(self) -> None:
            if failures:
                raise failures.pop()
            taken.set()

    wanted.set()
    async with meanwhile(reload_when_told(Hub(), wanted)), asyncio.timeout(PATIENCE):
        await taken.wait()


async def test_a_folder_that_goes_while_it_is_looked_at_ends_no_watch() -> None:
    looks = [FileNotFoundError("templates/opened"), frozenset({(Path("a.j2"), 1, 1, 1)})]
    changed = asyncio.Event()

    def look() -> Marks:
        found = looks.pop(0) if len(looks) > 1 else looks[0]
        if isinstance(found, OSError):
            raise found
        return found

    async with meanwhile(watch(look, changed, every=0)), asyncio.timeout(PATIENCE):
        await changed.wait()
