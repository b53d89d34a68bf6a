"""What the store may know: never a no where it is there, and hardly ever a yes where it is not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.core.alert import Alert, AlertId, Phase
from hub.errors import Overloaded
from hub.store import Changes, Store, StoredRequest, known
from hub.store.known import Known
from hub.store.opening import open_store

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def alert(key: str, phase: Phase = Phase.OPEN, *, source: str = "nagios", life: int = 1) -> Alert:
    return Alert(
        id=AlertId(f"{source}/{key!a}/{phase}/{life}"),
        source=source,
        tool="nagios",
        key=key,
        kind="host",
        phase=phase,
        severity=None,
        worst=None,
        title="down",
        opened_at=NOW,
        began_at=NOW,
        updated_at=NOW,
        decided_by="",
    )


def request(delivery: str, at: datetime = NOW, verdict: str = "events") -> StoredRequest:
    return StoredRequest(
        id=f"{delivery!a}/{at}", source="github", tool="github", received_at=at, verdict=verdict, delivery_id=delivery
    )


def changes(*of: Alert | StoredRequest) -> Changes:
    return Changes(
        alerts={one.id: one for one in of if isinstance(one, Alert)},
        requests=[one for one in of if isinstance(one, StoredRequest)],
    )


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.e2e("postgresql"))])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tocsin.db"
    return str(request.getfixturevalue("postgres").clean())


@pytest.fixture
async def store(place: str) -> AsyncIterator[Store]:
    async with open_store(place) as opened:
        yield opened


@pytest.fixture
def ours(store: Store) -> Known:
    return Known(store, lambda: NOW)


async def test_before_it_was_filled_everything_may_be_known(ours: Known) -> None:
    assert [("nagios", "web1", False)] == ours.lives([("nagios", "web1", False)])
    assert [("github", "d1")] == ours.deliveries([("github", "d1")])


async def test_what_the_store_has_may_be_known_and_nothing_else(store: Store, ours: Known) -> None:
    await store.commit(changes(alert("web1"), alert("disk", Phase.NOTICE), request("d1")))
    await ours.fill()

    asked = [("nagios", "web1", False), ("nagios", "web1", True), ("nagios", "disk", True), ("sensu", "web1", False)]
    assert [("nagios", "web1", False), ("nagios", "disk", True)] == ours.lives(asked)
    assert [("github", "d1")] == ours.deliveries([("github", "d1"), ("github", "d2"), ("gitlab", "d1")])


async def test_what_is_written_later_is_noted(ours: Known) -> None:
    await ours.fill()
    ours.note(changes(alert("web1"), request("d1")))

    assert [("nagios", "web1", False)] == ours.lives([("nagios", "web1", False)])
    assert [("github", "d1")] == ours.deliveries([("github", "d1")])


async def test_what_leaves_the_quarantine_is_noted(store: Store, ours: Known) -> None:
    await store.commit(changes(request("d1", verdict="quarantined")))
    await ours.fill()
    before = ours.deliveries([("github", "d1")])
    ours.note(Changes(released={"1": request("d1")}))

    assert ([], [("github", "d1")]) == (before, ours.deliveries([("github", "d1")]))


async def test_it_is_read_in_steps_and_each_key_once(
    store: Store, ours: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several lives of one key, a step that ends between them, and sources that sort before and behind."""
    monkeypatch.setattr(known, "STEP", 2)
    lives = [alert(f"web{n}", source=source, life=life) for n in range(3) for source in "ab" for life in range(3)]
    await store.commit(changes(*lives, *(request(f"d{n}") for n in range(5))))
    await ours.fill()

    keys = [(source, f"web{n}", False) for source in "ab" for n in range(3)]
    assert keys == ours.lives([*keys, ("c", "web1", False)])
    assert [("github", f"d{n}") for n in range(5)] == ours.deliveries([("github", f"d{n}") for n in range(9)])


async def test_what_is_written_while_it_is_filled_is_not_overlooked(store: Store, ours: Known) -> None:
    """Behind the place where the reading is."""
    read = store.life_keys

    async def writes_meanwhile(after: object, *, step: int) -> object:
        found = await read(after, step=step)  # type: ignore[arg-type]
        ours.note(changes(alert("aaa"), request("d1")))
        return found

    store.life_keys = writes_meanwhile  # type: ignore[method-assign, assignment]
    await ours.fill()

    assert [("nagios", "aaa", False)] == ours.lives([("nagios", "aaa", False)])
    assert [("github", "d1")] == ours.deliveries([("github", "d1")])


async def test_a_text_that_no_database_takes_is_known_as_it_was_stored(store: Store, ours: Known) -> None:
    odd = "half \ud83d and \0 nothing"
    await store.commit(changes(alert(odd), request(odd)))
    await ours.fill()

    assert [("nagios", odd, False)] == ours.lives([("nagios", odd, False)])
    assert [("github", odd)] == ours.deliveries([("github", odd)])


async def test_a_delivery_is_forgotten_after_its_time_and_one_in_quarantine_is_not_known(
    store: Store, ours: Known
) -> None:
    old = request("old", NOW - timedelta(days=8))
    await store.commit(
        changes(old, request("young", NOW - timedelta(days=6)), request("broken", verdict="quarantined"))
    )
    await ours.fill()

    assert [("github", "young")] == ours.deliveries([("github", "old"), ("github", "young"), ("github", "broken")])


async def test_a_database_that_fails_leaves_it_as_it_was(ours: Known, store: Store) -> None:
    await ours.fill()
    ours.note(changes(alert("web1")))

    async def fails(after: object, *, step: int) -> object:
        raise Overloaded("the disk is full")

    store.life_keys = fails  # type: ignore[method-assign, assignment]
    with pytest.raises(Overloaded):
        await ours.fill()
    assert [("nagios", "web1", False)] == ours.lives([("nagios", "web1", False), ("nagios", "web2", False)])
