"""All open alerts, looked through without keeping the loop: in a storm they are tens of thousands."""

import asyncio
import time
from collections.abc import Callable, Sequence

from hub.core.alert import Alert
from hub.memory.state import State

SLICE = 0.005
"""Seconds for which it keeps the loop to itself."""
STEP = 50
"""Alerts between two looks at the clock."""


async def open_alerts(state: State, wanted: Callable[[Alert], bool]) -> Sequence[Alert]:
    """Those of which this is true, as they stand at the end of the look."""
    found, begun = list[str](), time.perf_counter()
    for number, alert in enumerate([*state.alerts.values()], start=1):
        if alert.open and wanted(alert):
            found.append(alert.id)
        if number % STEP == 0 and time.perf_counter() - begun > SLICE:
            await asyncio.sleep(0)
            begun = time.perf_counter()
    return [now for id in found if (now := state.alerts.get(id)) is not None and now.open]
