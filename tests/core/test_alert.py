"""One life of a key: what each event does to it, and what late events do not."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.alert import (
    Ack,
    Advance,
    Alert,
    Answer,
    Change,
    Origin,
    Phase,
    acked,
    advance,
    answered,
    ended,
    most_pressing,
    says_nothing_new,
    unacked,
)
from hub.core.event import Event, EventId, Link, Mark, MarkKind, Severity, Status
from hub.core.records import replace

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
REOPEN = timedelta(minutes=10)
ACK = Ack(by="alice", at=NOW, origin=Origin.PERSON, severity=Severity.ERROR)
ASKED = Answer(verb="ack", ask="8QK2", by="alice", result="sent", at=NOW)
NEXT = iter(range(1, 10**9))
_UNACKED = Mark(kind=MarkKind.UNACKNOWLEDGED)


def event(status: Status = Status.PROBLEM, after: float = 0, **more: Any) -> Event:
    """An event that comes `after` seconds, without marks of order unless they are given."""
    fields = {"kind": "host", "key": "k", "title": "t", "source": "nagios", "tool": "nagios", "status": status}
    if status is Status.PROBLEM:
        fields["severity"] = Severity.ERROR
    return Event(**{**fields, "id": EventId(f"e{next(NEXT)}"), "received_at": NOW + timedelta(seconds=after), **more})


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def told(alert: Alert | None, *events: Event, expire_after: timedelta | None = None) -> Advance:
    """What the last of the events did."""
    step = Advance(alert=alert, change=Change.UNCHANGED)
    for one in events:
        step = advance(step.alert, one, reopen_within=REOPEN, expire_after=expire_after)
    return step


def life(*events: Event) -> Alert:
    alert = told(None, *events).alert
    assert alert is not None
    return alert


def an_open(**more: Any) -> Alert:
    return life(event(**more))


def a_resolved() -> Alert:
    return life(event(), event(Status.RECOVERY))


def mark(kind: MarkKind, text: str = "", after: float = 1, **more: Any) -> Event:
    return event(Status.UPDATE, after, mark=Mark(kind=kind, by="bob", text=text), **more)


# ------------------------------------------------------------------------------------------------- statuses and phases


@pytest.mark.parametrize(
    ("status", "before", "change", "phase", "decide"),
    [
        (Status.PROBLEM, None, Change.OPENED, Phase.OPEN, True),
        (Status.PROBLEM, "open", Change.REPEATED, Phase.OPEN, False),
        (Status.PROBLEM, "resolved", Change.REOPENED, Phase.OPEN, False),
        (Status.RECOVERY, None, Change.NOT_OPEN, None, False),
        (Status.RECOVERY, "open", Change.RESOLVED, Phase.RESOLVED, False),
        (Status.RECOVERY, "resolved", Change.NOT_OPEN, Phase.RESOLVED, False),
        (Status.UPDATE, None, Change.NOTICED, Phase.NOTICE, True),
        (Status.UPDATE, "open", Change.COMMENTED, Phase.OPEN, False),
        (Status.UPDATE, "resolved", Change.NOTICED, Phase.NOTICE, True),
        (Status.NOTICE, None, Change.NOTICED, Phase.NOTICE, True),
        (Status.NOTICE, "open", Change.NOTICED, Phase.NOTICE, True),
        (Status.NOTICE, "resolved", Change.NOTICED, Phase.NOTICE, True),
    ],
)
def test_each_status_does_one_thing_in_each_phase(
    status: Status, before: str | None, change: Change, phase: Phase | None, decide: bool
) -> None:
    """The table of a life."""
    alert = {None: None, "open": an_open(), "resolved": a_resolved()}[before]
    step = told(alert, event(status, 1))

    assert (change, phase, decide) == (step.change, step.alert.phase if step.alert else None, step.decide)


@pytest.mark.parametrize(
    ("first", "second", "change", "worst", "decide"),
    [
        (Severity.ERROR, Severity.CRITICAL, Change.WORSENED, Severity.CRITICAL, True),
        (Severity.ERROR, Severity.WARNING, Change.EASED, Severity.ERROR, False),
        (Severity.ERROR, Severity.ERROR, Change.REPEATED, Severity.ERROR, False),
        (None, Severity.INFO, Change.WORSENED, Severity.INFO, True),
    ],
)
def test_a_repeat_says_how_the_severity_moved(
    first: Severity | None, second: Severity, change: Change, worst: Severity, decide: bool
) -> None:
    """Routes are decided again only where it passes the worst so far."""
    step = told(an_open(severity=first), event(after=1, severity=second))

    assert step.alert is not None
    assert (change, worst, decide) == (step.change, step.alert.worst, step.decide)
    assert second is step.alert.severity


def test_worsening_again_below_the_worst_is_told_but_not_decided() -> None:
    """It passed there already."""
    steps = [event(severity=level) for level in (Severity.CRITICAL, Severity.WARNING, Severity.ERROR)]
    step = told(None, *steps)

    assert (Change.WORSENED, False) == (step.change, step.decide)


def test_an_event_without_severity_leaves_it_as_it_was() -> None:
    """Silence on a thing does not ease it."""
    step = told(an_open(), event(after=1, severity=None))

    assert step.alert is not None
    assert (Change.REPEATED, Severity.ERROR) == (step.change, step.alert.severity)


def test_the_last_words_are_how_it_stands() -> None:
    """Title and body of the newest, labels joined, links kept until there are others; the life keeps its id."""
    link = Link(title="a", url="https://example.com")
    first = event(title="down", links=(link,), labels={"host": "h", "state": "DOWN"}, actor="x")
    alert = life(first, event(after=5, title="still down", labels={"state": "UNREACHABLE"}))

    assert (first.id, 2, "still down", (link,), "x") == (
        alert.id,
        alert.count,
        alert.title,
        alert.links,
        alert.actor,
    )
    assert {"host": "h", "state": "UNREACHABLE"} == alert.labels
    assert (NOW, at(5)) == (alert.began_at, alert.updated_at)


# --------------------------------------------------------------------------------------------------------------- later


@pytest.mark.parametrize(
    ("known", "new", "late"),
    [
        # (sequence, occurred_at) of what is known, and of the event
        ((5, None), (4, None), True),
        ((5, None), (5, None), False),
        ((5, None), (6, None), False),
        ((None, 100), (None, 99), True),
        ((None, 100), (None, 100), False),
        ((None, 100), (None, 101), False),
        ((5, 100), (4, 99), True),
        ((5, 100), (4, 100), True),
        ((5, 100), (6, 99), False),
        ((5, 100), (5, 99), False),
        ((5, 100), (1, 101), False),  # the tool counts anew
        ((5, 100), (4, None), True),
        ((5, 100), (None, 99), True),
        ((5, 100), (None, 101), False),
        ((5, None), (None, 99), False),
        ((None, 100), (4, None), False),
        ((None, None), (4, 99), False),
        ((5, 100), (None, None), False),
    ],
)
def test_late_is_what_is_older_by_its_marks(known: tuple[Any, Any], new: tuple[Any, Any], late: bool) -> None:
    """Late: recorded, changes nothing. Equal is not late."""
    alert = an_open(**_marks(known))
    step = told(alert, event(Status.RECOVERY, 200, **_marks(new)))

    assert late is (step.change is Change.LATE)
    assert not late or step.alert is alert


def _marks(marks: tuple[int | None, int | None]) -> dict[str, Any]:
    sequence, seconds = marks
    return {"sequence": sequence, "occurred_at": None if seconds is None else at(seconds)}


def test_a_counter_that_restarts_is_followed() -> None:
    """After the restart the new numbers order, and one of the old count is late by its time."""
    alert = an_open(sequence=90, occurred_at=at(0))
    restarted = told(alert, event(after=10, sequence=1, occurred_at=at(10)))
    again = told(restarted.alert, event(Status.RECOVERY, 20, sequence=2))
    old = told(again.alert, event(after=30, sequence=1, occurred_at=at(5)))

    assert [Change.REPEATED, Change.RESOLVED, Change.LATE] == [restarted.change, again.change, old.change]


def test_a_recovery_of_what_is_closed_still_counts_for_order() -> None:
    """What is older than it is late."""
    alert = life(event(sequence=1), event(Status.RECOVERY, sequence=2), event(Status.RECOVERY, sequence=9))

    assert Change.LATE is told(alert, event(after=1, sequence=5)).change


# ------------------------------------------------------------------------------------------------------------ reopened


@pytest.mark.parametrize(("after", "change"), [(600, Change.REOPENED), (601, Change.OPENED)])
def test_a_problem_reopens_within_ten_minutes_of_healing(after: float, change: Change) -> None:
    """By the tool's clock; later it is another life."""
    alert = life(event(occurred_at=at(-60)), event(Status.RECOVERY, 300, occurred_at=at(0)))
    step = told(alert, event(after=5000, occurred_at=at(after)))

    assert step.alert is not None
    assert (change, change is Change.REOPENED, True) == (step.change, step.alert.id == alert.id, step.alert.open)
    assert (step.alert.resolved_at, step.alert.healed_at, step.alert.resolution) == (None, None, "")


@pytest.mark.parametrize(("origin", "kept"), [(Origin.PERSON, True), (Origin.TOOL, False)])
def test_reopening_keeps_a_persons_ack_and_clears_the_tools(origin: Origin, kept: bool) -> None:
    """What the tool says of it begins anew."""
    ack = Ack(by="alice", at=NOW, origin=origin, severity=Severity.ERROR)
    alert = acked(an_open(), ack, ASKED).alert
    step = told(alert, event(Status.RECOVERY, 1), event(after=2))

    assert step.alert is not None
    assert (Change.REOPENED, ack if kept else None, None) == (step.change, step.alert.ack, step.alert.answer)


def test_reopening_worse_than_ever_decides_anew() -> None:
    """Others may have to hear of it."""
    step = told(a_resolved(), event(after=1, severity=Severity.CRITICAL))

    assert (Change.REOPENED, True) == (step.change, step.decide)


# ---------------------------------------------------------------------------------------------------------------- acks


def test_a_mark_with_our_ask_confirms_it() -> None:
    """It is the answer, not another ack: the person's stays."""
    alert = acked(an_open(), ACK, ASKED).alert
    step = told(alert, mark(MarkKind.ACKNOWLEDGED, "(alice) disk swap [8QK2]", sequence=7))

    assert step.alert is not None
    assert step.alert.answer is not None
    assert (Change.ANSWERED, ACK, "done", 7) == (
        step.change,
        step.alert.ack,
        step.alert.answer.result,
        step.alert.answer.sequence,
    )


def test_a_mark_with_our_ask_after_the_ack_was_lifted_brings_it_back() -> None:
    """The tool did take it, later than we waited; it is the person's."""
    alert = answered(acked(an_open(), ACK, ASKED).alert or an_open(), _answer("refused"), NOW).alert
    step = told(alert, mark(MarkKind.ACKNOWLEDGED, "(alice) [8QK2]"))

    assert step.alert is not None
    assert step.alert.ack is not None
    assert (Change.ACKED, "alice", Origin.PERSON) == (step.change, step.alert.ack.by, step.alert.ack.origin)


@pytest.mark.parametrize("result", ["asking", "sent", "done"])
def test_a_mark_without_words_soon_after_our_ask_confirms_it(result: str) -> None:
    """There are tools whose acks have none; their own login and no end would take the place of the person's."""
    alert = acked(an_open(), ACK, replace(ASKED, result=result)).alert
    step = told(alert, mark(MarkKind.ACKNOWLEDGED, "", after=60))

    assert step.alert is not None
    assert (Change.ANSWERED, ACK) == (step.change, step.alert.ack)


@pytest.mark.parametrize(
    ("text", "result", "after"),
    [
        ("on it", "sent", 0),
        ("[OTHER]", "sent", 0),
        ("8QK2", "sent", 0),
        ("", "sent", 61),
        ("", "refused", 1),
        ("", "here only", 1),
    ],
)
def test_any_other_acknowledgement_is_the_tools(text: str, result: str, after: float) -> None:
    """Somebody acted in the tool itself."""
    asked = replace(ASKED, result=result)
    step = told(acked(an_open(), ACK, asked).alert, mark(MarkKind.ACKNOWLEDGED, text, after=after))

    assert step.alert is not None
    assert step.alert.ack is not None
    assert (Change.ACKED, "bob", Origin.TOOL, text) == (
        step.change,
        step.alert.ack.by,
        step.alert.ack.origin,
        step.alert.ack.reason,
    )


@pytest.mark.parametrize(
    ("result", "confirmed", "problem", "marked", "dropped"),
    [
        ("done", 5, 6, True, True),
        ("already", 5, 6, True, True),
        ("done", 5, 5, True, False),
        ("done", 5, 6, False, False),
        ("sent", 5, 6, True, False),
        ("unknown", 5, 6, True, False),
        ("here only", None, 6, True, False),
        ("done", None, None, True, True),
    ],
)
def test_a_tool_that_dropped_the_ack_says_so_by_a_new_problem(
    result: str, confirmed: int | None, problem: int | None, marked: bool, dropped: bool
) -> None:
    """Only where it had confirmed it before, and sends problems only while nothing is acknowledged."""
    answer = Answer(verb="ack", ask="8QK2", by="alice", result=result, at=NOW, sequence=confirmed)
    alert = acked(an_open(), ACK, answer).alert
    mark = Mark(kind=MarkKind.UNACKNOWLEDGED) if marked else None
    step = told(alert, event(after=60, sequence=problem, mark=mark))

    assert step.alert is not None
    assert (Change.UNACKED if dropped else Change.REPEATED) is step.change
    assert (None if dropped else ACK) == step.alert.ack
    assert dropped is bool(step.note)


def test_what_a_tool_sends_below_what_was_acked_keeps_the_ack() -> None:
    """Eased and worse again, it is no worse than when somebody took it on; that the tool dropped its own
    acknowledgement is another matter."""
    answer = Answer(verb="ack", ask="8QK2", by="alice", result="done", at=NOW, sequence=5)
    eased = told(acked(an_open(), ACK, answer).alert, event(after=1, severity=Severity.WARNING))
    back = told(eased.alert, event(after=2, severity=Severity.ERROR))
    dropped = told(eased.alert, event(after=2, sequence=6, severity=Severity.ERROR, mark=_UNACKED))

    assert back.alert is not None
    assert (Change.WORSENED, ACK, answer) == (back.change, back.alert.ack, back.alert.answer)
    assert dropped.alert is not None
    assert (Change.WORSENED, None, None) == (dropped.change, dropped.alert.ack, dropped.alert.answer)


def test_an_ack_that_is_lifted_leaves_the_answer_to_another_verb() -> None:
    """What the tool said of a downtime is still so."""
    downtime = Answer(verb="downtime", ask="9RM3", by="alice", result="done", at=NOW)
    step = told(acked(an_open(), ACK, downtime).alert, event(after=1, severity=Severity.CRITICAL))

    assert step.alert is not None
    assert (None, downtime) == (step.alert.ack, step.alert.answer)


def test_a_tool_may_answer_an_unack_of_what_nobody_has() -> None:
    """It had it acknowledged, and the hub had not heard of that."""
    unasked, asked = unacked(an_open(), at(1)), unacked(an_open(), at(1), answer=ASKED)

    assert asked.alert is not None
    assert (Change.UNCHANGED, Change.UNACKED, ASKED) == (unasked.change, asked.change, asked.alert.answer)


@pytest.mark.parametrize(
    ("minutes", "before"), [(24 * 60, 15), (60, 15), (40, 10), (8, 2)], ids=lambda value: f"{value} min"
)
def test_its_owner_is_told_in_time_that_an_ack_ends(minutes: float, before: float) -> None:
    ack = Ack(by="alice", at=NOW, origin=Origin.PERSON, until=at(minutes * 60))
    warned = at((minutes - before) * 60)

    assert warned == ack.warn_at
    assert [warned, ack.until, ack.until] == [ack.next_look(now) for now in (NOW, warned, at(minutes * 60))]
    assert (None, None) == (ACK.warn_at, ACK.next_look(NOW))


def test_what_is_resent_is_news_when_its_words_change_and_a_quarter_of_an_hour_is_over() -> None:
    """Whose words change with each value would be kept each minute."""
    alert = an_open(resends=True, body="load 7")
    later = 15 * 60

    assert says_nothing_new(alert, event(after=later, body="load 7"))
    assert says_nothing_new(alert, event(after=later - 1, body="load 8"))
    assert not says_nothing_new(alert, event(after=later, body="load 8"))
    assert not says_nothing_new(alert, event(after=1, body="load 7", severity=Severity.CRITICAL))


def test_the_tool_takes_an_ack_away_once() -> None:
    """A second time there is nothing to take."""
    first = told(acked(an_open(), ACK, None).alert, mark(MarkKind.UNACKNOWLEDGED))
    second = told(first.alert, mark(MarkKind.UNACKNOWLEDGED, after=2))

    assert [Change.UNACKED, Change.UNCHANGED] == [first.change, second.change]


def test_a_tool_quiets_and_unquiets() -> None:
    """A downtime of its own."""
    quiet = told(an_open(), mark(MarkKind.QUIETED))
    loud = told(quiet.alert, mark(MarkKind.UNQUIETED, after=2))

    assert quiet.alert is not None
    assert quiet.alert.quieted is not None
    assert loud.alert is not None
    assert (Change.QUIETED, Change.UNQUIETED, None) == (quiet.change, loud.change, loud.alert.quieted)


def _answer(result: str, ask: str = "8QK2") -> Answer:
    return Answer(verb="ack", ask=ask, by="alice", result=result, at=NOW)


@pytest.mark.parametrize(
    ("result", "change", "stays"),
    [
        ("done", Change.ANSWERED, True),
        ("already", Change.ANSWERED, True),
        ("sent", Change.ANSWERED, True),
        ("refused", Change.UNACKED, False),
    ],
)
def test_an_answer_is_a_fact_beside_the_ack(result: str, change: Change, stays: bool) -> None:
    """A refusal lifts it."""
    alert = acked(an_open(), ACK, ASKED).alert
    assert alert is not None
    step = answered(alert, _answer(result), at(1))

    assert step.alert is not None
    assert (change, stays) == (step.change, step.alert.ack is not None)


def test_an_answer_to_another_ask_changes_nothing() -> None:
    """A second ask has taken its place."""
    alert = acked(an_open(), ACK, ASKED).alert
    assert alert is not None
    step = answered(alert, _answer("refused", "OLD"), at(1))

    assert (Change.UNCHANGED, alert) == (step.change, step.alert)


def test_acts_on_what_is_closed_change_nothing() -> None:
    """It healed while somebody spoke."""
    alert = a_resolved()
    steps = [acked(alert, ACK, None), ended(alert, at(1), "by alice"), unacked(alert, at(1))]

    assert [(Change.UNCHANGED, alert)] * 3 == [(step.change, step.alert) for step in steps]


@pytest.mark.parametrize(
    ("ends_at", "expire_after", "expected"),
    [(None, None, None), (None, 60, 65), (30, None, 30), (30, 60, 30)],
)
def test_what_may_lose_its_recovery_expires(
    ends_at: int | None, expire_after: int | None, expected: int | None
) -> None:
    """The event's own end goes first; each repeat counts anew, and a recovery ends the waiting."""
    end = None if ends_at is None else at(ends_at)
    wait = None if expire_after is None else timedelta(seconds=expire_after)
    step = told(None, event(ends_at=end), event(after=5, ends_at=end), expire_after=wait)
    healed = told(step.alert, event(Status.RECOVERY, 6))

    assert step.alert is not None
    assert healed.alert is not None
    assert (None if expected is None else at(expected), None) == (step.alert.expires_at, healed.alert.expires_at)


# ---------------------------------------------------------------------------------------------------------- any history

MARKS = st.one_of(st.none(), st.sampled_from(MarkKind).map(lambda kind: Mark(kind=kind, by="bob", text="[8QK2]")))
EVENTS = st.builds(
    lambda status, sequence, seconds, severity, mark: event(
        status,
        seconds or 0,
        sequence=sequence,
        occurred_at=None if seconds is None else at(seconds),
        severity=None if status is Status.RECOVERY else severity,
        mark=mark,
    ),
    st.sampled_from([Status.PROBLEM, Status.RECOVERY, Status.UPDATE]),
    st.one_of(st.none(), st.integers(1, 9)),
    st.one_of(st.none(), st.integers(0, 900)),
    st.one_of(st.none(), st.sampled_from(Severity)),
    MARKS,
)


@given(history=st.lists(EVENTS, max_size=8), old=EVENTS)
def test_late_events_change_nothing(history: list[Event], old: Event) -> None:
    """Not the alert, not a word of it, whatever their status."""
    alert: Alert | None = an_open(sequence=5, occurred_at=at(450))
    for one in history:
        step = told(alert, one)
        alert = alert if step.alert is None or step.alert.phase is Phase.NOTICE else step.alert
    step = told(alert, old)

    assert step.change is not Change.LATE or (step.alert is alert and not step.decide)


@given(history=st.lists(EVENTS, max_size=12))
def test_a_life_is_never_at_odds_with_itself(history: list[Event]) -> None:
    """Its id stays while it is open; the worst is the worst; what is open is not resolved; the order only rises."""
    alert: Alert | None = None
    for one in history:
        before, step = alert, told(alert, one)
        if step.alert is None or step.alert.phase is Phase.NOTICE:
            continue
        alert = step.alert
        same = before is not None and before.id == alert.id

        assert alert.open is (alert.resolved_at is None)
        assert (alert.worst or 0) >= (alert.severity or 0)
        assert before is None or not before.open or same
        assert not alert.lived or (step.change is Change.OPENED) is not same
        if same and before is not None and before.newest_at is not None:
            assert alert.newest_at is not None
            assert alert.newest_at >= before.newest_at


@given(statuses=st.lists(st.sampled_from([Status.PROBLEM, Status.RECOVERY]), max_size=4), timed=st.booleans())
def test_the_order_of_arrival_does_not_decide_how_it_ends(statuses: list[Status], timed: bool) -> None:
    """Once a key is known, its tool's order decides, whatever the order of arrival."""
    known = event(sequence=0, occurred_at=at(0) if timed else None)
    events = [
        event(status, 60, sequence=n, occurred_at=at(n) if timed else None) for n, status in enumerate(statuses, 1)
    ]
    ends = {life(known, *order).phase for order in permutations(events)}

    assert {Phase.RESOLVED if statuses and statuses[-1] is Status.RECOVERY else Phase.OPEN} == ends


# ------------------------------------------------------------------------------------------------------- all together


def test_what_nobody_has_comes_first_and_of_that_the_worst() -> None:
    """Somebody who is woken sees at the top what needs them; the hundredth warning pushes nothing down."""
    mild, bad = an_open(severity=Severity.WARNING), an_open(severity=Severity.CRITICAL)
    taken = acked(an_open(severity=Severity.CRITICAL), ACK, None).alert
    in_downtime = life(event(severity=Severity.CRITICAL), mark(MarkKind.QUIETED))
    newer = an_open(severity=Severity.CRITICAL)
    assert taken is not None

    assert most_pressing([newer, in_downtime, mild, taken, bad]) == [newer, bad, mild, in_downtime, taken]
