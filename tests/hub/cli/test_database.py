"""`tocsin database`: what somebody does who looks after it, beside a hub that runs or in its absence."""

import asyncio
import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from peers.postgres import Postgres

from hub.cli import main
from hub.store import Changes, StoredRequest
from hub.store.opening import open_store


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOCSIN_DATABASE", f"sqlite:///{tmp_path}/tocsin.db")
    return tmp_path / "tocsin.db"


@pytest.fixture
def tocsin(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: str, code: int = 0) -> dict[str, Any]:
        with pytest.raises(SystemExit) as ended:
            main(["database", *words, "--json"])

        assert code == ended.value.code
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    return run


def write(file: Path, *ids: str) -> None:
    asyncio.run(_write(file, ids))


async def _write(file: Path, ids: tuple[str, ...]) -> None:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    common: dict[str, Any] = {"source": "s", "tool": "t", "received_at": at, "verdict": "quiet"}
    async with open_store(f"sqlite:///{file}") as store:
        await store.commit(Changes(requests=[StoredRequest(id=id, **common) for id in ids]))


def requests(file: Path | str) -> list[tuple[str]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT id FROM request").fetchall()


def test_a_database_is_looked_after_without_the_secrets_of_the_hub(
    file: Path, tocsin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where systemd keeps them they are gone as soon as it is stopped, which restoring wants it to be."""
    monkeypatch.setenv("TOCSIN_API_TOKEN_FILE", "/run/credentials/tocsin.service/api-token")

    assert 0 == tocsin("migrate")["from"]
    assert file.exists()


def test_status_says_whether_there_is_something_to_do(file: Path, tocsin: Any) -> None:
    """By its exit code too; and asks nothing of a hub that runs."""
    assert {"ok": False, "version": 0}.items() <= tocsin("status", code=1).items()
    assert 0 == tocsin("migrate")["from"]
    assert {"ok": True, "database": "sqlite"}.items() <= tocsin("status").items()
    assert tocsin("migrate")["from"] == tocsin("status")["version"]


async def test_a_backup_beside_a_running_hub_is_whole(file: Path, tocsin: Any) -> None:
    """As of one moment: of two rows that were written together there are both or none. Then it is restored."""
    copies = [file.with_name(f"copy{n}.db") for n in range(5)]
    at = datetime(2026, 11, 21, tzinfo=UTC)
    common: dict[str, Any] = {"source": "s", "tool": "t", "received_at": at, "verdict": "quiet", "body": b"x" * 5000}
    async with open_store(f"sqlite:///{file}") as store:

        async def pairs() -> None:
            for n in range(100_000):
                await store.commit(Changes(requests=[StoredRequest(id=f"{n}{half}", **common) for half in "ab"]))

        writing = asyncio.create_task(pairs())
        for copy in copies:
            await asyncio.to_thread(tocsin, "backup", str(copy))
        refused = await asyncio.to_thread(lambda: tocsin("restore", str(copies[0]), code=1))
        writing.cancel()
    halves = [requests(copy) for copy in copies]

    assert "another hub uses" in refused["error"]
    assert all(len(some) % 2 == 0 and len({id[:-1] for (id,) in some}) * 2 == len(some) for some in halves)
    assert len(halves[-1]) > len(halves[0])


def test_what_is_restored_takes_the_place_of_what_was_there(file: Path, tocsin: Any) -> None:
    """Which lies beside it: nothing is thrown away."""
    write(file, "r1")
    tocsin("backup", str(file.with_name("copy.db")))
    write(file, "r2")
    said = tocsin("restore", str(file.with_name("copy.db")))

    assert 1 == tocsin("size")["rows"]["requests"]
    assert [("r1",), ("r2",)] == requests(said["aside"])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "there is no"),
        (b"dear diary " * 1000, "not a database"),
        (b"", "holds no tables of a hub"),
    ],
)
def test_a_file_that_is_no_backup_is_not_restored(file: Path, tocsin: Any, content: bytes | None, why: str) -> None:
    """And the database stays."""
    write(file, "r1")
    other = file.with_name("other")
    if content is not None:
        other.write_bytes(content)

    assert why in tocsin("restore", str(other), code=1)["error"]
    assert 1 == tocsin("size")["rows"]["requests"]


def test_a_backup_overwrites_nothing(file: Path, tocsin: Any) -> None:
    """The last good one may be what is there."""
    write(file, "r1")
    file.with_name("copy.db").write_text("precious")

    assert "exists" in tocsin("backup", str(file.with_name("copy.db")), code=1)["error"]
    assert "precious" == file.with_name("copy.db").read_text()


@pytest.mark.e2e("postgresql")
def test_postgresql_is_migrated_and_measured_and_named_its_own_tools(
    postgres: Postgres, tocsin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the password, which others could see in a list of processes."""
    url = postgres.new("cared_for").replace("postgres@", "postgres:hunter2@")
    monkeypatch.setenv("TOCSIN_DATABASE", url)
    before = tocsin("status", code=1)
    tocsin("migrate")
    told = [tocsin(word, "x.dump", code=1)["error"] for word in ("backup", "restore")]

    assert {"ok": False, "database": "postgresql", "version": 0}.items() <= before.items()
    assert {"ok": True}.items() <= tocsin("status").items()
    assert tocsin("size")["bytes"] > 0 == tocsin("size")["rows"]["events"]
    assert ["pg_dump -Fc" in told[0], "pg_restore" in told[1], "hunter2" in "".join(told)] == [True, True, False]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_what_root_restores_is_for_the_user_of_the_hub(file: Path, tocsin: Any) -> None:
    """A service runs by a user of its own, and is looked after by root: what was put back must not keep it out."""
    os.chown(file.parent, 12_345, 23_456)
    tocsin("migrate")
    tocsin("backup", str(file.with_name("copy.db")))
    tocsin("restore", str(file.with_name("copy.db")))

    for name in ("tocsin.db", "tocsin.db.lock"):
        met = file.with_name(name).stat()
        assert (12_345, 23_456, 0o600) == (met.st_uid, met.st_gid, met.st_mode & 0o777), name
    assert os.geteuid() == file.with_name("copy.db").stat().st_uid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_root_gives_away_nothing_that_was_there_before(file: Path, tocsin: Any) -> None:
    """The hub's user could have put a link there, to what must never be theirs."""
    os.chown(file.parent, 12_345, 23_456)
    (precious := file.with_name("precious")).touch()
    file.with_name("tocsin.db.lock").symlink_to(precious)
    tocsin("migrate")

    assert 0 == precious.stat().st_uid
