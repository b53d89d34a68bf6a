"""What tools answer to what we ask of them, and what follows for the alert. The part of the router about that."""

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from hub.alerting.silencing import announce
from hub.core import alert as life
from hub.core.alert import Advance, Alert, Answer, Change
from hub.core.durations import say_duration
from hub.core.notification import Occasion
from hub.core.records import replace
from hub.core.telling import UNDER_WAY, Said
from hub.memory.draft import Draft
from hub.store import StoredAsk

CONFIRM, CONFIRM_WITHIN = "confirm", timedelta(seconds=60)
"""The timer of an ask that was sent: so long it waits for a word of the tool's own."""
LIFT, LIFT_AFTER = "lift", timedelta(minutes=5)
"""The timer of an ack that the tool has not confirmed: so long it counts."""


class Unack(Protocol):
    def __call__(self, draft: Draft, id: str, answer: Answer | None = None, note: str = "") -> object: ...


class Answering:
    """`act` puts on record, and tells, what became of an alert; `unack` lets go of one."""

    def __init__(self, *, act: Callable[[Draft, Advance], Advance], unack: Unack) -> None:
        self._act = act
        self._unack = unack

    def note(self, draft: Draft, id: str, answer: Answer) -> Advance | None:
        """What we ask of the tool about an alert stands anew, and nobody acked or unacked by that."""
        current = draft.alert(id)
        if current is None:
            return None
        asked = replace(current, answer=answer, updated_at=draft.now)
        return self._act(draft, Advance(alert=asked, change=Change.ANSWERED))

    def answer(self, draft: Draft, id: str, result: str, detail: str) -> StoredAsk | None:
        """How an ask stands now, as its tool, or our waiting for it, says."""
        ask = draft.ask(id)
        if ask is None:
            return None
        moved = replace(ask, state=result, detail=detail, sent_at=ask.sent_at or draft.now)
        draft.changes.asks[id] = moved
        draft.set_timer(CONFIRM, id, draft.now + CONFIRM_WITHIN if result == "sent" else None)
        alert = draft.alert(ask.alert) if ask.alert else None
        if alert is not None and alert.answer is not None and alert.answer.ask == id:
            self._answer_on(draft, alert, alert.answer, moved)
        else:
            _announce(draft, moved)
        return moved

    def _answer_on(self, draft: Draft, alert: Alert, before: Answer, ask: StoredAsk) -> None:
        answer = replace(before, result=ask.state, detail=ask.detail, at=draft.now)
        self._act(draft, life.answered(alert, answer, draft.now))
        lifts = ask.verb == "ack" and ask.state == "unknown"
        draft.set_timer(LIFT, ask.id, draft.now + LIFT_AFTER if lifts else None)
        if ask.state == "done" and ask.verb == "unack":
            self._unack(draft, alert.id, answer)
        if not draft.posts_about(alert):  # else it is seen there
            _announce(draft, ask)

    def settle(self, draft: Draft, alert: Alert) -> None:
        """An event may have answered what we asked: the tool's own word ends the waiting."""
        answer = alert.answer
        if answer is None or answer.result != "done" or not answer.ask:
            return
        ask = draft.ask(answer.ask)
        if ask is not None and ask.state != "done":
            draft.changes.asks[ask.id] = replace(ask, state="done", detail="")
        draft.set_timer(CONFIRM, answer.ask, None)
        draft.set_timer(LIFT, answer.ask, None)

    def unconfirmed(self, draft: Draft, id: str) -> None:
        """The tool took the words, and has not shown in time that it did it."""
        ask = draft.ask(id)
        if ask is not None and ask.state == "sent":
            self.answer(draft, id, "unknown", ask.detail)

    def lift(self, draft: Draft, id: str) -> None:
        """Nobody knows whether the tool has it: so that nobody relies on it, it is lifted here, too."""
        for alert in draft.open_alerts():  # memory has let go of the ask, which would name its alert
            if alert.answer is not None and alert.answer.ask == id and alert.answer.result == "unknown" and alert.ack:
                minutes = say_duration(LIFT_AFTER)
                self._unack(draft, alert.id, note=f"the ack is lifted: {alert.tool} did not confirm it for {minutes}")


WORDS = {
    "done": "{tool} did it: {verb} {target}",
    "already": "{verb} {target}: {tool} had it already",
    "refused": "{tool} refused {verb} {target}",
    "unknown": "{tool} has not confirmed {verb} {target}: it may or may not have happened",
}


def _announce(draft: Draft, ask: StoredAsk) -> None:
    """Say what came of it where it was asked."""
    if ask.state not in UNDER_WAY and ask.place:
        announce(draft, ask.place, Occasion.ANSWERED, Said(title=_words(ask)))


def _words(ask: StoredAsk) -> str:
    words = WORDS.get(ask.state, "{verb} {target}").format(tool=ask.source, verb=ask.verb, target=ask.target)
    return f"{words}{': ' + ask.detail if ask.detail else ''} [{ask.id}]"
