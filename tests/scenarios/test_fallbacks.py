"""A channel that takes nothing: who hears meanwhile, what is said late, and that no dead chat is hammered."""

from datetime import timedelta

import pytest
from chat import FakeChat, TellingChat
from scenario import Scenario

from hub.errors import Refused, Uncertain, Unreachable
from hub.registry import installed

RULES = """\
version: 1
channels:
  ops: room:ops
  web: room:web
  night: {to: "pager:night", fallback: web}
routes: [{name: paged, match: {tool: nagios}, to: night}]
everything_else: {to: ops}
"""
AWAY = [Unreachable("the pager cannot be reached") for _ in range(1_000)]


@pytest.fixture
async def hub(begin, chat: FakeChat) -> Scenario:
    return await begin(RULES, {**installed(), "pager": chat.integration()})


async def titles(hub: Scenario, room: str = "web") -> list[str]:
    return [message.message.title for message in await hub.told(room)]


async def test_what_a_channel_does_not_take_is_told_in_its_fallback(hub: Scenario, chat: FakeChat) -> None:
    """Once, with for whom and why; what comes behind it at once."""
    chat.failures = AWAY[:]
    await hub.nagios("web301")
    await hub.later("30s")
    assert [] == await titles(hub)
    await hub.later("2m")
    assert ["web301 is DOWN"] == await titles(hub)
    assert (
        "for pager:night, which took nothing: the pager cannot be reached" in (await hub.latest("web")).message.standing
    )
    await hub.nagios("web302")
    assert ["web301 is DOWN", "web302 is DOWN"] == await titles(hub)
    await hub.later("1h")

    assert ["web301 is DOWN", "web302 is DOWN"] == await titles(hub)


async def test_a_dead_chat_is_asked_seldom(hub: Scenario, chat: FakeChat) -> None:
    chat.failures = AWAY[:]
    for number in range(20):
        await hub.nagios(f"web{number}")
    await hub.later("2h")

    assert len(AWAY) - len(chat.failures) < 50


async def test_whoever_was_told_instead_is_told_that_it_healed(hub: Scenario, chat: FakeChat) -> None:
    chat.failures = AWAY[:]
    await hub.nagios("web301", number=1)
    await hub.later("5m")
    await hub.nagios("web301", "UP", "RECOVERY", number=2)

    assert "resolved" == (await hub.latest("web")).message.state


async def test_a_channel_that_takes_messages_again_gets_what_is_owed_and_that_it_is_late(
    hub: Scenario, chat: FakeChat
) -> None:
    chat.failures = AWAY[:]
    await hub.nagios("web301")
    await hub.nagios("web302")
    await hub.later("20m")
    chat.failures = []
    await hub.later("10m")
    standings = [message.standing for _, message in chat.posted]

    assert ["web301 is DOWN", "web302 is DOWN"] == [message.title for _, message in chat.posted]
    assert all("late: the pager cannot be reached" in standing for standing in standings)
    await hub.nagios("web303")
    assert "late" not in chat.posted[-1][1].standing
    assert ["web301 is DOWN", "web302 is DOWN"] == await titles(hub)


async def test_the_hub_says_of_a_channel_that_it_takes_nothing_and_when_that_is_over(
    hub: Scenario, chat: FakeChat
) -> None:
    """Long before what is owed is given up."""
    chat.failures = AWAY[:]
    await hub.nagios("web301")
    await hub.later("2m")
    said = await hub.latest()
    assert "pager:night takes nothing" == said.message.title
    assert "room:web" in said.message.text
    chat.failures = []
    await hub.later("10m")

    assert "resolved" == (await hub.latest()).message.state


async def test_a_restart_forgets_neither_that_it_is_broken_nor_whom_it_told(hub: Scenario, chat: FakeChat) -> None:
    chat.failures = AWAY[:]
    await hub.nagios("web301")
    await hub.later("5m")
    await hub.restarts()
    assert ["web301 is DOWN"] == await titles(hub)
    await hub.nagios("web302")

    assert ["web301 is DOWN", "web302 is DOWN"] == await titles(hub)


async def test_what_is_refused_is_told_in_the_fallback_at_once(hub: Scenario, chat: FakeChat) -> None:
    chat.failures = [Refused("no such channel")]
    await hub.nagios("web301")

    assert ["web301 is DOWN"] == await titles(hub)
    assert "for pager:night, which did not take it: no such channel" in (await hub.latest("web")).message.standing
    assert 1 == len(list(await hub.hub.store.deliveries(state="dead")))


async def test_what_may_not_have_arrived_is_told_in_the_fallback(hub: Scenario, chat: FakeChat) -> None:
    chat.failures = [Uncertain("dropped"), Uncertain("dropped")]
    await hub.nagios("web301")
    await hub.later("1m")

    assert "which may not have shown it: dropped" in (await hub.latest("web")).message.standing


async def test_what_gets_worse_in_a_message_that_was_shown_is_told_in_the_fallback(
    hub: Scenario, chat: FakeChat
) -> None:
    """An edit that does not arrive wakes nobody, a loud line would have."""
    await hub.nagios("db1", "WARNING", service="disk", number=1)
    chat.failures = AWAY[:]
    await hub.nagios("db1", "CRITICAL", service="disk", number=2)
    await hub.later("5m")

    assert 1 == len(await titles(hub))
    assert "for pager:night" in (await hub.latest("web")).message.standing


async def test_what_healed_or_was_taken_on_before_wakes_nobody_else(hub: Scenario, chat: FakeChat) -> None:
    chat.failures = AWAY[:]
    await hub.nagios("web301", number=1)
    await hub.nagios("web301", "UP", "RECOVERY", number=2)
    await hub.nagios("web302")
    alert = next(alert for alert in hub.hub.state.alerts.values() if "web302" in alert.title)
    await hub.says(f"ack {alert.id}")
    await hub.later("5m")

    assert [] == await titles(hub)


async def test_who_hears_of_it_already_hears_for_whom_it_is(begin, chat: FakeChat) -> None:
    rules = RULES.replace(", to: night}]", ", to: night, continue: true}, {name: too, match: {tool: nagios}, to: web}]")
    hub = await begin(rules, {**installed(), "pager": chat.integration()})
    chat.failures = [Refused("no such channel")]
    await hub.nagios("web301")
    said = await hub.thread(await hub.latest("web"))

    assert ["web301 is DOWN"] == await titles(hub)
    assert ["for pager:night, which did not take it: no such channel"] == [line.message.standing for line in said]


async def test_a_fallback_that_fails_has_its_own(begin, chat: FakeChat) -> None:
    rules = RULES.replace("fallback: web", 'fallback: "pager:second"').replace(
        "  web: room:web\n", '  web: room:web\n  second: {to: "pager:second", fallback: web}\n'
    )
    hub = await begin(rules, {**installed(), "pager": chat.integration()})
    chat.failures = [Refused("gone"), Refused("gone too")]
    await hub.nagios("web301")

    assert "for pager:second, which did not take it: gone too" in (await hub.latest("web")).message.standing


async def test_what_the_hub_was_not_there_to_say_says_so(begin) -> None:
    chat = TellingChat()
    hub = await begin(RULES.replace(", fallback: web", ""), {**installed(), "pager": chat.integration()})
    chat.failures = [Unreachable("away")]
    await hub.nagios("web301")
    await hub.nagios("web302")
    await hub.stop()
    hub.clock += timedelta(hours=8)
    await hub.start()

    assert ["8h late: away", "8h late: the hub was not running"] == [message.standing for _, message in chat.posted]


async def test_what_the_fallback_would_hear_in_the_morning_it_hears_now_and_once(begin, chat: FakeChat) -> None:
    rules = RULES.replace(
        "version: 1\n", "version: 1\ntime_windows: {office: {days: mon-fri, hours: '09:00-18:00', timezone: UTC}}\n"
    )
    report = "{name: report, match: {}, to: web, deliver: {during: office, otherwise: mute}, continue: true}, "
    hub = await begin(rules.replace("routes: [", f"routes: [{report}"), {**installed(), "pager": chat.integration()})
    chat.failures = AWAY[:]
    await hub.nagios("web301")
    await hub.later("5m")
    assert ["web301 is DOWN"] == await titles(hub)
    assert "for pager:night" in (await hub.latest("web")).message.standing
    await hub.later("3d")

    assert ["web301 is DOWN"] == [title for title in await titles(hub) if "web301" in title]


@pytest.mark.parametrize("quiet", ["silence host=web301 for 1h", "pause night for 1h"])
async def test_nobody_else_is_woken_for_what_is_quiet_by_then(hub: Scenario, chat: FakeChat, quiet: str) -> None:
    """But when that is over, if it is still so and the channel still takes nothing."""
    chat.failures = AWAY[:]
    await hub.nagios("web301")
    await hub.later("30s")
    await hub.says(quiet)
    await hub.later("50m")
    assert [] == [title for title in await titles(hub) if "web301 is" in title]
    await hub.later("20m")

    assert "web301 is DOWN" in await titles(hub)


@pytest.mark.parametrize("over", ["ack web301", "resolve web301"])
async def test_what_is_late_rings_for_nothing_that_is_over(begin, chat: FakeChat, over: str) -> None:
    """The message says how it stands; that nobody has it, and that it is still so, is not said any more."""
    rules = RULES.replace("to: night}", "to: night, repeat_interval: 30m, escalate: [{after: 10m, to: ops}]}")
    hub = await begin(rules.replace(", fallback: web", ""), {**installed(), "pager": chat.integration()})
    await hub.nagios("web301")
    chat.failures = AWAY[:]
    await hub.nagios("web302")
    await hub.later("40m")
    await hub.says(over)
    chat.failures = []
    await hub.later("10m")

    said = [(under, message.title) for (under, message), loud in zip(chat.posted, chat.louds, strict=True) if loud]
    assert [] == [title for under, title in said if under == "m1"]


async def test_a_fallback_that_is_paused_hears_when_it_goes_on(begin, chat: FakeChat) -> None:
    """What is still so; whatever else it heard of the same before."""
    hub = await begin(RULES, {**installed(), "pager": chat.integration()})
    await hub.says("pause web for 1h")
    chat.failures = AWAY[:]
    await hub.nagios("web301", number=1)
    await hub.nagios("web302", number=2)
    await hub.later("5m")
    await hub.nagios("web302", "UP", "RECOVERY", number=3)
    assert ["paused for 1h by alice"] == await titles(hub)
    await hub.later("1h")

    assert ["while it was paused: 1 still open", "web301 is DOWN"] == (await titles(hub))[1:]
    assert "for pager:night" in (await hub.latest("web")).message.standing


async def test_a_dead_letter_of_a_group_is_shown_when_it_is_replayed(begin, chat: FakeChat) -> None:
    """Long after, when memory has let go of it; though the chat takes a moment to take it."""
    grouped = RULES.replace("to: night}", "to: night, group_by: [source]}")
    hub = await begin(grouped, {**installed(), "pager": chat.integration()})
    for host in ("web1", "web2"):
        await hub.nagios(host)
    chat.failures = [Refused("archived")]
    await hub.later("1m")
    for host in ("web1", "web2"):
        await hub.nagios(host, "UP", "RECOVERY")
    await hub.later("25h")
    await hub.hub.upkeep.forget()
    chat.failures = [Unreachable("busy")]
    dead = [one for one in await hub.hub.store.deliveries(state="dead") if one.channel == "pager:night"]
    asker = hub.hub.operations.asker("alice", trusted=True, token=False)

    for one in dead:
        await hub.hub.operations.replay_delivery(one.id, asker)
    await hub.settle()
    await hub.later("1m")

    assert ["Resolved: 2: nagios"] == [message.title for _, message in chat.posted]
