"""What is said when: the table of occasions row by row, and what holds for any history."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core import telling
from hub.core.alert import Ack, Advance, Alert, Change, Origin, acked, advance, unacked
from hub.core.event import Event, EventId, Severity, Status
from hub.core.notification import DeliveryState, Line, MessageRef, Occasion, Post, Sending
from hub.core.records import replace
from hub.core.routing import Taken
from hub.core.telling import LOUD, OCCASIONS, SETTLE, Pen, Said, Telling, release, tell

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SAID = Said(title="t")
OPS, WEB = (Taken(route=name, channel=f"room:{name}", tell=None) for name in ("ops", "web"))
IDS = count(1)
HELD, OWED, SENT, DEAD, DROPPED, UNKNOWN = (
    DeliveryState.HELD,
    DeliveryState.OWED,
    DeliveryState.SENT,
    DeliveryState.DEAD,
    DeliveryState.DROPPED,
    DeliveryState.UNKNOWN,
)


def pen(now: datetime = NOW) -> Pen:
    return Pen(now=now, new_id=lambda: f"p{next(IDS)}", next_order=lambda: next(IDS))


def event(status: Status = Status.PROBLEM, severity: Severity | None = Severity.ERROR) -> Event:
    return Event(
        status=status,
        kind="host",
        key="k",
        title="t",
        severity=severity,
        id=EventId(f"e{next(IDS)}"),
        source="nagios",
        tool="nagios",
        received_at=NOW,
    )


def an_alert(*, open: bool = True) -> Alert:
    reopen = timedelta(minutes=10)
    alert = advance(None, event(), reopen_within=reopen).alert
    if not open:
        alert = advance(alert, event(Status.RECOVERY), reopen_within=reopen).alert
    assert alert is not None
    return alert


def step(change: Change, alert: Alert | None = None) -> Advance:
    return Advance(alert=alert or an_alert(open=change is not Change.RESOLVED), change=change)


def first(taken: Sequence[Taken] = (OPS,), *, held: bool = False, change: Change = Change.OPENED) -> Post:
    return tell(step(change), (), taken, held=held, said=SAID, pen=pen()).posts[0]


def shown(post: Post, now: datetime = NOW) -> Post:
    sending = Sending(state=SENT, attempts=1)
    return replace(post, shown=post.wanted, shown_at=now, ref=MessageRef("m1"), sending=sending)


def after(change: Change, post: Post, *, held: bool = False, now: datetime = NOW, **more: Any) -> Telling:
    return tell(step(change), [post], (), held=held, said=SAID, pen=pen(now), **more)


# ----------------------------------------------------------------------------------------------------------- the table


@pytest.mark.parametrize("change", [Change.OPENED, Change.NOTICED])
def test_opened_and_noticed_are_posted(change: Change) -> None:
    """A post in each channel taken, and no line."""
    told = tell(step(change), (), (OPS, WEB), held=False, said=SAID, pen=pen())

    assert [("room:ops", OWED, 1, 0), ("room:web", OWED, 1, 0)] == [
        (post.channel, post.sending.state, post.wanted, post.shown) for post in told.posts
    ]
    assert () == told.lines


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (Change.WORSENED, "loud"),
        (Change.REOPENED, "loud"),
        (Change.RESOLVED, "quiet"),
        (Change.REPEATED, None),
        (Change.EASED, None),
        (Change.ACKED, None),
        (Change.UNACKED, None),
        (Change.QUIETED, None),
        (Change.UNQUIETED, None),
        (Change.ANSWERED, None),
        (Change.COMMENTED, "quiet"),
    ],
)
def test_what_was_shown_is_edited_and_some_changes_have_a_line(change: Change, line: str | None) -> None:
    """An edit alone wakes nobody, so what must wake somebody has a loud line."""
    told = after(change, shown(first()), now=NOW + SETTLE)

    assert [(2, 1, OWED, None)] == [
        (post.wanted, post.shown, post.sending.state, post.sending.due_at) for post in told.posts
    ]
    assert ([] if line is None else [(line == "loud", OWED, OCCASIONS[change])]) == [
        (one.loud, one.sending.state, one.occasion) for one in told.lines
    ]
    assert all(one.order > told.posts[0].order for one in told.lines)


@pytest.mark.parametrize("change", [Change.LATE, Change.NOT_OPEN, Change.UNCHANGED])
def test_what_changes_nothing_says_nothing(change: Change) -> None:
    """It is recorded."""
    assert Telling() == after(change, shown(first()))


@pytest.mark.parametrize("change", [Change.REPEATED, Change.EASED])
def test_unhurried_edits_wait_until_the_last_has_settled(change: Change) -> None:
    """At most one each ten seconds."""
    post = after(change, shown(first()), now=NOW + timedelta(seconds=3)).posts[0]
    again = after(change, post, now=NOW + timedelta(seconds=5)).posts[0]

    assert [(2, NOW + SETTLE), (3, NOW + SETTLE)] == [(one.wanted, one.sending.due_at) for one in (post, again)]
    assert post.order == again.order


@pytest.mark.parametrize("change", [Change.ACKED, Change.RESOLVED, Change.WORSENED])
def test_a_persons_act_does_not_wait_for_an_unhurried_edit(change: Change) -> None:
    """At once; but a chat that is away is waited for."""
    waiting = after(Change.REPEATED, shown(first()), now=NOW + timedelta(seconds=3)).posts[0]
    away = replace(waiting, sending=replace(waiting.sending, attempts=3))

    assert after(change, waiting).posts[0].sending.due_at is None
    assert away.sending == after(change, away).posts[0].sending


def test_what_is_not_shown_yet_has_no_lines() -> None:
    """Its first showing says it all; it opens, unless it has healed."""
    worse = after(Change.WORSENED, first())
    healed = after(Change.RESOLVED, first())

    assert [((), Occasion.OPENED, 2), ((), Occasion.RESOLVED, 2)] == [
        (told.lines, told.posts[0].occasion, told.posts[0].wanted) for told in (worse, healed)
    ]
    assert [OWED, OWED] == [told.posts[0].sending.state for told in (worse, healed)]


def test_a_later_decision_adds_channels_and_never_a_second_post() -> None:
    """Worsening adds, never removes."""
    post = shown(first())
    told = tell(step(Change.WORSENED), [post], (replace(OPS, route="other"), WEB), held=False, said=SAID, pen=pen())

    assert [("room:ops", "ops"), ("room:web", "web")] == [(one.channel, one.route) for one in told.posts]
    assert [post.id] == [line.post for line in told.lines]


def test_tell_chooses_posts_and_lines_but_never_edits() -> None:
    """What was shown is kept true; resolved cannot be left out."""
    quiet = replace(OPS, tell=(Occasion.OPENED, Occasion.RESOLVED))
    worse = after(Change.WORSENED, shown(first([quiet])))
    healed = after(Change.RESOLVED, shown(first([replace(OPS, tell=(Occasion.OPENED,))])))

    assert (2, ()) == (worse.posts[0].wanted, worse.lines)
    assert [Occasion.RESOLVED] == [line.occasion for line in healed.lines]


def test_a_route_that_wants_only_the_worse_is_posted_then() -> None:
    """It waits unposted; healed before, it was never told."""
    worse = replace(OPS, tell=(Occasion.WORSENED, Occasion.RESOLVED))
    post = first([worse])

    assert HELD is post.sending.state
    assert OWED is after(Change.WORSENED, post).posts[0].sending.state
    assert HELD is after(Change.REPEATED, post).posts[0].sending.state
    assert DROPPED is after(Change.RESOLVED, post).posts[0].sending.state


# ------------------------------------------------------------------------------------------------------------- silence


def test_a_silence_holds_the_post_and_what_heals_meanwhile_is_dropped() -> None:
    """Nobody was told that it broke."""
    held = first(held=True)
    healed = after(Change.RESOLVED, held, held=True)

    assert (HELD, DROPPED, ()) == (held.sending.state, healed.posts[0].sending.state, healed.lines)
    assert OWED is after(Change.REOPENED, healed.posts[0]).posts[0].sending.state


@pytest.mark.parametrize(
    ("change", "state"),
    [(Change.WORSENED, HELD), (Change.REOPENED, HELD), (Change.RESOLVED, OWED), (Change.COMMENTED, OWED)],
)
def test_a_silence_holds_loud_lines_but_edits_and_the_resolved_line_go(change: Change, state: DeliveryState) -> None:
    """What was shown stays true."""
    told = after(change, shown(first()), held=True)

    assert (OWED, [state]) == (told.posts[0].sending.state, [line.sending.state for line in told.lines])


@pytest.mark.parametrize("change", [Change.ACKED, Change.UNQUIETED, Change.ANSWERED])
def test_a_post_that_is_held_is_not_told_by_what_is_no_reason_to(change: Change) -> None:
    """An ack of it does not bring it out."""
    post = after(change, first(held=True)).posts[0]

    assert (HELD, Occasion.OPENED) == (post.sending.state, post.occasion)


def test_when_the_last_silence_ends_what_is_open_and_untold_is_told() -> None:
    """And what healed is not."""
    post = first(held=True)

    assert OWED is release(an_alert(), [post], [], pen()).posts[0].sending.state
    assert DROPPED is release(an_alert(open=False), [post], [], pen()).posts[0].sending.state


def test_of_the_loud_lines_held_the_newest_is_said() -> None:
    """The others are dropped; none is said of what healed."""
    post, alert = shown(first()), an_alert()
    healed = advance(alert, event(Status.RECOVERY), reopen_within=timedelta(minutes=10)).alert
    assert healed is not None
    steps = [step(change, alert) for change in (Change.WORSENED, Change.REOPENED)]
    lines = [tell(one, (post,), (), held=True, said=SAID, pen=pen()).lines[0] for one in steps]

    assert [DROPPED, OWED] == [line.sending.state for line in release(alert, [post], lines, pen()).lines]
    assert [DROPPED, DROPPED] == [line.sending.state for line in release(healed, [post], lines, pen()).lines]


def test_what_a_chat_never_took_stays_in_the_dead_letters() -> None:
    """Until somebody replays it, or it is worse; an edit that was refused is tried anew with the next version."""
    dead = Sending(state=DEAD, attempts=1, error="no such room")
    never = after(Change.REPEATED, replace(first(), sending=dead)).posts[0]
    edit = after(Change.WORSENED, replace(shown(first()), sending=dead)).posts[0]

    worse = after(Change.WORSENED, replace(first(), sending=dead)).posts[0]

    assert [(DEAD, 2), (OWED, 2), (OWED, 2)] == [(post.sending.state, post.wanted) for post in (never, edit, worse)]


def test_later_notices_are_quiet_lines_under_the_first() -> None:
    """And held by a silence."""
    post = shown(first(change=Change.NOTICED))
    lines = [telling.under_the_first(post, an_alert(), SAID, held=held, pen=pen()) for held in (False, True)]

    assert [(False, OWED, post.id), (False, HELD, post.id)] == [
        (line.loud, line.sending.state, line.post) for line in lines
    ]


# ---------------------------------------------------------------------------------------------------------- any history


@dataclass
class Night:
    """An alert, its posts and lines, a silence that comes and goes, and chats that take what is owed or do not."""

    now: datetime = NOW
    alert: Alert | None = None
    posts: dict[str, Post] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    firing: set[str] = field(default_factory=set)
    """Posts that were last shown while it was open."""
    held: bool = False

    @property
    def pen(self) -> Pen:
        return pen(self.now)

    def hears(self, status: Status, severity: Severity, taken: Sequence[Taken]) -> None:
        said = event(status, None if status is Status.RECOVERY else severity)
        said = replace(said, received_at=self.now)
        before = self.alert
        came = advance(before, said, reopen_within=timedelta(minutes=1))
        if came.alert is not None and (before is None or came.alert.id != before.id):
            self.posts, self.lines, self.firing = {}, {}, set()
        self.say(came, taken if came.decide else ())

    def acts(self, ack: bool) -> None:
        if self.alert is not None:
            mine = Ack(by="alice", at=self.now, origin=Origin.PERSON)
            self.say(acked(self.alert, mine, None) if ack else unacked(self.alert, self.now), ())

    def say(self, came: Advance, taken: Sequence[Taken]) -> None:
        self.alert = came.alert
        old = dict(self.posts)
        self.keep(tell(came, list(old.values()), taken, held=self.held, said=SAID, pen=self.pen))
        if came.change is Change.RESOLVED:
            self.was_resolved(old)

    def was_resolved(self, old: dict[str, Post]) -> None:
        for id in self.firing:
            assert OWED is self.posts[id].sending.state
            assert self.posts[id].wanted > max(self.posts[id].shown, old[id].wanted)
        for id in self.posts:
            assert id in self.firing or self.posts[id].sending.state is not HELD

    def silence(self, held: bool) -> None:
        ends = self.held and not held
        self.held = held
        before = {post.id: (post.channel, post.route) for post in self.posts.values()}
        if ends and self.alert is not None:
            self.keep(release(self.alert, list(self.posts.values()), list(self.lines.values()), self.pen))

        assert before == {post.id: (post.channel, post.route) for post in self.posts.values()}

    def delivers(self, how: DeliveryState) -> None:
        for post in self.posts.values():
            due = post.sending.due_at is None or post.sending.due_at <= self.now
            if post.sending.state is not OWED or not due:
                continue
            if how is SENT:
                self.posts = {**self.posts, post.id: shown(post, self.now)}
                assert self.alert is not None
                (self.firing.add if self.alert.open else self.firing.discard)(post.id)
            else:
                self.posts = {**self.posts, post.id: replace(post, sending=Sending(state=how, attempts=1))}

    def keep(self, told: Telling) -> None:
        self.posts |= {post.id: post for post in told.posts}
        self.lines |= {line.id: line for line in told.lines}
        channels = [post.channel for post in self.posts.values()]

        assert len(set(channels)) == len(channels)
        assert all(post.wanted >= post.shown for post in self.posts.values())
        assert not self.held or not any(
            line.sending.state is OWED and line.loud and line.occasion in LOUD for line in told.lines
        )


TELL = st.sampled_from([None, (Occasion.OPENED, Occasion.RESOLVED), (Occasion.WORSENED, Occasion.RESOLVED)])
ROUTES = st.lists(
    st.builds(
        lambda name, tell: Taken(route=name, channel=f"room:{name}", tell=tell), st.sampled_from(["a", "b", "c"]), TELL
    ),
    max_size=3,
    unique_by=lambda one: one.channel,
)
ACTIONS = st.one_of(
    st.tuples(st.just("hears"), st.sampled_from([Status.PROBLEM, Status.RECOVERY]), st.sampled_from(Severity), ROUTES),
    st.tuples(st.just("acts"), st.booleans()),
    st.tuples(st.just("silence"), st.booleans()),
    st.tuples(st.just("delivers"), st.sampled_from([SENT, SENT, DEAD, UNKNOWN])),
    st.tuples(st.just("waits"), st.sampled_from([1, 10, 90])),
)


def live(history: Sequence[tuple[Any, ...]]) -> Night:
    night = Night()
    for name, *arguments in history:
        if name == "waits":
            night.now += timedelta(seconds=arguments[0])
        else:
            getattr(night, name)(*arguments)
    return night


@given(history=st.lists(ACTIONS, max_size=25))
def test_whoever_is_told_that_it_fires_is_told_that_it_healed(history: list[tuple[Any, ...]]) -> None:
    """Whatever was silenced, refused, uncertain or late in between."""
    night = live(history)
    night.hears(Status.RECOVERY, Severity.INFO, ())
    night.now += SETTLE
    night.delivers(SENT)

    assert all(night.posts[id].sending.state in (DEAD, UNKNOWN) for id in night.firing)
    if not any(one[0] == "delivers" and one[1] is not SENT for one in history):
        assert set() == night.firing


@given(history=st.lists(ACTIONS, max_size=25))
def test_a_silence_never_changes_who_hears(history: list[tuple[Any, ...]]) -> None:
    """The same history without it has the same posts in the same channels."""
    silenced = live(history)
    plain = live([one for one in history if one[0] != "silence"])

    assert {(post.channel, post.route) for post in plain.posts.values()} == {
        (post.channel, post.route) for post in silenced.posts.values()
    }


@given(history=st.lists(ACTIONS, max_size=25))
def test_what_is_open_when_all_silences_have_ended_is_told(history: list[tuple[Any, ...]]) -> None:
    """Nothing stays held but what its route does not want."""
    night = live(history)
    night.silence(True)
    night.silence(False)

    assert all(
        post.tell is not None and post.occasion not in post.tell
        for post in night.posts.values()
        if post.sending.state is HELD
    )
