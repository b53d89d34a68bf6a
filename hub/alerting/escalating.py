"""What nobody has taken on: it is said again, and to whoever is next in line. The part of the router about that."""

from collections.abc import Callable, Sequence

from hub.alerting.duty import PREFIX
from hub.alerting.ripening import LOOK_AGAIN
from hub.core import telling
from hub.core.alert import Alert, Change
from hub.core.durations import say_duration
from hub.core.holds import Holds
from hub.core.notification import Post
from hub.core.records import replace
from hub.core.rules import Rules
from hub.core.telling import Said, Telling
from hub.memory.draft import Draft

NEW = frozenset({Change.OPENED, Change.REOPENED})
ENDS = frozenset({Change.ACKED, Change.RESOLVED})
"""Changes that may end an escalation. Of others, in a storm, no group is looked through."""


class Escalating:
    """`members` are the alerts that a post tells of, `held` says whether something covers an alert itself, `put` takes
    what is to be told, `holds` says what keeps channels from speaking, and `address` who is on call now."""

    def __init__(
        self,
        rules: Callable[[], Rules],
        *,
        members: Callable[[Draft, Post], Sequence[Alert]],
        held: Callable[[Draft, Alert], bool],
        put: Callable[[Draft, Telling], None],
        holds: Callable[[Draft], Holds],
        address: Callable[[str, Draft], str],
    ) -> None:
        self._rules = rules
        self._members = members
        self._held = held
        self._put = put
        self._holds = holds
        self._address = address

    def watch(self, draft: Draft, post: Post, alert: Alert, change: Change, *, flaps: bool) -> None:
        """Something happened to an alert that the post tells of."""
        if post.pace.escalate:
            self._watch(draft, post, alert, change, flaps=flaps)
        if post.pace.repeat:
            self._begin_reminders(draft, post, change)

    def _watch(self, draft: Draft, post: Post, alert: Alert, change: Change, *, flaps: bool) -> None:
        """Stopped at once by an ack or a recovery; begun, from its first step, when there is again what nobody has.
        While it runs, nothing else that happens in a group puts it off. What comes and goes is still nobody's."""
        if telling.never_told(post) or (flaps and post.unacked_since is not None):
            return
        if change in ENDS and all(one.ack for one in self._members(draft, post) if one.open):
            draft.put(posts=[replace(post, unacked_since=None)])
            draft.set_timer("escalate", post.id, None)
        elif post.unacked_since is None and alert.open and alert.ack is None:
            pace = post.pace.anew()
            draft.put(posts=[replace(post, unacked_since=draft.now, steps_done=0, pace=pace)])
            draft.set_timer("escalate", post.id, draft.now + pace.escalate[0].after)

    def _begin_reminders(self, draft: Draft, post: Post, change: Change) -> None:
        """Anew where they had ended, since nothing fired any more."""
        wait = post.pace.repeats_after(post.reminders)
        if wait and post.shown and change in NEW and draft.timer("remind", post.id) is None:
            draft.set_timer("remind", post.id, draft.now + wait)

    def hasten(self, draft: Draft, post: Post) -> None:
        """It is to wake more people, or sooner, than before."""
        if step := post.next_step:
            draft.set_timer("escalate", post.id, max(step[1], draft.now))
        wait = post.pace.repeats_after(post.reminders)
        if wait and post.shown:
            known = draft.timer("remind", post.id)
            draft.set_timer("remind", post.id, min(filter(None, (known, draft.now + wait))))

    def escalate(self, draft: Draft, id: str) -> None:
        """Tell who is next, unless somebody has it; while it is held back, look again in a while."""
        post = draft.post(id)
        step = post.next_step if post else None
        if post is None or step is None:
            return
        if draft.now < step[1]:
            draft.set_timer("escalate", id, step[1])
            return
        untaken = [alert for alert in self._members(draft, post) if alert.open and alert.ack is None]
        heard = [alert for alert in untaken if not self._held(draft, alert)]
        holds = self._holds(draft)
        if untaken and (not heard or holds.hold(post)):
            draft.set_timer("escalate", id, draft.now + LOOK_AGAIN)
            return
        window = self._rules().windows.get(step[0].during)
        if untaken and window is not None and not window.active(draft.now):
            draft.set_timer("escalate", id, window.opens(draft.now))
            return
        if not untaken:
            alerts = self._members(draft, post)
            if any(alert.ack is None and alert.flapping(draft.now) for alert in alerts):
                draft.set_timer("escalate", id, draft.now + LOOK_AGAIN)
            else:
                draft.put(posts=[replace(post, unacked_since=None)])
            return
        worst = max(heard, key=lambda alert: alert.severity or 0)
        said = Said(title=f"nobody has taken it in {say_duration(step[0].after)}: now {step[0].name} hears of it")
        next_in_line = replace(step[0], channel=self._address(step[0].channel, draft))
        paused, others = next_in_line.channel in holds.channels, _telling_of_all(draft, heard)
        told = telling.escalate(post, next_in_line, others, said, worst.severity, pen=draft.pen, paused=paused)
        self._put(draft, told)
        after = told.posts[0].next_step
        draft.set_timer("escalate", id, max(after[1], draft.now) if after else None)

    def remind(self, draft: Draft, id: str) -> None:
        """Say that it is still so, unless somebody has it or asked for quiet; and come again."""
        post = draft.post(id)
        if post is None:
            return
        alerts = self._members(draft, post)
        firing = [alert for alert in alerts if alert.open]
        if not firing:
            return
        untaken = [alert for alert in firing if alert.ack is None and not self._held(draft, alert)]
        channel = self._turn_of(draft, post)
        if untaken and not telling.never_told(post) and not self._holds(draft).hold(replace(post, channel=channel)):
            worst = max(untaken, key=lambda alert: alert.severity or 0)
            lasted = say_duration(draft.now - min(alert.began_at for alert in untaken))
            more = f" and {len(untaken) - 1} more" if len(untaken) > 1 else ""
            said = Said(title=f"still so after {lasted}: {worst.title}{more}")
            if channel == post.channel:
                told = telling.remind(post, said, worst.severity, pen=draft.pen)
            else:
                others = _telling_of_all(draft, untaken)
                told = telling.remind_elsewhere(post, channel, others, said, worst.severity, pen=draft.pen)
            self._put(draft, told)
            post = draft.post(id) or post
        again = post.pace.repeats_after(post.reminders)
        draft.set_timer("remind", id, draft.now + again if again else None)

    def _turn_of(self, draft: Draft, post: Post) -> str:
        """Where it is said again: what told whoever was on call, to whoever is now, if rules know of turns still."""
        known = post.schedule in self._rules().schedules
        return self._address(f"{PREFIX}{post.schedule}", draft) if known else post.channel


def _telling_of_all(draft: Draft, alerts: Sequence[Alert]) -> Sequence[Post]:
    """The posts that tell of each of them: also those of other routes, which have them in groups of their own."""
    first = alerts[0]
    groups = [one for one in (first.id, *first.groups) if all(one in (alert.id, *alert.groups) for alert in alerts)]
    return [post for group in groups for post in draft.posts_of(group)]
