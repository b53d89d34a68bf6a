"""A 2xx means it is on disk: a process that is killed has lost nothing that it was told is written."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hub.store.opening import open_store

WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from hub.store import Changes, StoredRequest
from hub.store.opening import open_store

async def main() -> None:
    async with open_store(sys.argv[1]) as store:
        at = datetime.now(UTC)
        for n in range(100_000):
            pair = [f"{n}-{half}" for half in "ab"]
            common = dict(source="s", tool="t", received_at=at, verdict="quiet", body=b"x" * 500)
            await store.commit(Changes(requests=[StoredRequest(id=half, **common) for half in pair]))
            sys.stdout.write(f"{n}\\n")
            sys.stdout.flush()

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged", [1, 40, 150])
async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, acknowledged: int) -> None:
    """And of the commit that it was killed in, all is there or nothing."""
    url = f"sqlite:///{tmp_path}/tocsin.db"
    last = _killed_after(url, acknowledged)
    async with open_store(url) as store:
        told = [f"{n}-{half}" for n in range(last + 1) for half in "ab"]
        lost = [name for name in told if await store.request(name) is None]
        halves = [await store.request(f"{last + 1}-{half}") is None for half in "ab"]

    assert [] == lost
    assert halves[0] == halves[1]
    assert last >= acknowledged - 1


def _killed_after(url: str, acknowledged: int) -> int:
    """Let a process commit, kill it in the midst, and give the last commit that it told of."""
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(acknowledged):
            assert child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        rest = child.stdout.read().split("\n")
    # The last line may be torn: what was not told whole was not told.
    told = [int(line) for line in rest[:-1] if line]
    return told[-1] if told else acknowledged - 1
