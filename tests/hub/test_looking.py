"""Thousands of open alerts are looked through, and others have their turn."""

import asyncio
import time
from itertools import count

from hub.core.alert import Alert, Phase
from hub.core.records import replace
from hub.memory.looking import SLICE, STEP, open_alerts
from hub.memory.state import State
from hub.store import Changes
from tests.fakes.actions import an_alert


def a_storm(many: int) -> State:
    state = State()
    state.apply(Changes(alerts={id: an_alert(id) for id in (f"alert{number}" for number in range(many))}))
    return state


async def test_others_have_their_turn_while_a_storm_is_looked_through() -> None:
    state, turns = a_storm(10 * STEP), count()

    async def others() -> None:
        while True:
            next(turns)
            await asyncio.sleep(0)

    def slowly(alert: Alert) -> bool:
        time.sleep(SLICE / STEP)
        return alert.key.endswith("7")

    beside = asyncio.create_task(others())
    found = await open_alerts(state, slowly)
    beside.cancel()

    assert [f"key of alert{number}" for number in range(7, 10 * STEP, 10)] == [alert.key for alert in found]
    assert next(turns) > 5


async def test_what_healed_during_the_look_is_not_found() -> None:
    state = a_storm(3)

    def heals(alert: Alert) -> bool:
        healed = replace(state.alerts["alert1"], phase=Phase.RESOLVED)
        state.apply(Changes(alerts={healed.id: healed}))
        return bool(alert)

    found = await open_alerts(state, heals)

    assert ["alert0", "alert2"] == [alert.id for alert in found]
