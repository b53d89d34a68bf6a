"""The past as it is asked for: over HTTP step by step, from the database of a running hub, as a file without names."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from live import LiveHub, live_hub

from hub.cli import main
from hub.client import Client
from hub.core.durations import parse_duration
from hub.core.past import Happened
from hub.rehearsals import corpus
from hub.web import api

RULES = """\
version: 1
channels: {ops: room:ops, web: room:web}
everything_else: {to: ops}
routes: [{name: web, match: {body.HOSTNAME: "web*"}, to: web}]
"""
CHANGED = RULES.replace('"web*"', "web1")


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[LiveHub]:
    async with live_hub(tmp_path, RULES, {}) as started:
        for number, host in enumerate(("web1", "web2", "db1"), 1):
            await started.nagios(host, n=number)
        yield started


async def tocsin(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command prints; it asks over HTTP, so that the hub must not wait for it."""

    def run() -> None:
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 0

    await asyncio.to_thread(run)
    return capsys.readouterr().out


async def test_all_of_it_comes_step_by_step(live: LiveHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event once, with what is asked of its body, and no more of that."""
    monkeypatch.setattr(api, "AT_ONCE", 2)
    client, week = Client(live.url), parse_duration("7d")
    past = await asyncio.to_thread(lambda: corpus.of_hub(client.get, week, ["body.HOSTNAME"]))

    assert ["web1", "web2", "db1"] == [one.body["body.HOSTNAME"] for one in past]
    assert [{"body.HOSTNAME"}] * 3 == [set(one.body) for one in past]


NEVER = ("0001-01-01/1", "0001-01-01T00:00%2B14:00/1", f"2026-01-01/{'9' * 30}")


@pytest.mark.parametrize(
    "query", ["since=week", "since=0s", "after=x", "after=2026-01-01/x", *(f"after={mark}" for mark in NEVER)]
)
async def test_what_cannot_be_meant_is_refused(live: LiveHub, query: str) -> None:
    """With a word on what would do."""
    async with aiohttp.ClientSession() as http, http.get(f"{live.url}/api/v1/past?{query}") as answer:
        assert 400 == answer.status


async def test_a_hub_its_database_and_a_file_without_names_tell_the_same(
    live: LiveHub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change takes one of two hosts from the web's channel."""
    old, new, file = tmp_path / "routes.yaml", tmp_path / "new.yaml", tmp_path / "past.jsonl"
    new.write_text(CHANGED)
    monkeypatch.setenv("TOCSIN_URL", live.url)
    database = f"sqlite:///{tmp_path}/tocsin.db"
    asked = await tocsin(capsys, "diff", str(old), str(new), "--json")
    read = await tocsin(capsys, "diff", str(old), str(new), "--json", "--database", database)
    await tocsin(capsys, "export", "--redact", "--routes", str(old), "--output", str(file))
    kept = await tocsin(capsys, "diff", str(old), str(new), "--events", str(file), "--format", "json")

    assert json.loads(asked) == json.loads(read)
    assert [("lost", 1)] == [(one["kind"], one["count"]) for one in json.loads(asked)["findings"]]
    assert "web2" in asked
    assert b"web2" not in file.read_bytes().replace(b'"body.HOSTNAME":"web2"', b"")
    assert [("lost", 1)] == [(one["kind"], one["count"]) for one in json.loads(kept)["findings"]][:1]
    assert 3 == len(corpus.read(file)) == len([one for one in corpus.read(file) if isinstance(one, Happened)])
