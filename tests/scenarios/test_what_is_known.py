"""Of what was never heard of the store is not asked; what it has is found, however long ago that was."""

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
