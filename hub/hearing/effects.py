"""The effect of a silence, measured before it begins: by memory what fires now, by the store what came lately."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from hub.core.effect import LOOKS_BACK, Effect, Hindsight
from hub.core.matching import alert_look, compile_match
from hub.memory.looking import open_alerts
from hub.memory.state import State
from hub.store import Mark, Store

STEP = 500
"""Events that are read at once: what else is asked goes in between."""
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
        firing = await open_alerts(self._state, lambda alert: match.matches(alert_look(alert)))
        return hindsight.effect(firing, since, whole=whole)

    async def _look(self, hindsight: Hindsight, since: datetime, before: Mark | None) -> Mark | None:
        events, more = await self._store.past_events(since=since, before=before, limit=STEP)
        for stored in events:
            if stored.decision is not None:
                channels = (channel for _, channel in stored.decision.routes)
                hindsight.see(stored.event, stored.decision.change, stored.decision.alert, channels)
        return more
