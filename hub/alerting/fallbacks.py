"""Channels that take nothing for long, and what their fallbacks are told meanwhile. The part of the router that is
about it. That a channel is broken is a timer, so that a restart does not forget it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from hub.alerting.pauses import MOST_SAID
from hub.core import telling
from hub.core.alert import Alert
from hub.core.delivery import GIVE_UP_AFTER
from hub.core.holds import Holds
from hub.core.notification import Line, Post
from hub.core.rules import Rules
from hub.core.telling import Said, Telling
from hub.memory.draft import Draft
from hub.memory.state import State
from hub.prose import cut

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
        draft.set_timer(TIMER, json.dumps([address, cut(why, MOST_SAID)]), draft.now + GIVE_UP_AFTER)
        return True

    def mends(self, draft: Draft, address: str) -> None:
        """It takes messages again."""
        if draft.has_timers(TIMER) and (subject := self._known(draft).get(address)) is not None:
            draft.set_timer(TIMER, subject, None)

    def waiting(self, draft: Draft, items: Iterable[Post | Line]) -> Sequence[str]:
        """The ids of those of which the fallback must hear now: they wake, and nothing holds them."""
        about = ((item, *self._about(draft, item)) for item in items)
        return [
            item.id
            for item, post, alerts in about
            if telling.falls_back(item, alerts, draft.now) and not self._is_held(draft, post, alerts)
        ]

    def _about(self, draft: Draft, item: Post | Line) -> tuple[Post | None, Sequence[Alert]]:
        """Its post, and the alerts that this tells of."""
        post = draft.post_of(item)
        return post, self._members(draft, post) if post is not None else ()

    def _is_held(self, draft: Draft, post: Post | None, alerts: Iterable[Alert]) -> bool:
        """Whether it waits by now for the end of a silence, of what explains it, or of a pause."""
        if post is None:
            return False
        holds, firing = self._holds(draft), [alert for alert in alerts if alert.open]
        paused = post.channel in holds.channels or post.route in holds.routes
        return paused or (bool(firing) and all(self._held(draft, alert) for alert in firing))

    def tell(self, draft: Draft, ids: Iterable[str], why: str) -> None:
        """Tell in the fallback what of these wakes. `why` goes on after "for slack:#night, which"."""
        for id in ids:
            item = draft.post(id) or draft.line(id)
            place = self.of(item.channel) if item is not None else ""
            if item is None or not place:
                continue
            post, alerts = self._about(draft, item)
            if not telling.falls_back(item, alerts, draft.now):
                continue
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
