"""A restart in the middle of every timer: it is set, the hub stops, time passes; what was to follow follows, once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from chat import FakeChat, FakeTool
from scenario import Scenario
from web_page import WebPage

from hub.alerting.fallbacks import broken_channels
from hub.contracts import Utterance
from hub.core.durations import parse_duration
from hub.errors import Unreachable
from hub.registry import installed

RULES = """\
version: 1
channels: {ops: room:ops, managers: room:managers}
people: {alice: {pager: U1}, bob: {pager: U2}}
everything_else: {to: ops}
"""
APP = """\
labels: [cluster]
sources:
  app:
    tool: json
    expire_after: 1h
    event: {key: "{body.host}", title: "{body.host} is down", status: problem, severity: error,
      labels: {cluster: "{body.cluster}"}}
"""
EVERYTHING = "everything_else: {to: ops}\n"
PLANNED = "silences: [{name: moved, match: {host: web301}, from: 2026-11-21T04:00Z, until: 2026-11-21T07:00Z}]\n"
OFFICE = "time_windows: {office: {days: mon-fri, hours: '09:00-18:00'}}\n"


def rules(more: str = "", **otherwise: str) -> str:
    """The rules of a story, with what it sets for everything."""
    pace = "".join(f", {name}: {value}" for name, value in otherwise.items())
    return RULES.replace(EVERYTHING, f"everything_else: {{to: ops{pace}}}\n") + more


@dataclass(frozen=True, kw_only=True)
class Story:
    """`sets` brings the timer about; the hub sleeps `asleep`; then `seen` gives `follows`, however often one looks."""

    rules: str = RULES
    pinged: bool = False
    """A dead man's switch is."""
    sets: Callable[[Scenario], Awaitable[Any]]
    asleep: str
    awake: str = "1s"
    """How long it then runs, where the timer gives its full time again."""
    seen: Callable[[Scenario], Awaitable[Any]]
    follows: Any


# ------------------------------------------------------------------------------------------------------- what is seen


async def states(hub: Scenario) -> list[str]:
    return [str(one.message.state) for one in await hub.told() if one.message.state]


async def titles(hub: Scenario, room: str = "ops") -> list[str]:
    return [one.message.title for one in await hub.told(room)]


async def managers(hub: Scenario) -> list[str]:
    return await titles(hub, "managers")


async def lines(hub: Scenario) -> list[str]:
    """Of all threads."""
    heads = [one for one in await hub.told() if one.message.state]
    return [entry.message.title for head in heads for entry in await hub.thread(head)]


async def last_line(hub: Scenario) -> tuple[int, str]:
    """How many there are, and what the last says."""
    said = await lines(hub)
    return len(said), said[-1]


async def announced(hub: Scenario) -> list[str]:
    return [one.message.title for one in await hub.told() if not one.message.state]


async def answer(hub: Scenario) -> tuple[str, str]:
    (alert,) = hub.hub.actions.alerts()
    return alert.answer.result if alert.answer else "", alert.ack.by if alert.ack else ""


async def on_call(hub: Scenario) -> str:
    return (await hub.says("who's on call for web")).text.split()[1].strip(",")


async def on_call_and_announced(hub: Scenario) -> tuple[str, list[str]]:
    return await on_call(hub), [line for line in await announced(hub) if "On call" in line]


async def announced_last(hub: Scenario) -> tuple[int, str]:
    said = await announced(hub)
    return len(said), said[-1]


async def acked_and_said(hub: Scenario) -> tuple[list[str], list[str]]:
    return await states(hub), await lines(hub)


async def switched(hub: Scenario) -> list[timedelta]:
    """In how long it comes again."""
    return [due - hub.clock for due in hub.hub.state.timers_of("switch").values()]


# ----------------------------------------------------------------------------------------------- what brings it about


def one_by_one(*doings: Callable[[Scenario], Awaitable[Any]]) -> Callable[[Scenario], Awaitable[None]]:
    async def sets(hub: Scenario) -> None:
        for doing in doings:
            await doing(hub)

    return sets


def breaks(host: str = "web301", **more: str) -> Callable[[Scenario], Awaitable[Any]]:
    return lambda hub: hub.nagios(host, **more)  # type: ignore[arg-type]


def heals(host: str = "web301") -> Callable[[Scenario], Awaitable[Any]]:
    return lambda hub: hub.nagios(host, "UP", "RECOVERY")


def app(host: str) -> Callable[[Scenario], Awaitable[Any]]:
    return lambda hub: hub.receives("app", {"host": host, "cluster": "eu"})


def said(words: str) -> Callable[[Scenario], Awaitable[Any]]:
    async def says(hub: Scenario) -> None:
        reply = await hub.says(words)
        assert reply.ok, reply

    return says


def later(length: str) -> Callable[[Scenario], Awaitable[Any]]:
    return lambda hub: hub.later(length)


async def flaps(hub: Scenario) -> None:
    await hub.nagios()
    for _ in range(3):
        await hub.later("1m")
        await hub.nagios(state="UP", kind="RECOVERY")
        await hub.later("1m")
        await hub.nagios()


async def storms(hub: Scenario) -> None:
    for number in range(10):
        await hub.nagios(f"web{number}")


@asynccontextmanager
async def asking(hub: Scenario) -> AsyncIterator[None]:
    task = asyncio.create_task(hub.hub.asks.serve())
    await asyncio.sleep(0)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def asks(hub: Scenario) -> None:
    """Nagios was asked, and does not answer."""
    await hub.nagios()
    async with asking(hub), asyncio.timeout(10):
        await hub.says("nagios ack web301 disk swap")
        while (await answer(hub))[0] != "sent":
            await asyncio.sleep(0.001)


CODES: list[str] = []


async def no_pager(hub: Scenario) -> None:
    chat = hub.hub.outbox._chats["pager"]
    assert isinstance(chat, FakeChat)
    chat.failures = [Unreachable("away") for _ in range(100)]


async def broken(hub: Scenario) -> Mapping[str, str]:
    return broken_channels(hub.hub.state)


async def probes(hub: Scenario) -> None:
    await hub.hub.writer.probe()


async def probed(hub: Scenario) -> Mapping[str, datetime]:
    return hub.hub.state.timers_of("probe")


async def links(hub: Scenario) -> None:
    heard = Utterance(id="1", user="U7", room="ops", text="link")
    reply = await hub.hub.hearing.hear("pager", heard)
    assert reply is not None
    CODES.append(reply.text.split("link ")[1].split()[0])


async def linked(hub: Scenario) -> bool:
    return (await hub.says(f"link {CODES[-1]}", by="bob")).ok


STORIES = {
    "silence": Story(
        sets=one_by_one(said("silence host=web301 for 30m"), breaks()), asleep="1h", seen=states, follows=["open"]
    ),
    "silence-warns": Story(
        sets=one_by_one(breaks(), said("silence host=web301 for 2h")),
        asleep="1h 55m",
        seen=announced,
        follows=["host=web301 speaks again in 5m: 1 alert under it still fires"],
    ),
    "silence-lapses": Story(
        rules=rules("silence_policy: {second_person_above: 1}\n"),
        sets=one_by_one(breaks(), breaks("web302"), said("silence nagios for 2h")),
        asleep="1h",
        seen=announced_last,
        follows=(2, "nagios is not silenced: nobody agreed within 30m"),
    ),
    "silence-plan": Story(
        rules=rules(PLANNED),
        sets=later("1m"),
        asleep="2h",
        seen=announced,
        follows=["moved (host=web301) is quiet until 07:00 UTC, says routes.yaml"],
    ),
    "silence-dismissed": Story(
        rules=rules(PLANNED),
        sets=one_by_one(later("90m"), said("unsilence moved")),
        asleep="6h",
        seen=announced_last,
        follows=(2, "moved (host=web301) speaks again, says alice"),
    ),
    "expire": Story(rules=rules(APP), sets=app("web1"), asleep="2h", seen=states, follows=["resolved"]),
    "confirm": Story(sets=asks, asleep="2m", seen=answer, follows=("unknown", "alice")),
    "lift": Story(sets=one_by_one(asks, later("61s")), asleep="6m", seen=answer, follows=("", "")),
    "gather": Story(
        rules=rules(APP, group_by="[cluster]", group_interval="5m"),
        sets=one_by_one(app("web1"), later("10s"), app("web2"), app("web3")),
        asleep="10m",
        seen=lines,
        follows=["web2 is down", "web3 is down"],
    ),
    "remind": Story(
        rules=rules(repeat_interval="30m"),
        sets=breaks(),
        asleep="40m",
        seen=lines,
        follows=["still so after 40m: web301 is DOWN"],
    ),
    "flap": Story(
        sets=flaps,
        asleep="11m",
        seen=last_line,
        follows=(7, "Again: web301 is DOWN: stays so, after it came back 3 times"),
    ),
    "ack": Story(
        sets=one_by_one(breaks(), said("ack web301 for 1h")),
        asleep="2h",
        seen=acked_and_said,
        follows=(["open"], ["web301 is DOWN: the ack by alice ended after 2h and nobody confirmed it"]),
    ),
    "escalate": Story(
        rules=rules(escalate="[{after: 10m, to: managers}]"),
        sets=breaks(),
        asleep="1h",
        seen=managers,
        follows=["web301 is DOWN"],
    ),
    "beat": Story(
        rules=rules("heartbeats: [{name: backup, every: 10m, grace: 2m}]\n"),
        sets=later("1m"),
        asleep="8h",
        awake="13m",
        seen=titles,
        follows=["backup was not heard for 12m"],
    ),
    "switch": Story(pinged=True, sets=later("5s"), asleep="1h", seen=switched, follows=[timedelta(seconds=59)]),
    "settle": Story(
        rules=rules("inhibit: [{name: host, when: {kind: host}, quiets: {kind: service}, equal: [host]}]\n"),
        sets=one_by_one(breaks(), breaks(service="Disk", state="CRITICAL"), heals()),
        asleep="4m",
        seen=titles,
        follows=["web301 is UP", "web301 / Disk is CRITICAL"],
    ),
    "window": Story(
        rules=rules(OFFICE, deliver="{during: office, otherwise: defer}"),
        sets=breaks(),
        asleep="2d 7h",
        seen=titles,
        follows=["before office began: 1 still open", "web301 is DOWN"],
    ),
    "digest": Story(
        rules=rules(digest="{every: daily 09:00}"),
        sets=breaks(),
        asleep="2d 7h",
        seen=titles,
        follows=["digest: 1 still open"],
    ),
    "pause": Story(sets=one_by_one(said("pause ops for 1h"), breaks()), asleep="2h", seen=states, follows=["open"]),
    "storm": Story(
        rules=rules("storm: {most: 5, within: 1m}\n"),
        sets=storms,
        asleep="10m",
        seen=lines,
        follows=["calm again: what is new has a message of its own", "4 more firing"],
    ),
    "broken": Story(
        rules=RULES.replace("{ops: ", '{pager: "pager:night", ops: ').replace("{to: ops}", "{to: pager}"),
        sets=one_by_one(no_pager, breaks(), later("5m")),
        asleep="25h",
        seen=broken,
        follows={},
    ),
    "probe": Story(sets=probes, asleep="1h", seen=probed, follows={}),
    "link-code": Story(sets=links, asleep="11m", seen=linked, follows=False),
    "duty": Story(
        rules=rules("schedules: {web: {layers: [{people: [bob], rotate: daily}]}}\n"),
        sets=said("take web for 2h"),
        asleep="3h",
        seen=on_call_and_announced,
        follows=("bob", ["On call for web is bob now: the turn that alice took has ended"]),
    ),
}


async def test_each_timer_has_its_story(hub: Scenario) -> None:
    """So that a new one without is noticed."""
    ripening = hub.hub.upkeep._router._ripening
    assert ripening._turns.keys() | ripening._together.keys() == STORIES.keys()


@pytest.mark.parametrize("kind", STORIES)
async def test_what_was_to_follow_follows_once(begin, kind: str) -> None:
    story = STORIES[kind]
    async with WebPage().serves() as page:
        tools = {**installed(), "nagios": FakeTool().integration(), "pager": FakeChat().integration()}
        hub = await begin(story.rules, tools)
        if story.pinged:
            await hub.stop()
            hub.variables["TOCSIN_DEAD_MANS_SWITCH_URL"] = page.url
            await hub.start()
        await story.sets(hub)
        assert hub.hub.state.timers_of(kind), f"no timer '{kind}' is set"
        await hub.stop()
        hub.clock += parse_duration(story.asleep)
        await hub.start()
        await hub.later(story.awake)

        assert story.follows == await story.seen(hub)
        await hub.restarts()
        await hub.later("1s")
        assert story.follows == await story.seen(hub)
        await hub.stop()
