"""What posts and lines say now, as far as memory knows: words for the outbox, and for rehearsals."""

from collections.abc import Callable, Sequence
from datetime import datetime

from hub.core import telling
from hub.core.alert import Alert
from hub.core.matching import alert_look
from hub.core.notification import Line, Message, Post
from hub.core.silence import Silence
from hub.state import State
from hub.wording import Wording, message_state


class Saying:
    """`explained` gives the rules that inhibit an alert, each with the id of the alert by which it does."""

    def __init__(
        self,
        state: State,
        wording: Wording,
        explained: Callable[[Alert], Sequence[tuple[str, str]]],
        now: Callable[[], datetime],
    ) -> None:
        self._state = state
        self._wording = wording
        self._explained = explained
        self._now = now

    def post(self, post: Post, dialect: str) -> Message:
        group = self._state.crowds.get(post.group)
        if group is not None:
            members = self._state.told_of(group.id)
            return self._wording.crowd(post, group, members, self._silences_now(), dialect=dialect, now=self._now())
        alert = self._state.alerts[post.group]
        explained = [self._state.alerts[by].title for _, by in self._explained(alert)]
        over = self._silences_now()(alert)
        return self._wording.post(post, alert, over, explained, dialect=dialect, now=self._now())

    def line(self, line: Line, dialect: str) -> Message:
        return self._wording.line(line, dialect=dialect)

    def gist(self, post: Post) -> str:
        """How things stand, for a chat that cannot edit."""
        if post.group in self._state.crowds:
            told = self.post(post, "plain")
            return f"{told.state}/{told.severity}"
        alert = self._state.alerts[post.group]
        return telling.gist(alert, message_state(alert, self._silences_now()(alert)), self._now())

    def _silences_now(self) -> Callable[[Alert], Sequence[Silence]]:
        """Which silences cover an alert, of those that are active now."""
        active = [(silence, self._state.matches[silence.id]) for silence in self._state.active_silences(self._now())]

        def over(alert: Alert) -> Sequence[Silence]:
            look = alert_look(alert) if active else None
            return [] if look is None else [silence for silence, match in active if match.matches(look)]

        return over
