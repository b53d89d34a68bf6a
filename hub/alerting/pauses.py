"""Channels and routes that were asked to say nothing new for a while. A pause is a timer that ends with it."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import starmap

from hub.core.holds import Pause
from hub.memory.draft import Draft
from hub.memory.state import State

TIMER = "pause"
MOST_SAID = 150
"""Of a reason: with it a timer is called, which an index takes up to a length only."""


def pauses(state: State) -> Sequence[Pause]:
    """As they are now, the one that ends first before the others."""
    return sorted(starmap(pause_of, state.timers_of(TIMER).items()), key=lambda pause: pause.ends_at)


def pauses_in(draft: Draft) -> Iterable[Pause]:
    return (pause_of(timer.subject, timer.due_at) for timer in draft.timers_of(TIMER))


def begin(draft: Draft, pause: Pause) -> None:
    """In place of one that there is of the same."""
    for other in pauses_in(draft):
        if (other.what, other.name) == (pause.what, pause.name):
            end(draft, other)
    draft.set_timer(TIMER, _subject(pause), pause.ends_at)


def end(draft: Draft, pause: Pause) -> None:
    draft.set_timer(TIMER, _subject(pause), None)


def _subject(pause: Pause) -> str:
    return json.dumps([pause.what, pause.name, pause.by, pause.because, pause.starts_at.isoformat()])


def pause_of(subject: str, ends_at: datetime) -> Pause:
    """The pause whose timer has this subject."""
    what, name, by, because, starts_at = json.loads(subject)
    begun = datetime.fromisoformat(starts_at)
    return Pause(what=what, name=name, by=by, because=because, starts_at=begun, ends_at=ends_at)
