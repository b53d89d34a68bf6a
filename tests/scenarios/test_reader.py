"""What somebody believes who reads the channels and knows nothing else, and what is so: over any history.

`HISTORIES=2000 make test ARGS=tests/scenarios/test_reader.py` looks through that many, other ones each time.
"""

import asyncio
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from chat import FindingChat, TellingChat
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from reader import Belief, Entry, Head, Reader, Wake, thing_of
from scenario import Scenario
from truth import ADDRESSES as NAMED
from truth import BROKEN, DESKS, FLAPS, NOW, ON_CALL, Life, Route, Rules, Said, Silence, Telling, Truth

from hub.contracts import Via, WebhookRequest
from hub.core.durations import parse_duration
from hub.core.notification import MessageState, Occasion, Post
from hub.core.rules import OWN
from hub.errors import Refused, TocsinError, Uncertain, Unreachable
from hub.registry import installed

HISTORIES = int(os.environ.get("HISTORIES", "0"))

MINUTE = timedelta(minutes=1)
LAG = timedelta(seconds=10)
"""A message of many catches up within it; and `group_wait` is as long."""
FALLS_BACK = 6 * MINUTE
"""After it, at the latest, a fallback is told what its channel does not take."""
ROOMS = ("ops", "web", "managers")
PAGERS = ("pager:night", *DESKS.values())
TEXTED = "sms:all"
"""A chat without threads, where nothing can be edited."""
ADDRESSES = (*(f"room:{name}" for name in ROOMS), *PAGERS, TEXTED)

WHOLE = Rules(
    explains=True,
    routes=(
        Route(name="paged", match={"severity": "critical"}, to="night", go_on=True),
        Route(name="hosts", match={"kind": "host"}, to="ops", repeat=30 * MINUTE, escalate=(10 * MINUTE, "managers")),
        Route(
            name="apps",
            match={"source": "app"},
            to="web",
            group_by=("cluster",),
            repeat=60 * MINUTE,
            escalate=(20 * MINUTE, "managers"),
        ),
    ),
)
OFFICE_HOURS = Rules(
    explains=True,
    routes=(
        Route(name="later", match={"kind": "service"}, to="ops", otherwise="defer"),
        Route(name="listed", match={"source": "app"}, to="web", group_by=("cluster",), otherwise="digest"),
        Route(name="muted", match={"kind": "host"}, to="web", otherwise="mute", repeat=30 * MINUTE),
    ),
)
TOGETHER = Rules(
    routes=(
        Route(name="paged", match={"source": "app"}, to="night", group_by=("cluster",), go_on=True),
        Route(name="by-host", match={"tool": "nagios"}, to="ops", group_by=("host",), repeat=30 * MINUTE),
        Route(name="one-by-one", match={"source": "app"}, to="ops", escalate=(10 * MINUTE, "managers")),
    ),
)
IN_LINE = Rules(
    instead={"night": "managers"},
    routes=(
        Route(name="report", match={"tool": "nagios"}, to="managers", otherwise="mute", go_on=True),
        Route(name="paged", match={"severity": "critical"}, to="night", go_on=True),
        Route(name="hosts", match={"kind": "host"}, to="ops", escalate=(MINUTE, "managers")),
        Route(name="next", match={"source": "app"}, to="web", repeat=30 * MINUTE, escalate=(10 * MINUTE, "ops")),
    ),
)
STORMY = Rules(
    storm=2,
    routes=(
        Route(name="crowded", match={"cluster": "eu"}, to="web", group_by=("cluster",), go_on=True),
        Route(
            name="taken-on", match={"source": "app"}, to="web", repeat=30 * MINUTE, escalate=(10 * MINUTE, "managers")
        ),
    ),
)
ON_DUTY = Rules(
    routes=(
        Route(name="called", match={"severity": "critical"}, to=ON_CALL, repeat=30 * MINUTE, go_on=True),
        Route(name="services", match={"kind": "service"}, to="ops", escalate=(MINUTE, ON_CALL)),
        Route(name="shops", match={"source": "app"}, to="web", group_by=("cluster",), escalate=(10 * MINUTE, ON_CALL)),
    ),
)
GETS_WORSE = Rules(
    routes=(
        Route(
            name="bad",
            match={"severity": "critical"},
            to="ops",
            repeat=30 * MINUTE,
            escalate=(10 * MINUTE, "managers"),
        ),
        Route(name="later", match={"kind": "service"}, to="ops", otherwise="defer"),
        Route(name="listed", match={"cluster": "eu"}, to="ops", group_by=("cluster",), otherwise="digest"),
        Route(name="slowly", match={"source": "app"}, to="ops", group_by=("cluster",), escalate=(60 * MINUTE, "web")),
    ),
)
RENAMED = Rules(
    explains=True,
    everything_else=Route(name="everything_else", to="operators"),
    routes=(
        Route(name="woken", match={"severity": "critical"}, to="nightly", go_on=True),
        Route(
            name="hosts", match={"kind": "host"}, to="operators", repeat=30 * MINUTE, escalate=(10 * MINUTE, "chiefs")
        ),
    ),
)
"""What is in `WHOLE`, under other names."""
TEXTING = Rules(
    routes=(
        Route(
            name="texted", match={"tool": "nagios"}, to="text", repeat=30 * MINUTE, escalate=(10 * MINUTE, "managers")
        ),
        Route(name="next", match={"source": "app"}, to="ops", escalate=(10 * MINUTE, "text")),
    ),
)
MAINTAINED = Rules(
    planned={"shops": {"cluster": "eu"}, "hosts": {"kind": "host"}},
    routes=(
        Route(name="apps", match={"source": "app"}, to="web", group_by=("cluster",), repeat=30 * MINUTE),
        Route(name="paged", match={"severity": "critical"}, to="night", go_on=True),
        Route(name="hosts", match={"kind": "host"}, to="ops", escalate=(10 * MINUTE, "managers")),
    ),
)
BARE = Rules()
RULES = {
    "whole": WHOLE,
    "office hours": OFFICE_HOURS,
    "together": TOGETHER,
    "in line": IN_LINE,
    "stormy": STORMY,
    "on duty": ON_DUTY,
    "gets worse": GETS_WORSE,
    "renamed": RENAMED,
    "texting": TEXTING,
    "maintained": MAINTAINED,
    "bare": BARE,
}

NAGIOS = {"web1": "", "web2": "", "web1 / Disk": "Disk", "web2 / Disk": "Disk"}
STATES = {"": ("UP", "UNREACHABLE", "DOWN"), "Disk": ("OK", "WARNING", "CRITICAL")}
SEVERITY = {"UNREACHABLE": "error", "DOWN": "critical", "WARNING": "warning", "CRITICAL": "critical"}
APPS = {"shop": "eu", "cart": "eu", "mail": "us"}
FAILURES: dict[str, Callable[[], TocsinError]] = {
    "away": lambda: Unreachable("the pager is away"),
    "refusing": lambda: Refused("the pager wants none of it"),
    "mute": lambda: Uncertain("the pager hung up"),
}


class Night:
    """A hub, a reader of its channels, and the truth: all three go through the same history."""

    def __init__(self, folder: Path, rules: Rules) -> None:
        self.chat = FindingChat()
        self.texts = TellingChat()
        pager = self.chat.integration(person=lambda user: f"@{user}")
        tools = {**installed(), "pager": pager, "sms": self.texts.integration()}
        self.scenario = Scenario(folder, rules.text(), tools)
        self.truth = Truth(rules=rules)
        self.reader = Reader()
        self.well_since = self.scenario.clock
        """Since when the pager takes what it is given, or does not."""
        self.takes_nothing = False
        self.number = 0
        self.first = self.scenario.clock
        self._deliveries: list[WebhookRequest] = []

    @property
    def now(self) -> datetime:
        return self.scenario.clock

    # ------------------------------------------------------------------------------------------------------ it happens

    async def hears(self, events: Sequence[tuple[str, int, int, int]], *, dies: bool = False) -> None:
        """Several requests at once: what it is about, how bad, how many seconds ago, how many numbers ago. `dies`: so
        does the hub, which has taken them in and told nobody elsewhere."""
        requests = [self._request(*event) for event in events]
        hub = self.scenario.hub
        accepted = await asyncio.gather(*(hub.ingest.accept(request) for request, _ in requests))
        for (request, said), answer in zip(requests, accepted, strict=True):
            self.truth.hears(said, self.now)
            self.truth.ticks(self.now)
            self._deliveries.append(request)
            for id in answer.events:
                await self._is_decided(id)
        if dies:
            await self.scenario.restarts()
        await self.look()

    def _request(self, thing: str, state: int, ago: int, numbers: int) -> tuple[WebhookRequest, Said]:
        self.number += 1
        said, body = self._app(thing, state) if thing in APPS else self._nagios(thing, state, ago, numbers)
        headers = {"content-type": "application/json", "idempotency-key": str(self.number)}
        text = json.dumps(body).encode()
        return WebhookRequest(source=said.source, headers=headers, body=text, received_at=self.now), said

    def _nagios(self, thing: str, state: int, ago: int, numbers: int) -> tuple[Said, dict[str, str]]:
        service, host = NAGIOS[thing], thing.partition(" ")[0]
        word, number = STATES[service][state], max(1, self.number - numbers)
        at = (self.now - timedelta(seconds=ago)).replace(microsecond=0)
        prefix = "SERVICE" if service else "HOST"
        body = {
            "NOTIFICATIONTYPE": "PROBLEM" if state else "RECOVERY",
            "HOSTNAME": host,
            "TIMET": str(int(at.timestamp())),
            f"{prefix}STATE": word,
            f"{prefix}NOTIFICATIONID": str(number),
        } | ({"SERVICEDESC": service} if service else {})
        said = Said(
            source="nagios",
            kind="service" if service else "host",
            key=f"{host}:{service}" if service else host,
            thing=thing,
            labels={"host": host} | ({"service": service} if service else {}),
            severity=SEVERITY.get(word, ""),
            at=at,
            number=number,
        )
        return said, body

    def _app(self, thing: str, state: int) -> tuple[Said, dict[str, str]]:
        severity = ("", "warning", "critical")[state]
        body = {
            "key": thing,
            "title": f"{thing} is {severity or 'fine'}",
            "status": "problem" if state else "recovery",
            "severity": severity or "info",
            "cluster": APPS[thing],
        }
        labels = {"cluster": APPS[thing]}
        said = Said(source="app", kind="message", key=thing, thing=thing, labels=labels, severity=severity)
        return said, body

    async def _is_decided(self, id: str) -> None:
        stored = await self.scenario.hub.store.event(id)
        assert stored is not None
        assert "" == stored.failure
        assert stored.decision is not None
        assert stored.decision.routes or stored.decision.change not in ("opened", "noticed"), stored

    async def comes_and_goes(self, thing: str, times: int) -> None:
        for _ in range(times):
            await self.hears([(thing, 0, 0, 0)])
            await self.passes("20s")
            await self.hears([(thing, 2, 0, 0)])
            await self.passes("20s")

    async def hears_again(self, which: int) -> None:
        """A tool repeats a delivery: nothing comes of it."""
        if self._deliveries:
            request = self._deliveries[which % len(self._deliveries)]
            answer = await self.scenario.hub.ingest.accept(request)
            assert answer.duplicate
            await self.look()

    async def passes(self, length: str) -> None:
        """Time, with a look wherever something is due."""
        end = self.now + parse_duration(length)
        for _ in range(2_000):
            due = self.scenario.next_due()
            if due is None or due > end:
                break
            self.scenario.clock = max(self.now, due)
            await self.scenario.hub.upkeep.ripen()
            await self.look()
        else:
            pytest.fail("the hub wakes without end")
        self.scenario.clock = end
        await self.look()

    async def reloads(self, name: str) -> None:
        rules = RULES.get(name)
        assert await self.scenario.reloads(rules.text() if rules else BROKEN) is (rules is not None)
        if rules:
            self.truth.reloads(rules, self.now)
        await self.look()

    async def restarts(self) -> None:
        await self.scenario.restarts()
        await self.look()

    async def is_away(self, length: str) -> None:
        """Nobody is there for a while; what was due meanwhile is done at once."""
        was_well = self._is_well()
        await self.scenario.stop()
        self.scenario.clock += parse_duration(length)
        await self.scenario.start()
        if not was_well:  # what was on its way still is
            self.well_since = self.now
        await self.look()
        await self.passes("1s")

    async def tidies(self) -> None:
        """Memory lets go of what has come to rest."""
        await self.scenario.hub.upkeep.forget()
        await self.look()

    async def fails(self, how: str) -> None:
        """The pager does not take what it is given; empty: it does again."""
        self.chat.arrives = how == "mute"
        self.chat.failures = [FAILURES[how]() for _ in range(5_000)] if how else []
        if self.takes_nothing is not (how in ("away", "refusing")) or not how:
            self.well_since = self.now
        self.takes_nothing = how in ("away", "refusing")
        await self.look()

    # ----------------------------------------------------------------------------------------------- what people do

    async def says(self, verb: str, thing: str, by: str) -> None:
        """`ack`, `unack` or `resolve` of one alert, by its id."""
        life = self.truth.called(thing)
        alert = next((a for a in self.scenario.hub.operations.alerts() if life and _key(a) == _key(life)), None)
        if life is not None and alert is not None:
            reply = await self.scenario.says(f"{verb} {alert.id}", by=by)
            assert reply.ok or (verb == "unack" and not life.acked_by), reply
            self._done(verb, [life], by)
        await self.look()

    async def answers(self, verb: str, which: int, by: str) -> None:
        """A sentence in the thread of a message: it is about all that it is about."""
        head = self._head(which)
        if head is not None and head.storm:  # who is in it, and not shown yet, the reader cannot know
            await self.passes("15s")
            head = self._head(which)
        if head is not None:
            lives = self._members(head)
            await self._silences(head, lives, self._say(head, verb, by))
            self._done(verb, lives, by)
        await self.look()

    async def presses(self, label: str, which: int, by: str) -> None:
        """A button: it is about those who stand there as it is pressed, a moment later."""
        await self.passes("1s")
        head = self._head(which)
        button = next((b for b in self._buttons(head) if b.label == label), None) if head else None
        if head is not None and button is not None:
            lives = [life for thing in sorted(head.fires) if (life := self.truth.called(thing))]
            await self._silences(head, lives, self._press(head, button.value, by))
            self._done(label.lower(), lives, by)
        await self.look()

    def _done(self, verb: str, lives: Sequence[Life], by: str) -> None:
        if verb in ("ack", "unack"):
            self.truth.takes(lives, by if verb == "ack" else "", self.now)
        elif verb == "resolve":
            for life in lives:
                self.truth.ends(life, self.now, self.now)

    async def _say(self, head: Head, text: str, by: str) -> None:
        operations = self.scenario.hub.operations
        asker = self.scenario.hub.operations.asker(by, trusted=True, token=False)
        await operations.say(text, asker=asker, place=head.channel, thread=head.id, via=Via.CHAT)

    async def _press(self, head: Head, value: str, by: str) -> None:
        asker = self.scenario.hub.operations.asker(by, trusted=True, token=False)
        await self.scenario.hub.operations.press(value, asker=asker, place=head.channel)

    async def silences(self, match: dict[str, str], length: str) -> None:
        words = " ".join(
            f"{name}{value.replace(' ', '')}" if " " in value else f"{name}={value}" for name, value in match.items()
        )
        before = set(self._quiet())
        reply = await self.scenario.says(f"silence {words} for {length}")
        assert reply.ok, reply
        (id,) = set(self._quiet()) - before
        self.truth.silences[id] = Silence(match=match, ends_at=self.now + parse_duration(length))
        await self.look()

    async def unsilences(self, which: int) -> None:
        if ids := list(self.truth.silences):
            id = ids[which % len(ids)]
            reply = await self.scenario.says(f"unsilence {id}")
            assert reply.ok, reply
            del self.truth.silences[id]
        await self.look()

    async def pauses(self, which: int, length: str) -> None:
        rules = self.truth.rules
        places = [("channel", name) for name in sorted(rules.channels())] + [("route", one.name) for one in rules.all()]
        what, name = places[which % len(places)]
        reply = await self.scenario.says(f"pause {what} {name} for {length}")
        assert reply.ok, reply
        self.truth.pauses[what, NAMED.get(name, name)] = self.now + parse_duration(length)
        await self.look()

    async def resumes(self, which: int) -> None:
        """What was paused, if the rules know it still."""
        if pauses := list(self.truth.pauses):
            what, name = pauses[which % len(pauses)]
            reply = await self.scenario.says(f"resume {what} {name}")
            assert reply.ok or "no channel or route" in reply.text, reply
            if reply.ok:
                self.truth.resumes(what, name, self.now)
        await self.look()

    async def takes(self, length: str) -> None:
        """Bob takes the turn, or gives it back."""
        reply = await self.scenario.says(f"take web for {length}" if length else "give web back", by="bob")
        if reply.ok:
            self.truth.turns(self.now + parse_duration(length) if length else None, self.now)
        await self.look()

    async def _silences(self, head: Head, lives: Sequence[Life], act: Coroutine[Any, Any, None]) -> None:
        """Do what may begin or end silences of these lives."""
        before = self._quiet()
        await act
        after = self._quiet()
        for id in before.keys() - after.keys():
            if before[id].name:
                self.truth.dismissed.add(before[id].name)
            else:
                del self.truth.silences[id]
        for id in after.keys() - before.keys():
            alert = self.scenario.hub.actions.alert(after[id].match["id"])
            life = next(life for life in lives if _key(life) == _key(alert))
            self.truth.silences[id] = Silence(lives=frozenset({life}), ends_at=after[id].ends_at)

    def _quiet(self) -> dict[str, Any]:
        return {silence.id: silence for silence in self.scenario.hub.operations.silences()}

    def _head(self, which: int) -> Head | None:
        """A message of a room that says that something of ours fires."""
        heads = [
            head
            for name in ROOMS
            for head in self.reader.heads[f"room:{name}"].values()
            if head.fires and all(self.truth.called(thing) for thing in head.fires)
        ]
        return heads[which % len(heads)] if heads else None

    def _buttons(self, head: Head) -> Sequence[Any]:
        return self._shown[head.channel, head.id].message.buttons

    def _members(self, head: Head) -> Sequence[Life]:
        """Those who fire and that it is about, whether it says so yet or not."""
        life = next(life for thing in sorted(head.fires) if (life := self.truth.called(thing)))
        if head.storm:
            return [life for thing in head.fires if (life := self.truth.called(thing))]
        alone = any(way.crowd is None for way in self.truth.own(life, head.channel)) and not head.company
        crowds = [way.crowd for way in self.truth.ways(life, head.channel) if way.crowd and not alone]
        fires = [[member for member in crowd.members if member.firing] for crowd in crowds]
        return min(fires, key=lambda members: len({one.thing for one in members} ^ head.fires), default=[life])

    # ---------------------------------------------------------------------------------------------------- it is seen

    async def look(self) -> None:
        """Let everything be delivered that is due, read all channels, and compare."""
        self.truth.ticks(self.now)
        await self.scenario.hub.upkeep.ripen()
        await self.scenario.settle()
        self._shown: dict[tuple[str, str], Entry] = {}
        rang: list[Wake] = []
        for name in ROOMS:
            shown = await self.scenario.hub.operations.room_log.read(name)
            entries = [Entry(id=m.id, under=m.thread or "", message=m.message, loud=m.loud) for m in shown]
            rang += self._look(f"room:{name}", entries)
        for address in PAGERS:
            paged = self._look(address, self._pages(address))
            rang += paged if self._is_well() else ()
        texts = [
            Entry(id=f"m{n}", under=under, message=message, loud=loud)
            for n, ((under, message), loud) in enumerate(zip(self.texts.posted, self.texts.louds, strict=True), 1)
        ]
        rang += [wake for wake in self._look(TEXTED, texts) if not wake.new]  # each change is a message of its own
        for address in ADDRESSES:
            storms = [head.fires for head in self.reader.heads[address].values() if head.storm]
            self.truth.shows(address, self.reader.believes(address), set().union(*storms), self.now)
        for wake in rang:
            self._wakes_rightly(wake)
        await self._api_is_true()
        for address in ADDRESSES:
            await self._is_true(address)

    def _look(self, address: str, entries: Sequence[Entry]) -> Sequence[Wake]:
        self._shown |= {(address, entry.id): entry for entry in entries}
        return self.reader.look(address, entries, self.now, edits=address != TEXTED)

    def _pages(self, address: str) -> Sequence[Entry]:
        newest = dict(self.chat.edited)
        sent = zip(self.chat.rooms, self.chat.posted, self.chat.louds, strict=True)
        return [
            Entry(id=f"m{n}", under=under, message=newest.get(f"m{n}", message), loud=loud)
            for n, (room, (under, message), loud) in enumerate(sent, 1)
            if address == f"pager:{room.name}"
        ]

    def _is_well(self) -> bool:
        """The pager takes what it is given, and has for so long that nothing of before is on its way."""
        return not self.chat.failures and self.now - self.well_since >= 8 * MINUTE

    def _wakes_rightly(self, wake: Wake) -> None:
        """Nothing that is held or over wakes anybody, nor, with a reminder or the next step, what somebody has."""
        if wake.occasion is Occasion.DIGEST:
            self._lists_rightly(wake)
        if wake.head is None or not wake.head.says.keys() <= {*NAGIOS, *APPS}:  # what the hub says of itself
            return
        if any(self._in_one_breath(life, wake) for life in self.truth.lives):
            return
        words = wake.words.partition("\nresolved: ")[0]
        named = [life for life in self.truth.firing() if f"{life.thing} is " in words]
        gone = [thing for thing in (*NAGIOS, *APPS) if f"{thing} is " in words and self.truth.called(thing) is None]
        assert wake.new or not gone, f"woken for what is over, {gone}: {wake}"
        lives = named or [life for thing in wake.head.fires if (life := self.truth.called(thing))]
        ways = [(life, way) for life in lives for way in self.truth.ways(life, wake.channel)]
        free = [life for life, way in ways if not self.truth.holds(life, way, wake.channel, self.now)]
        assert free, f"woken for nothing: {wake}"
        alone = [life for life, way in ways if way.crowd is None and life in named]
        assert all(_says(wake.words, life.thing) == life.severity for life in alone), f"it is not so any more: {wake}"
        if wake.occasion is Occasion.ESCALATED or wake.words.startswith("still so"):
            assert any(not life.acked_by for life in free), f"somebody has it: {wake}"

    def _lists_rightly(self, wake: Wake) -> None:
        """What waited is not listed where its route wants it to be muted."""
        for thing in (*NAGIOS, *APPS):
            if f"{thing} is " in wake.words:
                lives = [life for life in self.truth.lives if life.thing == thing]
                ways = [way for life in lives for way in self.truth.ways(life, wake.channel)]
                assert any(route.otherwise != "mute" for way in ways for route in way.routes), (
                    f"{thing} is to be muted: {wake}"
                )

    def _in_one_breath(self, life: Life, wake: Wake) -> bool:
        """It broke or got worse and then healed or eased before anybody could be told: it is told as it stands."""
        came_and_went = self.now in (life.over_at, life.eased_at) and f"{life.thing} is " in wake.words
        reloaded = wake.new and self.truth.reloaded_at is not None and life.broke_at <= self.truth.reloaded_at
        if reloaded and f"{life.thing} is " in wake.words and self.now - life.broke_at <= LAG:
            return True  # it waited for its like, by the rules of before
        return came_and_went or (wake.new and life.broke_at == self.now and life.count > 1)

    async def _api_is_true(self) -> None:
        alerts = self.scenario.hub.operations.alerts()
        says = {_key(a): (a.severity.word, a.ack.by if a.ack else "", a.count) for a in alerts if a.source != OWN}
        assert {_key(life): (life.severity, life.acked_by, life.count) for life in self.truth.firing()} == says
        stored = await self.scenario.hub.store.alerts(state="open")
        assert {alert.id: alert for alert in stored} == {alert.id: alert for alert in alerts}

    async def _is_true(self, address: str) -> None:
        """The channel says what is so, each thing once; and what it must say it says."""
        if address in PAGERS and not self._is_well():
            return
        excused = await self._dead() if address in PAGERS else set[str]()
        for head in self.reader.heads[address].values():
            assert head.firing == len(head.fires), f"miscounted: {head}"
        believed = self.reader.believes(address)
        for thing, belief in believed.items():
            if thing not in excused:
                told, life = self.reader.about(address, thing), self.truth.called(thing)
                assert len(told) <= (self._ways(life, address) if life else 1), f"told twice: {told}"
                self._holds(address, thing, belief)
        for life in self.truth.firing():
            if life.thing not in excused and self._must_be_told(life, address):
                assert life.thing in believed, f"{address} does not know of {life.thing}"
                assert self._was_rung(life, address), f"nobody in {address} was woken for {life.thing}"
                assert self._was_called(life, address), f"nobody in {address} was called for {life.thing}"
                self._is_reminded_of(life, address)
            if life.thing not in excused and self._has_the_turn(address):
                self._is_said_again(life, address)
        heads = Counter(thing for head in self.reader.heads[address].values() for thing in head.says)
        lives = Counter[str]()
        for life in self.truth.lives:
            lives[life.thing] += self._ways(life, address)
        for thing in heads.keys() & lives.keys() - excused:
            assert heads[thing] <= lives[thing], f"{heads[thing]} messages of {lives[thing]} lives of {thing}"

    def _ways(self, life: Life, address: str) -> int:
        """In how many messages it may be told there: by itself, and with each company that it is in."""
        companies = {id(way.crowd) if way.crowd else 0 for way in self.truth.ways(life, address)}
        return len(companies) + bool(life.stormed - {address})

    def _holds(self, address: str, thing: str, belief: Belief) -> None:
        """A belief is true. What was repeated, a crowd, and what flaps may be behind for a moment."""
        if (own := self._own(thing)) is not None:
            assert own == belief, f"{address}: {thing}"
            return
        lives = [life for life in self.truth.lives if life.thing == thing]
        if not lives:  # what the hub says of itself, and is over before its message shows it
            return
        life = self.truth.called(thing) or max(lives, key=lambda life: life.turned_at)
        behind = (
            life.flaps(self.now) or address in life.stormed or any(way.crowd for way in self.truth.ways(life, address))
        )
        if address == TEXTED and life.flaps(self.now) and not life.rests(self.now):
            return  # there each time would be a message
        repeated = life.count > 1 and self.now - life.said_at < LAG
        if repeated or (behind and self.now - life.turned_at < LAG):
            return
        assert life.firing, f"{address} does not know that {thing} is over"
        state = self.truth.state(life)
        acked_by = life.acked_by if state is MessageState.ACKED else ""
        believed = belief.acked_by if belief.state is MessageState.ACKED else ""
        assert (state, acked_by) == (belief.state, believed), f"{address}: {thing}"

    def _must_be_told(self, life: Life, address: str) -> bool:
        """Its routes lead there, or it is the turn of who is there to hear of it, and nothing holds it."""
        if any(self._is_due(life, way) for way in self.truth.own(life, address)):
            return True
        if self._was_paused(address):
            return False
        return any(self._is_next(life, way, address) or self._hears_instead(life, way, address) for way in life.told)

    def _is_due(self, life: Life, way: Telling, since: datetime | None = None) -> bool:
        """Whether it was to be told by now, or what is so since then."""
        if way.free_since is None:
            return False
        company = any(one.crowd for one in self.truth.ways(life, way.address))
        many = company or way.stormy or self.truth.rules.storm or life.stormed
        wait = way.patience + (2 * LAG if many else LAG if life.flaps(self.now) else NOW)
        return self.now - max(way.free_since, since or way.free_since) >= wait

    def _was_paused(self, address: str) -> bool:
        return self.truth.paused(address) or self.now - self.truth.resumed.get(address, self.first) < MINUTE

    def _is_next(self, life: Life, way: Telling, address: str) -> bool:
        """Nobody has taken it for so long that whoever is there must have heard."""
        if way.calm_since is None:
            return False
        since = max(way.calm_since, way.since)
        return any(
            self.truth.address(route.escalate[1]) == address
            and (route.escalate[1] != ON_CALL or self._had_the_turn(life, way))
            and self.now - since > route.escalate[0] + 5 * MINUTE
            for route in way.routes
            if route.escalate
        )

    def _hears_instead(self, life: Life, way: Telling, address: str) -> bool:
        """Where it should have been told takes nothing for so long that its fallback must have heard."""
        falls = [(NAMED[name], NAMED[to]) for name, to in self.truth.rules.instead.items()]
        if (way.address, address) not in falls or way.calm_since is None or life.stormed or life.flaps(self.now):
            return False
        if way.known and life.worse_at <= self.well_since:  # it was told there, and nothing is new of it
            return False
        since = max(way.calm_since, life.worse_at)
        return self.takes_nothing and since >= self.well_since and self.now - since > FALLS_BACK + way.patience

    def _had_the_turn(self, life: Life, way: Telling) -> bool:
        """Whether whoever is on call now surely was as it became somebody's turn to hear of it."""
        since = self.truth.duty_since
        return since is None or (way.crowd is None and life.count == 1 and since <= life.turned_at)

    def _was_rung(self, life: Life, address: str) -> bool:
        """Whether a phone rang for it since it broke or got worse; of a crowd it rings once a minute at most."""
        if life.acked_by or (life.flaps(self.now) and not life.rests(self.now)):
            return True
        if address == TEXTED and life.backs:  # back before its end was told there, it is as it was: no new message
            return True
        since = life.worse_at if (life.eased_at or life.broke_at) < life.worse_at else life.broke_at
        if life.taken_at is not None and life.taken_at >= since:
            return True
        wait = (6 if address in life.stormed else 2) * MINUTE
        if not any(
            way.free_since and self.now - max(way.free_since, since) >= wait + way.patience
            for way in self.truth.own(life, address)
        ):
            return True
        return any(wake.new or f"{life.thing} is " in wake.words for wake in self._rang(life, address, since))

    def _rang(self, life: Life, address: str, since: datetime) -> Sequence[Wake]:
        """What rang there since then, of the messages that tell of it."""
        heads = {head.id for head in self.reader.about(address, life.thing)}
        return [
            wake
            for wake in self.reader.woken
            if wake.channel == address
            and wake.at >= since
            and wake.head
            and (wake.head.id in heads or life.thing in wake.head.says)
        ]

    def _was_called(self, life: Life, address: str) -> bool:
        """Whoever is next in line heard of it since it is nobody's; of a company they may have heard before, and, of
        what came and went, while it did."""
        if self._was_paused(address) or life.stormed or life.flaps(self.now):
            return True
        due = any(way.crowd is None and self._is_next(life, way, address) for way in life.told)
        since = life.backs[-FLAPS] if life.flaps(life.turned_at) else life.turned_at
        return not due or bool(self._rang(life, address, since))

    def _is_reminded_of(self, life: Life, address: str) -> None:
        for way in self.truth.own(life, address):
            if not way.turns:
                self._is_reminded(life, way, address, way.since)

    def _has_the_turn(self, address: str) -> bool:
        return self.truth.rules.has_turns and address == self.truth.address(ON_CALL)

    def _is_said_again(self, life: Life, address: str) -> None:
        """What was told to whoever was on call then, to whoever is now."""
        for way in life.told:
            if way.turns and not life.stormed:
                self._is_reminded(life, way, address, self.truth.duty_since or way.since)

    def _is_reminded(self, life: Life, way: Telling, address: str, since: datetime) -> None:
        if way.repeat is not None and way.calm_since is not None:
            rang = [wake.at for wake in self._rang(life, address, life.broke_at)]
            quiet_since = max([way.calm_since, way.since, since, *rang])
            assert self.now - quiet_since <= 2 * way.repeat + 5 * MINUTE, f"nobody is reminded of {life.thing}"

    def _own(self, thing: str) -> Belief | None:
        """What the hub says of itself: of that its own word counts."""
        alert = next((a for a in self.scenario.hub.operations.alerts() if thing_of(a.title) == thing), None)
        if alert is None or alert.source != OWN:
            return None
        by = alert.ack.by if alert.ack else ""
        return Belief(state=MessageState.ACKED if by else MessageState.OPEN, acked_by=by)

    async def _dead(self) -> set[str]:
        """What lies in the dead letters; of a message that is not of one alone, all that may be in it."""
        dead = await self.scenario.hub.store.deliveries(state="dead")
        ids = [item.id if isinstance(item, Post) else item.post for item in dead]
        posts = [post for id in ids if id and (post := await self.scenario.hub.store.post(id))]
        alerts = [await self.scenario.hub.store.alert(post.group) for post in posts]
        return {thing for alert in alerts for thing in ([thing_of(alert.title)] if alert else APPS)}


def _says(words: str, thing: str) -> str:
    """How bad a thing is, by these words."""
    word = words.partition(f"{thing} is ")[2].split()[0].rstrip(",:")
    return SEVERITY.get(word, word)


def _key(of: Any) -> tuple[str, str]:
    return of.source, of.key


# -------------------------------------------------------------------------------------------------- any history at all

THINGS = st.sampled_from([*NAGIOS, *APPS])
EVENTS = st.tuples(
    THINGS, st.sampled_from([0, 1, 2, 2]), st.sampled_from([0, 0, 0, 30, 400]), st.sampled_from([0, 0, 2])
)
SOME_EVENTS = st.lists(EVENTS, min_size=1, max_size=4)
WHICH = st.integers(0, 5)
PEOPLE = st.sampled_from(["alice", "bob"])
LENGTHS = st.sampled_from(["5s", "10s", "61s", "3m", "9m", "11m", "11m", "31m", "61m", "4h", "9h", "1d"])
MATCHES = st.sampled_from(
    [{"host": "web1"}, {"source": "app"}, {"cluster": "eu"}, {"severity": "<= warning"}, {"source": "nagios"}]
)


class AnyHistory(RuleBasedStateMachine):
    """Events, acts, silences, time, reloads, restarts, and a chat that fails, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.night: Night

    def run(self, doing: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(doing)

    @initialize(
        rules=st.sampled_from(sorted(RULES)),
        wait=st.sampled_from(["1m", "2d5h55m", "2d14h55m", "2d14h59m55s"]),
        events=SOME_EVENTS,
    )
    def begins(self, rules: str, wait: str, events: list[tuple[str, int, int, int]]) -> None:
        self.night = Night(Path(self.folder.name), RULES[rules])
        self.run(self.night.scenario.start())
        self.run(self.night.passes(wait))
        self.run(self.night.hears(events))

    @rule(events=SOME_EVENTS)
    def hears(self, events: list[tuple[str, int, int, int]]) -> None:
        self.run(self.night.hears(events))

    @rule(event=EVENTS)
    def hears_one(self, event: tuple[str, int, int, int]) -> None:
        self.run(self.night.hears([event]))

    @rule(events=SOME_EVENTS)
    def hears_and_dies(self, events: list[tuple[str, int, int, int]]) -> None:
        self.run(self.night.hears(events, dies=True))

    @rule(thing=THINGS, times=st.integers(3, 4))
    def comes_and_goes(self, thing: str, times: int) -> None:
        self.run(self.night.comes_and_goes(thing, times))

    @rule(length=LENGTHS)
    def passes(self, length: str) -> None:
        self.run(self.night.passes(length))

    @rule(length=LENGTHS)
    def passes_too(self, length: str) -> None:
        self.run(self.night.passes(length))

    @rule(verb=st.sampled_from(["ack", "unack", "resolve"]), thing=THINGS, by=PEOPLE)
    def says(self, verb: str, thing: str, by: str) -> None:
        self.run(self.night.says(verb, thing, by))

    @rule(verb=st.sampled_from(["ack", "unack", "resolve", "silence for 30m", "unsilence"]), which=WHICH, by=PEOPLE)
    def answers(self, verb: str, which: int, by: str) -> None:
        self.run(self.night.answers(verb, which, by))

    @rule(label=st.sampled_from(["Ack", "Unack", "Silence 1h", "Speak up", "Resolve"]), which=WHICH, by=PEOPLE)
    def presses(self, label: str, which: int, by: str) -> None:
        self.run(self.night.presses(label, which, by))

    @rule(match=MATCHES, length=st.sampled_from(["5m", "30m", "2h", "12h"]))
    def silences(self, match: dict[str, str], length: str) -> None:
        self.run(self.night.silences(match, length))

    @rule(which=WHICH)
    def unsilences(self, which: int) -> None:
        self.run(self.night.unsilences(which))

    @rule(which=st.integers(0, 11), length=st.sampled_from(["5m", "30m", "2h", "12h"]))
    def pauses(self, which: int, length: str) -> None:
        self.run(self.night.pauses(which, length))

    @rule(which=WHICH)
    def resumes(self, which: int) -> None:
        self.run(self.night.resumes(which))

    @rule(length=st.sampled_from(["", "30m", "4h", "1d"]))
    def takes(self, length: str) -> None:
        self.run(self.night.takes(length))

    @rule(name=st.sampled_from([*RULES, "broken"]))
    def reloads(self, name: str) -> None:
        self.run(self.night.reloads(name))

    @rule(how=st.sampled_from(["restarts", "restarts", "tidies", "hears again"]), which=WHICH)
    def changes_nothing(self, how: str, which: int) -> None:
        doing = {"restarts": self.night.restarts, "tidies": self.night.tidies}.get(how)
        self.run(doing() if doing else self.night.hears_again(which))

    @rule(length=st.sampled_from(["3m", "61m", "9h"]))
    def is_away(self, length: str) -> None:
        self.run(self.night.is_away(length))

    @rule(how=st.sampled_from(["", *FAILURES]))
    def fails(self, how: str) -> None:
        self.run(self.night.fails(how))

    def teardown(self) -> None:
        """In the end all is quiet, and every belief is true."""
        try:
            self.run(self.night.fails(""))
            self.run(self.night.passes("25m"))
        finally:
            self.run(self.night.scenario.stop())
            self.loop.close()
            self.folder.cleanup()


AnyHistory.TestCase.settings = settings(
    max_examples=HISTORIES or 25,
    stateful_step_count=40 if HISTORIES else 30,
    deadline=None,
    derandomize=not HISTORIES,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)
TestAnyHistory = AnyHistory.TestCase
