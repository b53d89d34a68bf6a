"""Hubs that share a database: one of them leads."""

import asyncio
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from peers.hub import HubProcess


@dataclass(slots=True, kw_only=True)
class Replicas:
    hubs: Sequence[HubProcess]
    away: set[HubProcess] = field(default_factory=set)
    """Those to which nothing is posted, as whoever balances load would have it."""

    async def leader(self) -> HubProcess:
        """The one that leads, as soon as one does."""
        async with asyncio.timeout(60):
            while True:
                present = self.present()
                said = await asyncio.gather(*(asyncio.to_thread(hub.metrics) for hub in present))
                found = [hub for hub, metrics in zip(present, said, strict=True) if "tocsin_leader 1.0" in metrics]
                if len(found) == 1:
                    return found[0]
                await asyncio.sleep(0.05)

    def present(self) -> Sequence[HubProcess]:
        return [hub for hub in self.hubs if hub not in self.away]

    async def dies(self, hub: HubProcess, number: int = signal.SIGKILL) -> float:
        """Kill or freeze it; after how many seconds another one leads."""
        self.away.add(hub)
        begun = time.monotonic()
        if number == signal.SIGSTOP:
            hub.sends(number)
        else:
            await asyncio.to_thread(hub.kill, number)
        await self.leader()
        return time.monotonic() - begun

    async def comes_back(self, hub: HubProcess) -> None:
        await asyncio.to_thread(hub.start)
        self.away.discard(hub)
