"""A fire drill: a marked message through every channel, by the way that alerts take, and what came of each."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from hub import ids
from hub.alerting.duty import Duties
from hub.alerting.pauses import pauses_in
from hub.contracts import Drilled, DrillResult
from hub.core import telling
from hub.core.durations import say_duration
from hub.core.notification import DeliveryState, Line, Occasion, Sending
from hub.core.records import replace
from hub.core.rules import Rules
from hub.core.telling import Said
from hub.memory.draft import Draft
from hub.memory.writer import Writer
from hub.store import Changes

WITHIN = 20.0
"""Seconds in which a channel must have taken it."""
CAME = {
    DeliveryState.SENT: DrillResult.DELIVERED,
    DeliveryState.SHADOW: DrillResult.SHADOW,
    DeliveryState.DEAD: DrillResult.REFUSED,
    DeliveryState.UNKNOWN: DrillResult.UNKNOWN,
}


@dataclass(slots=True)
class Running:
    """A drill under way: its lines as they stand, by id, and when each was settled."""

    lines: dict[str, Line] = field(default_factory=dict)
    settled_at: dict[str, datetime] = field(default_factory=dict)
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class Drill:
    """`missing` says why nothing can be said in a chat; empty: it can be."""

    def __init__(
        self,
        *,
        writer: Writer,
        rules: Callable[[], Rules],
        duties: Duties,
        missing: Callable[[str], str],
        now: Callable[[], datetime],
    ) -> None:
        self._writer = writer
        self._rules = rules
        self._duties = duties
        self._missing = missing
        self._now = now
        self._running: dict[str, Running] = {}
        self.within = WITHIN
        writer.listen(self._note)

    async def run(self, channel: str, by: str) -> Sequence[Drilled]:
        """Try every channel, each address once; or the one of that address or `oncall:…`. Gives what came of each."""
        id = ids.new_id()
        running = self._running[id] = Running()
        try:
            untried = await self._writer.do(lambda draft: self._begin(draft, id, channel, by))
            try:
                async with asyncio.timeout(self.within):
                    while running.settled_at.keys() != running.lines.keys():
                        running.moved.clear()
                        await running.moved.wait()
            except TimeoutError:
                await self._writer.do(lambda draft: _give_up(draft, running.lines))
        finally:
            del self._running[id]
        tried = [self._came(line, running) for line in running.lines.values()]
        return sorted([*untried, *tried], key=lambda one: one.channel)

    def _begin(self, draft: Draft, id: str, channel: str, by: str) -> Sequence[Drilled]:
        """Owe the message to all who can hear it; gives the others."""
        untried = []
        for address in self._addresses(draft, channel):
            if why := self._unheard(draft, address):
                untried.append(Drilled(channel=self._name(address), address=address, result=why[0], detail=why[1]))
            else:
                line = telling.announcement(address, Occasion.DRILLED, _said(id, by), pen=draft.pen)
                draft.put(lines=[replace(line, loud=False)])
        return untried

    def _addresses(self, draft: Draft, channel: str) -> Sequence[str]:
        if not channel:
            return list(dict.fromkeys(self._rules().channels.values()))
        return [self._duties.address(channel, draft)]

    def _unheard(self, draft: Draft, address: str) -> tuple[DrillResult, str] | None:
        missing = self._missing(address.partition(":")[0])
        if missing and address not in self._rules().shadows:
            return DrillResult.NOT_SET_UP, missing
        pause = next((p for p in pauses_in(draft) if (p.what, p.name) == ("channel", address)), None)
        if pause is None:
            return None
        return DrillResult.PAUSED, f"by {pause.by}, for {say_duration(pause.ends_at - draft.now)} more"

    def _name(self, address: str) -> str:
        names = [name for name, known in self._rules().channels.items() if known == address]
        return " and ".join(names) or address

    def _came(self, line: Line, running: Running) -> Drilled:
        result = CAME.get(line.sending.state, DrillResult.LATE)
        settled_at = running.settled_at.get(line.id)
        return Drilled(
            channel=self._name(line.channel),
            address=line.channel,
            result=result,
            took=settled_at - line.created_at if settled_at and result is DrillResult.DELIVERED else None,
            detail=line.sending.error,
        )

    def _note(self, changes: Changes) -> None:
        if not self._running:
            return
        for line in changes.lines.values():
            running = self._running.get(line.event)
            if running is not None and line.sending.state is not DeliveryState.DROPPED:
                running.lines[line.id] = line
                if line.sending.state is not DeliveryState.OWED:
                    running.settled_at[line.id] = self._now()
                running.moved.set()


def _said(id: str, by: str) -> Said:
    return Said(title=f"Drill: {by} tries whether this channel hears; nothing is wrong", by=by, event=id)


def _give_up(draft: Draft, lines: Mapping[str, Line]) -> None:
    """What nobody waits for any more must not come hours later."""
    owed = [line for line in map(draft.line, lines) if line and line.sending.state is DeliveryState.OWED]
    draft.put(lines=[replace(line, sending=Sending(state=DeliveryState.DROPPED)) for line in owed])
