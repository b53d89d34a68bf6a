"""Silences as they begin, hold and end, and who is told of it: the part of the router that is about them."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from hub.commands.phrases import say_match
from hub.core import telling
from hub.core.alert import Alert
from hub.core.matching import alert_look
from hub.core.notification import Occasion
from hub.core.rules import Rules
from hub.core.silence import REMEMBERED, Silence
from hub.core.telling import Said
from hub.state import Draft


class Silencing:
    """`speak` tells of an alert what was held back, unless something else holds it still."""

    def __init__(self, rules: Callable[[], Rules], speak: Callable[[Draft, Alert], None]) -> None:
        self._rules = rules
        self._speak = speak

    def begin(self, draft: Draft, silence: Silence) -> int:
        """Begin a silence; gives how many open alerts it covers now."""
        draft.changes.silences[silence.id] = silence
        draft.set_timer("silence", silence.id, silence.ends_at)
        covered = [alert for alert in draft.open_alerts() if silence in silences_over(draft, alert)]
        for alert in covered:
            edit_posts(draft, alert, Occasion.SILENCED)
        return len(covered)

    def end(self, draft: Draft, id: str, by: str = "") -> Silence | None:
        """End a silence, tell what it held back and say so where it was asked for. None if it is not there."""
        silence = draft.silence(id)
        if silence is None or silence.ended_at is not None:
            return None
        covered = [alert for alert in draft.open_alerts() if silence in silences_over(draft, alert)]
        covered += [alert for alert in map(draft.alert, silence.held_alerts) if alert and alert not in covered]
        ended = replace(silence, ended_at=draft.now)
        draft.changes.silences[id] = ended
        draft.set_timer("silence", id, None)
        for alert in covered:
            self._speak(draft, alert)
        if silence.place:
            self.announce(draft, silence.place, Occasion.UNSILENCED, _what_it_held(ended, covered, by))
        return ended

    def announce(self, draft: Draft, place: str, occasion: Occasion, said: Said) -> None:
        if self._rules().address(place) is not None:
            draft.put(lines=[telling.announcement(place, occasion, said, pen=draft.pen)])


def silences_over(draft: Draft, alert: Alert) -> list[Silence]:
    """Those in force that cover an alert."""
    active = draft.active_silences()
    if not active:
        return []
    look = alert_look(alert)
    return [silence for silence, match in active if match.matches(look)]


def count_held(draft: Draft, silences: Sequence[Silence], alert: str) -> None:
    """Note that they kept an event of this alert from being told."""
    for silence in silences:
        others = tuple(id for id in silence.held_alerts if id != alert)
        counted = replace(silence, held=silence.held + 1, held_alerts=(*others, alert)[-REMEMBERED:])
        draft.changes.silences[silence.id] = counted


def edit_posts(draft: Draft, alert: Alert, occasion: Occasion) -> None:
    """Bring what was told of an alert to how it stands now."""
    told = [post for post in draft.posts_about(alert) if not telling.never_told(post)]
    draft.put(posts=[telling.edited(post, occasion, draft.pen) for post in told])


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _what_it_held(silence: Silence, covered: Sequence[Alert], by: str) -> Said:
    firing = [alert.title for alert in covered if alert.open]
    title = f"{say_match(silence.match)} speaks again" + (f", says {by}" if by else "")
    held = f"{_many(silence.held, 'event')} held back, of {_many(len(silence.held_alerts), 'alert')}"
    if not silence.held:
        held = "nothing was held back"
    lines = [held + (", and still firing:" if firing else ""), *(f"• {title}" for title in firing[:5])]
    return Said(title=title, text="\n".join(lines), by=by)
