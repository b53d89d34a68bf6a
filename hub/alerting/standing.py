"""What tools say again and again: that it stands, and until when. The part of the router for that.

Nothing is kept of what is said again but the timer by which it ends. And while nobody could be heard, since the hub or
its database was away, nothing ends: who was not heard then is heard again within minutes.
"""

from datetime import datetime, timedelta

from hub import ids
from hub.core.alert import Alert, Change
from hub.core.event import Event, Status
from hub.memory.draft import Draft
from hub.store import Decision, StoredEvent

TIMER = "expire"
UNHEARD = "nothing more was heard of it in time"
LATE = timedelta(minutes=1)
"""A timer that ripens so much later than it should shows that we were away."""
PATIENCE = timedelta(minutes=10)
"""After that, whatever still stands was said again: Prometheus does so each minute, or as often as it evaluates."""


class Standing:
    def __init__(self) -> None:
        self._here_since: datetime | None = None

    def begin(self, draft: Draft) -> None:
        """From now on tools can be heard, unless they could before."""
        self._here_since = self._here_since or draft.now

    def say_again(self, draft: Draft, alert: Alert, event: Event) -> None:
        """It stands as it did. Of a pair of tools that say it, the one counts that gives it longer."""
        due = draft.timer(TIMER, alert.id)
        if alert.open and event.status is Status.PROBLEM and event.ends_at and (due is None or due < event.ends_at):
            draft.set_timer(TIMER, alert.id, event.ends_at)

    def patient_until(self, draft: Draft, alert: Alert) -> datetime:
        """Until when to wait for its tool."""
        due = draft.state.timers.get((TIMER, alert.id), draft.now)
        if draft.now - due > LATE:
            self._here_since = draft.now
        return due if self._here_since is None else max(due, self._here_since + PATIENCE)


def unheard(draft: Draft, alert: Alert, config: str) -> StoredEvent:
    """That nobody says it any more, put on record like something that was said: what was said again is not, and whoever
    replays the past would not know when it ended."""
    event = Event(
        id=ids.new_event_id(),
        status=Status.RECOVERY,
        kind=alert.kind,
        key=alert.key,
        title=alert.title,
        body=UNHEARD,
        labels=alert.labels,
        occurred_at=draft.now,
        resends=True,
        source=alert.source,
        tool=alert.tool,
        received_at=draft.now,
    )
    decision = Decision(config=config, change=Change.RESOLVED, note=UNHEARD, alert=alert.id)
    return StoredEvent(event=event, decision=decision, routed_at=draft.now)
