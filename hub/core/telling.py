"""What is said when: which posts want a new version, which lines are owed, and what silence holds back.

| occasion                         | the post                          | a line in its thread |
|----------------------------------|-----------------------------------|----------------------|
| opened, noticed                  | posted                            | –                    |
| worsened, reopened               | edited                            | loud: an edit alone wakes nobody |
| resolved                         | edited                            | quiet                |
| repeated, eased                  | edited, at most once per `SETTLE` | –                    |
| acked, unacked, (un)silenced, answered | edited at once              | –                    |

What was decided to be told is told, late if need be and then as it stands; what silence held and what healed
meanwhile is dropped: nobody was told that it broke.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub.core.alert import Advance, Alert, Change
from hub.core.notification import DeliveryState, Line, LineId, MessageState, Occasion, Post, PostId, Sending
from hub.core.routing import Taken

SETTLE = timedelta(seconds=10)

OCCASIONS = {
    Change.OPENED: Occasion.OPENED,
    Change.WORSENED: Occasion.WORSENED,
    Change.EASED: Occasion.EASED,
    Change.REPEATED: Occasion.REPEATED,
    Change.REOPENED: Occasion.REOPENED,
    Change.RESOLVED: Occasion.RESOLVED,
    Change.ACKED: Occasion.ACKED,
    Change.UNACKED: Occasion.UNACKED,
    Change.QUIETED: Occasion.SILENCED,
    Change.UNQUIETED: Occasion.UNSILENCED,
    Change.COMMENTED: Occasion.NOTICED,
    Change.ANSWERED: Occasion.ANSWERED,
    Change.NOTICED: Occasion.NOTICED,
}
"""Changes that are not here are recorded and not told."""

SHOWN_ANEW = frozenset({Occasion.WORSENED, Occasion.REOPENED, Occasion.RESOLVED})
"""Lines that a chat which cannot edit need not have: there the post itself is said again."""
UNDER_WAY = frozenset({"queued", "asking", "sent"})
"""An answer of a tool that is none yet."""
LOUD = frozenset({Occasion.WORSENED, Occasion.REOPENED, Occasion.REMINDED, Occasion.ESCALATED})
QUIET = frozenset({Occasion.RESOLVED})
UNHURRIED = frozenset({Occasion.REPEATED, Occasion.EASED})
HOLDABLE = LOUD | UNHURRIED | {Occasion.OPENED, Occasion.NOTICED}
"""What a silence holds back, and counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Posts and lines, new or changed."""

    posts: tuple[Post, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pen:
    """What writing needs from outside: the time, and the next id and place in the order of things owed."""

    now: datetime
    new_id: Callable[[], str]
    next_order: Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The words of a line, fixed when it is owed."""

    title: str
    text: str = ""
    by: str = ""
    event: str = ""


def tell(step: Advance, posts: Sequence[Post], taken: Sequence[Taken], *, held: bool, said: Said, pen: Pen) -> Telling:
    """What follows from a change of an alert. `posts` are those it has; `held`: a silence covers it now."""
    alert, occasion = step.alert, OCCASIONS.get(step.change)
    if alert is None or occasion is None:
        return Telling()
    known = {post.channel for post in posts}
    fresh = [new_post(alert, route, occasion, held=held, pen=pen) for route in taken if route.channel not in known]
    comment = step.change is Change.COMMENTED
    moved = [_moved(post, occasion, alert, held=held, pen=pen) for post in posts]
    lines = [
        line
        for post in moved
        for line in [_line(post, occasion, alert, comment=comment, held=held, said=said, pen=pen)]
        if line is not None
    ]
    return Telling(posts=(*moved, *fresh), lines=tuple(lines))


def new_post(alert: Alert, route: Taken, occasion: Occasion, *, held: bool, pen: Pen) -> Post:
    wait = held or not _wanted(route.tell, occasion)
    return Post(
        id=PostId(pen.new_id()),
        group=alert.id,
        members=(alert.id,),
        channel=route.channel,
        route=route.route,
        order=pen.next_order(),
        occasion=occasion,
        wanted=1,
        sending=Sending(state=DeliveryState.HELD if wait else DeliveryState.OWED),
        tell=route.tell,
        created_at=pen.now,
    )


def never_told(post: Post) -> bool:
    return post.sending.state in (DeliveryState.HELD, DeliveryState.DROPPED) and post.shown == 0


def _wanted(tell: tuple[Occasion, ...] | None, occasion: Occasion) -> bool:
    return tell is None or occasion in tell


def _moved(post: Post, occasion: Occasion, alert: Alert, *, held: bool, pen: Pen) -> Post:
    """The post as it should be after the occasion: edited if it was told, perhaps told now if it was not."""
    if never_told(post):
        return _still_untold(post, occasion, alert, held=held, pen=pen)
    return edited(post, occasion, pen)


def _still_untold(post: Post, occasion: Occasion, alert: Alert, *, held: bool, pen: Pen) -> Post:
    if not alert.open:
        return replace(post, occasion=occasion, sending=Sending(state=DeliveryState.DROPPED))
    tells = occasion in HOLDABLE and not held and _wanted(post.tell, occasion)
    if not tells:
        kept = post.occasion if occasion not in HOLDABLE else occasion
        return replace(post, occasion=kept, sending=Sending(state=DeliveryState.HELD))
    return replace(post, occasion=occasion, order=pen.next_order(), sending=Sending(state=DeliveryState.OWED))


def edited(post: Post, occasion: Occasion, pen: Pen) -> Post:
    """The post with a newer version wanted. One that is owed already keeps its place and its patience."""
    if post.sending.state is DeliveryState.OWED:
        return replace(
            post, wanted=post.wanted + 1, occasion=_first_told(post, occasion), sending=_sooner(post, occasion)
        )
    if post.sending.state is DeliveryState.DEAD and post.ref is None:
        return replace(post, wanted=post.wanted + 1)
    due = post.shown_at + SETTLE if occasion in UNHURRIED and post.shown_at else None
    return replace(
        post,
        wanted=post.wanted + 1,
        occasion=occasion,
        order=pen.next_order(),
        sending=Sending(state=DeliveryState.OWED, due_at=due if due and due > pen.now else None),
    )


def _first_told(post: Post, occasion: Occasion) -> Occasion:
    """Why a post is owed that was owed already. One that was never shown still opens, whatever came meanwhile, but it
    says so if that healed; and a repeat does not hide what came before it."""
    opens = post.shown == 0 and occasion is not Occasion.RESOLVED
    hides = occasion in UNHURRIED and post.occasion not in UNHURRIED
    return post.occasion if opens or hides else occasion


def gist(alert: Alert, state: MessageState) -> str:
    """How things stand, as far as a chat that cannot edit says it again in a new message when it changes."""
    ack, answer = alert.ack, alert.answer
    answered = f"{answer.verb} {answer.result}" if answer is not None and answer.result not in UNDER_WAY else ""
    return "/".join((state, str(alert.severity or 0), ack.by if ack else "", answered))


def said_by_its_post(line: Line) -> bool:
    """Whether, in a chat that cannot edit, the new message of the line's post says it already."""
    return line.post is not None and line.occasion in SHOWN_ANEW


def _sooner(post: Post, occasion: Occasion) -> Sending:
    """A person's act or a recovery does not wait for an unhurried edit; it does wait for a chat that is away."""
    waits_for_chat = post.sending.attempts > 0
    return post.sending if occasion in UNHURRIED or waits_for_chat else replace(post.sending, due_at=None)


def _line(
    post: Post, occasion: Occasion, alert: Alert, *, comment: bool, held: bool, said: Said, pen: Pen
) -> Line | None:
    loud, quiet = occasion in LOUD, occasion in QUIET or comment
    if not (loud or quiet) or never_told(post) or (_unshown(post) and not comment):
        return None
    if occasion is not Occasion.RESOLVED and not _wanted(post.tell, occasion):
        return None
    state = DeliveryState.HELD if held and loud else DeliveryState.OWED
    return thread_line(post, occasion, said, alert=alert, loud=loud, state=state, pen=pen)


def _unshown(post: Post) -> bool:
    """Not shown yet: its first showing says how things stand, and a line would say it twice. It says no comments."""
    return post.shown == 0 and post.ref is None


def thread_line(
    post: Post, occasion: Occasion, said: Said, *, alert: Alert, loud: bool, state: DeliveryState, pen: Pen
) -> Line:
    return Line(
        id=LineId(pen.new_id()),
        post=post.id,
        channel=post.channel,
        order=pen.next_order(),
        occasion=occasion,
        loud=loud,
        title=said.title,
        text=said.text,
        severity=alert.severity,
        by=said.by,
        event=said.event,
        sending=Sending(state=state),
        created_at=pen.now,
    )


def announcement(channel: str, occasion: Occasion, said: Said, *, pen: Pen) -> Line:
    """A line that stands alone in a channel."""
    return Line(
        id=LineId(pen.new_id()),
        post=None,
        channel=channel,
        order=pen.next_order(),
        occasion=occasion,
        loud=True,
        title=said.title,
        text=said.text,
        by=said.by,
        event=said.event,
        sending=Sending(state=DeliveryState.OWED),
        created_at=pen.now,
    )


def under_the_first(post: Post, alert: Alert, said: Said, *, held: bool, pen: Pen) -> Line:
    """A later notice of the same key: a quiet line under the first."""
    state = DeliveryState.HELD if held else DeliveryState.OWED
    return thread_line(post, Occasion.NOTICED, said, alert=alert, loud=False, state=state, pen=pen)


def release(alert: Alert, posts: Iterable[Post], lines: Sequence[Line], pen: Pen) -> Telling:
    """What is told when the last reason to be quiet has ended: what is open and untold, and the newest loud word."""
    told = [_released(post, alert, pen) for post in posts]
    spoken: list[Line] = []
    for post in told:
        waiting = [line for line in lines if line.post == post.id and line.sending.state is DeliveryState.HELD]
        spoken += [replace(line, sending=Sending(state=DeliveryState.DROPPED)) for line in waiting]
        if waiting and alert.open and post.shown:
            newest = waiting[-1]
            spoken[-1] = replace(newest, order=pen.next_order(), sending=Sending(state=DeliveryState.OWED))
    return Telling(posts=tuple(told), lines=tuple(spoken))


def _released(post: Post, alert: Alert, pen: Pen) -> Post:
    if post.sending.state is not DeliveryState.HELD:
        return edited(post, Occasion.UNSILENCED, pen) if alert.open and not never_told(post) else post
    if not alert.open:
        return replace(post, sending=Sending(state=DeliveryState.DROPPED))
    if not _wanted(post.tell, post.occasion):
        return post
    return replace(post, order=pen.next_order(), sending=Sending(state=DeliveryState.OWED))
