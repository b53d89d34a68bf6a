"""Of what was never heard of the store is not asked; what it has is found, however long ago that was."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from scenario import Scenario


@pytest.fixture
def asked(hub: Scenario, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the store is asked about, batch by batch."""
    store, asked = hub.hub.store, list[Any]()
    know = store.known

    async def known(keys: Sequence[Any], ids: Sequence[Any], **since: Any) -> Any:
        asked.append((list(keys), list(ids)))
        return await know(keys, ids, **since)

    monkeypatch.setattr(store, "known", known)
    return asked


async def test_of_what_is_new_the_store_is_not_asked(hub: Scenario, asked: list[Any]) -> None:
    for number in range(5):
        await hub.receives("twitter", {"title": f"tweet {number}", "id": f"{number}"}, delivery=f"d{number}")

    assert not asked


async def test_of_a_repeated_delivery_it_is(hub: Scenario, asked: list[Any]) -> None:
    first = await hub.receives("twitter", {"title": "down", "id": "1"}, delivery="d1")
    again = await hub.receives("twitter", {"title": "down", "id": "1"}, delivery="d1")

    assert again.duplicate
    assert first.events == again.events
    assert [([], [("twitter", "d1")])] == asked


async def test_a_life_that_memory_let_go_of_is_found(hub: Scenario, asked: list[Any]) -> None:
    """A recovery, then nothing for a week, then the problem of before it: that one is late, and opens nothing."""
    began = hub.clock
    await hub.later("10m")
    await hub.nagios(state="UP", kind="RECOVERY")
    await hub.later("7d")
    await hub.hub.upkeep.forget()
    asked.clear()
    late = await hub.nagios(at=began)

    assert [([("nagios", "web301", False)], [])] == asked
    stored = await hub.hub.store.event(late.events[0])
    assert stored is not None and stored.decision is not None
    assert "late" == stored.decision.change


async def test_after_a_restart_it_knows_as_much(hub: Scenario) -> None:
    first = await hub.receives("twitter", {"title": "down", "id": "1"}, delivery="d1")
    await hub.restarts()
    again = await hub.receives("twitter", {"title": "down", "id": "1"}, delivery="d1")

    assert again.duplicate
    assert first.events == again.events


async def test_a_crowded_memory_lets_go_sooner_of_what_nobody_is_told_of_together(
    hub: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a load of months in an hour it does not grow without end; and what it let go of goes on where it was."""
    monkeypatch.setattr("hub.care.upkeep.MANY", 3)
    hosts = [f"web{number}" for number in range(4)]
    for host in hosts:
        await hub.nagios(host)
    for host in hosts[1:]:
        await hub.nagios(host, "UP", "RECOVERY")
    await hub.later("2m")
    await hub.hub.upkeep.forget()

    assert ["web0"] == [alert.key for alert in hub.hub.state.alerts.values()]
    await hub.nagios("web1")
    again = hub.hub.state.alerts[hub.hub.state.lives["nagios", "web1", False]]
    assert (1, True) == (again.flaps, again.open)


async def test_a_memory_with_room_keeps_what_may_come_back(hub: Scenario) -> None:
    await hub.nagios()
    await hub.nagios(state="UP", kind="RECOVERY")
    await hub.later("29m")
    await hub.hub.upkeep.forget()
    assert 1 == len(hub.hub.state.alerts)

    await hub.later("2m")
    await hub.hub.upkeep.forget()
    assert not hub.hub.state.alerts


async def test_what_is_called_by_a_long_text_in_any_script_is_taken(begin) -> None:  # type: ignore[no-untyped-def]
    """By a source, and by people; an index of PostgreSQL takes less than three kilobytes."""
    hub = await begin()
    letters = random.Random(7)
    long = "".join(chr(letters.randrange(0x4E00, 0x9FA5)) for _ in range(1_200))
    accepted = await hub.tweets(long)
    paused = await hub.says(f"pause channel web for 1h because of {long}")
    taken = await hub.tweets(long)

    assert (1, 1) == (len(accepted.events), len(taken.events))
    assert paused.ok
    assert 1 == len(await hub.told())
