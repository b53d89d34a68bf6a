"""What is told in office hours only: what waits over the week-end, and what is said of it on Monday morning."""

import pytest
from scenario import Scenario

from hub.core.durations import parse_duration
from hub.errors import RulesError
from hub.registry import installed
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.reading import read_rules_text

RULES = """\
version: 1
sources: {tickets: {tool: json, event: {status: notice}}}
channels: {ops: room:ops}
time_windows:
  office: {days: mon-fri, hours: "09:00-18:00", timezone: Europe/London, except: 2026-12-25}
routes:
  - {name: hosts, match: {tool: nagios}, to: ops, deliver: {during: office, otherwise: OTHERWISE}}
  - {name: tickets, match: {source: tickets}, to: ops, deliver: {during: office, otherwise: OTHERWISE}}
everything_else: {to: ops}
"""
MONDAY = "2d6h"
"""From the beginning of the story, a Saturday at three, to Monday at nine."""


async def over_the_weekend(begin, otherwise: str) -> Scenario:
    """One thing is still broken on Monday, one healed, one ticket came."""
    hub = await begin(RULES.replace("OTHERWISE", otherwise))
    await hub.nagios("db1", number=1)
    await hub.nagios("web1", number=2)
    await hub.receives("tickets", {"id": "7", "title": "printer on fire"})
    await hub.nagios("web1", "UP", "RECOVERY", number=3)
    await hub.later("1d")
    await hub.restarts()
    assert [] == await hub.told()
    await hub.later("1d6h")
    return hub


async def titles(hub: Scenario) -> list[str]:
    return [message.message.title for message in await hub.told()]


async def test_what_is_muted_is_told_on_monday_if_it_is_still_so(begin) -> None:
    hub = await over_the_weekend(begin, "mute")

    assert ["db1 is DOWN"] == await titles(hub)


async def test_what_is_deferred_comes_with_one_word_on_it(begin) -> None:
    """Problems that are still open, and every notice."""
    hub = await over_the_weekend(begin, "defer")
    first, *rest = await hub.told()

    assert "before office began: 1 still open, 1 noticed" == first.message.title
    assert "• db1 is DOWN\n• printer on fire" == first.message.text
    assert ["db1 is DOWN", "printer on fire"] == [message.message.title for message in rest]


async def test_a_digest_names_what_came_and_went_too(begin) -> None:
    hub = await over_the_weekend(begin, "digest")
    first, *rest = await hub.told()

    assert "before office began: 1 still open, 1 noticed, 1 over again" == first.message.title
    assert "• web1 is UP" in first.message.text
    assert 2 == len(rest)


async def test_what_was_told_on_friday_heals_on_saturday(begin) -> None:
    """A window holds news, never the end of what was told."""
    hub = await begin(RULES.replace("OTHERWISE", "defer"))
    await hub.later("2d7h")
    await hub.nagios("db1", number=1)
    await hub.later("10h")
    await hub.nagios("db1", "UP", "RECOVERY", number=2)

    assert ["resolved"] == [message.message.state for message in await hub.told()]


async def test_a_silence_outlasts_a_window(begin) -> None:
    hub = await begin(RULES.replace("OTHERWISE", "defer"))
    await hub.says("silence host=db1 for 3d")
    await hub.nagios("db1", number=1)
    await hub.later(MONDAY)
    assert "db1 is DOWN" not in await titles(hub)
    await hub.later("1d")

    assert "db1 is DOWN" in await titles(hub)


async def test_a_reload_without_the_window_tells_what_waited(begin) -> None:
    hub = await begin(RULES.replace("OTHERWISE", "defer"))
    await hub.nagios("db1", number=1)
    await hub.reloads("version: 1\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n")
    await hub.later("5m")

    assert ["db1 is DOWN"] == await titles(hub)


async def test_why_names_the_window(begin) -> None:
    hub = await begin(RULES.replace("OTHERWISE", "defer"))
    accepted = await hub.nagios("db1", number=1)

    assert "held back by window office" in (await hub.says(f"why {accepted.events[0]}")).text


@pytest.mark.parametrize("word", ["days: someday", 'hours: "9-5"', "timezone: Mars/Olympus", "except: tomorrow"])
def test_a_window_that_is_none_is_refused_with_one_that_works(word: str) -> None:
    text = (
        f"version: 1\nchannels: {{ops: room:ops}}\ntime_windows: {{office: {{{word}}}}}\neverything_else: {{to: ops}}\n"
    )
    with pytest.raises(RulesError, match=r"r:3:\d+: .*(write|such as|did you mean)"):
        read_rules_text(text, "r", catalogue_of(installed()))


async def test_a_message_is_kept_true_while_its_window_is_closed(begin) -> None:
    """A window holds news, not edits."""
    hub = await begin(RULES.replace("OTHERWISE", "defer"))
    await hub.later("2d14h55m")
    await hub.nagios("db1", number=1)
    await hub.says("silence host=db1 for 10m")
    await hub.later("11m")

    assert ["open"] == [m.message.state for m in await hub.told() if m.message.state]


async def test_routes_of_one_channel_may_want_it_told_otherwise(begin) -> None:
    """What one of them lists is listed, and what another mutes is not named."""
    rules = RULES.replace("OTHERWISE", "mute", 1).replace("OTHERWISE", "digest")
    hub = await begin(rules)
    await hub.nagios("db1", number=1)
    await hub.receives("tickets", {"id": "7", "title": "printer on fire"})
    await hub.later(MONDAY)

    first, *rest = await hub.told()
    assert ("before office began: 1 noticed", "• printer on fire") == (first.message.title, first.message.text)
    assert ["db1 is DOWN", "printer on fire"] == [message.message.title for message in rest]


async def test_what_a_pause_held_until_the_window_was_closed_is_told_when_it_opens(begin) -> None:  # type: ignore[no-untyped-def]
    """It was paused while the window was open; the pause ends after work."""
    hub = await begin(RULES.replace("OTHERWISE", "mute"))
    await hub.later("2d14h30m")  # to Monday, half past five
    await hub.says("pause route hosts for 2h")
    await hub.nagios("db1")
    await hub.later("3h")
    assert [] == await titles(hub)
    await hub.later("13h")

    assert ["db1 is DOWN"] == await titles(hub)


async def test_what_came_to_rest_after_work_is_said_in_the_morning(begin) -> None:  # type: ignore[no-untyped-def]
    """It came and went while the window was open, and stays as it is when that is closed."""
    hub = await begin(RULES.replace("OTHERWISE", "mute"))
    await hub.later("2d14h46m")  # to Monday, a quarter to six
    await hub.nagios("db1")
    for _ in range(3):
        await hub.later("1m")
        await hub.nagios("db1", "UP", "RECOVERY")
        await hub.later("1m")
        await hub.nagios("db1")
    await hub.later("1h")
    said = "Again: db1 is DOWN: stays so, after it came back 3 times"
    assert said not in [line.message.title for line in await hub.thread(await hub.latest())]
    await hub.later("15h")

    assert said in [line.message.title for line in await hub.thread(await hub.latest()) if line.loud]


@pytest.mark.parametrize("asleep", ["", "3m", "1h"])
async def test_what_waits_for_others_when_its_window_closes_is_told_when_that_opens(begin, asleep: str) -> None:  # type: ignore[no-untyped-def]
    """Nobody was told yet, and after work nobody is; also where the hub is away as it closes."""
    hub = await begin(
        RULES.replace("OTHERWISE", "mute").replace("to: ops, deliver", "to: ops, group_wait: 5m, deliver")
    )
    await hub.later("2d14h53m")  # to Monday, seven minutes to six
    await hub.nagios("db1")
    await hub.later("4m")
    await hub.nagios("db2")
    await hub.later("1m")
    if asleep:
        await hub.stop()
        hub.clock += parse_duration(asleep)
        await hub.start()
    await hub.later("5h")
    after_work = await titles(hub)
    await hub.later("11h")

    assert ["db1 is DOWN"] == after_work
    assert ["db1 is DOWN", "db2 is DOWN"] == await titles(hub)
