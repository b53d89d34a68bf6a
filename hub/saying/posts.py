"""What posts and lines say, as a draft has it: words for the outbox, and for rehearsals."""

from collections.abc import Callable, Sequence

from hub.core import telling
from hub.core.alert import Alert
from hub.core.matching import alert_look
from hub.core.notification import Line, Message, Post
from hub.core.silence import Silence
from hub.memory.draft import Draft
from hub.saying.wording import Wording, message_state


class Saying:
    """`explained` gives the rules that inhibit an alert, each with the id of the alert by which it does."""

    def __init__(self, wording: Wording, explained: Callable[[Draft, Alert], Sequence[tuple[str, str]]]) -> None:
        self._wording = wording
        self._explained = explained

    def post(self, draft: Draft, post: Post, dialect: str) -> Message:
        group, over = draft.crowd(post.group), _silences_now(draft)
        if group is not None:
            members = draft.members(group.id)
            return self._wording.crowd(post, group, members, over, dialect=dialect, now=draft.now)
        alert = _told_alone(draft, post)
        by = [draft.alert(id) for _, id in self._explained(draft, alert)]
        explained = [other.title for other in by if other is not None]
        return self._wording.post(post, alert, over(alert), explained, dialect=dialect, now=draft.now)

    def line(self, line: Line, dialect: str) -> Message:
        return self._wording.line(line, dialect=dialect)

    def gist(self, draft: Draft, post: Post) -> str:
        """How things stand, for a chat that cannot edit."""
        if draft.crowd(post.group) is not None:
            told = self.post(draft, post, "plain")
            return f"{told.state}/{told.severity}"
        alert = _told_alone(draft, post)
        return telling.gist(alert, message_state(alert, _silences_now(draft)(alert)), draft.now)


def _told_alone(draft: Draft, post: Post) -> Alert:
    alert = draft.alert(post.group)
    assert alert is not None  # a post stays as long as what it tells of
    return alert


def _silences_now(draft: Draft) -> Callable[[Alert], Sequence[Silence]]:
    """Which silences cover an alert, of those that are active now."""
    active = draft.active_silences()

    def over(alert: Alert) -> Sequence[Silence]:
        look = alert_look(alert) if active else None
        return [] if look is None else [silence for silence, match in active if match.matches(look)]

    return over
