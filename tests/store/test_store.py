"""What the store promises: each query, all or nothing, and the same again after a restart."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.contracts import RoomMessage
from hub.core.alert import Ack, Alert, AlertId, Origin, Phase
from hub.core.calendar import Occurrence
from hub.core.event import Event, EventId, Severity, Status
from hub.core.grouping import Group, GroupId
from hub.core.notification import (
    DeliveryState,
    Line,
    LineId,
    Message,
    MessageKind,
    MessageRef,
    Occasion,
    Post,
    PostId,
    Sending,
)
from hub.core.past import Act
from hub.core.records import replace
from hub.core.silence import Silence, SilenceId
from hub.errors import Overloaded, SettingsError
from hub.store import (
    Audit,
    Changes,
    Decision,
    Linked,
    Store,
    StoredAsk,
    StoredCalendar,
    StoredEvent,
    StoredRequest,
    Timer,
    Unsettled,
    Waiting,
    queries,
    writing,
)
from hub.store.opening import open_store
from hub.store.sqlite import SqliteStore

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OLD = NOW - timedelta(days=60)
BEFORE = NOW - timedelta(days=30)
OWED, SENT, HELD = DeliveryState.OWED, DeliveryState.SENT, DeliveryState.HELD
DEAD, DROPPED = DeliveryState.DEAD, DeliveryState.DROPPED


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def request(id: str, at: datetime = NOW, verdict: str = "events", **fields: Any) -> StoredRequest:
    return StoredRequest(id=id, source="nagios", tool="nagios", received_at=at, verdict=verdict, **fields)


def event(id: str, at: datetime = NOW, request: str = "", key: str = "web1") -> Event:
    return Event(
        id=EventId(id),
        source="nagios",
        tool="nagios",
        received_at=at,
        request_id=request,
        status=Status.PROBLEM,
        kind="host",
        key=key,
        title=f"{key} is down",
        severity=Severity.CRITICAL,
    )


def waiting(id: str, at: datetime = NOW, **fields: Any) -> StoredEvent:
    return StoredEvent(event=event(id, at, **fields))


def routed(id: str, alert: str = "", at: datetime = NOW, **fields: Any) -> StoredEvent:
    decision = Decision(config="c1", change="opened", alert=alert, routes=(("web", "room:ops"),))
    return StoredEvent(event=event(id, at, **fields), decision=decision, routed_at=at)


def failed(id: str, at: datetime = NOW) -> StoredEvent:
    return StoredEvent(event=event(id, at), failure="Traceback: boom")


def alert(id: str, at: datetime = NOW, phase: Phase = Phase.OPEN, **fields: Any) -> Alert:
    known: dict[str, Any] = {
        "source": "nagios",
        "tool": "nagios",
        "key": id,
        "kind": "host",
        "severity": Severity.CRITICAL,
        "worst": Severity.CRITICAL,
        "title": f"{id} is down",
        "opened_at": at,
        "began_at": at,
        "updated_at": at,
        "decided_by": id,
    }
    return Alert(id=AlertId(id), phase=phase, **{**known, **fields})


def post(id: str, group: str, order: int, state: DeliveryState = SENT, at: datetime = NOW, **fields: Any) -> Post:
    known: dict[str, Any] = {"channel": "room:ops", "route": "web", "occasion": Occasion.OPENED}
    sending = Sending(state=state)
    return Post(
        id=PostId(id), group=group, order=order, wanted=1, sending=sending, created_at=at, **{**known, **fields}
    )


def line(id: str, post: str | None, order: int, state: DeliveryState = SENT, at: datetime = NOW, **fields: Any) -> Line:
    return Line(
        id=LineId(id),
        post=None if post is None else PostId(post),
        channel="room:ops",
        order=order,
        occasion=Occasion.WORSENED,
        loud=True,
        title="worse",
        sending=Sending(state=state),
        created_at=at,
        **fields,
    )


def said(id: str, thread: str | None = None, at: datetime = NOW, room: str = "ops") -> RoomMessage:
    return RoomMessage(id=id, room=room, thread=thread, message=Message(kind=MessageKind.SAID, title=id), posted_at=at)


def changes(*records: Any, **others: Any) -> Changes:
    """A transaction of these records, each in its place."""
    made = Changes(**others)
    lists: dict[type, list[Any]] = {StoredRequest: made.requests, StoredEvent: made.events, Audit: made.audit}
    maps: dict[type, dict[Any, Any]] = {
        Alert: made.alerts,
        Post: made.posts,
        Line: made.lines,
        Silence: made.silences,
        StoredAsk: made.asks,
        RoomMessage: made.room,
    }
    for record in records:
        if type(record) in lists:
            lists[type(record)].append(record)
        elif isinstance(record, Timer):
            made.timers[record.kind, record.subject] = record
        else:
            maps[type(record)][record.id] = record
    return made


def ids(records: Any) -> list[str]:
    return [getattr(record, "id", None) or record.event.id for record in records]


def timer(subject: str, at: datetime = NOW) -> Timer:
    return Timer(kind="expire", subject=subject, due_at=at)


def silence(id: str, **fields: Any) -> Silence:
    ends = NOW + timedelta(hours=1)
    return Silence(id=SilenceId(id), match={"host": "web*"}, author="alice", starts_at=NOW, ends_at=ends, **fields)


def ask(id: str, state: str = "queued") -> StoredAsk:
    return StoredAsk(id=id, source="nagios", verb="ack", target="web1", asker="alice", state=state, asked_at=NOW)


def command(id: str, at: datetime = NOW) -> Audit:
    return Audit(
        id=id, at=at, person="alice", known=True, token=False, via="chat", place="room:ops", raw="ack", allowed=True
    )


def empty(which: str, request: pytest.FixtureRequest) -> str:
    """The URL of a database with nothing in it."""
    if which == "postgresql":
        return str(request.getfixturevalue("postgres").clean())
    return f"sqlite:///{request.getfixturevalue('tmp_path')}/tocsin.db" if which == "file" else "sqlite:///:memory:"


POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.e2e("postgresql"))


@pytest.fixture(params=["file", "memory", POSTGRESQL])
def database(request: pytest.FixtureRequest) -> str:
    return empty(request.param, request)


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    async with open_store(database) as opened:
        yield opened


@pytest.fixture(params=["file", POSTGRESQL])
def kept(request: pytest.FixtureRequest) -> str:
    """A database that outlives its hub."""
    return empty(request.param, request)


EVERYTHING = changes(
    request("r1", delivery_id="d1", events=("e1",), body=b"\x00raw", headers={"a": "b"}),
    request("q1", verdict="quarantined", why="never heard of it"),
    routed("e1", "a1", request="r1"),
    waiting("e2", request="r1"),
    failed("e3"),
    alert("a1"),
    alert("n1", phase=Phase.NOTICE),
    post("p1", "a1", 1, OWED),
    line("l1", "p1", 2, OWED),
    timer("a1"),
    silence("s1"),
    ask("k1"),
    command("c1"),
    said("m1"),
    configs={"c1": "version: 1"},
)

ALICE = Linked(account="slack:U1", person="alice", linked_at=NOW)

# ----------------------------------------------------------------------------------------------------------------- load


async def test_a_new_store_is_empty(store: Store) -> None:
    """Nothing to remember, and the orders begin at the bottom."""
    snapshot = await store.load(since=OLD)

    assert 0 == snapshot.highest_order
    assert not any((snapshot.alerts, snapshot.posts, snapshot.lines, snapshot.timers, snapshot.unrouted))


async def test_load_takes_open_alerts_however_old(store: Store) -> None:
    """And of the closed ones those that changed lately."""
    await store.commit(
        changes(
            alert("open", OLD),
            alert("late", OLD, Phase.RESOLVED),
            alert("fresh", OLD, Phase.RESOLVED, updated_at=NOW),
            alert("noticed", NOW, Phase.NOTICE),
            alert("forgotten", OLD, Phase.NOTICE),
            alert("edge", OLD, Phase.RESOLVED, updated_at=BEFORE),
        )
    )

    assert {"open", "fresh", "noticed", "edge"} == set(ids((await store.load(since=BEFORE)).alerts))


async def test_load_takes_what_is_still_owed_and_its_alert(store: Store) -> None:
    """An old alert comes along for the sake of a post or a line that nobody has seen yet."""
    await store.commit(
        changes(
            *(alert(name, OLD, Phase.RESOLVED) for name in ("a1", "a2", "a3", "a4")),
            post("p1", "a1", 1, OWED, OLD),
            post("p2", "a2", 2, HELD, OLD),
            post("p3", "a3", 3, SENT, OLD),
            line("l3", "p3", 4, OWED, OLD),
            line("l4", None, 5, OWED, OLD),
            post("p5", "a4", 6, SENT, OLD),
            line("l5", "p5", 7, SENT, OLD),
            post("orphan", "nobody", 8, OWED, OLD),
        )
    )
    snapshot = await store.load(since=BEFORE)

    assert ["a1", "a2", "a3"] == ids(snapshot.alerts)
    assert ["p1", "p2", "p3", "orphan"] == ids(snapshot.posts)
    assert ["l3", "l4"] == ids(snapshot.lines)
    assert 8 == snapshot.highest_order


async def test_of_a_group_that_healed_and_is_owed_a_word_load_takes_those_of_whom_it_would_speak(store: Store) -> None:
    """Who rested for long when the chat went away was told to be at rest; of weeks, memory need not hold them all."""
    group = Group(id=GroupId("g"), route="web", labels=(), opened_at=ago(30_000), healed_at=ago(200))
    told = post("p1", "g", 1, SENT, ago(30_000), shown=1)
    owed = replace(told, wanted=2, sending=Sending(state=OWED, since=ago(240)))
    members = {"weeks": 20_000, "rested": 280, "fresh": 260, "last": 200}
    alerts = [replace(alert(name, ago(n), Phase.RESOLVED), groups=("g",)) for name, n in members.items()]
    await store.commit(changes(*alerts, owed, groups={group.id: group}))
    of_edit = ids((await store.load(since=ago(40))).alerts)
    await store.commit(changes(told, line("l1", "p1", 2, OWED, ago(290))))
    of_line = ids((await store.load(since=ago(40))).alerts)
    await store.commit(changes(replace(owed, shown=0)))
    of_whole = ids((await store.load(since=ago(40))).alerts)

    assert {"fresh", "last"} == set(of_edit)
    assert {"rested", "fresh", "last"} == set(of_line)
    assert set(members) == set(of_whole)


async def test_load_takes_all_posts_of_its_alerts(store: Store) -> None:
    """Whoever was told must be told again."""
    await store.commit(changes(alert("a1"), post("p1", "a1", 1, SENT), post("p2", "a1", 2, DEAD), line("l1", "p1", 3)))
    snapshot = await store.load(since=NOW)

    assert ["p1", "p2"] == ids(snapshot.posts)
    assert 3 == snapshot.highest_order


async def test_a_group_comes_with_its_members(store: Store) -> None:
    """With those that were touched last while it fired: what came to be of others later is another story."""
    healed = Group(id=GroupId("g1"), route="all", labels=(("source", "nagios"),), opened_at=ago(9), healed_at=ago(5))
    members = {name: alert(name, ago(9), Phase.RESOLVED, updated_at=ago(at)) for name, at in (("a1", 7), ("a2", 5))}
    written = changes(alert("other", ago(9), Phase.RESOLVED, updated_at=ago(6)))
    written.alerts |= {name: replace(one, groups=("g1",)) for name, one in members.items()}
    written.groups[healed.id] = healed
    await store.commit(written)
    found = await store.crowd("g1")

    assert await store.crowd("a1") is None
    assert found is not None
    assert (healed, ["a1", "a2"]) == (found[0], ids(found[1]))


async def test_load_takes_silences_asks_and_timers_that_stand(store: Store) -> None:
    """What has ended is history."""
    done = {k: ask(k, state) for k, state in {"k1": "queued", "k2": "asking", "k3": "sent", "k4": "done"}.items()}
    await store.commit(
        changes(silence("s1"), silence("s2", ended_at=NOW), timer("b", NOW), timer("a", ago(1)), asks=done)
    )
    snapshot = await store.load(since=NOW)

    assert ["s1"] == ids(snapshot.silences)
    assert ["k1", "k2", "k3"] == sorted(ids(snapshot.asks))
    assert ["a", "b"] == [t.subject for t in snapshot.timers]


async def test_load_takes_unrouted_events_oldest_first(store: Store) -> None:
    """Those of one moment in the order in which they came."""
    await store.commit(changes(waiting("z"), waiting("y"), waiting("x", ago(1)), failed("f"), routed("r", "a1")))

    assert ["x", "z", "y"] == ids((await store.load(since=NOW)).unrouted)


async def test_a_timer_is_one_per_kind_and_subject_and_none_takes_it_away(store: Store) -> None:
    """Setting it again moves it."""
    await store.commit(changes(timer("a1"), timer("a2"), Timer(kind="repeat", subject="a1", due_at=NOW)))
    await store.commit(changes(timer("a1", ago(5)), timers={("expire", "a2"): None, ("never", "was"): None}))

    assert [timer("a1", ago(5)), Timer(kind="repeat", subject="a1", due_at=NOW)] == list(
        (await store.load(since=NOW)).timers
    )


# -------------------------------------------------------------------------------------------------- requests and events


async def test_a_request_comes_back_with_its_body(store: Store) -> None:
    """Any bytes, as they came."""
    await store.commit(EVERYTHING)

    assert EVERYTHING.requests[0] == await store.request("r1")
    assert await store.request("r9") is None


async def test_a_decided_event_replaces_the_waiting_one(store: Store) -> None:
    """It is no longer unrouted, and is found by its alert."""
    await store.commit(changes(waiting("e1")))
    await store.commit(Changes(decided={"e1": routed("e1", "a1")}))

    assert routed("e1", "a1") == await store.event("e1")
    assert not (await store.load(since=OLD)).unrouted
    assert ["e1"] == ids(await store.events_of("a1"))
    assert await store.event("e9") is None


async def test_what_is_taken_in_and_settled_in_one_batch_is_as_it_was_settled(store: Store) -> None:
    """Of both that are to be written the later one holds, as if they had come one after the other."""
    came = changes(request("q1", verdict="quarantined"), waiting("e1"), waiting("e2"))
    came.released["q1"] = request("q1", verdict="quarantined", replayed_at=NOW)
    came.decided["e1"] = routed("e1", "a1")
    await store.commit(came)

    assert (found := await store.request("q1")) and found.replayed_at == NOW
    assert routed("e1", "a1") == await store.event("e1")
    assert ["e2"] == ids(await store.unrouted(limit=9))


async def test_a_batch_of_very_many_and_of_large_bodies_is_written_whole(store: Store) -> None:
    """In as many statements as it takes, each event in its place."""
    names = [f"{number:03}" for number in range(200)]
    bodies = {name: bytes([65 + place % 26]) * (500_000 if place % 50 == 7 else 20) for place, name in enumerate(names)}
    batch = changes(*(request(name, body=body) for name, body in bodies.items()), *map(waiting, names))
    await store.commit(batch)

    assert bodies == {found.id: found.body for found in await store.requests(names)}
    assert names == ids(await store.unrouted(limit=500))


async def test_events_of_an_alert_are_oldest_first(store: Store) -> None:
    """As the story went."""
    await store.commit(changes(routed("b", "a1"), routed("a", "a1"), routed("c", "a1", ago(1)), routed("d", "a2")))

    assert ["c", "b", "a"] == ids(await store.events_of("a1"))
    assert ["c"] == ids(await store.events_of("a1", limit=1))


async def test_a_failed_event_waits_for_somebody(store: Store) -> None:
    """Until it is decided after all."""
    await store.commit(changes(failed("f1"), failed("f2", ago(1)), waiting("w"), routed("r")))
    seen = ids(await store.failed_events())
    await store.commit(Changes(decided={"f1": routed("f1", "a1")}))

    assert ["f2", "f1"] == seen
    assert ["f2"] == ids(await store.failed_events())
    assert ["f2"] == ids(await store.failed_events(limit=1))


async def test_failed_events_are_read_page_by_page(store: Store) -> None:
    await store.commit(changes(*(failed(f"f{n}", ago(n // 2)) for n in range(6)), routed("r")))

    assert (whole := ids(await store.failed_events())) and 6 == len(whole)
    first = ids(await store.failed_events(limit=3))
    assert whole == first + ids(await store.failed_events(after=first[-1]))
    assert [] == ids(await store.failed_events(after="nobody"))


async def test_past_events_are_read_step_by_step(store: Store) -> None:
    """Newest first; those of one moment in the order in which they came, none twice and none left out."""
    same = [routed(f"e{n}", "a1", ago(1)) for n in range(5)]
    await store.commit(changes(routed("old", "a1", OLD), *same, routed("new", "a2"), waiting("w", ago(2))))
    read, mark = list[str](), None
    while True:
        some, mark = await store.past_events(since=ago(3), before=mark, limit=2)
        read += ids(some)
        if mark is None:
            break

    assert ["new", "e4", "e3", "e2", "e1", "e0", "w"] == read


async def test_the_past_is_read_as_it_can_be_replayed(store: Store) -> None:
    """Oldest first, with what rules match of bodies; first of all what people did, and only once."""
    body = b'{"team": "web", "deep": {"er": 1}}'
    said = replace(request("r1", body=body), headers={"content-type": "application/json"})
    both = routed("b", "a1"), routed("a", "a1", ago(1))
    events = [replace(one, event=replace(one.event, request_id="r1")) for one in both]
    act = Act(verb="ack", alert="a1", by="alice")
    standing = replace(silence("s1"), starts_at=ago(2), ended_at=NOW)
    await store.commit(
        Changes(
            requests=[said],
            events=[*events, routed("old", "a1", OLD)],
            silences={"s1": standing},
            audit=[replace(command("x1"), acts=(act,))],
        )
    )
    first, mark = await store.past(since=ago(3), after=None, limit=1, bodies=["body.deep.er", "body.none"])
    second, _ = await store.past(since=ago(3), after=mark, limit=2)

    assert ["s1", None, None, None] == [one.silence and one.silence.id for one in first]
    assert ["", "s1", "", ""] == [one.ended for one in first]
    assert [None, None, act, None] == [one.act for one in first]
    assert ["a", {"body.deep.er": "1"}] == [first[-1].event and first[-1].event.id, first[-1].body]
    assert ["b"] == [one.event and one.event.id for one in second]


async def test_a_delivery_is_known_by_source_and_id_if_it_was_accepted(store: Store) -> None:
    """Not the quarantined, not the old, not another source's; and none has the id that is empty."""
    await store.commit(
        changes(
            request("r1", delivery_id="d1", events=("e1", "e2")),
            request("r2", delivery_id="d2", verdict="quarantined"),
            request("r3", delivery_id="d3", at=OLD),
            request("r4", delivery_id="d4", verdict="quiet"),
            request("r5"),
        )
    )
    asked = [("nagios", f"d{n}") for n in (1, 2, 3, 4, 5)] + [("sensu", "d1"), ("nagios", "")]

    assert {("nagios", "d1"): ("e1", "e2"), ("nagios", "d4"): ()} == await store.deliveries_seen(asked, since=BEFORE)
    assert {} == await store.deliveries_seen([], since=BEFORE)


async def test_quarantine_lists_what_was_not_replayed(store: Store) -> None:
    """Newest first."""
    one, two = request("q1", ago(2), "quarantined"), request("q2", ago(1), "quarantined", body=b"x")
    three = request("q3", NOW, "quarantined")
    await store.commit(changes(one, two, three, request("r1")))
    await store.commit(Changes(released={"q3": replace(three, replayed_at=NOW)}))

    assert [two, one] == list(await store.quarantine())
    assert [two] == list(await store.quarantine(limit=1))
    assert [one] == list(await store.quarantine(before="q2"))
    assert [] == list(await store.quarantine(before="of no request"))
    assert replace(three, replayed_at=NOW) == await store.request("q3")


async def test_of_large_bodies_a_list_reads_the_beginning(store: Store) -> None:
    """As it came, and packed: two hundred of the largest would be more than the machine has."""
    body = b"of " + b"x" * 1_000_000
    await store.commit(changes(request("q1", ago(120), "quarantined", body=body)))
    before = [kept.body for kept in await store.quarantine()]
    await store.pack(None, before=ago(60))
    after = [kept.body for kept in await store.quarantine()]

    for (beginning,) in (before, after):
        assert body.startswith(beginning)
        assert 1_000 <= len(beginning) < 100_000
    assert body == (await kept_as(store, "q1")).body


async def kept_as(store: Store, id: str) -> StoredRequest:
    found = await store.request(id)
    assert found is not None
    return found


async def test_of_each_source_the_newest_in_quarantine_is_found(store: Store) -> None:
    """Of what came since then. What was replayed is not there."""
    kept = [request(f"q{n}", ago(n), "quarantined") for n in range(1, 4)]
    others = [replace(request("q8", ago(1), "quarantined"), source="github"), request("r1")]
    gone = replace(request("q9", ago(1), "quarantined"), source="sensu")
    await store.commit(changes(*reversed(kept), *others, gone))
    await store.commit(Changes(released={"q9": replace(gone, replayed_at=NOW)}))

    assert {"q1", "q8"} == {one.id for one in await store.newest_quarantined(since=ago(9))}
    assert [] == list(await store.newest_quarantined(since=ago(1)))
    waiting = await store.in_quarantine(["github", "sensu", "nagios"])
    assert {"github": Waiting(number=1, since=ago(1)), "nagios": Waiting(number=3, since=ago(3))} == waiting


async def test_what_waits_for_somebody_is_counted(store: Store) -> None:
    """Whole, though a list shows some."""
    kept = [request(f"q{n}", NOW, "quarantined") for n in range(3)]
    dead = [post("p1", "a1", 1, DEAD), line("l2", "p1", 2, DEAD), post("p3", "a1", 3, SENT)]
    await store.commit(changes(*kept, *dead, request("r1"), failed("f1"), failed("f2"), routed("e1")))

    assert Unsettled(dead=2, quarantined=3, unrouted=2) == await store.unsettled()


# --------------------------------------------------------------------------------------------------------------- alerts


async def test_lives_gives_the_newest_life_of_each_key(store: Store) -> None:
    """By when it opened, then by id; notices apart."""
    await store.commit(
        changes(
            alert("a1", ago(9), Phase.RESOLVED, key="web1"),
            alert("a3", ago(5), key="web1"),
            alert("a2", ago(5), Phase.RESOLVED, key="web1"),
            alert("a4", NOW, Phase.NOTICE, key="web1"),
            alert("a5", NOW, key="web1", source="sensu"),
        )
    )
    asked = [("nagios", "web1", False), ("nagios", "web1", True), ("nagios", "web2", False), ("sensu", "web1", True)]
    found = await store.lives(asked)

    assert {("nagios", "web1", False): "a3", ("nagios", "web1", True): "a4"} == {k: a.id for k, a in found.items()}


async def test_alerts_are_listed_by_state_newest_first_and_never_notices(store: Store) -> None:
    """A resolved alert that somebody had taken on is not `acked` any more."""
    ack = Ack(by="alice", at=NOW, origin=Origin.PERSON)
    await store.commit(
        changes(
            alert("a1", ago(3)),
            alert("a2", ago(2), ack=ack),
            alert("a3", ago(1), Phase.RESOLVED, ack=ack),
            alert("a4", NOW, Phase.NOTICE),
        )
    )

    assert ["a2", "a1"] == ids(await store.alerts(state="open"))
    assert ["a2"] == ids(await store.alerts(state="acked"))
    assert ["a3"] == ids(await store.alerts(state="resolved"))
    assert ["a3", "a2", "a1"] == ids(await store.alerts(state=None))
    assert ["a3"] == ids(await store.alerts(state=None, limit=1))
    assert ["a2", "a1"] == ids(await store.alerts(state=None, before="a3"))
    assert ["a1"] == ids(await store.alerts(state="open", before="a2"))
    assert [] == ids(await store.alerts(state=None, before="of no alert"))


async def test_an_alert_written_again_replaces_itself(store: Store) -> None:
    """Whole, in its columns and in its record."""
    await store.commit(changes(alert("a1")))
    healed = alert("a1", phase=Phase.RESOLVED, resolved_at=NOW)
    await store.commit(changes(healed))

    assert healed == await store.alert("a1")
    assert [] == list(await store.alerts(state="open"))
    assert await store.alert("a9") is None


# ----------------------------------------------------------------------------------------------------------- deliveries


async def test_deliveries_are_posts_and_lines_by_order_newest_first(store: Store) -> None:
    """Neither the held nor the dropped, also when asked for by that name."""
    await store.commit(
        changes(
            post("p1", "a1", 1, SENT),
            line("l2", "p1", 2, DEAD),
            post("p3", "a2", 3, OWED),
            line("l4", "p3", 4, SENT),
            line("l5", None, 5, OWED),
            post("p6", "a1", 6, HELD),
            post("p7", "a1", 7, DROPPED),
        )
    )

    assert ["l5", "l4", "p3", "l2", "p1"] == ids(await store.deliveries(state=None))
    assert ["l5", "l4"] == ids(await store.deliveries(state=None, limit=2))
    assert ["l5", "p3"] == ids(await store.deliveries(state="owed"))
    assert ["l2"] == ids(await store.deliveries(state="dead"))
    assert [] == ids(await store.deliveries(state="held"))
    assert ["l2", "p1"] == ids(await store.deliveries(state=None, group="a1"))
    assert ["l4"] == ids(await store.deliveries(state="sent", group="a2"))
    assert ["l2", "p1"] == ids(await store.deliveries(state=None, before="p3"))
    assert ["p3"] == ids(await store.deliveries(state="owed", before="l4"))
    assert [] == ids(await store.deliveries(state=None, before="of no message"))


async def test_posts_are_found_by_group_id_and_reference(store: Store) -> None:
    """A reference counts in its chat only."""
    shown = post("p1", "a1", 1, ref=MessageRef("17.5"))
    await store.commit(changes(shown, post("p2", "a1", 2), post("p3", "a2", 3), line("l1", "p1", 4)))

    assert ["p1", "p2"] == ids(await store.posts_of(["a1", "a9"]))
    assert ["p1", "p2", "p3"] == ids(await store.posts_of([f"a{n}" for n in range(1200)]))
    assert shown == await store.post_shown_as("room", "17.5") == await store.post("p1")
    assert await store.post_shown_as("slack", "17.5") is None
    assert line("l1", "p1", 4) == await store.line("l1")
    assert (None, None) == (await store.post("p9"), await store.line("l9"))


# ----------------------------------------------------------------------------------------------------------- the others


async def test_silences_asks_and_audit_come_back(store: Store) -> None:
    """Ended or answered, they are still on record."""
    await store.commit(
        changes(silence("s1", ended_at=NOW), ask("k1", "done"), command("c1", ago(1)), command("b2"), command("a3"))
    )

    assert silence("s1", ended_at=NOW) == await store.silence("s1")
    assert ask("k1", "done") == await store.ask("k1")
    assert (None, None) == (await store.silence("s9"), await store.ask("k9"))
    assert ["a3", "b2", "c1"] == ids(await store.audit())
    assert ["a3"] == ids(await store.audit(limit=1))
    assert ["b2", "c1"] == ids(await store.audit(before="a3"))
    assert [] == ids(await store.audit(before="c1"))
    assert [] == ids(await store.audit(before="of no record"))


async def test_the_newest_config_is_the_one_stored_last(store: Store) -> None:
    """Though it be an old one again."""
    before = await store.newest_config()
    for digest in ("c1", "c2", "c1"):
        await store.commit(Changes(configs={digest: f"text of {digest}"}))

    assert before is None
    assert ("c1", "text of c1") == await store.newest_config()
    assert "text of c2" == await store.config("c2")
    assert await store.config("c9") is None
    assert 2 == (await store.count())["configs"]


async def test_a_room_shows_its_newest_threads_each_with_its_entries(store: Store) -> None:
    """Oldest first, at the head as within; a late entry does not move its thread."""
    await store.commit(
        changes(
            said("m1", at=ago(9)),
            said("m3", at=ago(5)),
            said("m2", at=ago(5)),
            said("x1", "m1", ago(1)),
            said("x0", "m1", ago(1)),
            said("y1", "m2", ago(2)),
            said("y0", "m2", ago(3)),
            said("other", room="dev"),
        )
    )

    assert ["m1", "x1", "x0", "m3", "m2", "y0", "y1"] == ids(await store.room_threads("ops", limit=9))
    assert ["m3", "m2", "y0", "y1"] == ids(await store.room_threads("ops", limit=2))
    assert ["m1", "x1", "x0"] == ids(await store.room_thread("m1")) == ids(await store.room_thread("x0"))
    assert [] == ids(await store.room_thread("m9"))
    assert [said("x1", "m1", ago(1))] == await store.room_messages(["x1", "none"])


async def test_an_edited_room_message_stays_in_its_place(store: Store) -> None:
    """Also among those of the same moment."""
    await store.commit(changes(said("b"), said("a")))
    edited = replace(said("b"), edited_at=NOW, message=Message(kind=MessageKind.SAID, title="new"))
    await store.commit(changes(edited))

    assert [edited, said("a")] == list(await store.room_threads("ops", limit=9))


async def test_count_tells_the_rows_of_each_table(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly while they are few, and by their numbers when they are many."""
    await store.commit(EVERYTHING)
    few = await store.count()
    # PostgreSQL keeps statistics of its own, and has not looked at these tables yet.
    monkeypatch.setattr(queries, "EXACT", 0 if isinstance(store, SqliteStore) else 3)

    assert {"requests": 2, "events": 3, "alerts": 2, "posts": 1, "lines": 1}.items() <= few.items()
    assert {"timers": 1, "silences": 1, "asks": 1, "audit": 1, "room": 1, "configs": 1}.items() <= few.items()
    assert few == await store.count()


# ---------------------------------------------------------------------------------------------------------------- prune


async def pruned(store: Store, step: int = 500) -> int:
    done = await store.prune(before=BEFORE, step=step)
    gone = done.gone
    while done.next is not None:
        done = await store.prune(done.next, before=BEFORE, step=step)
        gone += done.gone
    return gone


async def test_prune_takes_what_is_old_and_settled(store: Store) -> None:
    """In steps, until nothing is left to take."""
    await store.commit(
        changes(
            *(request(f"r{n}", OLD, events=(f"e{n}",)) for n in range(5)),
            *(routed(f"e{n}", "a1", OLD, request=f"r{n}") for n in range(5)),
            request("q1", OLD, "quarantined"),
            failed("f1", OLD),
            routed("u1", "", OLD),
            alert("a1", OLD, Phase.RESOLVED),
            alert("n1", OLD, Phase.NOTICE),
            post("p1", "a1", 1, SENT, OLD, ref=MessageRef("m1")),
            post("p2", "gone", 2, DEAD, OLD),
            line("l1", "p1", 3, SENT, OLD),
            line("l2", None, 4, SENT, OLD),
            said("m1", at=OLD),
            said("x1", "m1", OLD),
        )
    )

    assert 2 == (await store.prune(before=BEFORE, step=2)).gone
    assert 21 == 2 + await pruned(store, step=3)
    assert {"requests": 0, "events": 0, "alerts": 0, "posts": 0, "lines": 0, "room": 0}.items() <= (
        await store.count()
    ).items()


@pytest.mark.parametrize(
    "needed",
    [
        changes(alert("a1", OLD)),
        changes(alert("a1", OLD, Phase.RESOLVED), post("p1", "a1", 1, OWED, OLD)),
        changes(alert("a1", OLD, Phase.RESOLVED), post("p1", "a1", 1, HELD, OLD)),
        changes(alert("a1", OLD, Phase.RESOLVED), post("p1", "a1", 1, SENT, OLD), line("l1", "p1", 2, OWED, OLD)),
        changes(line("l1", None, 2, OWED, OLD, event="e1")),
    ],
    ids=["open", "owed post", "held post", "owed line", "owed line of its own"],
)
async def test_prune_leaves_what_an_open_alert_or_an_owed_delivery_needs(store: Store, needed: Changes) -> None:
    """However old it is."""
    await store.commit(changes(request("r1", OLD, events=("e1",)), routed("e1", "a1", OLD, request="r1")))
    await store.commit(needed)

    assert 0 == await pruned(store)


async def test_prune_looks_at_so_many_a_step_whatever_has_to_stay(store: Store) -> None:
    """Years of events of one open alert do not make each step longer."""
    kept = [routed(f"e{n}", "a1", OLD + timedelta(seconds=n)) for n in range(6)]
    await store.commit(changes(alert("a1", OLD), *kept, routed("u1", "", OLD + timedelta(seconds=7))))
    first = await store.prune(before=BEFORE, step=3)
    second = await store.prune(first.next, before=BEFORE, step=3)
    third = await store.prune(second.next, before=BEFORE, step=3)

    assert [0, 0, 1] == [one.gone for one in (first, second, third)]


async def test_prune_leaves_what_is_not_old(store: Store) -> None:
    """An event that waits is never too old: it has no decision yet. A request stays while one of its events does."""
    await store.commit(
        changes(
            request("r1", OLD, events=("e1",)),
            waiting("e1", OLD, request="r1"),
            request("r2", BEFORE),
            routed("e2", "", BEFORE),
            alert("a1", OLD, Phase.RESOLVED, updated_at=NOW),
            alert("a2", OLD, Phase.RESOLVED),
            post("p2", "a2", 1, SENT, NOW),
            said("m1", at=OLD),
            said("x1", "m1", NOW),
        )
    )

    assert 0 == await pruned(store)


async def test_prune_leaves_the_thread_that_shows_an_alert(store: Store) -> None:
    """It will be edited when the alert heals."""
    await store.commit(changes(alert("a1", OLD), post("p1", "a1", 1, SENT, OLD, ref=MessageRef("m1"))))
    await store.commit(changes(said("m1", at=OLD), said("x1", "m1", OLD), said("m2", at=OLD)))

    assert 1 == await pruned(store)
    assert ["m1", "x1"] == ids(await store.room_threads("ops", limit=9))


# ----------------------------------------------------------------------------------------------- on disk, or not at all


def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/tocsin.db"


async def test_a_reopened_store_gives_the_same_snapshot(kept: str) -> None:
    """A restart changes nothing."""
    async with open_store(kept) as store:
        await store.commit(EVERYTHING)
        before = await store.load(since=OLD)
    async with open_store(kept) as store:
        after = await store.load(since=OLD)

    assert before == after
    assert ["a1", "n1"] == ids(after.alerts)


async def test_what_it_keeps_is_for_nobody_else_on_the_machine(tmp_path: Path) -> None:
    """What tools posted and people said; also the journal beside the file, whatever the umask."""
    async with open_store(url(tmp_path)) as store:
        await store.commit(EVERYTHING)
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()}

    assert {"tocsin.db", "tocsin.db-wal", "tocsin.db-shm", "tocsin.db.lock"} == set(modes)
    assert {"0o600"} == set(modes.values())


async def test_a_failing_statement_leaves_nothing(store: Store) -> None:
    """What is true together is written together."""
    number_too_great = post("p1", "a1", 2**70)
    with pytest.raises((OverflowError, Overloaded)):
        await store.commit(changes(request("r1"), alert("a1"), number_too_great))

    assert await store.request("r1") is None
    assert await store.alert("a1") is None
    await store.commit(changes(request("r1")))
    assert await store.request("r1") is not None


async def test_the_database_refusing_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    """It comes out as Overloaded, and the next commit finds all in order."""
    async with open_store(url(tmp_path)) as store:
        with sqlite3.connect(tmp_path / "tocsin.db") as other:
            other.execute("CREATE TRIGGER no BEFORE INSERT ON post BEGIN SELECT RAISE(ABORT, 'not today'); END")
        with pytest.raises(Overloaded, match="not today"):
            await store.commit(changes(request("r1"), alert("a1"), post("p1", "a1", 1)))
        rows = await store.count()
        other.execute("DROP TRIGGER no")
        other.close()
        await store.commit(changes(request("r1"), alert("a1"), post("p1", "a1", 1)))

        assert 0 == sum(rows.values())
        assert 3 == sum((await store.count()).values())


async def test_a_full_disk_is_overloaded_until_there_is_room(tmp_path: Path) -> None:
    """Nothing of the refused commit stays, what was there is still read, and the next one works."""
    async with open_store(url(tmp_path)) as store:
        assert isinstance(store, SqliteStore)
        await store.commit(changes(request("r1")))
        await store._writer.run(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 60").scalar())
        big = changes(*(request(f"b{n}", body=b"x" * 50_000) for n in range(40)), alert("a1"))
        with pytest.raises(Overloaded, match="the disk is full"):
            await store.commit(big)
        left = await store.count()
        await store._writer.run(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000").scalar())
        await store.commit(big)

        assert (1, 0) == (left["requests"], left["alerts"])
        assert 41 == (await store.count())["requests"]


async def test_a_database_locked_by_another_process_is_overloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers go on, and so does the writer when the other has gone."""
    async with open_store(url(tmp_path)) as store:
        assert isinstance(store, SqliteStore)
        await store._writer.run(lambda c: c.exec_driver_sql("PRAGMA busy_timeout = 10").scalar())
        other = sqlite3.connect(tmp_path / "tocsin.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Overloaded, match="locked by another process"):
            await store.commit(changes(request("r1")))
        during = await store.request("r1")
        other.execute("ROLLBACK")
        other.close()
        await store.commit(changes(request("r1")))

        assert during is None
        assert request("r1") == await store.request("r1")


async def test_a_damaged_connection_is_made_anew(tmp_path: Path) -> None:
    """When the cause is gone, the next commit works."""
    async with open_store(url(tmp_path)) as store:
        assert isinstance(store, SqliteStore)
        await store._writer.run(lambda c: c.exec_driver_sql("PRAGMA query_only = ON").close())
        with pytest.raises(Overloaded, match="may only be read"):
            await store.commit(changes(request("r1")))
        await store.commit(changes(request("r1")))

        assert request("r1") == await store.request("r1")


async def test_a_cancelled_commit_does_not_tear_the_next(store: Store) -> None:
    """It is done or not; the one behind it waits for its turn."""
    first = asyncio.ensure_future(store.commit(changes(*(request(f"r{n}") for n in range(200)))))
    await asyncio.sleep(0)
    first.cancel()
    await store.commit(changes(alert("a1")))

    assert (await store.count())["requests"] in (0, 200)
    assert await store.alert("a1") is not None


# --------------------------------------------------------------------------------------------------------- who may open


async def test_an_account_is_linked_until_it_is_not(store: Store) -> None:
    """And counts as the person that it was linked to last."""
    bob = replace(ALICE, person="bob")
    await store.commit(Changes(links={ALICE.account: ALICE}))
    await store.commit(Changes(links={bob.account: bob}))
    assert [bob] == list((await store.load(since=OLD)).links)
    await store.commit(Changes(links={bob.account: None}))

    assert [] == list((await store.load(since=OLD)).links)


async def test_a_second_hub_on_the_same_file_is_refused(tmp_path: Path) -> None:
    """Until the first has gone."""
    async with open_store(url(tmp_path)):
        with pytest.raises(SettingsError, match=r"another hub uses .*tocsin\.db"):
            async with open_store(url(tmp_path)):
                pass
    async with open_store(url(tmp_path)) as store:
        assert 0 == sum((await store.count()).values())


async def test_a_calendar_is_kept_until_nobody_asks_for_it(store: Store) -> None:
    """As it was read last."""
    turn = Occurrence(starts_at=NOW, ends_at=NOW + timedelta(days=7), title="alice", mails=("alice@example.com",))
    first = StoredCalendar(schedule="web", place="x", read_at=NOW, seen_at=NOW, etag='"1"', occurrences=(turn,))
    second = replace(first, seen_at=NOW + timedelta(minutes=10))
    await store.commit(Changes(calendars={"web": first}))
    await store.commit(Changes(calendars={"web": second}))
    assert [second] == list((await store.load(since=OLD)).calendars)
    await store.commit(Changes(calendars={"web": None}))

    assert [] == list((await store.load(since=OLD)).calendars)


async def test_the_database_of_something_else_is_refused(tmp_path: Path) -> None:
    """Ours has tables of the same names, perhaps."""
    other = sqlite3.connect(tmp_path / "tocsin.db")
    other.execute("CREATE TABLE alert (id TEXT)")
    other.close()
    with pytest.raises(SettingsError, match="of something else"):
        async with open_store(url(tmp_path)):
            pass


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """And left as it is."""
    (tmp_path / "tocsin.db").write_text("dear diary, " * 100)
    with pytest.raises(SettingsError, match="is not a database"):
        async with open_store(url(tmp_path)):
            pass

    assert (tmp_path / "tocsin.db").read_text().startswith("dear diary")


@pytest.mark.parametrize(
    "wrong",
    [
        "mysql://hub:hunter2@db/tocsin",
        "sqlite+aiosqlite:///x.db",
        "sqlite://x.db",
        "tocsin.db",
        "",
        "sqlite:///no/such/folder/x.db",
        "sqlite:///x.db?mode=memory",
    ],
)
async def test_a_url_that_cannot_work_is_refused_by_what_would(wrong: str) -> None:
    """And never repeated whole: it may hold a password."""
    with pytest.raises(SettingsError, match=r"sqlite:///tocsin\.db|there is no folder /.*/no/such/folder") as refused:
        async with open_store(wrong):
            pass

    assert "hunter2" not in str(refused.value)


# ---------------------------------------------------------------------------------------------------------------- speed

SMALL = {"timer", "silence", "ask", "config", "link", "calendar"}
"""Tables that stay small, and may be read through."""


async def test_no_query_reads_through_a_large_table(tmp_path: Path) -> None:
    """A million events must cost a page nothing: whatever is asked runs over an index."""
    asked: list[str] = []
    async with open_store(url(tmp_path)) as store:
        assert isinstance(store, SqliteStore)
        await store.commit(EVERYTHING)
        await store.commit(changes(post("p2", "a1", 3, ref=MessageRef("m1")), said("x1", "m1")))
        for lane in (store._reader, store._looker, store._writer):
            await lane.run(lambda c: writing.driver(c).set_trace_callback(asked.append))
        await ask_everything(store)
        await store._writer.run(lambda c: writing.driver(c).set_trace_callback(None))
        plans = await store._writer.run(lambda c: {sql: plan(writing.driver(c), sql) for sql in asked if counts(sql)})

    through = {sql: step for sql, steps in plans.items() for step in steps if reads_through(step)}
    assert {} == through
    assert len(plans) > 30


def counts(sql: str) -> bool:
    # The counting of a page of status stops by itself.
    return sql.startswith(("SELECT", "DELETE")) and "count(*)" not in sql


def plan(connection: sqlite3.Connection, sql: str) -> list[str]:
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]


def reads_through(step: str) -> bool:
    scan = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
    if scan is None or scan[1] in SMALL or scan[1] == "asked":  # what the question itself brings
        return False
    # Over a partial index, or in an order that the limit cuts short, a scan reads few rows.
    return scan[2] not in {*PARTIAL, *CUT_SHORT}


PARTIAL = {
    index.name
    for table in (
        writing.REQUEST,
        writing.EVENT,
        writing.ALERT,
        writing.POST,
        writing.LINE,
        writing.ROOM,
        writing.GROUP,
    )
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}
CUT_SHORT = {"post_by_order", "line_by_order", "audit_by_time"}


async def ask_everything(store: Store) -> None:
    await store.load(since=OLD)
    await store.lives([("nagios", "a1", False)])
    await store.posts_of(["a1"])
    await store.deliveries_seen([("nagios", "d1")], since=OLD)
    for by_id in (store.event, store.request, store.alert, store.post, store.line, store.silence, store.ask):
        await by_id("x")
    await store.events_of("a1")
    await store.failed_events()
    await store.past_events(since=BEFORE, before=(NOW, 1), limit=5)
    await store.past(since=BEFORE, after=(NOW, 1), limit=5, bodies=["body.x"])
    for state in ("open", "acked", "resolved", None):
        await store.alerts(state=state)
    for shown in ("owed", "sent", None):
        await store.deliveries(state=shown)
        await store.deliveries(state=shown, before="p1")
        await store.deliveries(state=shown, group="a1")
    await store.post_shown_as("room", "m1")
    await store.quarantine()
    await store.quarantine(before="q1")
    await store.newest_quarantined(since=OLD)
    await store.in_quarantine(["nagios"])
    await store.unsettled()
    await store.audit(before="c1")
    await store.config("c1")
    await store.newest_config()
    await store.room_threads("ops", limit=5)
    await store.room_thread("x1")
    await store.count()
    await store.prune(before=OLD)


async def test_bodies_are_packed_in_steps_and_read_as_before(store: Store) -> None:
    """From the oldest on, what is old enough, each once."""
    bodies = {f"r{n}": b'{"host": "web1", "output": "no answer"}' * n for n in range(12)}
    requests = [request(id, at=ago(90 - n), body=body) for n, (id, body) in enumerate(bodies.items())]
    await store.commit(Changes(requests=[*requests, request("young", body=b"a" * 999)]))
    mark, steps = await store.pack(None, before=ago(60), step=5), 1
    while mark is not None:
        last, mark, steps = mark, await store.pack(mark, before=ago(60), step=5), steps + 1
    again = await store.pack(None, before=ago(60), step=99)
    read = {id: await store.request(id) for id in (*bodies, "young")}

    assert 4 == steps
    assert last == again
    assert {**bodies, "young": b"a" * 999} == {id: found.body for id, found in read.items() if found}


async def test_a_large_body_is_packed_alone(store: Store) -> None:
    large = [request(f"r{n}", at=ago(90 - n), body=b"x" * (queries.STEP_BYTES - 1 + n)) for n in range(3)]
    await store.commit(Changes(requests=large))
    marks = [await store.pack(None, before=NOW)]
    while marks[-1] is not None:
        marks.append(await store.pack(marks[-1], before=NOW))

    assert 4 == len(marks)
    assert [one.body for one in large] == [found.body for n in range(3) if (found := await store.request(f"r{n}"))]
