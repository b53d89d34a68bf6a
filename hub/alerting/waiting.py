"""What waits: routes and channels that say nothing now, because a window is closed, somebody paused them, or they are
told in digests; and what is told when that ends. The part of the router that is about it."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hub.alerting.pauses import TIMER as PAUSE
from hub.alerting.pauses import begin, end, pause_of, pauses_in
from hub.core import telling
from hub.core.alert import Alert, Phase
from hub.core.digests import Digest
from hub.core.durations import say_duration
from hub.core.holds import FREE, Holds, Pause
from hub.core.namesakes import named, told_apart
from hub.core.notification import DeliveryState, Occasion, Post, Sending
from hub.core.records import replace
from hub.core.rules import Rules
from hub.core.telling import Said, Telling
from hub.core.windows import TimeWindow
from hub.memory.draft import Draft

MOST_LISTED = 15
NEVER = datetime.max.replace(tzinfo=UTC)
Waited = list[tuple[Post, Alert]]
"""Posts that waited, each with the alert that it tells of, or the first of them."""


@dataclass(frozen=True, slots=True)
class _Closed:
    """Of these windows the names of those that are closed, from one time to another, and what that holds."""

    windows: Mapping[str, TimeWindow]
    since: datetime
    until: datetime
    names: frozenset[str]
    holds: Holds


class Waiting:
    """`members` are the alerts that a post tells of, `held` says whether something covers an alert itself, `put` takes
    what is to be told, and `speak` tells of an alert what was held back."""

    def __init__(
        self,
        rules: Callable[[], Rules],
        *,
        members: Callable[[Draft, Post], Sequence[Alert]],
        held: Callable[[Draft, Alert], bool],
        put: Callable[[Draft, Telling], None],
        speak: Callable[[Draft, Alert], None],
    ) -> None:
        self._rules = rules
        self._members = members
        self._held = held
        self._put = put
        self._speak = speak
        self._closed_at: _Closed | None = None
        self._opening: dict[str, datetime | None] = {}

    def expect(self, draft: Draft, posts: Collection[Post]) -> None:
        """Wake when the windows open, and the digests come, for which these wait, or words in their threads; and when
        a window closes before these have waited for others to join them."""
        for post in posts:
            digest = post.pace.digest
            if digest is not None and telling.waits(post):
                subject = json.dumps([post.channel, digest.every, digest.zone])
                if draft.timer("digest", subject) is None:  # one that is due, and was not looked at yet, is not put off
                    draft.set_timer("digest", subject, digest.next(draft.now))
        closed = self._closed(draft.now).names
        for name in {post.pace.during for post in posts} & closed if closed else ():
            if name not in self._opening:
                self._opening[name] = self._rules().windows[name].opens(draft.now)
            draft.set_timer("window", name, self._opening[name])
        for post in posts:
            if (shuts := self._shuts(post)) is not None and shuts > draft.now:
                draft.set_timer("window", post.pace.during, shuts)

    def shut(self, post: Post, now: datetime) -> bool:
        """Whether its window closed before it had waited for others, and nobody was there to see it."""
        shuts = self._shuts(post)
        return shuts is not None and shuts <= now

    def _shuts(self, post: Post) -> datetime | None:
        """When its window closes, if that is before it has waited for others to join it."""
        window, due = self._rules().windows.get(post.pace.during), post.sending.due_at
        if window is None or due is None or not telling.untried(post):
            return None
        shuts = window.closes(post.created_at)
        return shuts if shuts is not None and shuts <= due else None

    def holds(self, draft: Draft) -> Holds:
        """What keeps routes and channels from speaking now."""
        closed = self._closed(draft.now)
        if not draft.has_timers(PAUSE):
            return closed.holds
        paused, tree = list(pauses_in(draft)), self._rules().tree
        routes = (name for pause in paused if pause.what == "route" for name in tree.under(pause.name))
        channels = frozenset(pause.name for pause in paused if pause.what == "channel")
        return Holds(windows=closed.names, routes=frozenset(routes), channels=channels)

    def _closed(self, now: datetime) -> _Closed:
        """The windows that are. They are looked at anew when the first of them opens or closes."""
        windows, known = self._rules().windows, self._closed_at
        if known is not None and known.windows is windows and known.since <= now < known.until:
            return known
        names = frozenset(name for name, window in windows.items() if not window.active(now))
        changes = (window.opens(now) if name in names else window.closes(now) for name, window in windows.items())
        until = min((at for at in changes if at is not None), default=NEVER)
        known = self._closed_at = _Closed(windows, now, until, names, Holds(windows=names) if names else FREE)
        self._opening = {}
        return known

    def opens(self, draft: Draft, name: str) -> None:
        """A window opens: tell what waited for it and is worth telling still. Or it closes, and what still waits for
        others to join it waits for it, too."""
        if name in self._closed(draft.now).names:
            waits = [post for post in draft.all_posts() if post.pace.during == name and self._shuts(post) is not None]
            draft.put(posts=[telling.held_back(post) for post in waits])
        self._speak_up(draft, f"before {name} began", lambda post: post.pace.during == name)

    def pause(self, draft: Draft, pause: Pause) -> None:
        """Say nothing new from now on, nor what is owed and nobody has begun to tell."""
        begin(draft, pause)
        for post in filter(self._concerned(pause), list(draft.all_posts())):
            waits = telling.withheld(post, draft.pending_lines_of(post.id), draft.state.sending)
            draft.put(posts=waits.posts, lines=waits.lines)
        if pause.what == "channel":
            because = f" because {pause.because}" if pause.because else ""
            length = say_duration(pause.ends_at - draft.now)
            said = Said(title=f"paused for {length} by {pause.by}{because}", by=pause.by)
            draft.put(lines=[telling.announcement(pause.name, Occasion.SILENCED, said, pen=draft.pen)])

    def resume(self, draft: Draft, pause: Pause) -> None:
        """Tell what waited for the end of a pause."""
        end(draft, pause)
        self._speak_up(draft, "while it was paused", self._concerned(pause))

    def _concerned(self, pause: Pause) -> Callable[[Post], bool]:
        if pause.what == "channel":
            return lambda post: post.channel == pause.name
        routes = {pause.name, *self._rules().tree.under(pause.name)}
        return lambda post: post.route in routes

    def pause_ends(self, draft: Draft, subject: str) -> None:
        self.resume(draft, pause_of(subject, draft.now))

    def _speak_up(self, draft: Draft, lead: str, concerns: Callable[[Post], bool]) -> None:
        """What held back these posts, and loud words in their threads, does so no more."""
        holds = self.holds(draft)
        concerned = [post for post in draft.all_posts() if concerns(post)]
        free = [post for post in concerned if not holds.hold(post)]
        self.expect(draft, [post for post in concerned if holds.hold(post)])  # for what holds them still
        waiting = [post for post in free if telling.waits(post)]
        for channel in dict.fromkeys(post.channel for post in waiting):
            self._tell_what_waited(draft, lead, [post for post in waiting if post.channel == channel])
        for post in free:
            silent = any(line.sending.state is DeliveryState.HELD for line in draft.pending_lines_of(post.id))
            for alert in self._members(draft, post):
                if silent or post.id in alert.unsaid:
                    self._speak(draft, alert)

    def digest(self, draft: Draft, subject: str) -> None:
        """Tell in one line what a channel's routes gathered for this time. What is still so is told again next time."""
        channel, every, zone = json.loads(subject)
        digest = Digest(every=every, zone=zone)
        posts = [p for p in draft.all_posts() if p.channel == channel and p.pace.digest == digest and telling.waits(p)]
        still, notices, gone = self._sorted(draft, posts)
        if still or notices or gone:
            said = _what_waited("digest", *([alert for _, alert in some] for some in (still, notices, gone)))
            draft.put(lines=[telling.announcement(channel, Occasion.DIGEST, said, pen=draft.pen)])
        self._drop(draft, (*notices, *gone))
        if still:
            draft.set_timer("digest", subject, digest.next(draft.now))

    def _tell_what_waited(self, draft: Draft, lead: str, posts: Sequence[Post]) -> None:
        """Each as its route wants it, which need not be one for all of them."""
        still, notices, gone = self._sorted(draft, posts)
        named = [[alert for post, alert in some if post.pace.otherwise != "mute"] for some in (still, notices, gone)]
        if any(named[:2]) or any(post.pace.otherwise == "digest" for post, _ in gone):
            said = _what_waited(lead, *named)
            draft.put(lines=[telling.announcement(posts[0].channel, Occasion.DIGEST, said, pen=draft.pen)])
        self._put(draft, Telling(posts=tuple(telling.told_now(post, draft.pen) for post, _ in (*still, *notices))))
        self._drop(draft, gone)

    def _sorted(self, draft: Draft, posts: Sequence[Post]) -> tuple[Waited, Waited, Waited]:
        """Of what waited: what is still so, what was noticed (of each key the last), and what is over again."""
        still: Waited = []
        notices: Waited = []
        gone: Waited = []
        for post in sorted(posts, key=lambda post: post.order):
            alerts = self._members(draft, post)
            firing = [alert for alert in alerts if alert.open]
            seeks = telling.seeks(post)  # and of what somebody has by now it tells nobody
            if not alerts or (firing and all(self._held(draft, one) or (seeks and one.ack) for one in firing)):
                continue
            noticed = alerts[0].phase is Phase.NOTICE and post.pace.otherwise != "mute"
            kind = still if firing else notices if noticed else gone
            kind.append((post, (firing or alerts)[0]))
        newest = {(alert.source, alert.key): (post, alert) for post, alert in notices}
        self._drop(draft, [one for one in notices if newest[one[1].source, one[1].key] is not one])
        return still, list(newest.values()), gone

    def _drop(self, draft: Draft, some: Iterable[tuple[Post, Alert]]) -> None:
        dropped = Sending(state=DeliveryState.DROPPED)
        draft.put(posts=[replace(post, sending=dropped) for post, _ in some])


def _what_waited(lead: str, still: Sequence[Alert], notices: Sequence[Alert], gone: Sequence[Alert]) -> Said:
    kinds = ((still, "still open"), (notices, "noticed"), (gone, "over again"))
    return Said(
        title=f"{lead}: " + ", ".join(f"{len(some)} {what}" for some, what in kinds if some),
        text="\n".join(listed((*still, *notices, *gone))),
    )


def listed(alerts: Sequence[Alert]) -> list[str]:
    """Their titles, a line each, with a bound."""
    more = [f"… and {len(alerts) - MOST_LISTED} more"] if len(alerts) > MOST_LISTED else []
    apart = told_apart(alerts[:MOST_LISTED])
    return [*(f"• {named(alert, apart)}" for alert in alerts[:MOST_LISTED]), *more]
