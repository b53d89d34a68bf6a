"""Things that break and heal, as their tools tell it; and what must be so by then, reckoned by a few lines of its own.

Each thing is told by one client, which sends nothing more of it before it has an answer. So the order in which the hub
heard of it is known, and every answer can be foreseen.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hub.testing import read_fixture

REOPENS_WITHIN = 600
"""Seconds, by the tool's clock."""
CROWDS, FAR = "room:crowds", "slack:#far"
"""Where one message tells of several; and where the app is no member, so that it cannot look whether one arrived."""
RANKS = ("info", "warning", "error", "critical")
PUSH = Path(__file__).parents[3] / "integrations/github/fixtures/push-commit.http"


@dataclass(kw_only=True)
class Life:
    """An alert as it must be."""

    id: str
    key: str
    channel: str
    open: bool = True
    severity: str
    count: int = 1
    serial: int
    """Of the last thing that was said of it: it stands in its title."""
    healed_at: int = 0
    acked_by: str = ""
    acked_at_rank: int = 0

    @property
    def state(self) -> str:
        return "resolved" if not self.open else "acked" if self.acked_by else "open"


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a tool says next. `at` is in seconds, by its clock; `serial` rises with each."""

    what: str
    key: str
    severity: str
    at: int
    serial: int


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What sort of thing it is: how its tool says a step, and who hears of it."""

    source: str
    body: Callable[[Step], object]
    channel: str
    severities: Sequence[str] = ("warning", "error", "critical")
    updates: bool = False
    """Its tool says when somebody acknowledged it there."""
    acks: bool = False
    """People ack it here."""
    pause: float = 0.1
    """Seconds between two steps, on average."""
    fresh: bool = False
    """Each time that it breaks it is another thing, of another key."""
    beacon: bool = False
    """It never says that it is well: the hub must notice."""
    notices: bool = False
    watched: bool = False
    """Nobody takes it on before others have heard of it, too."""


@dataclass(kw_only=True)
class Thing:
    name: str
    kind: Kind
    dice: random.Random
    clock: int
    key: str = ""
    serial: int = 0
    lives: list[Life] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = self.name

    @property
    def life(self) -> Life | None:
        return self.lives[-1] if self.lives and self.lives[-1].open else None

    def choose(self) -> str:
        """What happens next."""
        if self.life is None or self.kind.beacon:
            return "problem"
        if self.kind.watched:
            return "recovery"
        choices = ["problem"] * 3 + ["recovery"] * 3 + ["late", "again"]
        choices += ["update"] * self.kind.updates + ["ack"] * self.kind.acks
        return self.dice.choice(choices)

    def step(self, what: str) -> Step:
        severity = self.dice.choice(self.kind.severities)
        if what == "late":
            return Step(what=what, key=self.key, severity=severity, at=self.clock - 30, serial=self.serial - 1)
        self.serial += 1
        if self.kind.fresh and what == "problem":
            self.key = f"{self.name}-{self.serial}"
        another_life = what == "problem" and self.life is None and self.dice.random() < 0.3
        self.clock += 2 * REOPENS_WITHIN if another_life else 60
        return Step(what=what, key=self.key, severity=severity, at=self.clock, serial=self.serial)

    def fold(self, step: Step, event: str) -> None:
        """What a step makes of it."""
        match step.what:
            case "problem":
                self._break(step, event)
            case "recovery" if self.life is not None:
                self.life.healed_at, self.life.serial, self.life.open = step.at, step.serial, False
            case "update" if self.life is not None:
                self.life.acked_by = "the tool"

    def _break(self, step: Step, event: str) -> None:
        last = self.lives[-1] if self.lives else None
        if last is None or last.key != step.key or (not last.open and step.at - last.healed_at > REOPENS_WITHIN):
            fresh = Life(id=event, key=step.key, channel=self.kind.channel, severity=step.severity, serial=step.serial)
            fresh.open = not (self.kind.notices or self.kind.beacon)
            self.lives.append(fresh)
            return
        # Nagios says nothing more of what is acknowledged there; who acked it here has it until it is worse than then.
        if last.acked_by == "the tool" or RANKS.index(step.severity) > last.acked_at_rank:
            last.acked_by = ""
        last.open, last.severity, last.serial, last.count = True, step.severity, step.serial, last.count + 1

    def ack(self, by: str) -> None:
        assert self.life is not None
        self.life.acked_by, self.life.acked_at_rank = by, RANKS.index(self.life.severity)


# ------------------------------------------------------------------------------------------ as their tools say it


def title(step: Step) -> str:
    return f"{step.key} says #{step.serial}."


HOST_STATES = {"critical": "DOWN", "error": "UNREACHABLE"}


def nagios(step: Step) -> Mapping[str, str]:
    said = {"recovery": "RECOVERY", "update": "ACKNOWLEDGEMENT"}.get(step.what, "PROBLEM")
    return {
        "NOTIFICATIONTYPE": said,
        "HOSTNAME": step.key,
        "HOSTSTATE": "UP" if step.what == "recovery" else HOST_STATES[step.severity],
        "HOSTOUTPUT": title(step),
        "HOSTNOTIFICATIONID": str(step.serial),
        "TIMET": str(step.at),
    } | ({"NOTIFICATIONAUTHOR": "jane", "NOTIFICATIONCOMMENT": "on it"} if step.what == "update" else {})


def sensu(step: Step) -> Mapping[str, object]:
    well = step.what == "recovery"
    status = 0 if well else {"warning": 1, "critical": 2, "error": 3}[step.severity]
    check = {
        "metadata": {"name": "disk", "namespace": "default"},
        "status": status,
        "state": "passing" if well else "failing",
        "output": title(step),
    }
    entity = {"metadata": {"name": step.key, "namespace": "default"}, "entity_class": "agent"}
    return {"check": check, "entity": entity, "sequence": step.serial, "timestamp": step.at}


def anything(step: Step) -> Mapping[str, object]:
    status = "recovery" if step.what == "recovery" else "problem"
    where = {"key": step.key, "cluster": f"rack-{int(step.key.rpartition('-')[2]) % 3}"}
    return where | {"title": title(step), "status": status, "severity": step.severity, "at": step.at}


def push(step: Step) -> object:
    """A push whose head commit nobody pushed before."""
    commit = f"{step.serial:040x}"
    body = json.loads(read_fixture(PUSH).body)
    body["after"] = body["head_commit"]["id"] = body["commits"][0]["id"] = commit
    body["head_commit"]["message"] = body["commits"][0]["message"] = title(step)
    body["repository"]["full_name"] = f"acme/{step.key}"
    return body


EITHER = ("error", "critical")
KINDS: Mapping[str, Kind] = {
    "host": Kind(source="nagios", body=nagios, channel="room:ops", severities=EITHER, updates=True),
    "check": Kind(source="sensu", body=sensu, channel="room:checks"),
    "probe": Kind(source="probe", body=anything, channel="room:probes", acks=True),
    "repo": Kind(
        source="github", body=push, channel="room:code", fresh=True, notices=True, severities=("info",), pause=1.0
    ),
    "beacon": Kind(source="beacon", body=anything, channel="room:beacons", fresh=True, beacon=True, pause=2.0),
    "crowd": Kind(source="crowd", body=anything, channel=CROWDS, pause=1.0),
    "watched": Kind(source="watched", body=anything, channel="room:watched", fresh=True, watched=True, pause=1.0),
    "web": Kind(source="nagios-eu", body=nagios, channel="slack:#web", severities=EITHER, updates=True, pause=4.0),
    "app": Kind(source="app", body=anything, channel="slack:#app", acks=True, pause=4.0),
    "far": Kind(source="far", body=anything, channel=FAR, pause=4.0),
}
HOW = {
    "crowd": ", group_by: [cluster], group_wait: 2s, group_interval: 2s",
    "watched": ", repeat_interval: 1m, escalate: [{after: 2s, to: managers}]",
}
SOURCE = """\
  NAME: {tool: json, expire_after: EXPIRES, event: {
    key: "{body.key}", title: "{body.title}", status: "{body.status}", severity: "{body.severity}",
    occurred_at: "{body.at}", labels: {cluster: "{body.cluster}"}}}
"""


def rules() -> str:
    """`routes.yaml` for all of them."""
    own = [kind for kind in KINDS.values() if kind.body is anything]
    sources = [SOURCE.replace("NAME", k.source).replace("EXPIRES", "3s" if k.beacon else "9h") for k in own]
    channels = [f'  to-{name}: "{kind.channel}"\n' for name, kind in KINDS.items()]
    routes = [
        f"  - {{name: {name}, match: {{source: {kind.source}}}, to: to-{name}{HOW.get(name, '')}}}\n"
        for name, kind in KINDS.items()
    ]
    return "".join(
        [
            "version: 1\nstorm: never\nlabels: [cluster]\n",
            *("sources:\n  nagios-eu: {tool: nagios}\n", *sources),
            *("channels:\n  managers: room:managers\n", *channels),
            *("routes:\n", *routes),
            "everything_else: {to: to-host}\n",
        ]
    )
