"""The effect of a silence, measured before it begins: by memory what fires now, by the store what came lately."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.core.alert import Alert
from hub.core.effect import LOOKS_BACK, Effect, Hindsight
from hub.core.matching import Match, alert_look, compile_match
from hub.memory.state import State
from hub.store import Mark, Store

STEP = 500
"""Events that are read at once, or alerts that are looked at: what else is asked goes in between."""
MOST = 20_000
"""Events that are looked at in all, newest first. Somebody waits for the answer."""


class Effects:
    def __init__(self, state: State, store: Store, now: Callable[[], datetime], *, most: int = MOST) -> None:
        self._state = state
        self._store = store
        self._now = now
        self._most = most

    async def of(self, matchers: Mapping[str, Any]) -> Effect:
        """What a silence with these matchers hides. Raises MatchError, or Overloaded."""
        match, since = compile_match(matchers), self._now() - LOOKS_BACK
        hindsight, before, seen = Hindsight(match), None, 0
        whole = "id" in match.equalities()  # the one alert that it is about fires now, or never
        while not whole and seen < self._most:
            seen += STEP
            before = await self._look(hindsight, since, before)
            whole = before is None
        return hindsight.effect(await self._firing(match), since, whole=whole)

    async def _look(self, hindsight: Hindsight, since: datetime, before: Mark | None) -> Mark | None:
        events, more = await self._store.past_events(since=since, before=before, limit=STEP)
        for stored in events:
            if stored.decision is not None:
                channels = (channel for _, channel in stored.decision.routes)
                hindsight.see(stored.event, stored.decision.change, stored.decision.alert, channels)
        return more

    async def _firing(self, match: Match) -> Sequence[Alert]:
        """Of a storm of thousands it takes a while, in which others want the loop, too."""
        firing = list[Alert]()
        for number, alert in enumerate([*self._state.alerts.values()]):
            if alert.open and match.matches(alert_look(alert)):
                firing.append(alert)
            if number % STEP == STEP - 1:
                await asyncio.sleep(0)
        return firing
