"""What people do: ack, resolve, ask why; by word and by button; and what is on record of it."""

import pytest
from aiohttp.test_utils import TestClient, TestServer
from scenario import Scenario

from hub.web import api


async def test_an_ack_without_a_way_to_the_tool_stands_here_only(hub: Scenario) -> None:
    await hub.nagios()
    reply = await hub.says("ack", under=await hub.latest())

    message = next(m for m in await hub.told() if m.message.state)
    assert reply.ok
    assert "acked" == message.message.state
    assert "acked by alice" in message.message.standing
    assert "here only" in message.message.standing


async def test_nagios_ack_without_a_way_is_refused_naming_the_setting(hub: Scenario) -> None:
    await hub.nagios()
    reply = await hub.says("nagios ack web301")

    assert not reply.ok
    assert "TOCSIN_" in reply.text
    assert "open" == (await hub.latest()).message.state


async def test_a_button_is_the_word(hub: Scenario) -> None:
    await hub.nagios()
    reply = await hub.presses("Ack", await hub.latest())

    message = next(m for m in await hub.told() if m.message.state)
    assert reply.ok
    assert "acked" == message.message.state
    assert "Unack" in [button.label for button in message.message.buttons]


async def test_what_is_taken_on_is_not_offered_again_while_it_is_silent(hub: Scenario) -> None:
    """Whoever reads it at night would think that nobody has it."""
    await hub.nagios()
    await hub.says("ack web301")
    await hub.says("silence nagios for 1h")

    message = next(m for m in await hub.told() if m.message.state)
    assert "silenced" == message.message.state
    assert ["Speak up", "Unack", "Resolve", "Why"] == [button.label for button in message.message.buttons]


async def test_resolve_here_and_a_new_problem_later(hub: Scenario) -> None:
    await hub.nagios(number=1)
    await hub.presses("Resolve", await hub.latest())
    message = next(m for m in await hub.told() if m.message.state)

    assert "resolved" == message.message.state
    assert "resolved here by alice" in message.message.standing


async def test_the_tools_own_ack_is_shown(hub: Scenario) -> None:
    await hub.nagios(number=1)
    await hub.nagios(kind="ACKNOWLEDGEMENT", number=2, NOTIFICATIONAUTHOR="jane", NOTIFICATIONCOMMENT="on it")

    message = await hub.latest()
    assert "acked" == message.message.state
    assert "acked by jane" in message.message.standing
    assert "acknowledged in Nagios" in message.message.standing


async def test_a_problem_after_a_confirmed_ack_means_that_nagios_dropped_it(hub: Scenario) -> None:
    await hub.nagios(number=1)
    await hub.nagios(kind="ACKNOWLEDGEMENT", number=2, NOTIFICATIONAUTHOR="jane", NOTIFICATIONCOMMENT="on it")
    await hub.later("1m")
    await hub.nagios(number=3)

    message = await hub.latest()
    assert "open" == message.message.state
    assert "its acknowledgement is gone" in message.message.standing


async def test_why_names_the_route(hub: Scenario) -> None:
    await hub.nagios()
    reply = await hub.says("why", under=await hub.latest())

    assert reply.ok
    assert "everything_else" in reply.text


async def test_an_unknown_command_runs_nothing_and_suggests(hub: Scenario) -> None:
    reply = await hub.says("shutup twiter")

    assert not reply.ok
    assert "shut up" in reply.text or "silence" in reply.text
    assert [] == hub.hub.actions.silences()


async def test_status_says_how_many_of_what_is_open_somebody_has_or_silenced(hub: Scenario) -> None:
    for number, host in enumerate(("web301", "web302", "db1"), 1):
        await hub.nagios(host, number=number)
    await hub.says("ack web301")
    await hub.says("silence host=db1 for 1h")

    assert "3 open alerts, 1 acked, 1 silenced; 1 silence" == (await hub.says("status")).text.splitlines()[0]


async def test_every_command_is_on_record(hub: Scenario) -> None:
    await hub.says("status")
    await hub.says("shut up twitter for 5m", by="bob")
    await hub.says("frobnicate", by="mallory")

    record = {entry.raw: entry for entry in await hub.hub.store.audit()}
    assert {"status", "shut up twitter for 5m", "frobnicate"} <= set(record)
    assert ("bob", True, "silence twitter") == (
        record["shut up twitter for 5m"].person,
        record["shut up twitter for 5m"].allowed,
        record["shut up twitter for 5m"].parsed.split(" for")[0],
    )
    assert not record["frobnicate"].allowed


async def test_what_was_said_of_an_alert_is_on_record_with_it(hub: Scenario) -> None:
    """By word, by button, and also what only asked why."""
    await hub.nagios()
    message = await hub.latest()
    [alert] = hub.hub.actions.alerts()
    await hub.says("ack", under=message)
    await hub.presses("Unack", await hub.latest())
    for words in ("why", "shut up for 5m", "status"):
        await hub.says(words, under=message)

    about = {entry.raw: entry.alerts for entry in await hub.hub.store.audit()}
    assert {(alert.id,)} == {about[words] for words in ("ack", "why", "shut up for 5m", "unack")}
    assert () == about["status"]


STORM = """\
version: 1
channels: {ops: room:ops}
routes: [{name: hosts, match: {kind: host}, to: ops, group_by: [source], group_wait: 1s}]
everything_else: {to: ops}
"""


async def test_who_acks_a_storm_acks_all_of_it_at_once(begin) -> None:
    """In few transactions, so that a message that tells of thousands is not worded again for each of them."""
    hub = await begin(STORM)
    for number in range(40):
        await hub.nagios(f"web{number}", number=number)
    await hub.later("5s")
    commits = list[int]()
    hub.hub.writer.listen(lambda changes: commits.append(len(changes.alerts)))
    reply = await hub.says("ack", under=await hub.latest())

    assert reply.ok
    assert "and 35 more likewise" in reply.text
    assert [40] == [count for count in commits if count]
    assert "acked" == (await hub.latest()).message.state


async def test_all_that_was_said_is_read_page_by_page(hub: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Newest first, each once, also while more is said."""
    monkeypatch.setattr(api, "LISTED", 2)
    for number in range(5):
        await hub.says(f"help {number}")
    pages, after = list[list[str]](), ""
    async with TestClient(TestServer(hub.hub.app)) as client:
        while after is not None:
            page = await (await client.get("/api/v1/audit", params={"after": after} if after else {})).json()
            pages, after = [*pages, [record["raw"] for record in page["audit"]]], page["next"]
            await hub.says("status")

    assert [["help 4", "help 3"], ["help 2", "help 1"], ["help 0"]] == pages


async def test_all_that_is_open_is_read_page_by_page(hub: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a storm, too, a script sees each alert once."""
    monkeypatch.setattr(api, "LISTED", 2)
    for number in range(5):
        await hub.nagios(f"web{number}", number=number)
    pages, after = list[list[str]](), ""
    async with TestClient(TestServer(hub.hub.app)) as client:
        while after is not None:
            asked = {"state": "open"} | ({"after": after} if after else {})
            page = await (await client.get("/api/v1/alerts", params=asked)).json()
            pages, after = [*pages, [alert["key"] for alert in page["alerts"]]], page["next"]

    assert [["web4", "web3"], ["web2", "web1"], ["web0"]] == pages


async def test_who_has_no_right_is_refused_and_told_which(begin) -> None:
    hub = await begin(
        """\
version: 1
sources: {twitter: {tool: json}}
channels: {ops: room:ops}
people: {alice: {github: alice-gh}, bob: {github: bob-gh}}
groups: {ops: [alice]}
everything_else: {to: ops}
access:
  - {allow: "silence *", who: group:ops, when: {for: "<= 2h"}}
"""
    )
    assert (await hub.says("shut up twitter for 1h", by="alice")).ok
    too_long = await hub.says("shut up twitter for 3h", by="alice")
    stranger = await hub.says("shut up twitter", by="bob")

    assert not too_long.ok
    assert not stranger.ok
    assert "silence" in stranger.text
    assert 1 == len(hub.hub.actions.silences())


async def test_times_are_said_and_meant_in_the_zone_of_the_hub(begin) -> None:
    """What a reply says can be said back; UTC stays UTC."""
    hub = await begin()
    hub.variables["TOCSIN_TIMEZONE"] = "Europe/Berlin"
    await hub.restarts()
    await hub.nagios("web301")
    silenced = await hub.says("shut up nagios until 06:30")
    back = await hub.says("shut up twitter until 06:30 CET")
    utc = await hub.says("shut up tocsin until 06:30 UTC")

    assert "nagios is quiet until 06:30 CET (2h 30m)" in silenced.text
    assert "twitter is quiet until 06:30 CET (2h 30m)" in back.text
    assert "tocsin is quiet until 07:30 CET (3h 30m)" in utc.text
