"""One message for what belongs together: who is in it, when it wakes somebody, and when it is over."""

from datetime import timedelta

import pytest
from chat import FakeChat
from scenario import Scenario

from hub.errors import Unreachable
from hub.registry import installed

RULES = """\
version: 1
labels: [cluster]
sources: {app: {tool: json, event: {key: "{body.host}", title: "{body.host} is down", status: "{body.status}",
  severity: error, labels: {host: "{body.host}", cluster: "{body.cluster}"}}}}
channels: {ops: room:ops}
routes:
  - {name: clusters, match: {source: app}, to: ops, group_by: [cluster], group_wait: 10s, group_interval: 5m}
  - {name: remind, match: {tool: nagios}, to: ops, repeat_interval: [30m, 1h]}
everything_else: {to: ops}
"""


@pytest.fixture
async def hub(begin) -> Scenario:
    return await begin(RULES)


async def breaks(hub: Scenario, host: str, cluster: str = "eu") -> None:
    await hub.receives("app", {"host": host, "cluster": cluster, "status": "problem"})


async def heals(hub: Scenario, host: str, cluster: str = "eu") -> None:
    await hub.receives("app", {"host": host, "cluster": cluster, "status": "recovery"})


async def test_what_breaks_together_is_told_together(hub: Scenario) -> None:
    for host in ("web1", "web2", "web3"):
        await breaks(hub, host)
    await breaks(hub, "db1", "us")
    assert [] == await hub.told()
    await hub.later("10s")

    assert ["3 firing: eu", "db1 is down"] == [one.message.title for one in await hub.told()]
    first = (await hub.told())[0]
    assert ["◆ web1 is down", "◆ web2 is down", "◆ web3 is down"] == sorted(
        line.partition(" – ")[0] for line in first.message.text.splitlines()
    )


async def test_without_the_label_an_alert_stands_alone(hub: Scenario) -> None:
    await breaks(hub, "web1", "")
    await breaks(hub, "web2", "")
    await hub.later("10s")

    assert ["web1 is down", "web2 is down"] == [one.message.title for one in await hub.told()]


async def test_what_heals_before_it_is_told_is_not_told(hub: Scenario) -> None:
    await breaks(hub, "web1")
    await heals(hub, "web1")
    await hub.later("1m")

    assert [] == await hub.told()


async def test_who_joins_later_wakes_at_most_once_an_interval(hub: Scenario) -> None:
    """And the line says who, not the whole list again."""
    await breaks(hub, "web1")
    await hub.later("10s")
    for number in range(2, 12):
        await breaks(hub, f"web{number}")
    await hub.later("5m")
    message = await hub.latest()
    lines = [(entry.loud, entry.message.title) for entry in await hub.thread(message)]

    assert "11 firing: eu" == message.message.title
    assert [(True, "web2 is down"), (True, "9 more firing")] == lines


async def test_who_gets_worse_or_heals_before_its_line_counts_once(begin) -> None:  # type: ignore[no-untyped-def]
    """Also where the line will not name it, since it names five."""
    hub = await begin(RULES.replace("severity: error", 'severity: "{body.severity}"'))

    async def stands(host: str, severity: str) -> None:
        status = "problem" if severity else "recovery"
        await hub.receives("app", {"host": host, "cluster": "eu", "status": status, "severity": severity or "info"})

    await stands("web1", "critical")
    await hub.later("10s")
    await stands("web2", "warning")
    for number in range(3, 11):
        await stands(f"web{number}", "warning")
    await stands("web9", "error")
    await stands("web10", "")
    await stands("web4", "")
    await stands("web5", "")
    await stands("web5", "warning")
    await hub.later("5m")
    message = await hub.latest()
    line = (await hub.thread(message))[-1]

    assert "8 firing: eu" == message.message.title
    assert "6 more firing" == line.message.title
    assert (
        "web3 is down, web6 is down, web7 is down, web5 is down and 2 more\nresolved: web10 is down, web4 is down"
        == (line.message.text)
    )


async def test_a_group_is_over_when_none_fires(hub: Scenario) -> None:
    await breaks(hub, "web1")
    await breaks(hub, "web2")
    await hub.later("10s")
    await heals(hub, "web1")
    await hub.later("1m")
    half = await hub.latest()
    assert ("open", "1 resolved") == (half.message.state, half.message.standing)
    await heals(hub, "web2")
    whole = await hub.latest()

    assert ("resolved", "Resolved: 2: eu") == (whole.message.state, whole.message.title)
    assert not any(entry.loud for entry in await hub.thread(whole))


async def test_who_healed_long_ago_still_counts(hub: Scenario) -> None:
    """Memory lets go of them while the others fire on; whoever reads the message hears of all, also after a restart."""
    for host in ("web1", "web2", "web3", "web4"):
        await breaks(hub, host)
    await hub.later("10s")
    for host in ("web1", "web2", "web3"):
        await heals(hub, host)
    await hub.later("3h")
    await hub.hub.upkeep.forget()
    await breaks(hub, "web5")
    await hub.later("5m")
    message = await hub.latest()

    assert ("2 firing: eu", "3 resolved") == (message.message.title, message.message.standing)
    assert message.message.text.endswith("… and 3 more")
    await hub.restarts()
    await heals(hub, "web5")
    await hub.later("40m")
    await hub.hub.upkeep.forget()
    await hub.restarts()
    left = await hub.latest()
    await heals(hub, "web4")
    whole = await hub.latest()

    assert ("1 firing: eu", "4 resolved") == (left.message.title, left.message.standing)
    assert ("Resolved: 5: eu", "resolved after 3h 45m 10s") == (whole.message.title, whole.message.standing)


async def test_who_breaks_soon_after_revives_the_group_and_later_begins_another(hub: Scenario) -> None:
    await breaks(hub, "web1")
    await hub.later("10s")
    await heals(hub, "web1")
    await hub.later("5m")
    await breaks(hub, "web2")
    await hub.later("1m")
    assert 1 == len(await hub.told())
    assert "open" == (await hub.latest()).message.state
    await heals(hub, "web2")
    await hub.later("11m")
    await breaks(hub, "web3")
    await hub.later("10s")

    assert 2 == len(await hub.told())


async def test_a_group_outlives_a_restart(hub: Scenario) -> None:
    """Its wait, its members, what was gathered for the next line."""
    await breaks(hub, "web1")
    await hub.restarts()
    await breaks(hub, "web2")
    await hub.later("10s")
    await breaks(hub, "web3")
    await breaks(hub, "web4")
    await hub.restarts()
    await hub.later("5m")
    message = await hub.latest()

    assert "4 firing: eu" == message.message.title
    assert ["web3 is down", "web4 is down"] == [entry.message.title for entry in await hub.thread(message)]


async def test_a_chat_that_was_away_for_hours_is_told_after_a_restart_that_a_group_is_over(
    begin, chat: FakeChat
) -> None:
    """With the names of those who were in it, though all of them have long come to rest."""
    rules = RULES.replace("room:ops}", 'room:ops, night: "pager:night"}').replace(
        "to: ops, group_by", "to: night, group_by"
    )
    hub = await begin(rules, {**installed(), "pager": chat.integration()})
    await breaks(hub, "web1")
    await breaks(hub, "web2")
    await hub.later("10s")
    chat.failures = [Unreachable("away") for _ in range(1_000)]
    await heals(hub, "web1")
    await heals(hub, "web2")
    await hub.later("3h")
    await hub.restarts()
    chat.failures = []
    await hub.later("10m")
    told = chat.edited[-1][1]

    assert "Resolved: 2: eu" == told.title
    assert {"web1 is down", "web2 is down"} == {line[2:].partition(" – ")[0] for line in told.text.splitlines()}


async def test_an_ack_by_button_is_of_those_who_stood_there(hub: Scenario) -> None:
    """Who joined since the button was shown is nobody's yet."""
    await breaks(hub, "web1")
    await breaks(hub, "web2")
    await hub.later("10s")
    seen = await hub.latest()
    await hub.later("1m")
    await breaks(hub, "web3")
    await hub.presses("Ack", seen)
    message = await hub.latest()

    assert {"web1", "web2"} == {alert.key for alert in hub.hub.actions.alerts() if alert.ack}
    assert ("open", "2 of 3 acked") == (message.message.state, message.message.standing)


async def test_a_silence_of_some_keeps_the_message_true(hub: Scenario) -> None:
    await breaks(hub, "web1")
    await breaks(hub, "web2")
    await hub.later("10s")
    await hub.says("silence host=web1 for 1h")
    message = await hub.latest()

    assert "⊘ web1 is down – silenced" in message.message.text
    assert "open" == message.message.state


async def test_what_a_silence_covers_whole_is_told_when_it_ends(hub: Scenario) -> None:
    await hub.says("silence cluster=eu for 30m")
    await breaks(hub, "web1")
    await breaks(hub, "web2")
    await hub.later("29m")
    assert [] == [one for one in await hub.told() if one.message.kind == "alert"]
    await hub.later("2m")

    assert ["2 firing: eu"] == [one.message.title for one in await hub.told() if one.message.kind == "alert"]


async def test_a_reload_changes_nothing_of_what_was_told(hub: Scenario) -> None:
    """The group keeps its message and its pace; who comes later may have another."""
    await breaks(hub, "web1")
    await hub.later("10s")
    await hub.reloads(RULES.replace("group_by: [cluster], ", ""))
    await heals(hub, "web1")

    assert ["resolved"] == [one.message.state for one in await hub.told()]


async def test_who_joins_after_a_reload_wakes_whom_the_new_rules_name(begin) -> None:  # type: ignore[no-untyped-def]
    """Else what opens today would go by the rules of the day on which the first of its group broke."""
    before = RULES.replace("{ops: room:ops}", "{ops: room:ops, managers: room:managers}")
    hub = await begin(before)
    await breaks(hub, "web1")
    await hub.later("10s")
    await hub.reloads(before.replace("group_wait: 10s", "escalate: [{after: 10m, to: managers}]"))
    await hub.later("20m")
    nobody_new = await hub.told("managers")
    await breaks(hub, "web2")
    await hub.later("9m")
    not_yet = await hub.told("managers")
    await hub.later("1m")

    assert [] == nobody_new == not_yet
    assert ["2 firing: eu"] == [one.message.title for one in await hub.told("managers")]


# ----------------------------------------------------------------------------------------------------------- reminders


async def test_what_nobody_takes_on_is_said_again_and_again(hub: Scenario) -> None:
    """After half an hour, and then every hour, also over a restart."""
    await hub.nagios("web301", number=1)
    await hub.later("29m")
    await hub.restarts()
    await hub.later("2m")
    message = await hub.latest()
    assert ["still so after 30m: web301 is DOWN"] == [entry.message.title for entry in await hub.thread(message)]
    await hub.later("2h")

    assert 3 == len([entry for entry in await hub.thread(message) if entry.loud])


async def test_an_ack_ends_the_reminders(hub: Scenario) -> None:
    await hub.nagios("web301", number=1)
    await hub.says("ack web301")
    await hub.later("5h")

    assert [] == await hub.thread(await hub.latest())


async def test_a_silence_holds_reminders_and_recovery_ends_them(hub: Scenario) -> None:
    await hub.nagios("web301", number=1)
    await hub.says("silence host=web301 for 2h")
    await hub.later("1h")
    await hub.nagios("web301", "UP", "RECOVERY", number=2)
    await hub.later("5h")
    alert = next(one for one in await hub.told() if one.message.kind == "alert")

    assert [] == [entry for entry in await hub.thread(alert) if entry.loud]


async def test_what_comes_back_is_reminded_of_again(hub: Scenario) -> None:
    """Also when the last reminder came due while it was well."""
    await hub.nagios("web301", number=1)
    await hub.later("28m")
    await hub.nagios("web301", "UP", "RECOVERY", number=2)
    await hub.later("5m")
    await hub.nagios("web301", number=3)
    await hub.later("31m")

    titles = [entry.message.title for entry in await hub.thread(await hub.latest())]
    assert "still so after 1h 3m: web301 is DOWN" == titles[-1]


# ------------------------------------------------------------------------------------------- what a silence holds back


async def rings(hub: Scenario) -> list[str]:
    message = next(one for one in await hub.told() if one.message.kind == "alert")
    return [entry.message.title for entry in await hub.thread(message) if entry.loud]


async def test_a_silence_that_begins_while_a_group_waits_holds_it(hub: Scenario) -> None:
    await breaks(hub, "web1")
    await hub.says("silence cluster=eu for 30m")
    await hub.later("29m")
    assert [] == [one for one in await hub.told() if one.message.kind == "alert"]
    await hub.later("2m")

    assert ["web1 is down"] == [one.message.title for one in await hub.told() if one.message.kind == "alert"]


WAITING = """\
version: 1
sources:
  app:
    tool: json
    event: {key: "{body.host}", title: "{body.host} is down", status: "{body.status}", labels: {host: "{body.host}"}}
channels: {ops: room:ops, web: room:web}
time_windows: {office: {hours: 00:00-24:00}, day: {hours: 09:00-17:00}}
routes:
  - name: web
    match: {labels.host: {regex: "web.*"}}
    to: web
    group_by: [source]
    group_wait: 5m
    deliver: {during: office, otherwise: defer}
everything_else: {to: ops}
"""
HELD_BY = {
    "a window of its own": WAITING.replace("during: office", "during: day"),
    "other hours of its window": WAITING.replace("00:00-24:00", "09:00-17:00"),
    "a pace of digests": WAITING.replace(
        "deliver: {during: office, otherwise: defer}", 'digest: {every: "daily 09:00"}'
    ),
    "a cause": WAITING
    + 'inhibit: [{name: core, when: {labels.host: core}, quiets: {labels.host: {regex: "web.*"}}, equal: [source]}]\n',
    "a silence of the file": WAITING
    + "silences: [{name: work, match: {source: app}, because: x,"
    + " from: 2026-11-21T02:00:00Z, until: 2026-11-21T09:00:00Z}]\n",
}


@pytest.mark.parametrize("by", HELD_BY)
async def test_rules_that_come_while_a_group_waits_may_hold_it(begin, by: str) -> None:  # type: ignore[no-untyped-def]
    """Nobody was told yet; so it is told when these let go of it, and not once before."""
    hub = await begin(WAITING)
    for host in ("core", "web1", "web2"):
        await hub.receives("app", {"host": host, "status": "problem"})
    await hub.later("1m")
    assert await hub.reloads(HELD_BY[by])
    await hub.later("10m")
    await hub.restarts()
    early = await hub.told("web")
    await hub.later("5h50m")
    await hub.receives("app", {"host": "core", "status": "recovery"})
    await hub.later("10m")

    assert [] == [one for one in early if one.message.kind == "alert"]
    assert [] != [one for one in await hub.told("web") if one.message.state or "still" in one.message.title]


HELD_ALONE = {
    "a cause": HELD_BY["a cause"].replace('{regex: "web.*"}}, equal', "web3}, equal"),
    "a silence of the file": HELD_BY["a silence of the file"].replace("source: app}, because", "host: web3}, because"),
}


@pytest.mark.parametrize("by", HELD_ALONE)
async def test_rules_that_come_before_a_line_is_said_may_hold_one_of_whom_it_speaks(begin, by: str) -> None:  # type: ignore[no-untyped-def]
    """The others were told; who came since has woken nobody yet, and wakes when these let go of it."""
    pace = "group_wait: 5m", "group_wait: 0s\n    group_interval: 10m"
    hub = await begin(WAITING.replace(*pace))
    for host in ("web1", "core", "web2", "web3"):
        await hub.receives("app", {"host": host, "status": "problem"})
        await hub.later("1s")
    [message] = await hub.told("web")
    assert await hub.reloads(HELD_ALONE[by].replace(*pace))
    await hub.later("20m")
    await hub.restarts()
    early = [line.message.title for line in await hub.thread(message) if line.loud]
    await hub.later("5h50m")
    await hub.receives("app", {"host": "core", "status": "recovery"})
    await hub.later("10m")

    assert ["web2 is down"] == early
    assert ["web2 is down", "web3 is down"] == [line.message.title for line in await hub.thread(message) if line.loud]


async def test_rules_that_hold_nothing_leave_a_group_its_time(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(WAITING)
    await hub.receives("app", {"host": "web1", "status": "problem"})
    await hub.later("4m")
    assert await hub.reloads(WAITING.replace("5m", "1h"))
    assert [] == await hub.told("web")
    await hub.later("1m")

    assert ["web1 is down"] == [one.message.title for one in await hub.told("web")]


async def test_a_member_that_was_held_wakes_when_it_is_free(hub: Scenario) -> None:
    """Its group was shown, so that an edit tells of it; but an edit wakes nobody."""
    await breaks(hub, "web1")
    await hub.later("10s")
    await hub.says("silence host=web2 for 30m")
    await breaks(hub, "web2")
    await hub.later("29m")
    assert [] == await rings(hub)
    await hub.restarts()
    await hub.later("2m")

    assert ["web2 is down"] == await rings(hub)


async def test_a_member_that_healed_in_silence_wakes_nobody(hub: Scenario) -> None:
    await breaks(hub, "web1")
    await hub.later("10s")
    await hub.says("silence host=web2 for 30m")
    await breaks(hub, "web2")
    await heals(hub, "web2")
    await hub.later("1h")

    assert [] == await rings(hub)


async def test_nor_one_that_somebody_took_on_in_silence(hub: Scenario) -> None:
    await breaks(hub, "web1")
    await hub.later("10s")
    await hub.says("silence host=web2 for 30m")
    await breaks(hub, "web2")
    await hub.says("ack web2")
    await hub.later("1h")

    (message,) = [one for one in await hub.told() if one.message.kind == "alert"]
    assert [] == await rings(hub)
    assert "◐ web2 is down" in message.message.text


async def test_a_line_that_waits_for_its_turn_is_held_by_a_silence(hub: Scenario) -> None:
    """Who joined within the interval, and was silenced before it was over."""
    await breaks(hub, "web1")
    await hub.later("10s")
    await breaks(hub, "web2")
    await breaks(hub, "web3")
    await breaks(hub, "web4")
    await hub.says("silence host=web3 for 30m")
    await hub.later("20m")
    assert ["web2 is down", "web4 is down"] == await rings(hub)
    await hub.later("20m")

    assert ["web2 is down", "web4 is down", "web3 is down"] == await rings(hub)


async def test_a_line_that_is_held_outlives_the_recovery_of_another_member(begin, chat: FakeChat) -> None:
    """It waited for a chat that was away, and a silence of all of them came before it."""
    rules = RULES.replace("room:ops}", 'room:ops, night: "pager:night"}').replace(
        "to: ops, group_by", "to: night, group_by"
    )
    hub = await begin(rules, {**installed(), "pager": chat.integration()})
    await breaks(hub, "web1")
    await hub.later("10s")
    chat.failures = [Unreachable("away", retry_after=60)]
    await breaks(hub, "db1", "us")
    await hub.later("10s")
    await breaks(hub, "web2")
    await hub.says("silence cluster=eu for 30m")
    await heals(hub, "web1")
    await hub.later("29m")
    assert not any(chat.louds)
    await hub.later("2m")

    rang = [message.title for (_, message), loud in zip(chat.posted, chat.louds, strict=True) if loud]
    assert ["web2 is down"] == [title for title in rang if not title.startswith("cluster=eu")]


async def test_words_about_one_member_wait_until_that_one_is_free(hub: Scenario) -> None:
    for _ in range(4):
        await breaks(hub, "web1")
        await hub.later("20s")
        await heals(hub, "web1")
    await breaks(hub, "web1")
    await breaks(hub, "web2")
    await hub.later("5m")
    message = await hub.latest()
    await hub.says("silence host=web1 for 2h")
    await hub.says("silence host=web2 for 1h")
    rang = [line for line in await hub.thread(message) if line.loud]
    await hub.later("61m")
    assert rang == [line for line in await hub.thread(message) if line.loud]
    await hub.later("1h")

    assert ["Again: web1 is down: stays so, after it came back 4 times"] == [
        line.message.title for line in await hub.thread(message) if line.loud and line not in rang
    ]


async def test_who_came_and_went_within_an_interval_wakes_nobody(hub: Scenario) -> None:
    await breaks(hub, "web1")
    await hub.later("10s")
    await breaks(hub, "web2")
    await breaks(hub, "web3")
    await heals(hub, "web3")
    await hub.later("5m")
    lines = [(entry.loud, entry.message.title) for entry in await hub.thread(await hub.latest())]

    assert [(True, "web2 is down"), (False, "Resolved: web3 is down")] == lines


async def test_who_gets_worse_within_an_interval_is_one_and_as_bad_as_now(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES.replace("severity: error", 'severity: "{body.bad}"').replace("is down", "is {body.bad}"))
    for host in ("web1", "web2", "web3"):
        await hub.receives("app", {"host": host, "cluster": "eu", "status": "problem", "bad": "warning"})
        await hub.later("10s")
    await hub.receives("app", {"host": "web3", "cluster": "eu", "status": "problem", "bad": "error"})
    lines = [(entry.loud, entry.message.title, entry.message.text) for entry in await hub.thread(await hub.latest())]

    assert [(True, "web2 is warning", ""), (True, "web3 is error", "")] == lines


async def test_who_gets_better_within_an_interval_is_as_bad_as_by_then(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES.replace("severity: error", 'severity: "{body.bad}"').replace("is down", "is {body.bad}"))
    for host in ("web1", "web2", "web3"):
        await hub.receives("app", {"host": host, "cluster": "eu", "status": "problem", "bad": "error"})
        await hub.later("10s")
    await hub.receives("app", {"host": "web3", "cluster": "eu", "status": "problem", "bad": "warning"})
    await hub.later("5m")
    lines = [(entry.loud, entry.message.title) for entry in await hub.thread(await hub.latest())]

    assert [(True, "web2 is error"), (True, "web3 is warning")] == lines


async def test_the_last_line_of_a_group_says_of_nobody_that_they_fire(hub: Scenario) -> None:
    """Though some came since the line before it."""
    for host in ("web1", "web2"):
        await breaks(hub, host)
    await hub.later("10s")
    for host in ("web3", "web4", "web5", "web6", "web7", "web8", "web9"):
        await breaks(hub, host)
    for number in range(1, 10):
        await heals(hub, f"web{number}")
    *_, last = [(entry.loud, entry.message.title) for entry in await hub.thread(await hub.latest())]

    assert (False, "Resolved: 9 more resolved") == last


@pytest.mark.parametrize("starts", [False, True])
async def test_a_group_stands_as_long_as_who_is_in_it_may_come_back(begin, starts: bool) -> None:  # type: ignore[no-untyped-def]
    """However long that is by the rules, and with or without a start in between."""
    hub = await begin(f"{RULES}reopen_within: 2h\n")
    for host in ("web1", "web2"):
        await breaks(hub, host)
    await hub.later("1m")
    for host in ("web1", "web2"):
        await heals(hub, host)
    await hub.later("90m")
    await hub.hub.upkeep.forget()
    if starts:
        await hub.restarts()
    for host in ("web1", "web3"):
        await breaks(hub, host)
    await hub.later("10m")

    assert ["2 firing: eu"] == [one.message.title for one in await hub.told()]


async def test_who_comes_back_to_a_group_that_was_forgotten_is_told_anew(begin) -> None:  # type: ignore[no-untyped-def]
    """What its tool says of it was on its way for an hour."""
    hub = await begin(RULES.replace("repeat_interval: [30m, 1h]", "group_by: [source]"))
    for host in ("web1", "web2"):
        await hub.nagios(host)
    await hub.later("1m")
    for host in ("web1", "web2"):
        await hub.nagios(host, "UP", "RECOVERY")
    healed = hub.clock
    await hub.later("1h")
    await hub.hub.upkeep.forget()
    await hub.nagios("web1", at=healed + timedelta(minutes=5))
    await hub.later("1m")

    assert ["Resolved: 2: nagios", "web1 is DOWN (×2)"] == [one.message.title for one in await hub.told()]


@pytest.mark.parametrize("first", ["silence", "break"])
async def test_whom_a_silence_held_when_the_others_were_told_wakes_when_it_ends(hub: Scenario, first: str) -> None:
    """The message shows it, for the others' sake; that woke nobody for it."""
    if first == "break":
        await breaks(hub, "web1")
    await hub.says("silence host=web1 for 30m")
    if first == "silence":
        await breaks(hub, "web1")
    await breaks(hub, "web2")
    await hub.later("20m")
    (message,) = [one for one in await hub.told() if one.message.kind == "alert"]
    assert [] == [entry for entry in await hub.thread(message) if entry.loud]
    await hub.later("20m")

    assert ["web1 is down"] == [entry.message.title for entry in await hub.thread(message) if entry.loud]


@pytest.mark.parametrize("also", ["pause channel ops for 1h", "pause channel ops for 10m", ""])
async def test_what_a_silence_held_alone_is_told_once_when_it_ends(hub: Scenario, also: str) -> None:
    if also:
        await hub.says(also)
    await hub.says("silence host=web1 for 30m")
    await breaks(hub, "web1")
    await hub.later("2h")
    (message,) = [one for one in await hub.told() if one.message.kind == "alert"]

    assert [] == [entry for entry in await hub.thread(message) if entry.loud]
