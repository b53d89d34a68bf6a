"""What comes and goes has one message that counts, and wakes nobody each time."""

import pytest
from chat import TellingChat
from scenario import Scenario

from hub.contracts import RoomMessage
from hub.core.durations import parse_duration
from hub.registry import installed

RULES = """\
version: 1
channels: {ops: room:ops, managers: room:managers}
routes:
  - name: hosts
    match: {tool: nagios}
    to: ops
    escalate: [{after: 15m, to: managers}]
everything_else: {to: ops}
"""


async def flaps(hub: Scenario, times: int, every: str = "1m") -> None:
    """It is broken, and comes back so often."""
    await hub.nagios("web301")
    for _ in range(times):
        await hub.later(every)
        await hub.nagios("web301", "UP", "RECOVERY")
        await hub.later(every)
        await hub.nagios("web301")


async def lines(hub: Scenario, message: RoomMessage) -> list[tuple[str, bool]]:
    return [(line.message.title, line.loud) for line in await hub.thread(message)]


async def test_it_keeps_one_message_that_counts(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)

    await flaps(hub, 8)
    await hub.later("10s")

    (told,) = await hub.told()
    assert "comes and goes: back 8 times" in told.message.standing
    assert [
        ("Resolved: web301 is UP", False),
        ("Again: web301 is DOWN", True),
        ("Resolved: web301 is UP", False),
        ("Again: web301 is DOWN", True),
        ("Resolved: web301 is UP", False),
        ("Again: web301 is DOWN – and flaps: back 3 times", True),
    ] == await lines(hub, told)


async def test_the_line_that_says_that_it_flaps_stands_under_a_message_that_says_so(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)

    await flaps(hub, 3, every="4s")

    (told,) = await hub.told()
    assert "open" == told.message.state
    assert "comes and goes: back 3 times" in told.message.standing


async def test_when_it_rests_that_is_news_again(begin) -> None:  # type: ignore[no-untyped-def]
    """Healed for good, quietly; broken for good, aloud. A restart changes nothing of it."""
    hub = await begin(RULES)
    await flaps(hub, 5)
    await hub.later("1m")
    await hub.nagios("web301", "UP", "RECOVERY")
    await hub.restarts()
    await hub.later("10m")

    (told,) = await hub.told()
    assert "resolved" == told.message.state
    assert ("Resolved: web301 is UP: stays resolved, after it came back 5 times", False) == (await lines(hub, told))[-1]


async def test_what_stays_broken_wakes(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await flaps(hub, 5)

    await hub.later("10m")

    (told,) = await hub.told()
    assert ("Again: web301 is DOWN: stays so, after it came back 5 times", True) == (await lines(hub, told))[-1]
    assert "comes and goes" not in told.message.standing


async def test_an_ack_survives_it(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.nagios("web301")
    await hub.says("ack", under=await hub.latest())

    await flaps(hub, 6)

    assert "acked" == (await hub.latest()).message.state
    await hub.later("1h")
    assert [] == await hub.told("managers")


async def test_it_escalates_though_it_comes_and_goes(begin) -> None:  # type: ignore[no-untyped-def]
    """Else what flaps each minute would begin its first step anew for ever."""
    hub = await begin(RULES)

    await flaps(hub, 15)

    assert 1 == len(await hub.told("managers"))


async def test_severity_that_goes_up_and_down_flaps_as_well(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.nagios("db1", "CRITICAL", service="Disk")
    for _ in range(6):
        for state in ("WARNING", "CRITICAL"):
            await hub.later("1m")
            await hub.nagios("db1", state, service="Disk")
    await hub.later("10s")

    (told,) = await hub.told()
    assert "comes and goes: back 6 times" in told.message.standing
    assert 3 == len(await lines(hub, told))


async def test_what_is_worse_than_ever_is_news_though_it_flaps(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.nagios("db1", "WARNING", service="Disk")
    for _ in range(4):
        for state, kind in (("OK", "RECOVERY"), ("WARNING", "PROBLEM")):
            await hub.later("1m")
            await hub.nagios("db1", state, kind, service="Disk")

    await hub.nagios("db1", "CRITICAL", service="Disk")

    assert ("Worse: db1 / Disk is CRITICAL", True) == (await lines(hub, await hub.latest()))[-1]


async def test_now_and_then_is_no_flapping(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)

    await flaps(hub, 4, every="9m")

    assert "comes and goes" not in (await hub.latest()).message.standing


async def test_a_silence_of_one_alert_goes_on_when_its_like_begins(begin) -> None:  # type: ignore[no-untyped-def]
    """What flaps slowly is another alert to the hub and the same to whoever asked for quiet."""
    hub = await begin(RULES)
    await hub.nagios("web301")
    await hub.says("silence for 2h", under=await hub.latest())
    await hub.nagios("web301", "UP", "RECOVERY")
    await hub.later("30m")

    await hub.nagios("web301")
    silent = len(await hub.told())
    await hub.later("2h")

    assert 1 == silent
    assert "web301 is DOWN" in [message.message.title for message in await hub.told()][1:]


@pytest.mark.parametrize("quiet", ["silence host=web301 for 30m", "pause ops for 30m"])
async def test_what_came_to_rest_while_it_was_to_be_quiet_is_said_afterwards(begin, quiet: str) -> None:  # type: ignore[no-untyped-def]
    """Nobody was woken by what came and went before; so somebody must be by what stayed."""
    hub = await begin(RULES)
    await flaps(hub, 5)
    await hub.says(quiet)
    await hub.later("20m")
    (told, *_) = await hub.told()
    assert not any("stays so" in title for title, _ in await lines(hub, told))
    await hub.later("15m")

    assert ("Again: web301 is DOWN: stays so, after it came back 5 times", True) in await lines(hub, told)


@pytest.mark.parametrize("away", ["5m", "1h"])
async def test_that_it_came_to_rest_is_told_though_the_hub_was_away_meanwhile(begin, away: str) -> None:  # type: ignore[no-untyped-def]
    """Also where nothing can be edited, so that each time would be a message: there it is all that tells of the end."""
    texts = TellingChat()
    hub = await begin(
        RULES.replace("room:managers", '"sms:all"').replace("to: ops\n    escalate: ", "to: managers # "),
        {**installed(), "sms": texts.integration()},
    )
    await flaps(hub, 3)
    await hub.nagios("web301", "UP", "RECOVERY")
    await hub.later("20s")
    fires = texts.posted[-1][1].state
    await hub.stop()
    hub.clock += parse_duration(away)
    await hub.start()
    await hub.later("10m")

    assert ("open", "resolved") == (fires, texts.posted[-1][1].state)
