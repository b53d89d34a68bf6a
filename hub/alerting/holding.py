"""What keeps alerts from being told by themselves, a silence or another alert, and what follows where that begins and
ends. The part of the router about that."""

from collections.abc import Callable, Collection, Sequence

from hub.alerting.inhibiting import Inhibiting
from hub.alerting.silencing import edit_posts, silences_over
from hub.core import telling
from hub.core.alert import Alert, Change
from hub.core.holds import Holds
from hub.core.notification import DeliveryState, Line, Occasion, Post
from hub.core.records import replace
from hub.core.rules import Rules
from hub.core.telling import Telling
from hub.memory.draft import Draft

SETTLE = "settle"
"""The timer of an alert whose cause is over: so long it may follow, before it is told as it stands."""


class Holding:
    """`members` are the alerts that a post tells of, `put` takes what is to be told, `holds` says what keeps routes and
    channels from speaking, and `expect` wakes when that ends."""

    def __init__(
        self,
        rules: Callable[[], Rules],
        inhibiting: Inhibiting,
        *,
        members: Callable[[Draft, Post], Sequence[Alert]],
        put: Callable[[Draft, Telling], None],
        holds: Callable[[Draft], Holds],
        expect: Callable[[Draft, Collection[Post]], None],
    ) -> None:
        self._rules = rules
        self._inhibiting = inhibiting
        self._members = members
        self._put = put
        self._holds = holds
        self._expect = expect

    def held(self, draft: Draft, alert: Alert) -> bool:
        """Whether anything keeps it from being told."""
        return bool(silences_over(draft, alert) or self._inhibiting.over(draft, alert))

    def inhibit(self, draft: Draft, before: Alert | None, after: Alert) -> None:
        """Let those know that an alert explains now, or does not explain any more."""
        if not self._rules().inhibit:
            return
        was = self._inhibiting.affected(draft, before) if before is not None else set[str]()
        now = self._inhibiting.affected(draft, after)
        self.quieten(draft, [other for id in sorted(now - was) if (other := draft.alert(id)) is not None])
        for id in sorted(was - now):
            draft.set_timer(SETTLE, id, draft.now + self._rules().settle)

    def settled(self, draft: Draft, id: str) -> None:
        """What explained it is over for a while: if it is still so, it is told as it stands."""
        alert = draft.alert(id)
        if alert is not None and alert.open:
            self.speak(draft, alert)

    def speak(self, draft: Draft, alert: Alert) -> None:
        """Tell what was held back, unless something holds it still."""
        if self.held(draft, alert):
            edit_posts(draft, alert, Occasion.UNSILENCED)
        else:
            self._release(draft, alert)

    def quieten(self, draft: Draft, alerts: Sequence[Alert]) -> None:
        """Something holds them from now on: what was told says so. What nobody has begun to tell, or to say aloud, is
        held as well, unless it tells of others that nothing holds."""
        told = {alert.id: draft.posts_about(alert) for alert in alerts}
        for post in {post.id: post for posts in told.values() for post in posts}.values():
            waits = telling.withheld(post, draft.pending_lines_of(post.id), draft.state.sending)
            if (waits.posts or waits.lines) and self.all_held(draft, post):
                draft.put(posts=waits.posts, lines=waits.lines)
            if not waits.posts and not telling.never_told(post):
                draft.put(posts=[telling.edited(post, Occasion.SILENCED, draft.pen)])
        for alert in alerts:
            if any(post.gathered for post in told[alert.id]):
                self._take_back(draft, alert)
            if alert.groups:
                self._note_unheard(draft, alert)

    def all_held(self, draft: Draft, post: Post) -> bool:
        return all(self.held(draft, alert) for alert in self._members(draft, post) if alert.open)

    def _all_had(self, draft: Draft, post: Post) -> bool:
        return all(alert.ack for alert in self._members(draft, post) if alert.open)

    def _take_back(self, draft: Draft, alert: Alert) -> None:
        """What is gathered for the next line of its groups does not name it."""
        for post in draft.posts_about(alert):
            if post.gathered and (rest := post.gathered.without(alert.id)) != post.gathered:
                draft.put(posts=[replace(post, gathered=rest)])
                alert = self._keep_unsaid(draft, alert, {*alert.unsaid, post.id})

    def without_held(self, draft: Draft, post: Post) -> Post:
        """The post whose next line does not name what something holds by now: rules that came since may."""
        for id in post.gathered.opened_ids if post.gathered else ():
            alert = draft.alert(id)
            if alert is not None and self.held(draft, alert):
                self._take_back(draft, alert)
        return draft.post(post.id) or post

    def _note_unheard(self, draft: Draft, alert: Alert) -> None:
        """What shows it for the first time, for the others' sake, wakes nobody for it: its news is held back, too."""
        waits = (post for post in draft.posts_about(alert) if telling.untried(post) or telling.waits(post))
        here = {post.id for post in waits if post.group in alert.groups}
        alert = draft.alert(alert.id) or alert
        self._keep_unsaid(draft, alert, {*alert.unsaid, *here})

    def note_unsaid(
        self, draft: Draft, alert: Alert, change: Change, posts: Sequence[Post], *, held: bool, holds: Holds
    ) -> None:
        """Keep in mind in which threads of groups its news is held back."""
        if not alert.groups and not alert.unsaid:
            return
        unsaid: set[str] = set(alert.unsaid if alert.open else ())
        for post in posts if telling.OCCASIONS.get(change) in telling.NEWS else ():
            if post.group in alert.groups and not post.merged_into:
                waits = held or (holds.hold(post) and not telling.never_told(post))
                unsaid = unsaid | {post.id} if waits else unsaid - {post.id}
        self._keep_unsaid(draft, alert, unsaid)

    def _keep_unsaid(self, draft: Draft, alert: Alert, unsaid: set[str]) -> Alert:
        if unsaid == set(alert.unsaid):
            return alert
        # A storm that began by what was put meanwhile may have taken it in.
        kept = replace(draft.alert(alert.id) or alert, unsaid=tuple(sorted(unsaid)))
        draft.put_alert(kept)
        return kept

    def _release(self, draft: Draft, alert: Alert) -> None:
        posts = draft.posts_about(alert)
        lines = [line for post in posts for line in draft.pending_lines_of(post.id)]
        firing = {group: draft.firing(group) for group in alert.groups}
        seeking = {line.post for line in lines if line.occasion in telling.OF_ONE_POST}
        seeking |= {post.id for post in posts if telling.seeks(post)}
        had = frozenset(post.group for post in posts if post.id in seeking and self._all_had(draft, post))
        holds = self._holds(draft)
        self._expect(draft, posts)
        self._put(draft, telling.release(alert, posts, lines, draft.pen, firing=firing, had=had, holds=holds))
        self._keep_unsaid(draft, alert, set(alert.unsaid) & {post.id for post in posts if holds.hold(post)})

    def drop_lines(self, draft: Draft, alert: Alert) -> None:
        """Nobody is woken any more for what healed, nor to take on what somebody has. While another member of a group
        fires, its thread keeps what is about that one, or about all."""
        for post in draft.posts_about(alert):
            lines = [line for line in draft.pending_lines_of(post.id) if self._may_be_dropped(draft, line)]
            fires = draft.firing(post.group) > 0 or (post.group == alert.id and alert.open)
            seeks = any(line.occasion in telling.OF_ONE_POST for line in lines)
            had = seeks and self._all_had(draft, post)  # of a storm's members, it is asked for such lines alone
            over = [
                line
                for line in lines
                if not fires
                or (not alert.open and line.about == alert.id)
                or (had and line.occasion in telling.OF_ONE_POST)
            ]
            draft.put(
                lines=[replace(line, sending=replace(line.sending, state=DeliveryState.DROPPED)) for line in over]
            )

    def _may_be_dropped(self, draft: Draft, line: Line) -> bool:
        """It is held, or is to be said aloud and nobody has begun to."""
        untold = line.loud and telling.untried(line) and line.id not in draft.state.sending
        return untold or line.sending.state is DeliveryState.HELD
