"""Storms as they begin, go on and end: the part of the router that is about them."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import lru_cache, partial

from hub.core import telling
from hub.core.alert import Alert
from hub.core.grouping import STORM_PACE, Group, GroupId, GroupKey
from hub.core.holds import Placed
from hub.core.notification import DeliveryState, Occasion, Post, Sending
from hub.core.records import replace
from hub.core.routing import Taken
from hub.core.rules import Rules
from hub.core.storms import Limit, Rates
from hub.core.telling import Said, Telling
from hub.memory.draft import Draft

TIMER = "storm"
"""Set while one goes on; its subject says where."""
SAME_STORM = timedelta(hours=1)
"""A storm that begins again so long after it began is told in the same message."""


class Storming:
    """`members` are the alerts that a post tells of, `put` takes what is to be told."""

    def __init__(
        self,
        rules: Callable[[], Rules],
        members: Callable[[Draft, Post], Sequence[Alert]],
        put: Callable[[Draft, Telling], None],
    ) -> None:
        self._rules = rules
        self._members = members
        self._put = put
        self._rates = Rates()

    def group_of(self, draft: Draft, route: Taken) -> Group | None:
        """Of the storm that goes on where the route tells, if one does: there is told what comes."""
        for key, limit in self._limits(route):
            if draft.timer(TIMER, key) is not None:
                self._count(draft, key, limit)
                return draft.crowd_of(_group_key(key))
        return None

    def count(self, draft: Draft, owed: Iterable[Post]) -> None:
        """These are new messages. Where they are too many, a storm begins."""
        for post in owed:
            for key, limit in self._limits(post):
                above = self._count(draft, key, limit)
                storm = draft.crowd_of(_group_key(key)) if draft.timer(TIMER, key) is not None else None
                if storm is not None:
                    self._join(draft, storm, [post])
                    break
                if above:
                    self._begin(draft, key, limit)
                    break

    def _count(self, draft: Draft, key: str, limit: Limit) -> bool:
        draft.on_drop(partial(self._rates.uncount, key))
        return self._rates.count(key, limit, draft.now)

    def go_on(self, draft: Draft, key: str) -> None:
        """Look whether it is calm by now."""
        limit = self._limit(key)
        if limit is not None and self._rates.above(key, limit, draft.now):
            draft.set_timer(TIMER, key, draft.now + limit.within)
            return
        group = draft.crowd_of(_group_key(key))
        told = [post for post in (draft.posts_of(group.id) if group else ()) if post.shown]
        for post in told:
            said = Said(title="calm again: what is new has a message of its own")
            draft.put(lines=[telling.quiet_line(post, Occasion.EASED, said, pen=draft.pen)])

    def in_place_of(self, draft: Draft, group: Group, channel: str) -> Group | None:
        """The group that tells there: of a storm, if that took the place of the other's message."""
        merged = (post.merged_into for post in draft.posts_of(group.id) if post.channel == channel)
        storm = next((id for id in merged if id), "")
        return draft.crowd(storm) if storm else group

    def _limits(self, place: Placed) -> Sequence[tuple[str, Limit]]:
        """What bounds it, the narrowest first."""
        limit, throttle = self._rules().storm_of(place.channel), place.pace.throttle
        of_channel = () if limit is None else ((_key("", place.channel), limit),)
        return of_channel if throttle is None else ((_key(place.route, place.channel), throttle), *of_channel)

    def _limit(self, key: str) -> Limit | None:
        route, channel = json.loads(key)
        return self._rules().tree.throttles.get(route) if route else self._rules().storm_of(channel)

    def _begin(self, draft: Draft, key: str, limit: Limit) -> None:
        """What is not shown yet is told in one message from now on, with what comes after it."""
        route, channel = json.loads(key)
        sending = draft.state.sending
        folded = [post for post in draft.all_posts() if _foldable(post, route, channel) and post.id not in sending]
        draft.set_timer(TIMER, key, draft.now + limit.within)
        before = draft.crowd_of(_group_key(key))
        if before is not None and draft.now - before.opened_at < SAME_STORM and before.healed_at is None:
            self._join(draft, before, folded)
            return
        labels = _group_key(key)[1]
        group = Group(id=GroupId(draft.pen.new_id()), route=route, labels=labels, opened_at=draft.now, storm=str(limit))
        draft.put_group(group)
        worst = max((self._fold(draft, post, group.id) for post in folded), default=0)
        pace = STORM_PACE
        for post in folded:
            pace = pace.with_duties_of(post.pace)
        taken = Taken(route=folded[-1].route, channel=channel, tell=None, pace=pace)
        made = telling.new_post(taken, Occasion.OPENED, group=group.id, held=False, pen=draft.pen)
        draft.put(posts=[replace(made, loudest=worst, lined_at=draft.now)])
        if step := made.next_step:
            draft.set_timer("escalate", made.id, step[1])

    def _join(self, draft: Draft, group: Group, posts: Iterable[Post]) -> None:
        """Let the message of a storm that was told already tell of these, too. It is among them if it waited itself."""
        for post in posts:
            if post.group == group.id:
                continue
            alerts = self._members(draft, post)
            self._fold(draft, post, group.id)
            for told in draft.posts_of(group.id):
                if told.channel == post.channel:  # it wakes those, too, whom this one would have
                    self._put(draft, Telling(posts=(telling.wanted_also(told, post, pen=draft.pen),)))
                for alert in alerts:
                    current = draft.post(told.id) or told
                    firing = draft.firing(group.id)
                    occasion = Occasion.OPENED if alert.open else Occasion.NOTICED
                    self._put(
                        draft, telling.tell_of_member(current, occasion, alert, firing, held=False, pen=draft.pen)
                    )

    def _fold(self, draft: Draft, post: Post, group: str) -> int:
        """Let a post be told by that of the storm; gives the worst severity of what it tells."""
        alerts = self._members(draft, post)
        for alert in alerts:
            join(draft, alert, (group,))
        dropped = Sending(state=DeliveryState.DROPPED)
        draft.put(
            posts=[replace(post, sending=dropped, merged_into=group, unacked_since=None)],
            lines=[replace(line, sending=dropped) for line in draft.pending_lines_of(post.id)],
        )
        draft.set_timer("escalate", post.id, None)
        return max((int(alert.severity or 0) for alert in alerts), default=0)


def join(draft: Draft, alert: Alert, groups: Iterable[str]) -> Alert:
    """The alert in these groups, too, each of which counts it once."""
    joined = tuple(dict.fromkeys((*alert.groups, *groups)))
    if joined == alert.groups:
        return alert
    for id in joined[len(alert.groups) :]:
        if (group := draft.crowd(id)) is not None:
            draft.put_group(group.with_member(alert))
    alert = replace(alert, groups=joined)
    draft.put_alert(alert)
    return alert


def _foldable(post: Post, route: str, channel: str) -> bool:
    """Whether it is owed there, and nobody has begun to show it."""
    sending = post.sending
    fresh = post.shown == 0 and post.ref is None and sending.attempts == 0 and not sending.trying
    there = post.channel == channel and route in ("", post.route)
    return there and fresh and sending.state is DeliveryState.OWED


@lru_cache(maxsize=4096)
def _key(route: str, channel: str) -> str:
    return json.dumps([route, channel])


@lru_cache(maxsize=4096)
def _group_key(key: str) -> GroupKey:
    route, _ = json.loads(key)
    return route, (("", key),)
