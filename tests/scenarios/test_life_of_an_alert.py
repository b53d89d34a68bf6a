"""From broken to healed, as a reader of the room sees it."""

from datetime import timedelta

import pytest
from scenario import Scenario


async def test_a_problem_is_one_message_that_ends_resolved(hub: Scenario) -> None:
    """A group is one message per channel, edited in place; its story is in the thread."""
    await hub.nagios(state="DOWN", number=1)
    opened = await hub.latest()
    await hub.later("7m")
    await hub.nagios(state="UP", kind="RECOVERY", number=2)

    told = await hub.told()
    assert [opened.id] == [message.id for message in told]
    assert ("open", "resolved") == (opened.message.state, told[0].message.state)
    assert "resolved after 7m" in told[0].message.standing
    assert ["resolved"] == [line.message.occasion for line in await hub.thread(told[0])]


async def test_worse_is_a_loud_line_and_no_second_message(hub: Scenario) -> None:
    """An edit alone wakes nobody."""
    await hub.nagios(service="Disk", state="WARNING", number=1)
    await hub.nagios(service="Disk", state="CRITICAL", number=2)

    message = await hub.latest()
    assert 1 == len(await hub.told())
    assert [("worsened", True)] == [(line.message.occasion, line.loud) for line in await hub.thread(message)]
    assert "CRITICAL" in message.message.title


async def test_repeats_edit_at_most_once_in_ten_seconds(hub: Scenario) -> None:
    await hub.nagios(number=1)
    first = await hub.latest()
    for number in range(2, 6):
        await hub.nagios(number=number)

    assert first.message.title == (await hub.latest()).message.title
    await hub.later("11s")
    assert "×5" in (await hub.latest()).message.title
    assert [] == await hub.thread(await hub.latest())


async def test_what_comes_late_changes_nothing(hub: Scenario) -> None:
    """Notification commands run in parallel: a problem may overtake its recovery within one second."""
    await hub.nagios(number=1)
    await hub.later("1m")
    await hub.nagios(state="UP", kind="RECOVERY", number=3)
    late = await hub.nagios(state="DOWN", number=2)

    stored = await hub.hub.store.event(late.events[0])
    assert stored is not None
    assert stored.decision is not None
    assert "late" == stored.decision.change
    assert "resolved" == (await hub.latest()).message.state


async def test_it_reopens_within_ten_minutes_and_is_new_after(hub: Scenario) -> None:
    await hub.nagios(number=1)
    await hub.later("1m")
    await hub.nagios(state="UP", kind="RECOVERY", number=2)
    await hub.later("5m")
    await hub.nagios(state="DOWN", number=3)
    assert 1 == len(await hub.told())
    assert "open" == (await hub.latest()).message.state
    await hub.nagios(state="UP", kind="RECOVERY", number=4)
    await hub.later("11m")
    await hub.nagios(state="DOWN", number=5)

    assert ["resolved", "open"] == [message.message.state for message in await hub.told()]


async def test_a_recovery_of_nothing_is_recorded_and_told_to_nobody(hub: Scenario) -> None:
    accepted = await hub.nagios(state="UP", kind="RECOVERY")

    stored = await hub.hub.store.event(accepted.events[0])
    assert stored is not None
    assert stored.decision is not None
    assert "not open" == stored.decision.change
    assert [] == await hub.told()


async def test_a_problem_that_its_own_recovery_overtook_opens_nothing(hub: Scenario) -> None:
    """Also where the key was never heard of before."""
    began = hub.clock
    await hub.later("1m")
    await hub.nagios(state="UP", kind="RECOVERY", number=2)
    await hub.nagios(state="DOWN", number=1, at=began)
    assert [] == await hub.told()
    await hub.later("1m")
    await hub.nagios(state="DOWN", number=3)

    assert ["open"] == [message.message.state for message in await hub.told()]
    assert [1] == [alert.count for alert in hub.hub.actions.alerts()]


async def test_notices_of_one_key_gather_under_the_first(hub: Scenario) -> None:
    await hub.receives("twitter", {"title": "it rains", "id": "rain"})
    await hub.receives("twitter", {"title": "it pours", "id": "rain"})

    told = await hub.told()
    gathered = [m.message.title for m in await hub.thread(told[0])] if len(told) == 1 else None
    assert gathered == ["it pours"] or ["it rains", "it pours"] == [m.message.title for m in told]


async def test_the_same_delivery_twice_is_one_event(hub: Scenario) -> None:
    body = {"title": "once", "id": "1"}
    first = await hub.receives("twitter", body, delivery="d-1")
    second = await hub.receives("twitter", body, delivery="d-1")
    await hub.restarts()
    third = await hub.receives("twitter", body, delivery="d-1")

    assert (False, True, True) == (first.duplicate, second.duplicate, third.duplicate)
    assert first.events == second.events == third.events
    assert 1 == len(await hub.told())


@pytest.mark.parametrize("restart", [False, True])
async def test_who_lost_its_recovery_expires(begin, restart: bool) -> None:
    hub = await begin(
        """\
version: 1
sources: {nagios-eu: {tool: nagios, expire_after: 1h}}
channels: {ops: room:ops}
everything_else: {to: ops}
"""
    )
    await hub.nagios(source="nagios-eu")
    if restart:
        await hub.restarts()
    await hub.later("61m")

    message = await hub.latest()
    assert "resolved" == message.message.state
    assert "nothing more was heard of it" in message.message.standing
    assert [] == hub.hub.actions.alerts()


async def test_a_restart_forgets_nothing(hub: Scenario) -> None:
    """Whoever was told that it fires is told that it healed."""
    await hub.nagios(number=1)
    before = await hub.latest()
    await hub.restarts()
    await hub.later("2m")
    await hub.nagios(state="UP", kind="RECOVERY", number=2)

    after = await hub.latest()
    assert before.id == after.id
    assert "resolved" == after.message.state


async def test_a_removed_route_does_not_strand_who_was_told(begin) -> None:
    """What was told is told that it healed, whatever the rules say now."""
    hub = await begin(
        """\
version: 1
channels: {ops: room:ops, web: room:web}
routes: [{name: web, match: {host: "web*"}, to: web}]
everything_else: {to: ops}
"""
    )
    await hub.nagios(number=1)
    assert await hub.reloads("version: 1\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n")
    await hub.later("1m")
    await hub.nagios(state="UP", kind="RECOVERY", number=2)

    assert ["resolved"] == [message.message.state for message in await hub.told("web")]
    assert [] == await hub.told("ops")


async def test_a_broken_reload_is_refused_whole(hub: Scenario) -> None:
    before = hub.hub.current().hash
    assert not await hub.reloads("version: 1\nchannels: {ops: slak:ops}\neverything_else: {to: ops}\n")

    assert before == hub.hub.current().hash
    assert hub.hub.current.refused is not None
    assert "routes.yaml:2:" in hub.hub.current.refused.why


async def test_a_problem_of_tomorrow_does_not_make_today_late(hub: Scenario) -> None:
    """A sender's clock that runs ahead is held to ours."""
    await hub.nagios(at=hub.clock + timedelta(days=1))
    await hub.later("1m")
    await hub.nagios(state="UP", kind="RECOVERY")

    assert "resolved" == (await hub.latest()).message.state
