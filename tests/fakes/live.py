"""A hub that listens on loopback, in this process and in real time: for stories in which chats call back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from hub.app import Hub, build
from hub.settings import read_settings
from hub.web.doorway import DOOR, DoorLimits

WITHIN = 10.0
"""Seconds in which something that must come comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveHub:
    url: str
    hub: Hub

    async def nagios(self, host: str, state: str = "DOWN", kind: str = "PROBLEM", *, service: str = "", n: int) -> None:
        """A notification. `n` rises with each."""
        prefix = "SERVICE" if service else "HOST"
        body = {"NOTIFICATIONTYPE": kind, "HOSTNAME": host, f"{prefix}STATE": state, f"{prefix}OUTPUT": "no answer"}
        body |= {f"{prefix}NOTIFICATIONID": str(n)} | ({"SERVICEDESC": service} if service else {})
        await self.post("nagios", body)

    async def post(self, source: str, body: Mapping[str, Any]) -> None:
        async with aiohttp.ClientSession() as http, http.post(f"{self.url}/in/{source}", json=body) as answer:
            assert answer.status == 202, await answer.text()


@asynccontextmanager
async def live_hub(
    folder: Path, rules: str, variables: Mapping[str, str], door: DoorLimits = DOOR
) -> AsyncIterator[LiveHub]:
    routes = folder / "routes.yaml"
    routes.write_text(rules)
    settings = read_settings(routes=str(routes), database=f"sqlite:///{folder}/tocsin.db", variables=variables)
    async with (
        build(settings, door=door) as hub,
        hub.doorway.open(hub.app, "127.0.0.1", 0, lambda: hub.inbound) as port,
    ):
        yield LiveHub(url=f"http://127.0.0.1:{port}", hub=hub)
        hub.operations.room_log.close()


async def until(what: str, holds: Callable[[], Awaitable[Any]]) -> Any:
    """What it gives, as soon as that is anything. Fails by name if it never is."""
    try:
        async with asyncio.timeout(WITHIN):
            while not (found := await holds()):
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"never: {what}") from None
    return found
