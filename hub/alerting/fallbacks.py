"""Channels that take nothing for long, and what their fallbacks are told meanwhile. The part of the router that is
about it. That a channel is broken is a timer, so that a restart does not forget it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hub.core import telling
from hub.core.alert import Alert
from hub.core.delivery import GIVE_UP_AFTER
from hub.core.holds import Holds
from hub.core.notification import Line, Post
from hub.core.rules import Rules
from hub.core.telling import Said, Telling
from hub.memory.draft import Draft
from hub.memory.state import State

TIMER = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A channel, by its address, that takes nothing, and why."""

    address: str
    why: str


def broken_channels(state: State) -> Mapping[str, str]:
    """By address, why it takes nothing."""
    known = map(_read, state.timers_of(TIMER))
    return {channel.address: channel.why for channel in known}


class Fallbacks:
    """`members` are the alerts that a post tells of, `held` says whether something covers an alert itself, `put` takes
    what is to be told, and `holds` says what keeps channels from speaking."""

    def __init__(
        self,
        rules: Callable[[], Rules],
        *,
        members: Callable[[Draft, Post], Sequence[Alert]],
        held: Callable[[Draft, Alert], bool],
        put: Callable[[Draft, Telling], None],
        holds: Callable[[Draft], Holds],
    ) -> None:
        self._holds = holds
        self._rules = rules
        self._members = members
        self._held = held
        self._put = put

    def of(self, address: str) -> str:
        """The address that hears instead; empty if there is none."""
        return self._rules().fallbacks.get(address, "")

    def breaks(self, draft: Draft, address: str, why: str) -> bool:
        """It takes nothing. False: that was known."""
        if address in self._known(draft):
            return False
        draft.set_timer(TIMER, json.dumps([address, why]), draft.now + GIVE_UP_AFTER)
        return True

    def mends(self, draft: Draft, address: str) -> None:
        """It takes messages again."""
        if draft.has_timers(TIMER) and (subject := self._known(draft).get(address)) is not None:
            draft.set_timer(TIMER, subject, None)

    def waiting(self, draft: Draft, items: Iterable[Post | Line]) -> Sequence[str]:
        """The ids of those of which the fallback must hear now: they wake, and nothing holds them."""
        return [item.id for item in items if self._falls_back(draft, item) and not self._is_held(draft, item)]

    def _post_of(self, draft: Draft, item: Post | Line) -> Post | None:
        return item if isinstance(item, Post) else draft.post(item.post) if item.post else None

    def _falls_back(self, draft: Draft, item: Post | Line) -> bool:
        post = self._post_of(draft, item)
        return telling.falls_back(item, self._members(draft, post) if post else (), draft.now)

    def _is_held(self, draft: Draft, item: Post | Line) -> bool:
        """Whether it waits by now for the end of a silence, of what explains it, or of a pause."""
        post = self._post_of(draft, item)
        if post is None:
            return False
        holds, alerts = self._holds(draft), [one for one in self._members(draft, post) if one.open]
        paused = post.channel in holds.channels or post.route in holds.routes
        return paused or (bool(alerts) and all(self._held(draft, alert) for alert in alerts))

    def tell(self, draft: Draft, ids: Iterable[str], why: str) -> None:
        """Tell in the fallback what of these wakes. `why` goes on after "for slack:#night, which"."""
        for id in ids:
            item = draft.post(id) or draft.line(id)
            place = self.of(item.channel) if item is not None else ""
            if item is None or not place:
                continue
            if not self._falls_back(draft, item):
                continue
            post = self._post_of(draft, item)
            alerts = self._members(draft, post) if post is not None else []
            worst = max(alerts, key=lambda alert: (alert.open, alert.severity or 0), default=None)
            said = Said(title=worst.title if worst is not None else "")
            self._put(
                draft,
                telling.stand_in(
                    item,
                    draft.posts_of(post.group) if post is not None else (),
                    place,
                    f"for {item.channel}, which {why}",
                    said,
                    worst.severity if worst is not None else None,
                    pen=draft.pen,
                    paused=place in self._holds(draft).channels,
                ),
            )

    def _known(self, draft: Draft) -> dict[str, str]:
        """By address, the subjects of the timers."""
        return {_read(timer.subject).address: timer.subject for timer in draft.timers_of(TIMER)}


def _read(subject: str) -> Broken:
    address, why = json.loads(subject)
    return Broken(address=address, why=why)
