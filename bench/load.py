"""An open load: each is sent when it is due, whatever the answers before it take."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable


async def at_rate(sends: Iterable[Callable[[float], Awaitable[None]]], rate: int) -> None:
    """So many a second. Each is told when it was due, by the clock of `perf_counter`."""
    began, tasks = time.perf_counter(), []
    for turn, send in enumerate(sends):
        due = began + turn / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.ensure_future(send(due)))
    await asyncio.gather(*tasks)
