"""Why somebody heard of an event, or did not: the trail, computed when asked, by the rules of its time."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from hub.core.event import Event
from hub.core.matching import event_look
from hub.core.routing import Step, say_trail
from hub.core.rules import Rules
from hub.errors import PayloadError, RulesError
from hub.payload import decode_json
from hub.store import Decision, Store, StoredEvent

MOST_OLDER = 4
"""Rules of other times that are kept read."""


class Explainer:
    def __init__(self, store: Store, rules: Callable[[], Rules], read: Callable[[str], Rules]) -> None:
        self._store = store
        self._rules = rules
        self._read = read
        self._older: dict[str, Rules] = {}

    async def trail(self, stored: StoredEvent) -> Sequence[Step]:
        """Every route tried for an event, by the rules that decided it (by those of now, if those cannot be read)."""
        rules = await self._rules_of(stored.decision.config if stored.decision else "")
        return rules.tree.trail(event_look(stored.event, await self._body(stored)))

    async def decided(self, stored: StoredEvent) -> StoredEvent:
        """The event that decided the routes which this one followed: repeats and recoveries decide nothing anew."""
        decision = stored.decision
        if decision is None or decision.routes or not decision.alert:
            return stored
        for earlier in await self._store.events_of(decision.alert):
            if earlier.decision and earlier.decision.routes:
                return earlier
        return stored

    async def text(self, id: str) -> str:
        """The trail in words. `id` is an event's or an alert's."""
        stored = await self._find(id)
        if stored is None:
            return f"no event is called '{id[:60]}'"
        event, decision = stored.event, stored.decision
        head = [f"{event.title} ({event.source}, {event.status}, {event.id})"]
        if decision is None:
            return "\n".join([*head, "not routed: " + (stored.failure.strip().splitlines() or ["it waits"])[-1]])
        deciding = await self.decided(stored)
        told = deciding.decision.routes if deciding.decision else ()
        trail = say_trail(await self.trail(deciding))
        return "\n".join([*head, *say_added(event), *_say_decision(decision), _say_told(told), trail])

    async def _find(self, id: str) -> StoredEvent | None:
        found = await self._store.event(id)
        if found is not None:
            return found
        events = await self._store.events_of(id)
        return events[-1] if events else None

    async def _rules_of(self, hash: str) -> Rules:
        now = self._rules()
        if not hash or hash == now.hash:
            return now
        if hash not in self._older:
            text = await self._store.config(hash)
            if text is None:
                return now
            try:
                # In a thread: they may hold a table of 100,000 rows.
                self._older[hash] = await asyncio.to_thread(self._read, text)
            except RulesError:
                return now
            if len(self._older) > MOST_OLDER:
                del self._older[next(iter(self._older))]
        return self._older[hash]

    async def _body(self, stored: StoredEvent) -> Any:
        request = await self._store.request(stored.event.request_id) if stored.event.request_id else None
        try:
            return decode_json(request.body).value if request else None
        except PayloadError:
            return None


def say_added(event: Event) -> list[str]:
    """Which labels no tool said, and which table did."""
    added = [f"{name}={event.labels[name]} ({table})" for name, table in event.added.items()]
    return [f"added: {', '.join(added)}"] if added else []


def _say_decision(decision: Decision) -> list[str]:
    lines = [f"change: {decision.change}" + (f" ({decision.note})" if decision.note else "")]
    lines += [f"held back by {by} {id}" for by, id in decision.suppressed]
    return [*lines, f"rules: {decision.config}"]


def _say_told(routes: Sequence[tuple[str, str]]) -> str:
    return "told: " + (", ".join(f"{channel} by {route}" for route, channel in routes) or "nobody")
