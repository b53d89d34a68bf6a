"""What is said when: which posts want a new version, which lines are owed, and what silence holds back.

| occasion                         | the post                          | a line in its thread |
|----------------------------------|-----------------------------------|----------------------|
| opened, noticed                  | posted                            | –                    |
| worsened, reopened               | edited                            | loud: an edit alone wakes nobody |
| resolved                         | edited                            | quiet                |
| repeated, eased                  | edited, at most once per `SETTLE` | –                    |
| another joins a new message      | edited after 1, 2, 4, 8 seconds   | gathered             |
| acked, unacked, (un)silenced, answered | edited at once              | –                    |

What was decided to be told is told, late if need be and then as it stands; what silence held and what healed
meanwhile is dropped: nobody was told that it broke.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from hub.core.alert import Advance, Alert, Change, Phase
from hub.core.event import Severity
from hub.core.grouping import AT_ONCE, EscalationStep, Gathered, Pace
from hub.core.holds import FREE, Holds
from hub.core.notification import DeliveryState, Line, LineId, MessageState, Occasion, Post, PostId, Sending
from hub.core.records import Record, replace
from hub.core.routing import Taken

ItemT = TypeVar("ItemT", Post, Line)
SETTLE = timedelta(seconds=10)
CATCH_UP = timedelta(seconds=1)
"""The same, of a new message of several that others join; then twice as long, and so on up to `SETTLE`."""

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
"""As what a change is told. Those that are not here are recorded and not told."""

SHOWN_ANEW = frozenset({Occasion.WORSENED, Occasion.REOPENED, Occasion.RESOLVED, Occasion.UNACKED})
"""Lines that a chat which cannot edit need not have: there the post itself is said again."""
UNDER_WAY = frozenset({"queued", "asking", "sent"})
"""An answer of a tool that is none yet."""
NEWS = frozenset({Occasion.OPENED, Occasion.REOPENED, Occasion.WORSENED})
"""What makes a line of a member's story."""
FLAPPED = frozenset({Occasion.REOPENED, Occasion.WORSENED, Occasion.RESOLVED})
"""What is no news of an alert that flaps: its message says it, and no line."""
UNHURRIED_FLAP = {True: Occasion.REPEATED, False: Occasion.EASED}
"""As what that is told, while it is open and while it is not."""
LOUD = frozenset({Occasion.WORSENED, Occasion.REOPENED, Occasion.REMINDED, Occasion.ESCALATED})
QUIET = frozenset({Occasion.RESOLVED})
OF_ONE_POST = frozenset({Occasion.REMINDED, Occasion.ESCALATED})
"""What is said under one post; all else that is loud is said under each post that tells of it."""
UNHURRIED = frozenset({Occasion.REPEATED, Occasion.EASED})
HOLDABLE = LOUD | UNHURRIED | {Occasion.OPENED, Occasion.NOTICED}
"""What a silence holds back, and counts."""


class Telling(Record, frozen=True, kw_only=True):
    """Posts and lines, new or changed. `gather` are the posts whose members wait for a line, and when it is due."""

    posts: tuple[Post, ...] = ()
    lines: tuple[Line, ...] = ()
    gather: tuple[tuple[PostId, datetime], ...] = ()


class Pen(Record, frozen=True, kw_only=True):
    """What writing needs from outside: the time, and the next id and place in the order of things owed."""

    now: datetime
    new_id: Callable[[], str]
    next_order: Callable[[], int]


class Said(Record, frozen=True, kw_only=True):
    """The words of a line, fixed when it is owed."""

    title: str
    text: str = ""
    by: str = ""
    event: str = ""


def tell(
    step: Advance,
    posts: Sequence[Post],
    taken: Sequence[Taken],
    *,
    held: bool,
    said: Said,
    pen: Pen,
    firing: Mapping[str, int] = {},
    groups: Mapping[str, str] = {},
    holds: Holds = FREE,
) -> Telling:
    """What follows from a change of an alert. `posts` are those that tell of it; `held`: something covers it now.

    `firing` says of each group of several how many of its members are open after the change; `groups` of each channel
    of which group a new post there tells. What neither names is a group of one.
    """
    alert, occasion = step.alert, OCCASIONS.get(step.change)
    if alert is None or occasion is None:
        return Telling()
    told: list[Post] = []  # not `list[Post]()`, which makes an error and catches it
    lines: list[Line] = []
    gather: list[tuple[PostId, datetime]] = []
    flaps = occasion in FLAPPED and not step.decide and alert.flapping(pen.now)
    began = flaps and alert.open and alert.began_to_flap(pen.now)
    if began:
        said = replace(said, title=f"{alert.title} – and flaps: back {alert.flaps} times")
    comment = step.change is Change.COMMENTED
    there = {route.channel: _telling_there(alert, posts, route, holds) for route in taken}
    wanting = {route.channel: route for route in taken}
    for post in posts:
        if post.merged_into:  # the message of a storm tells of it, for good
            continue
        if there.get(post.channel) is post:
            post = wanted_also(post, wanting[post.channel], owns=post.group == alert.id, pen=pen)
        hold = held or holds.hold(post)
        if post.group in firing:
            one = tell_of_member(post, occasion, alert, firing[post.group], held=hold, pen=pen, flaps=flaps)
            told += one.posts
            lines += one.lines
            gather += one.gather
            if comment and not never_told(post):
                state = DeliveryState.OWED
                lines.append(thread_line(post, occasion, said, alert=alert, loud=False, state=state, pen=pen))
            continue
        as_told = UNHURRIED_FLAP[alert.open] if flaps and not began else occasion
        moved = moved_by(post, as_told, alive=alert.open, held=hold, pen=pen)
        line = _line(moved, occasion, alert, comment=comment, held=hold, said=said, pen=pen)
        told.append(moved)
        if line is not None and (began or not flaps):
            lines.append(line)
    told += [
        new_post(
            route,
            occasion,
            group=groups.get(route.channel, alert.id),
            held=held or holds.hold(route),
            pen=pen,
            severity=alert.severity,
        )
        for route in taken
        if there[route.channel] is None
    ]
    return Telling(posts=tuple(told), lines=tuple(lines), gather=tuple(gather))


def untold(alert: Alert, posts: Iterable[Post], taken: Iterable[Taken], holds: Holds) -> Sequence[Taken]:
    """The routes that want it told where none of these posts tells of it as they would."""
    return [route for route in taken if _telling_there(alert, posts, route, holds) is None]


def _telling_there(alert: Alert, posts: Iterable[Post], route: Taken, holds: Holds) -> Post | None:
    """The post that tells in the route's channel, whichever route made it. That of a company which waits, or may wait,
    for what this route does not wait for, is none: of the others nobody is told sooner."""
    here = [post for post in posts if post.channel == route.channel]
    fit = [post for post in here if alert.id == post.group or post.merged_into or not _waits_longer(post, route, holds)]
    return min(fit, key=lambda post: (bool(post.merged_into), post.route != route.route, post.order), default=None)


def _waits_longer(post: Post, route: Taken, holds: Holds) -> bool:
    if post.route == route.route:
        return False
    bound = bool((post.pace.during and not route.pace.during) or (post.pace.digest and not route.pace.digest))
    return bound or (holds.hold(post) and not holds.hold(route))


def wanted_also(post: Post, route: Taken | Post, *, owns: bool = False, pen: Pen) -> Post:
    """The post as another route, or its own by newer rules, wants it as well: it waits for no window that this one does
    not wait for, and wakes also whom this one would. `owns`: it is that one's from now on."""
    its_own = post.route == route.route
    if post.merged_into or (its_own and post.pace == route.pace):
        return post
    own, other, since = post.pace, route.pace, post.unacked_since
    grown = own.with_duties_of(other, later=max(AT_ONCE, pen.now - since) if since else AT_ONCE)
    if its_own and grown == own:
        return post
    during, otherwise = (other.during, other.otherwise) if own.during and other.during else ("", "")
    pace = replace(grown, during=during, otherwise=otherwise, digest=other.digest if own.digest else None)
    tell = None if post.tell is None or route.tell is None else tuple(dict.fromkeys((*post.tell, *route.tell)))
    name = route.route if owns else post.route
    if pace == own:  # what it waits for begins with what happens to it next, as in any case
        return replace(post, route=name, tell=tell)
    begins = pen.now if since is None and pace.escalate and not never_told(post) else since
    return replace(post, route=name, tell=tell, pace=pace, unacked_since=begins)


def new_post(
    route: Taken, occasion: Occasion, *, group: str, held: bool, pen: Pen, severity: Severity | None = None
) -> Post:
    hold = held or not wanted(route.tell, occasion)
    waits = occasion is Occasion.OPENED and route.pace.group_wait and not hold
    due = pen.now + route.pace.group_wait if waits else None
    return Post(
        id=PostId(pen.new_id()),
        group=group,
        channel=route.channel,
        route=route.route,
        order=pen.next_order(),
        occasion=occasion,
        wanted=1,
        sending=Sending(state=DeliveryState.HELD if hold else DeliveryState.OWED, due_at=due, since=due),
        tell=route.tell,
        created_at=pen.now,
        pace=route.pace,
        schedule=route.schedule,
        loudest=0 if hold else int(severity or 0),
        unacked_since=(due or pen.now) if route.pace.escalate and not hold else None,
    )


def tell_of_member(
    post: Post, occasion: Occasion, alert: Alert, firing: int, *, held: bool, pen: Pen, flaps: bool = False
) -> Telling:
    """What follows for the message of a group when something happens to one of its members. `firing`: how many of them
    are open after that."""
    healed = occasion is Occasion.RESOLVED
    # The line wakes; the message itself may catch up, since in a storm it is long.
    catches_up = occasion is Occasion.NOTICED or (occasion in NEWS and post.shown)
    as_told = Occasion.EASED if healed and firing else Occasion.REPEATED if catches_up else occasion
    moved = moved_by(post, as_told, alive=firing > 0, held=held, pen=pen, joins=occasion in NEWS)
    rank = int(alert.severity or 0) if occasion in NEWS and not held else 0
    outdone = rank > post.loudest
    if outdone:
        moved = replace(moved, loudest=rank)
    if post.gathered and not healed:
        moved = replace(moved, gathered=post.gathered.renamed(alert.id, alert.title))
    if flaps or never_told(moved) or _unshown(moved) or not (healed or occasion in NEWS) or (held and not healed):
        return Telling(posts=(moved,))
    if not healed and not wanted(post.tell, occasion):
        return Telling(posts=(moved,))
    gathered = moved.gathered or Gathered()
    gathered = (
        gathered.with_healed(alert.title, alert.id)
        if healed
        else gathered.with_opened(alert.title, alert.id, leads=outdone)
    )
    # What is worse than all that woke anybody does not wait for its turn.
    next_line = pen.now if not firing or outdone else _next_line(post, pen)
    if next_line > pen.now:
        return Telling(posts=(replace(moved, gathered=gathered),), gather=((post.id, next_line),))
    return say_gathered(replace(moved, gathered=gathered), alert.severity, pen=pen, healed=not firing)


def say_gathered(post: Post, severity: Severity | None, *, pen: Pen, healed: bool = False) -> Telling:
    """The line that says what happened to members since the last one. `healed`: none of them fires any more."""
    gathered = post.gathered
    if not gathered:
        return Telling()
    title, text = gathered.say(fires=not healed)
    loud = gathered.loud and not healed
    occasion = Occasion.OPENED if loud else Occasion.RESOLVED
    line = _line_under(post, occasion, Said(title=title, text=text), severity, loud=loud, pen=pen)
    return Telling(posts=(replace(post, gathered=None, lined_at=pen.now),), lines=(line,))


def remind(post: Post, said: Said, severity: Severity | None, *, pen: Pen) -> Telling:
    """Say again that it is still so: an edit wakes nobody, so a loud line does."""
    told = replace(edited(post, Occasion.REMINDED, pen), reminders=post.reminders + 1)
    line = _loud_line(post, Occasion.REMINDED, said, severity, pen=pen)
    return Telling(posts=(told,), lines=(line,) if wanted(post.tell, Occasion.REMINDED) else ())


def remind_elsewhere(
    post: Post, channel: str, others: Sequence[Post], said: Said, severity: Severity | None, *, pen: Pen
) -> Telling:
    """Say it again to whoever's turn it is by now: from then on they are reminded, and who was before is not. `others`
    are all posts that tell of the same."""
    if not wanted(post.tell, Occasion.REMINDED):
        return Telling()
    beside = [other for other in others if other.channel == channel]
    there = next((other for other in beside if not never_told(other)), None)
    relieved = replace(edited(post, Occasion.REMINDED, pen), pace=replace(post.pace, repeat=()))
    if there is not None and there.pace.repeat:  # who is there is reminded anyway, perhaps by a route of their own
        return Telling(posts=(relieved,) if there.schedule == post.schedule else ())
    if there is not None:
        pace = replace(there.pace, repeat=post.pace.repeat)
        again = replace(there, pace=pace, schedule=post.schedule, reminders=post.reminders)
        told = remind(again, said, severity, pen=pen)
        return replace(told, posts=(relieved, *told.posts))
    held = next((other for other in beside if other.group == post.group and waits(other)), None)
    fresh = _told_there(post, channel, Occasion.REMINDED, held, post.pace, paused=False, pen=pen)
    pace = replace(fresh.pace, repeat=post.pace.repeat, escalate=())
    again = replace(fresh, pace=pace, tell=post.tell, schedule=post.schedule, reminders=post.reminders + 1)
    return Telling(posts=(relieved, again))


def say_aloud(
    posts: Iterable[Post],
    occasion: Occasion,
    said: Said,
    severity: Severity | None,
    *,
    about: str = "",
    held: bool = False,
    holds: Holds = FREE,
    pen: Pen,
) -> Telling:
    """A loud line in each thread, of what an edit alone would tell nobody; where something holds it, it waits. `about`:
    the alert, if it is about one alone."""
    told = [post for post in posts if post.shown and not never_told(post) and wanted(post.tell, occasion)]
    lines = [(post, replace(_loud_line(post, occasion, said, severity, pen=pen), about=about)) for post in told]
    return Telling(lines=tuple(held_back(line) if held or holds.hold(post) else line for post, line in lines))


def quiet_line(post: Post, occasion: Occasion, said: Said, *, pen: Pen) -> Line:
    return _line_under(post, occasion, said, None, loud=False, pen=pen)


def _loud_line(post: Post, occasion: Occasion, said: Said, severity: Severity | None, *, pen: Pen) -> Line:
    return _line_under(post, occasion, said, severity, loud=True, pen=pen)


def _line_under(
    post: Post,
    occasion: Occasion,
    said: Said,
    severity: Severity | None,
    *,
    loud: bool,
    pen: Pen,
    state: DeliveryState = DeliveryState.OWED,
) -> Line:
    alone = announcement(post.channel, occasion, said, pen=pen)
    return replace(alone, post=post.id, loud=loud, severity=severity, sending=Sending(state=state))


def waits(post: Post) -> bool:
    """Whether it is held though its route wants to tell of it."""
    return post.sending.state is DeliveryState.HELD and wanted(post.tell, post.occasion)


def seeks(post: Post) -> bool:
    """Whether it is held, and is to find somebody who takes it on."""
    return post.sending.state is DeliveryState.HELD and post.occasion is Occasion.ESCALATED


def never_told(post: Post) -> bool:
    return post.sending.state in (DeliveryState.HELD, DeliveryState.DROPPED) and post.shown == 0


def wanted(tell: tuple[Occasion, ...] | None, occasion: Occasion) -> bool:
    return tell is None or occasion in tell


def escalate(
    post: Post,
    step: EscalationStep,
    others: Sequence[Post],
    said: Said,
    severity: Severity | None,
    *,
    pen: Pen,
    paused: bool = False,
) -> Telling:
    """Tell the next in line, and say so where it was told first. `others`: all posts that tell of the same, this one
    among them. While the next one's channel is `paused` it waits there."""
    told = replace(edited(post, Occasion.ESCALATED, pen), steps_done=post.steps_done + 1)
    beside = [other for other in others if other.channel == step.channel and other.id != post.id]
    there = next((other for other in beside if not never_told(other)), None)
    if there is not None:
        line = _loud_line(there, Occasion.ESCALATED, said, severity, pen=pen)
        return Telling(
            posts=(told, edited(there, Occasion.ESCALATED, pen)), lines=(held_back(line) if paused else line,)
        )
    if post.channel == step.channel:
        return Telling(posts=(told,))
    own = (other for other in beside if other.group == post.group)
    held = next((other for other in own if other.sending.state is DeliveryState.HELD), None)
    pace = replace(post.pace, repeat=(), escalate=(), mention=())
    next_told = _told_there(post, step.channel, Occasion.ESCALATED, held, pace, paused=paused, pen=pen)
    return Telling(posts=(told, next_told), lines=(_loud_line(told, Occasion.ESCALATED, said, severity, pen=pen),))


def _told_there(
    post: Post, channel: str, occasion: Occasion, held: Post | None, pace: Pace, *, paused: bool, pen: Pen
) -> Post:
    """What tells in another channel of the post's group. Where a route of that channel's own holds it back (`held`), it
    is that one, so that nothing is told twice: window and digest do not bind it any more. While paused it waits as what
    it was, since its own route wants it told though somebody has it by then."""
    if held is not None:
        freed = replace(held, tell=None, pace=replace(held.pace, during="", digest=None))
        return freed if paused else told_now(replace(freed, occasion=occasion), pen)
    return Post(
        id=PostId(pen.new_id()),
        group=post.group,
        channel=channel,
        route=post.route,
        order=pen.next_order(),
        occasion=occasion,
        wanted=1,
        sending=Sending(state=DeliveryState.HELD if paused else DeliveryState.OWED),
        created_at=pen.now,
        pace=pace,
    )


def falls_back(item: Post | Line, alerts: Sequence[Alert], now: datetime) -> bool:
    """Whether it must be said elsewhere if its channel cannot show it: it wakes, what it tells of is still so, and
    nobody has it. `alerts` are those that it tells of. What gathers, and a drill, are not said elsewhere."""
    if item.fallen_back or item.occasion is Occasion.DRILLED:
        return False
    if isinstance(item, Line) and item.post is None:
        return item.loud
    aloud = item.loud if isinstance(item, Line) else _unshown(item) and not gathers(item, now)
    return aloud and any(alert.phase is Phase.NOTICE or (alert.open and alert.ack is None) for alert in alerts)


def stand_in(
    item: Post | Line,
    posts: Sequence[Post],
    place: str,
    instead: str,
    worst: Said,
    severity: Severity | None,
    *,
    pen: Pen,
    paused: bool = False,
) -> Telling:
    """Say at the address `place` what the item's channel does not show; `instead` is what it says of that. `posts` are
    all of its group, none of a line that stands alone; `worst` are words about its group. While the place is `paused`
    it waits there, but for what stands alone, which nothing would tell afterwards."""
    fallen = replace(item, fallen_back=True)
    beside = [post for post in posts if post.channel == place]
    there = next((post for post in beside if not never_told(post)), None)
    if isinstance(fallen, Line) and (fallen.post is None or (there is not None and fallen.occasion in OF_ONE_POST)):
        copied = _copied(fallen, place, there.id if there is not None else None, instead, pen)
        return Telling(lines=(fallen, held_back(copied) if paused and copied.post is not None else copied))
    if isinstance(fallen, Line) and there is not None:
        return Telling(lines=(fallen,))  # it is said there as well
    if there is not None and isinstance(fallen, Post):
        line = replace(_loud_line(there, item.occasion, worst, severity, pen=pen), instead=instead)
        return Telling(posts=(fallen,), lines=(held_back(line) if paused else line,))
    post = fallen if isinstance(fallen, Post) else next(post for post in posts if post.id == fallen.post)
    held = next((one for one in beside if one.sending.state is DeliveryState.HELD), None)
    pace = replace(post.pace, repeat=(), escalate=())
    fresh = _told_there(post, place, item.occasion, held, pace, paused=paused, pen=pen)
    fresh = replace(fresh, tell=fresh.tell if held else post.tell, loudest=post.loudest, instead=instead)
    if isinstance(fallen, Post):
        return Telling(posts=(fallen, fresh))
    return Telling(posts=(fresh,), lines=(fallen,))


def _copied(line: Line, place: str, under: PostId | None, instead: str, pen: Pen) -> Line:
    return replace(
        line,
        id=LineId(pen.new_id()),
        post=under,
        channel=place,
        order=pen.next_order(),
        ref=None,
        sending=Sending(state=DeliveryState.OWED),
        created_at=pen.now,
        instead=instead,
        fallen_back=False,
    )


def moved_by(post: Post, occasion: Occasion, *, alive: bool, held: bool, pen: Pen, joins: bool = False) -> Post:
    """The post as it should be after the occasion: edited if it was told, perhaps told now if it was not. `alive`: what
    it tells of is open; `joins`: it is about one of several that joins the others."""
    comes_back = held and occasion in NEWS and refused(post)
    if never_told(post) or comes_back or (not alive and gathers(post, pen.now)):
        return _still_untold(post, occasion, alive=alive, held=held, pen=pen)
    return edited(post, occasion, pen, joins=joins)


def refused(post: Post) -> bool:
    """Its chat did not take it, so that nobody was told."""
    return post.sending.state is DeliveryState.DEAD and post.ref is None


def gathers(post: Post, now: datetime) -> bool:
    """It waits for what breaks together with the first. What heals meanwhile is not told."""
    return untried(post) and post.sending.due_at is not None and post.sending.due_at > now


def untried(item: ItemT) -> bool:
    """It is to be told, and nobody has begun to."""
    sending = item.sending
    begun = item.ref is not None or sending.attempts or sending.trying or (isinstance(item, Post) and item.shown)
    return sending.state is DeliveryState.OWED and not begun


def held_back(item: ItemT) -> ItemT:
    """What was about to be told, as it waits until nothing holds it."""
    held = replace(item, sending=Sending(state=DeliveryState.HELD))
    return replace(held, wanted=held.wanted + 1, unacked_since=None) if isinstance(held, Post) else held


def withheld(post: Post, lines: Iterable[Line], under_way: Container[str]) -> Telling:
    """What is owed of a post, or aloud in its thread, and nobody has begun to tell: from now on it waits. `under_way`
    are the ids of what is on its way to a chat just now."""
    return Telling(
        posts=(held_back(post),) if untried(post) and post.id not in under_way else (),
        lines=tuple(held_back(line) for line in lines if line.loud and untried(line) and line.id not in under_way),
    )


def _still_untold(post: Post, occasion: Occasion, *, alive: bool, held: bool, pen: Pen) -> Post:
    if not alive:
        listed = held and (post.pace.otherwise == "digest" or post.pace.digest is not None)
        state = DeliveryState.HELD if listed else DeliveryState.DROPPED
        return replace(post, occasion=occasion, sending=Sending(state=state))
    if post.occasion is Occasion.ESCALATED:  # whatever comes meanwhile: who is next in line hears by the escalation
        return replace(post, sending=Sending(state=DeliveryState.HELD))
    why = _why_told_first(post, occasion)
    if held or occasion not in HOLDABLE or not wanted(post.tell, why):
        return replace(post, occasion=why, sending=Sending(state=DeliveryState.HELD))
    return told_now(replace(post, occasion=why), pen)


def _why_told_first(post: Post, occasion: Occasion) -> Occasion:
    """Why a post would be told of which nobody was: what happened last, unless its route does not tell of that. What
    healed untold and is back has opened, to who hears of it."""
    if occasion in HOLDABLE and wanted(post.tell, occasion):
        return occasion
    is_back = post.sending.state is DeliveryState.DROPPED or post.occasion not in HOLDABLE
    return Occasion.OPENED if is_back else post.occasion


def told_now(post: Post, pen: Pen) -> Post:
    """The post, which waited, as it is owed from now on."""
    since = pen.now if post.pace.escalate else None
    owed = Sending(state=DeliveryState.OWED, since=pen.now)
    return replace(post, order=pen.next_order(), sending=owed, unacked_since=since, steps_done=0, pace=post.pace.anew())


def edited(post: Post, occasion: Occasion, pen: Pen, *, joins: bool = False) -> Post:
    """The post with a newer version wanted. One that is owed already keeps its place and its patience; one that its
    chat did not take is tried anew when there is news to wake for."""
    if post.sending.state is DeliveryState.OWED:
        told, hurried = _first_told(post, occasion), post.hurried + (occasion not in UNHURRIED)
        return replace(post, wanted=post.wanted + 1, occasion=told, hurried=hurried, sending=_sooner(post, occasion))
    if refused(post) and occasion not in NEWS:
        return replace(post, wanted=post.wanted + 1)
    due = post.shown_at + _rest(post, post.shown_at, joins) if occasion in UNHURRIED and post.shown_at else None
    return replace(
        post,
        wanted=post.wanted + 1,
        occasion=occasion,
        hurried=post.hurried + (occasion not in UNHURRIED),
        order=pen.next_order(),
        sending=Sending(state=DeliveryState.OWED, due_at=due if due and due > pen.now else None, since=pen.now),
    )


def still_owed(post: Post, shown: Post, now: datetime) -> Sending:
    """What is owed of a post when an older version of it has been shown: what does not wait at once, all else later."""
    hurries = post.hurried != shown.hurried
    rest = _rest(post, now, bool(post.gathered))
    return Sending(state=DeliveryState.OWED, due_at=None if hurries else now + rest, since=now)


def _rest(post: Post, shown_at: datetime, joins: bool) -> timedelta:
    """How long what was shown stays as it is, where nothing hurries. A storm begins with one: who looks then shall soon
    see how many it is, and a chat that takes a message a second is edited no more than a few times for that."""
    return min(SETTLE, max(CATCH_UP, shown_at - post.created_at)) if joins else SETTLE


def _first_told(post: Post, occasion: Occasion) -> Occasion:
    """Why a post is owed that was owed already. One that was never shown still opens, whatever came meanwhile, but it
    says so if that healed; and a repeat does not hide what came before it."""
    opens = post.shown == 0 and occasion is not Occasion.RESOLVED
    hides = occasion in UNHURRIED and post.occasion not in UNHURRIED
    return post.occasion if opens or hides else occasion


def gist(alert: Alert, state: MessageState, now: datetime) -> str:
    """How things stand, as far as a chat that cannot edit says it again in a new message when it changes."""
    if alert.flapping(now):
        return f"flapping/{alert.ack.by if alert.ack else ''}"
    ack, answer = alert.ack, alert.answer
    answered = f"{answer.verb} {answer.result}" if answer is not None and answer.result not in UNDER_WAY else ""
    return "/".join((state, str(alert.severity or 0), ack.by if ack else "", answered))


def wakes(item: Post | Line, state: MessageState | None, *, edits: bool) -> bool:
    """Whether people are named in it: in a post when it is first shown, if there is anything to do, and in loud lines.
    Never in edits; a chat that cannot edit says in a new post what is a line elsewhere."""
    if isinstance(item, Line):
        return item.loud
    fresh = item.ref is None or (not edits and item.occasion in LOUD)
    return fresh and state in (MessageState.OPEN, MessageState.NOTICE)


def said_by_its_post(line: Line) -> bool:
    """Whether, in a chat that cannot edit, the new message of the line's post says it already."""
    return line.post is not None and line.occasion in SHOWN_ANEW


def _sooner(post: Post, occasion: Occasion) -> Sending:
    """A person's act or a recovery does not wait for an unhurried edit; it does wait for a chat that is away, and for
    what breaks together with the first."""
    waits = post.sending.attempts > 0 or (post.shown == 0 and post.ref is None)
    return post.sending if occasion in UNHURRIED or waits else replace(post.sending, due_at=None)


def _line(
    post: Post, occasion: Occasion, alert: Alert, *, comment: bool, held: bool, said: Said, pen: Pen
) -> Line | None:
    loud, quiet = occasion in LOUD, occasion in QUIET or comment
    if not (loud or quiet) or never_told(post) or (_unshown(post) and not comment):
        return None
    if occasion is not Occasion.RESOLVED and not wanted(post.tell, occasion):
        return None
    state = DeliveryState.HELD if held and loud else DeliveryState.OWED
    return thread_line(post, occasion, said, alert=alert, loud=loud, state=state, pen=pen)


def _unshown(post: Post) -> bool:
    """Not shown yet: its first showing says how things stand, and a line would say it twice. It says no comments."""
    return post.shown == 0 and post.ref is None


def thread_line(
    post: Post, occasion: Occasion, said: Said, *, alert: Alert, loud: bool, state: DeliveryState, pen: Pen
) -> Line:
    line = _line_under(post, occasion, said, alert.severity, loud=loud, state=state, pen=pen)
    return replace(line, about=alert.id)


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


def release(
    alert: Alert,
    posts: Iterable[Post],
    lines: Sequence[Line],
    pen: Pen,
    *,
    firing: Mapping[str, int] = {},
    had: frozenset[str] = frozenset(),
    holds: Holds = FREE,
) -> Telling:
    """What is told when the last reason to be quiet has ended: what is open and untold, and the newest loud word. `had`
    are the groups all of which somebody has by now: nothing that looks for somebody is told of them."""
    told: list[Post] = []
    spoken: list[Line] = []
    for before in posts:
        alive = firing.get(before.group, int(alert.open)) > 0
        if holds.hold(before):  # a window or a pause holds what is new, and no edit of what was told
            told.append(_shown_free(before, pen, alive=alive))
            continue
        rests = alive and seeks(before) and before.group in had
        post = before if rests else _released(before, pen, alive=alive)
        told.append(post)
        waiting = [line for line in lines if line.post == post.id and _waits_with(line, alert)]
        news = [line for line in waiting if not _is_over(line, post, alert, had)]
        news = [line for line in news if (alert.open if line.about else alive)]
        newest = news[-1] if news and post.shown else None
        spoken += [_said_now(line, alert, pen) if line is newest else _unsaid(line) for line in waiting]
    nobodys = alert.open and alert.ack is None
    unsaid = {
        post.id for post in told if nobodys and post.id in alert.unsaid and not _unshown(post) and not holds.hold(post)
    }
    return Telling(
        posts=tuple(_gathering(post, alert) if post.id in unsaid else post for post in told),
        lines=tuple(spoken),
        gather=tuple((post.id, _next_line(post, pen)) for post in told if post.id in unsaid),
    )


def _waits_with(line: Line, alert: Alert) -> bool:
    """Whether it is held, and not about another member of its group."""
    return line.sending.state is DeliveryState.HELD and line.about in ("", alert.id)


def _is_over(line: Line, post: Post, alert: Alert, had: frozenset[str]) -> bool:
    """Whether it says what is not so any more: that nobody has it, or that it is worse than it is now."""
    if line.occasion in OF_ONE_POST:
        return post.group in had
    if line.occasion is Occasion.UNACKED:
        return alert.ack is not None
    return line.occasion is Occasion.WORSENED and (line.severity or 0) > (alert.severity or 0)


def _said_now(line: Line, alert: Alert, pen: Pen) -> Line:
    """What waited; of an alert that came back meanwhile it says how that stands now."""
    if line.about and line.occasion is Occasion.REOPENED and line.severity != alert.severity:
        line = replace(line, title=alert.title, text="", severity=alert.severity)
    return replace(line, order=pen.next_order(), sending=Sending(state=DeliveryState.OWED, since=pen.now))


def _unsaid(line: Line) -> Line:
    return replace(line, sending=Sending(state=DeliveryState.DROPPED))


def _gathering(post: Post, alert: Alert) -> Post:
    """With a member of whom its thread has yet to speak."""
    return replace(post, gathered=(post.gathered or Gathered()).with_opened(alert.title, alert.id))


def _next_line(post: Post, pen: Pen) -> datetime:
    return pen.now if post.lined_at is None else max(pen.now, post.lined_at + post.pace.group_interval)


def _shown_free(post: Post, pen: Pen, *, alive: bool) -> Post:
    return edited(post, Occasion.UNSILENCED, pen) if alive and not never_told(post) else post


def _released(post: Post, pen: Pen, *, alive: bool) -> Post:
    if post.sending.state is not DeliveryState.HELD:
        return _shown_free(post, pen, alive=alive)
    if not alive:
        return replace(post, sending=Sending(state=DeliveryState.DROPPED))
    if not wanted(post.tell, post.occasion):
        return post
    return told_now(post, pen)
