"""What should be heard regularly, beats of their own and sources alike, and what is said when it is not.

To hear a beat writes nothing. Each is one durable timer, and only when that ripens is it asked when the beat was heard
last, which memory knows; so a source of a thousand events a second costs a row each few minutes. A start of the hub
counts as a beat: what was sent while it was away, nobody knows.
"""

from collections.abc import Callable
from datetime import datetime

from hub.core.durations import say_duration
from hub.core.event import Report, Severity, Status
from hub.core.rules import BEAT, OWN, Heartbeat, Rules
from hub.memory.draft import Draft

TIMER = "beat"


class Heartbeats:
    def __init__(self, rules: Callable[[], Rules], report: Callable[[Draft, Report], None]) -> None:
        self._rules = rules
        self._report = report
        self._heard: dict[str, datetime] = {}

    def watch(self, draft: Draft) -> None:
        """Begin to watch for what the rules name now, with its full time, and let go of others."""
        beats, timers = self._rules().beats(), {timer.subject: timer.due_at for timer in draft.timers_of(TIMER)}
        self._heard = {subject: self._heard.get(subject, draft.now) for subject in beats}
        for subject, beat in beats.items():
            due = self._heard[subject] + beat.patience
            if subject not in timers or timers[subject] > due:  # later ones come round to it by themselves
                draft.set_timer(TIMER, subject, due)
        for subject in timers.keys() - beats.keys():
            draft.set_timer(TIMER, subject, None)
        for alert in draft.open_alerts():
            gone = alert.source == OWN and alert.kind == BEAT and alert.key.removeprefix(f"{BEAT}:") not in beats
            if gone:
                title = "nobody watches for it any more"
                self._report(draft, Report(status=Status.RECOVERY, kind=BEAT, key=alert.key, title=title))

    def hear(self, draft: Draft, beat: Heartbeat) -> None:
        """It was heard now."""
        self._heard[beat.subject] = draft.now
        known = draft.life(OWN, beat.key, notice=False)
        if known is not None and known.open:
            title = f"{beat.name} is heard again"
            report = Report(status=Status.RECOVERY, kind=BEAT, key=beat.key, title=title, labels=beat.labels)
            self._report(draft, report)

    def hear_source(self, draft: Draft, source: str) -> None:
        """A request of this source proved its origin; it lives, whatever it had to say."""
        rule = self._rules().source(source)
        if rule is not None and rule.heartbeat is not None:
            self.hear(draft, rule.heartbeat)

    def due(self, draft: Draft, subject: str) -> None:
        """Its time is over: unless it was heard meanwhile, say so. And look again, as somebody may have closed that."""
        beat = self._rules().beats().get(subject)
        if beat is None:
            return
        patient_until = self._heard.get(subject, draft.now) + beat.patience
        if patient_until > draft.now:
            draft.set_timer(TIMER, subject, patient_until)
            return
        draft.set_timer(TIMER, subject, draft.now + beat.patience)
        self._report(draft, _missed(beat))


def _missed(beat: Heartbeat) -> Report:
    what = "A request of it" if beat.of_source else "It"
    return Report(
        status=Status.PROBLEM,
        kind=BEAT,
        key=beat.key,
        title=f"{beat.name} was not heard for {say_duration(beat.patience)}",
        severity=Severity.CRITICAL,
        body=f"{what} should be heard every {say_duration(beat.every)}.",
        labels=beat.labels,
    )
