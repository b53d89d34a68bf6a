"""Two hubs on two servers of PostgreSQL: one dies, and what a source was promised is there all the same."""

import asyncio
import json
import uuid
from collections import Counter
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from peers.hub import BURST, HubProcess
from peers.poster import Poster
from peers.postgres import Postgres

pytestmark = pytest.mark.e2e("postgresql")
ROUTES = (
    BURST
    + """\
storm: never
channels: {ops: room:ops}
routes: []
everything_else: {to: ops}
"""
)


async def test_a_standby_that_has_to_lead_has_all_that_was_promised(tmp_path: Path, postgres: Postgres) -> None:
    """Each alert is told once, whichever server it was taken in on, and whether or not that could say so any more."""
    postgres.clean()
    with postgres.standby(synchronous=True) as standby:
        database = f"postgresql://postgres@/tocsin?host={postgres.socket.parent},{standby.folder}"
        hubs = [_hub(tmp_path / f"hub{n}", database) for n in range(2)]
        for hub in hubs:
            await asyncio.to_thread(hub.becomes_ready)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            poster = Poster(http, lambda: hubs)
            before = [asyncio.create_task(_post(poster, f"box-{n:02}")) for n in range(20)]
            await asyncio.sleep(0.1)
            await asyncio.to_thread(postgres.stop)
            await asyncio.to_thread(standby.leads)
            after = [asyncio.create_task(_post(poster, f"box-{n:02}")) for n in range(20, 30)]
            accepted = await asyncio.gather(*before, *after)
        messages = await _told(hubs[0], len(accepted))
        codes = [await asyncio.to_thread(hub.stop) for hub in hubs]

    assert dict.fromkeys((f"{key} is broken" for key in accepted), 1) == Counter(messages)
    assert [0, 0] == codes
    assert ["", ""] == [hub.complaints() for hub in hubs]


def _hub(folder: Path, database: str) -> HubProcess:
    folder.mkdir()
    hub = HubProcess(folder, routes=ROUTES, database=database)
    hub.launch()
    return hub


async def _post(poster: Poster, key: str) -> str:
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    status, said = await poster.send("/in/burst", json.dumps({"key": key}).encode(), headers)
    assert 202 == status, said
    return key


async def _told(hub: HubProcess, number: int) -> list[str]:
    """The titles of all messages, once there are as many."""
    async with asyncio.timeout(30):
        while True:
            with suppress(AssertionError):  # while none of them leads yet
                messages = await asyncio.to_thread(hub.messages)
                if len(messages) >= number:
                    return [message["title"] for message in messages]
            await asyncio.sleep(0.1)
