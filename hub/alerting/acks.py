"""Acks as they end: owners are reminded, and what nobody confirmed fires again. The part of the router about that."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from hub.alerting.waiting import listed
from hub.core import telling
from hub.core.alert import Ack, Alert
from hub.core.durations import say_duration
from hub.core.holds import Holds
from hub.core.notification import Occasion
from hub.core.rules import Rules
from hub.core.telling import Said
from hub.memory.draft import Draft

ID_SHOWN = 6
"""Of an alert's id, as commands take it."""


class Unack(Protocol):
    def __call__(self, draft: Draft, id: str, *, note: str) -> object: ...


class Acks:
    """`held` says whether something covers an alert; `holds` what keeps routes and channels from speaking."""

    def __init__(
        self,
        rules: Callable[[], Rules],
        *,
        unack: Unack,
        held: Callable[[Draft, Alert], bool],
        holds: Callable[[Draft], Holds],
    ) -> None:
        self._rules = rules
        self._unack = unack
        self._held = held
        self._holds = holds

    def watch(self, draft: Draft, before: Alert | None, alert: Alert) -> None:
        """Come back when the ack ends, or its owner is to be told that it will."""
        if alert.ack is not None or (before is not None and before.ack is not None):
            taken = alert.ack if alert.open else None
            draft.set_timer("ack", alert.id, taken.next_look(draft.now) if taken else None)

    def ripen(self, draft: Draft, ids: Sequence[str]) -> None:
        """Let go of acks that nobody confirmed, and tell owners of those that will end."""
        for id in ids:
            self._end(draft, id)
        self._remind_owners(draft, ids)

    def _end(self, draft: Draft, id: str) -> None:
        """Let go of an ack that nobody confirmed, or come back when that will be."""
        alert = draft.alert(id)
        ack = alert.ack if alert is not None and alert.open else None
        if alert is None or ack is None or ack.until is None:
            return
        if ack.until <= draft.now:
            self._lapse(draft, alert, ack)
        else:
            draft.set_timer("ack", alert.id, ack.next_look(draft.now))

    def _remind_owners(self, draft: Draft, ids: Sequence[str]) -> None:
        """Tell owners, once for all of theirs, that acks end."""
        ending = defaultdict[tuple[str, datetime], list[Alert]](list)
        for alert in map(draft.alert, ids):
            if alert is None or not alert.open or alert.ack is None or alert.ack.until is None:
                continue
            if alert.ack.next_look(draft.now) == alert.ack.until:
                ending[alert.ack.by, alert.ack.until].append(alert)
        for (owner, until), alerts in ending.items():
            self._remind_owner(draft, owner, until - draft.now, alerts)

    def _lapse(self, draft: Draft, alert: Alert, ack: Ack) -> None:
        note = f"the ack by {ack.by} ended after {say_duration(draft.now - ack.at)} and nobody confirmed it"
        self._unack(draft, alert.id, note=note)
        posts, said = draft.posts_about(alert), Said(title=f"{alert.title}: {note}")
        holds, held = self._holds(draft), self._held(draft, alert)
        told = telling.say_aloud(
            posts, Occasion.UNACKED, said, alert.severity, about=alert.id, held=held, holds=holds, pen=draft.pen
        )
        draft.put(lines=told.lines)

    def _remind_owner(self, draft: Draft, owner: str, left: timedelta, alerts: Sequence[Alert]) -> None:
        """Where they hear alone if that can be, else in the threads."""
        desk, heard = self._rules().desks.get(owner), [alert for alert in alerts if not self._held(draft, alert)]
        if heard and desk is not None:
            said = _said(owner, left, heard, f'"ack {heard[0].id[-ID_SHOWN:]}"')
            draft.put(lines=[telling.announcement(desk, Occasion.REMINDED, said, pen=draft.pen)])
            return
        threads, holds = defaultdict[str, list[Alert]](list), self._holds(draft)
        for alert in heard:
            if told := [post for post in draft.posts_about(alert) if post.shown and not holds.hold(post)]:
                threads[min(told, key=lambda post: post.order).id].append(alert)
        for id, here in threads.items():
            post = draft.post(id)
            assert post is not None
            said = _said(owner, left, here, '"ack" here')
            draft.put(lines=telling.say_aloud([post], Occasion.REMINDED, said, here[0].severity, pen=draft.pen).lines)


def _said(owner: str, left: timedelta, alerts: Sequence[Alert], how: str) -> Said:
    one = len(alerts) == 1
    what, again = (alerts[0].title, "it fires") if one else (f"{len(alerts)} alerts", "they fire")
    how = f"{how} keeps it" if one else '"alerts acked" lists them'
    return Said(
        title=f"{owner}, your ack of {what} ends in {say_duration(left)}: {how}, else {again} again",
        text="" if one else "\n".join(listed(alerts)),
    )
