"""Posts to hubs as a good script does: what got no answer, or 503, is sent again as it is."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp
from peers.hub import HubProcess


@dataclass
class Poster:
    http: aiohttp.ClientSession
    hubs: Callable[[], Sequence[HubProcess]]
    """Those to which one may post, each time anew; which of them it is is left to chance."""
    counts: Counter[str] = field(default_factory=Counter)
    silent: float = 0.0
    """The longest time without an answer, in seconds."""
    _answered_at: float = field(default_factory=time.monotonic)

    async def send(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Status and answer."""
        for attempt in count():
            try:
                url = f"{random.choice(self.hubs()).url}{path}"
                async with self.http.post(url, data=body, headers=headers) as answer:
                    said = json.loads(await answer.read() or b"null")
                    if answer.status != 503:
                        self.silent = max(self.silent, time.monotonic() - self._answered_at)
                        self._answered_at = time.monotonic()
                        return answer.status, said
                    self.counts["told to come again"] += 1
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                self.counts["not answered"] += 1
            await asyncio.sleep(random.uniform(0.5, 1) * min(1.0, 0.1 * 2**attempt))
        raise AssertionError("never")
