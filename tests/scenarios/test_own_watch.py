"""What the hub says of its own watch: a beat that is missing, a channel that takes nothing, rules that were refused."""

import re
from contextlib import suppress
from datetime import timedelta

import pytest
from chat import FakeChat, TellingChat
from scenario import Scenario

from hub.contracts import WebhookRequest
from hub.errors import Refused, Unauthenticated, Unreachable
from hub.ingest import Malformed, NotNamed
from hub.registry import installed

RULES = """\
version: 1
channels: {ops: room:ops, pager: "pager:night"}
routes: [{name: paged, match: {tool: nagios}, to: pager}]
everything_else: {to: ops}
heartbeats:
  - {name: nagios-alive, match: {source: nagios, service: heartbeat}, every: 10m, grace: 2m}
  - {name: backup, every: 1d}
"""

SOURCES = """\
version: 1
channels: {ops: room:ops}
sources: {nagios-eu: {tool: nagios, heartbeat: {every: 10m, grace: 2m}}}
everything_else: {to: ops}
"""


async def begun(begin, rules: str = RULES, chat: FakeChat | None = None) -> Scenario:
    return await begin(rules, {**installed(), "pager": (chat or FakeChat()).integration()})


async def titles(hub: Scenario) -> list[str]:
    return [message.message.title for message in await hub.told()]


async def test_silence_is_told(begin) -> None:
    """Also of what was never heard; once, until it is heard again."""
    hub = await begun(begin)
    await hub.later("11m")
    assert [] == await titles(hub)
    await hub.later("2m")
    assert ["nagios-alive was not heard for 12m"] == await titles(hub)
    await hub.later("3h")
    assert 1 == len(await titles(hub))
    await hub.nagios("mon1", "OK", "RECOVERY", service="heartbeat", number=1)

    assert ["resolved"] == [message.message.state for message in await hub.told()]


async def test_a_restart_gives_its_full_time_again(begin) -> None:
    """What was sent while the hub was away nobody knows; but it is not forgotten over that."""
    hub = await begun(begin)
    await hub.stop()
    hub.clock += timedelta(hours=8)
    await hub.start()
    await hub.later("11m")
    assert [] == await titles(hub)
    await hub.later("2m")
    await hub.restarts()
    await hub.later("1h")

    assert ["nagios-alive was not heard for 12m"] == await titles(hub)


async def test_a_beat_that_somebody_closed_and_that_is_still_missing_is_told_again(begin) -> None:
    hub = await begun(begin)
    await hub.later("13m")
    await hub.says("resolve", under=await hub.latest())
    await hub.later("13m")

    assert "open" == (await hub.latest()).message.state


async def test_what_is_heard_in_time_is_no_news(begin) -> None:
    hub = await begun(begin)
    for number in range(1, 12):
        await hub.later("10m")
        await hub.nagios("mon1", "OK", "RECOVERY", service="heartbeat", number=number)

    assert [] == await titles(hub)


async def test_a_source_that_is_silent_is_told(begin) -> None:
    """Until anything comes of it: also what says nothing, what comes twice, and what nobody can read."""
    hub = await begun(begin, SOURCES)
    await hub.later("13m")
    assert ["nagios-eu was not heard for 12m"] == await titles(hub)
    await hub.nagios("web301", "UP", "RECOVERY", source="nagios-eu")
    assert "resolved" == (await hub.latest()).message.state
    for body in ({"NOTIFICATIONTYPE": "STRANGE"}, {"HOSTNAME": 7}, {"HOSTNAME": 7}):
        await hub.later("11m")
        with suppress(Malformed):
            await hub.receives("nagios-eu", body, delivery="same")
    await hub.later("11m")

    assert 1 == len(await titles(hub))
    assert [{"source": "nagios-eu"}] == [
        alert.labels for alert in hub.hub.state.alerts.values() if alert.source == "tocsin"
    ]


async def test_who_does_not_prove_to_be_a_source_is_no_sign_of_it(begin) -> None:
    hub = await begun(begin, SOURCES)
    await hub.stop()
    hub.variables["TOCSIN_NAGIOS_EU_SECRET"] = "s3cret"
    await hub.start()
    await hub.later("11m")
    with pytest.raises(Unauthenticated):
        await hub.nagios("web301", source="nagios-eu")
    await hub.later("2m")

    assert ["nagios-eu was not heard for 12m"] == await titles(hub)


async def test_to_hear_a_beat_writes_nothing(begin) -> None:
    """A source of a thousand events a second costs no row a second."""
    hub = await begun(begin, SOURCES)
    written: list[object] = []
    hub.hub.writer.listen(lambda changes: written.extend(changes.timers))
    for number in range(1, 60):
        await hub.later("10s")
        await hub.nagios("web301", "UP", "RECOVERY", source="nagios-eu", number=number)

    assert [] == written


async def test_a_shorter_time_counts_at_once(begin) -> None:
    hub = await begun(begin)
    await hub.later("1h")
    await hub.nagios("mon1", "OK", "RECOVERY", service="heartbeat", number=1)
    await hub.reloads(RULES.replace("every: 1d", "every: 90m"))
    await hub.later("31m")

    assert "backup was not heard for 1h 30m" in await titles(hub)


async def test_a_beat_can_be_posted(begin) -> None:
    hub = await begun(begin)
    posted = WebhookRequest(source="json", received_at=hub.clock)
    for _ in range(3):
        await hub.later("23h")
        await hub.hub.ingest.beat(posted, "backup")

    assert not [title for title in await titles(hub) if "backup" in title]
    with pytest.raises(NotNamed, match=r"did you mean backup\?"):
        await hub.hub.ingest.beat(posted, "bakcup")


async def test_a_beat_that_the_rules_let_go_of_is_no_alert_any_more(begin) -> None:
    hub = await begun(begin)
    await hub.later("15m")
    await hub.reloads(RULES.partition("heartbeats:")[0])
    await hub.settle()

    assert ["resolved"] == [message.message.state for message in await hub.told()]


async def test_a_dead_letter_is_told_elsewhere(begin) -> None:
    """Never into the channel that fails; and it is over when that takes something again."""
    chat = FakeChat(failures=[Refused("no such channel")])
    hub = await begun(begin, chat=chat)
    await hub.nagios("web301", number=1)
    assert ["pager:night did not take a message"] == await titles(hub)
    await hub.nagios("web302", number=2)

    assert ["resolved"] == [message.message.state for message in await hub.told()]


async def test_a_channel_that_fails_is_not_told_that_it_fails(begin) -> None:
    chat = FakeChat(failures=[Refused("no such channel")] * 9)
    hub = await begun(begin, RULES.replace("everything_else: {to: ops}", "everything_else: {to: pager}"), chat)
    await hub.nagios("web301", number=1)
    await hub.later("1m")

    assert 8 == len(chat.failures)


JSON = """\
version: 1
sources: {app: {tool: json, event: {title: "{body.title}", severity: "{body.severity}", status: notice}}}
channels: {ops: room:ops}
everything_else: {to: ops}
"""
NOT_UNDERSTOOD = "app posts what cannot be understood, and nobody is told of it"


async def posts_what_is_not_understood(hub: Scenario, title: str = "disk swapped") -> str:
    with pytest.raises(Malformed) as said:
        await hub.receives("app", {"title": title})
    await hub.later("1m")
    await hub.hub.upkeep.tell_of_quarantine()
    await hub.settle()
    return said.value.quarantined


async def test_a_source_that_is_not_understood_is_told_until_all_of_it_is_replayed(begin) -> None:
    """In one message, however much it is."""
    hub = await begin(JSON)
    ids = [await posts_what_is_not_understood(hub, title) for title in ("disk swapped", "fan broken")]
    assert [f"{NOT_UNDERSTOOD} (×2)"] == await titles(hub)
    assert f"tocsin replay {ids[1]}" in (await hub.told())[0].message.text
    assert await hub.reloads(JSON.replace('severity: "{body.severity}", ', ""))
    for id in ids:
        await hub.hub.ingest.replay(id)
    await hub.hub.upkeep.tell_of_quarantine()
    await hub.settle()

    over, *told = await hub.told()
    assert ("resolved", "nothing of app waits in quarantine any more (×2)") == (over.message.state, over.message.title)
    assert ["disk swapped", "fan broken"] == [one.message.title for one in told]


async def test_how_much_is_not_understood_is_said_and_said_anew_when_it_has_doubled(begin) -> None:
    """In the message, which wakes nobody; also over a restart. What is replayed counts no more."""
    hub = await begin(JSON)
    said = []
    for _ in range(5):
        await posts_what_is_not_understood(hub)
        said.append((await hub.told())[0].message.text)
    await hub.restarts()
    for _ in range(3):
        await posts_what_is_not_understood(hub)
    (told,) = await hub.told()

    assert [1, 2, 2, 4, 4] == [int(re.findall(r"(\d+) request", text)[0]) for text in said]
    assert f"{NOT_UNDERSTOOD} (×8)" == told.message.title
    assert "8 requests since 2026-11-21 03:00 UTC at /quarantine" in told.message.text
    assert [] == await hub.thread(told)


async def test_what_was_closed_by_hand_is_told_again_when_more_is_not_understood(begin) -> None:
    """And not because it still lies there, nor by a restart."""
    hub = await begin(JSON)
    await posts_what_is_not_understood(hub)
    await hub.says("resolve", under=await hub.latest())
    await hub.later("2m")
    await hub.hub.upkeep.tell_of_quarantine()
    await hub.restarts()
    await hub.hub.upkeep.tell_of_quarantine()
    await hub.settle()
    assert ["resolved"] == [told.message.state for told in await hub.told()]
    await posts_what_is_not_understood(hub)

    assert ["open"] == [told.message.state for told in await hub.told()]


async def test_refused_rules_are_told_until_good_ones_come(begin) -> None:
    hub = await begun(begin)
    assert not await hub.reloads("version: 7")
    await hub.settle()
    assert ["a changed routes.yaml was refused; the last good rules stay"] == await titles(hub)
    assert await hub.reloads(RULES + "# better\n")
    await hub.settle()

    assert ["resolved"] == [message.message.state for message in await hub.told()]


async def test_the_hub_can_be_told_to_shut_up(begin) -> None:
    hub = await begun(begin)
    await hub.says("shut up tocsin for 1h")
    await hub.later("30m")

    assert not [title for title in await titles(hub) if "not heard" in title]


async def test_what_goes_without_saying_is_no_sign_that_a_channel_takes_anything(begin) -> None:
    """A chat that cannot edit is sent nothing where its message would say the same."""
    chat = TellingChat()
    hub = await begin(RULES, {**installed(), "pager": chat.integration()})
    await hub.nagios("web301", number=1)
    chat.failures = [Unreachable("away") for _ in range(100)]
    await hub.nagios("web302", number=1)
    await hub.later("10m")
    await hub.nagios("web301", number=2, HOSTOUTPUT="still no ping")
    await hub.restarts()

    (broken,) = await hub.told()
    assert ("pager:night takes nothing", "open") == (broken.message.title, broken.message.state)
    assert [] == await hub.thread(broken)
