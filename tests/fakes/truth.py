"""What is so, kept by other hands than the hub's: small, slow, and written from what the hub promises alone."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub.core.notification import MessageState

SEVERITIES = ("info", "warning", "error", "critical")
REOPEN_WITHIN = timedelta(minutes=10)
FLAPS, FLAPS_WITHIN = 3, timedelta(minutes=30)
ACK_LASTS = timedelta(hours=24)
SETTLE = timedelta(minutes=3)
"""After what explained a thing is over, and after a reload."""
NOW = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route as the file has it, in the few forms that the stories need. `match` is by equality."""

    name: str
    match: Mapping[str, str] = field(default_factory=dict)
    to: str
    group_by: tuple[str, ...] = ()
    otherwise: str = ""
    """Told in office hours only; what becomes of the rest."""
    repeat: timedelta | None = None
    escalate: tuple[timedelta, str] | None = None
    go_on: bool = False

    def leads_to(self, address: str) -> bool:
        """Whether it escalates to there, or reminds whoever is there, or may, by who is on call."""
        names = {self.escalate[1]} if self.escalate else set[str]()
        if self.to == ON_CALL and self.repeat:
            names.add(ON_CALL)
        of_turns = (*DESKS.values(), ADDRESSES["ops"])
        return any(address in of_turns if name == ON_CALL else address == ADDRESSES[name] for name in names)

    def as_written(self) -> Mapping[str, Any]:
        after = self.escalate
        return {
            **({"match": self.match} if self.match else {}),
            "to": self.to,
            **({"group_by": self.group_by} if self.group_by else {}),
            **({"deliver": {"during": "office", "otherwise": self.otherwise}} if self.otherwise else {}),
            **({"repeat_interval": _length(self.repeat)} if self.repeat else {}),
            **({"escalate": [{"after": _length(after[0]), "to": after[1]}]} if after else {}),
            **({"continue": True} if self.go_on else {}),
        }


def _length(span: timedelta) -> str:
    return f"{int(span.total_seconds())}s"


ADDRESSES = {"ops": "room:ops", "web": "room:web", "managers": "room:managers", "night": "pager:night"}
ADDRESSES |= {"operators": "room:ops", "chiefs": "room:managers", "nightly": "pager:night", "text": "sms:all"}
ON_CALL = "oncall:web"
DESKS = {"alice": "pager:@alice", "bob": "pager:@bob"}
"""Where they hear alone."""
OFFICE = {"days": "mon-fri", "hours": "09:00-18:00", "timezone": "Europe/London"}
APP = {
    "tool": "json",
    "expire_after": "6h",
    "event": {
        "key": "{body.key}",
        "title": "{body.title}",
        "status": "{body.status}",
        "severity": "{body.severity}",
        "labels": {"cluster": "{body.cluster}"},
    },
}
EXPIRES = {"app": timedelta(hours=6)}
BROKEN = "version: 1\nchannels: {ops: slak:ops}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A whole `routes.yaml`, and what it means."""

    routes: tuple[Route, ...] = ()
    everything_else: Route = field(default_factory=lambda: Route(name="everything_else", to="ops"))
    explains: bool = False
    """A host that is down explains its services."""
    instead: Mapping[str, str] = field(default_factory=dict)
    """By channel, its fallback."""
    planned: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What is silent in office hours, by the silence's name."""
    storm: int | None = None
    """Above how many new messages in a minute a channel has one for all of them."""

    def text(self) -> str:
        rules: dict[str, Any] = {
            "version": 1,
            "labels": ["cluster"],
            "sources": {"app": APP},
            "channels": {name: self._channel(name) for name in sorted(self.channels())},
            "routes": [{"name": route.name, **route.as_written()} for route in self.routes],
            "everything_else": self.everything_else.as_written(),
        }
        if self.has_turns:
            rules["people"] = {name: {"pager": name} for name in DESKS}
            rules["schedules"] = {"web": {"layers": [{"people": ["alice"], "rotate": "daily"}]}}
        if self.storm:
            rules["storm"] = {"most": self.storm, "within": "1m"}
        if self.planned:
            rules["silences"] = [
                {"name": name, "match": match, "during": "office"} for name, match in self.planned.items()
            ]
        if self.windowed:
            rules["time_windows"] = {"office": OFFICE}
        if self.explains:
            rule = {"name": "host", "when": {"kind": "host"}, "quiets": {"kind": "service"}, "equal": ["host"]}
            rules["inhibit"] = [rule]
        return json.dumps(rules, indent=1)  # which is YAML, too

    @property
    def has_turns(self) -> bool:
        return any(ON_CALL in (route.to, *(route.escalate or ())) for route in self.all())

    @property
    def windowed(self) -> bool:
        return bool(self.planned) or any(route.otherwise for route in self.all())

    def decide(self, facts: Mapping[str, str]) -> Iterator[Route]:
        took = False
        for route in self.routes:
            if all(facts.get(name) == value for name, value in route.match.items()):
                took = True
                yield route
                if not route.go_on:
                    return
        if not took:
            yield self.everything_else

    def _channel(self, name: str) -> Any:
        return {"to": ADDRESSES[name], "fallback": self.instead[name]} if name in self.instead else ADDRESSES[name]

    def all(self) -> Sequence[Route]:
        return (*self.routes, self.everything_else)

    def channels(self) -> frozenset[str]:
        told = {name for one in self.all() for name in (one.to, one.escalate[1] if one.escalate else one.to)}
        return frozenset((told | {*self.instead} | {*self.instead.values()}) - {ON_CALL})


def office(at: datetime) -> bool:
    """In winter, when London keeps UTC."""
    return at.weekday() < 5 and 9 <= at.hour < 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a tool says. `at` and `number` are its marks of order."""

    source: str
    kind: str
    key: str
    thing: str
    labels: Mapping[str, str]
    severity: str
    """Empty: it is well."""
    at: datetime | None = None
    number: int | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Life:
    """A thing that broke, from then until it is over."""

    source: str
    kind: str
    key: str
    thing: str
    labels: Mapping[str, str]
    severity: str
    worst: str
    firing: bool
    broke: bool = True
    """Of what was only ever well, no more is known than when."""
    acked_by: str = ""
    acked_as: str = ""
    """How bad it was then."""
    acked_until: datetime | None = None
    taken_at: datetime | None = None
    """When somebody took it last, and so knew of it."""
    count: int = 1
    backs: list[datetime] = field(default_factory=list)
    """When it came back from being well, or from being better."""
    healed_at: datetime | None = None
    """By the tool's clock."""
    over_at: datetime | None = None
    """By ours."""
    expires_at: datetime | None = None
    newest_at: datetime | None = None
    newest_number: int | None = None
    told: list["Telling"] = field(default_factory=list)
    stormed: set[str] = field(default_factory=set)
    """Where the message of a storm told of it."""
    broke_at: datetime
    worse_at: datetime
    """When it broke, or got worse, last, or an ack of it ended that nobody confirmed."""
    turned_at: datetime
    """When it last broke or healed, or was taken or let go."""
    eased_at: datetime | None = None
    said_at: datetime
    """When its tool last spoke of it."""

    def flaps(self, now: datetime) -> bool:
        """It comes and goes: its message may be a little behind, and wakes nobody before it rests."""
        return sum(now - at <= FLAPS_WITHIN + REOPEN_WITHIN for at in self.backs) >= FLAPS

    def rests(self, now: datetime) -> bool:
        """It flapped, and has stayed as it is for so long that it is news again."""
        return now - max(self.turned_at, *self.backs[-1:], self.broke_at) > REOPEN_WITHIN + timedelta(minutes=2)

    @property
    def facts(self) -> Mapping[str, str]:
        tool = "json" if self.source == "app" else self.source
        own = {"source": self.source, "tool": tool, "kind": self.kind, "key": self.key, "severity": self.severity}
        return {**self.labels, **own}


@dataclass(slots=True, kw_only=True, eq=False)
class Telling:
    """Where a life is told, by which routes (the newest last), and together with whom; alone: None."""

    address: str
    routes: list[Route]
    since: datetime
    """When the newest of them took it."""
    crowd: "Crowd | None"
    stormy: bool = False
    """It may be told by the message of a storm."""
    free_since: datetime | None = None
    """Since when nothing holds it; None while something does."""
    patience: timedelta = NOW
    """How much longer it may take to be told after that."""
    calm_since: datetime | None = None
    """Since when it fires, is free, and nobody has taken it."""
    known: bool = False
    bound: bool = True
    """By its window; not any more, once it was told though that is closed, to who is next in line, or hears instead."""

    @property
    def windowed(self) -> bool:
        return all(route.otherwise for route in self.routes)

    @property
    def owner(self) -> Route:
        """What is paused with it."""
        return self.routes[0 if self.crowd else -1]

    @property
    def turns(self) -> bool:
        """Whether it was told to whoever was on call."""
        return any(route.to == ON_CALL for route in self.routes)

    @property
    def repeat(self) -> timedelta | None:
        return min((route.repeat for route in self.routes if route.repeat), default=None)


@dataclass(slots=True, kw_only=True, eq=False)
class Crowd:
    """A generation of those that are told together."""

    members: list[Life] = field(default_factory=list)

    def over(self, now: datetime) -> bool:
        ends = [life.over_at for life in self.members if life.over_at is not None and not life.firing]
        return len(ends) == len(self.members) and now - max(ends) > REOPEN_WITHIN


@dataclass(slots=True, kw_only=True, eq=False)
class Silence:
    """`match` by equality, or `severity` by what it is at most; or just these lives."""

    match: Mapping[str, str] = field(default_factory=dict)
    lives: frozenset[Life] = frozenset()
    ends_at: datetime

    def covers(self, life: Life) -> bool:
        if self.lives:  # and whatever breaks of the same afterwards
            return any((one.source, one.key) == (life.source, life.key) for one in self.lives)
        return all(_holds(name, value, life.facts) for name, value in self.match.items())


def _holds(name: str, value: str, facts: Mapping[str, str]) -> bool:
    if name == "severity":
        most = SEVERITIES.index(value.removeprefix("<= "))
        return SEVERITIES.index(facts["severity"]) <= most
    return facts.get(name) == value


@dataclass(slots=True, kw_only=True)
class Truth:
    rules: Rules
    reloaded_at: datetime | None = None
    newest: dict[tuple[str, str], Life] = field(default_factory=dict)
    lives: list[Life] = field(default_factory=list)
    silences: dict[str, Silence] = field(default_factory=dict)
    """By the hub's id."""
    planned: Sequence[Silence] = ()
    """Those of the rules that hold now."""
    dismissed: set[str] = field(default_factory=set)
    """Planned silences that somebody ended before their time."""
    pauses: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """Until when, by `channel` and its address, or `route` and its name."""
    resumed: dict[str, datetime] = field(default_factory=dict)
    """By address, when a pause of that channel ended last."""
    taken_until: datetime | None = None
    """How long bob is on call; else it is alice."""
    duty_since: datetime | None = None
    crowds: dict[tuple[str, tuple[str, ...]], Crowd] = field(default_factory=dict)
    """The newest of each."""

    instead: set[tuple[str, str]] = field(default_factory=set)
    """Addresses, and those that ever were their fallbacks."""

    def __post_init__(self) -> None:
        self._knows_fallbacks()

    # ---------------------------------------------------------------------------------------------------- it happens

    def hears(self, said: Said, now: datetime) -> None:
        known = self.newest.get((said.source, said.key))
        if known is not None and _late(known, said):
            return
        if said.severity:
            self._breaks(known, said, now)
        else:
            self._heals(known, said, now)

    def _breaks(self, known: Life | None, said: Said, now: datetime) -> None:
        at = said.at or now
        expires = EXPIRES.get(said.source)
        reopens = known is not None and known.broke and at - (known.healed_at or at) <= REOPEN_WITHIN
        if known is None or not reopens:
            life = _life(said, now)
            self.newest[said.source, said.key] = life
            self.lives.append(life)
            self._decide(life, now)
        else:
            life = known
            passes = SEVERITIES.index(said.severity) > SEVERITIES.index(life.worst)
            rises = SEVERITIES.index(said.severity) > SEVERITIES.index(life.severity)
            if SEVERITIES.index(said.severity) < SEVERITIES.index(life.severity):
                life.eased_at = now
            if not life.firing or (rises and not passes):
                life.backs.append(now)
            if not life.firing or rises:
                life.worse_at = now
            if not life.firing:
                life.turned_at = life.broke_at = now
            life.firing, life.healed_at, life.over_at = True, None, None
            life.severity, life.count, life.said_at = said.severity, life.count + 1, now
            if life.acked_by and SEVERITIES.index(said.severity) > SEVERITIES.index(life.acked_as):
                life.acked_by = ""
            life.labels = {**life.labels, **said.labels}
            _mark(life, said)
            if passes:
                life.worst = said.severity
                self._decide(life, now)
        life.expires_at = now + expires if expires else None

    def _heals(self, known: Life | None, said: Said, now: datetime) -> None:
        if known is None:
            if said.at is not None or said.number is not None:
                self.newest[said.source, said.key] = _life(said, now)
            return
        _mark(known, said)
        if known.firing:
            self.ends(known, now, said.at or now)

    def ends(self, life: Life, now: datetime, healed_at: datetime) -> None:
        life.firing, life.healed_at, life.over_at, life.turned_at = False, healed_at, now, now
        life.expires_at = None

    def _decide(self, life: Life, now: datetime) -> None:
        """Each route that takes it has its way; of several to one place the first."""
        taken = {self.address(route.to): route for route in reversed([*self.rules.decide(life.facts)])}
        for address, route in taken.items():
            known = [telling for telling in life.told if telling.address == address]
            there = next((one for one in known if one.crowd is None or not self._waits_longer(one, route, now)), None)
            if there is None:
                crowd = self._crowd(life, route, now)
                stormy = self.rules.storm is not None or any(address in one.stormed for one in self.firing())
                life.told.append(Telling(address=address, routes=[route], since=now, crowd=crowd, stormy=stormy))
            elif route not in there.routes:
                there.routes.append(route)
                there.since = now

    def _waits_longer(self, telling: Telling, route: Route, now: datetime) -> bool:
        """Those with whom it is told there wait for what this route does not wait for."""
        if route.name == telling.owner.name:
            return False
        held = self._route_paused(telling.owner) and not self._route_paused(route)
        return held or (telling.windowed and not route.otherwise)

    def _crowd(self, life: Life, route: Route, now: datetime) -> Crowd | None:
        labels = tuple(life.facts.get(name, "") for name in route.group_by)
        if not labels or not all(labels):
            return None
        crowd = self.crowds.get((route.name, labels))
        if crowd is None or crowd.over(now):
            crowd = self.crowds[route.name, labels] = Crowd()
        crowd.members.append(life)
        return crowd

    def takes(self, lives: Iterable[Life], by: str, now: datetime) -> None:
        for life in lives:
            if not by and not life.acked_by:
                continue
            life.acked_by, life.acked_as, life.turned_at = by, life.severity, now
            life.taken_at = now if by else life.taken_at
            life.acked_until = now + ACK_LASTS

    def address(self, name: str) -> str:
        """Where a channel is now. What the rules know of nobody's turn, whoever hears everything else does."""
        if name == ON_CALL and self.rules.has_turns:
            return DESKS["bob" if self.taken_until else "alice"]
        if name == ON_CALL:
            return ADDRESSES[self.rules.everything_else.to]
        return ADDRESSES[name]

    def turns(self, until: datetime | None, now: datetime) -> None:
        """Bob takes it until then, or it goes back to alice."""
        self.taken_until, self.duty_since = until, now

    def resumes(self, what: str, name: str, now: datetime) -> None:
        del self.pauses[what, name]
        if what == "channel":
            self.resumed[name] = now

    def _knows_fallbacks(self) -> None:
        self.instead |= {(ADDRESSES[name], ADDRESSES[to]) for name, to in self.rules.instead.items()}

    def reloads(self, rules: Rules, now: datetime) -> None:
        if rules.has_turns is not self.rules.has_turns:
            self.duty_since = now
        self.rules, self.reloaded_at = rules, now
        self._knows_fallbacks()
        for life in self.firing():
            for telling in life.told:
                if telling.free_since is None:
                    telling.patience = SETTLE

    def ticks(self, now: datetime) -> None:
        """Time has come to here, and whatever ended by itself has ended."""
        for id in [id for id, silence in self.silences.items() if silence.ends_at <= now]:
            del self.silences[id]
        if not office(now):
            self.dismissed.clear()
        self.planned = [
            Silence(match=match, ends_at=now)
            for name, match in self.rules.planned.items()
            if office(now) and name not in self.dismissed
        ]
        for what, name in [pause for pause, ends_at in self.pauses.items() if ends_at <= now]:
            self.resumes(what, name, now)
        if self.taken_until is not None and self.taken_until <= now:
            self.turns(None, now)
        for life in self.firing():
            if life.acked_by and life.acked_until is not None and life.acked_until <= now:
                life.acked_by, life.turned_at, life.worse_at = "", now, now
            if life.expires_at is not None and life.expires_at <= now:
                self.ends(life, now, now)
        for life in self.lives:
            for telling in life.told:
                self._note(life, telling, self.holds(life, telling, telling.address, now), now)

    def _note(self, life: Life, telling: Telling, holds: frozenset[str], now: datetime) -> None:
        if not life.firing or holds:
            telling.free_since = None
            telling.patience = SETTLE if "explained" in holds else NOW
        elif telling.free_since is None:
            telling.free_since = now
        calm = telling.free_since is not None and not life.acked_by
        telling.calm_since = (telling.calm_since or now) if calm else None

    def shows(self, address: str, things: Iterable[str], stormed: Iterable[str], now: datetime) -> None:
        """A channel says of these that they fire, and of some that in the message of a storm."""
        for life in self.firing():
            if life.thing in stormed:
                life.stormed.add(address)
            for telling in self.own(life, address) if life.thing in things else ():
                telling.bound &= (
                    telling.known
                    or telling.crowd is not None
                    or "closed" not in self.holds(life, telling, address, now)
                )
                telling.known = True

    # --------------------------------------------------------------------------------------------------------- it is

    def firing(self) -> Sequence[Life]:
        return [life for life in self.newest.values() if life.firing]

    def called(self, thing: str) -> Life | None:
        return next((life for life in self.firing() if life.thing == thing), None)

    def silenced(self, life: Life) -> bool:
        return any(silence.covers(life) for silence in (*self.silences.values(), *self.planned))

    def holds(self, life: Life, telling: Telling, address: str, now: datetime) -> frozenset[str]:
        """What keeps it from waking anybody there."""
        found = {
            "silenced": self.silenced(life),
            "explained": self.explained(life),
            "closed": telling.bound and telling.windowed and self.rules.windowed and not office(now),
            "paused": self.paused(address) or self._route_paused(telling.owner),
        }
        return frozenset(name for name, so in found.items() if so)

    def _route_paused(self, route: Route) -> bool:
        """By its name, also where the rules say something else of it now."""
        return any(one.name == route.name for one in self.rules.all()) and ("route", route.name) in self.pauses

    def paused(self, address: str) -> bool:
        return ("channel", address) in self.pauses

    def explained(self, life: Life) -> bool:
        host = life.labels.get("host")
        return (
            self.rules.explains
            and life.kind == "service"
            and any(other.kind == "host" and other.labels.get("host") == host for other in self.firing())
        )

    def state(self, life: Life) -> MessageState:
        if not life.firing:
            return MessageState.RESOLVED
        if self.silenced(life):
            return MessageState.SILENCED
        return MessageState.ACKED if life.acked_by else MessageState.OPEN

    def own(self, life: Life, address: str) -> Sequence[Telling]:
        """How it is told there by routes that lead there."""
        return [telling for telling in life.told if telling.address == address]

    def ways(self, life: Life, address: str) -> Sequence[Telling]:
        """How it comes to be told there: by routes of its own, or by some that escalate, or fall back, to there. In a
        storm it may be any of them."""
        if address in life.stormed:
            return life.told
        return [telling for telling in life.told if telling.address == address or self.leads(telling, address)]

    def leads(self, telling: Telling, address: str) -> bool:
        """Whether it, or its company, may be told there as well: to who is next in line, or hears instead."""
        members = telling.crowd.members if telling.crowd else ()
        company = [one for member in members for one in member.told if one.crowd is telling.crowd] or [telling]
        routes = [route for one in company for route in one.routes]
        return (telling.address, address) in self.instead or any(route.leads_to(address) for route in routes)


def _late(known: Life, said: Said) -> bool:
    newer = said.at is not None and known.newest_at is not None and said.at > known.newest_at
    if said.number is not None and known.newest_number is not None:
        return said.number < known.newest_number and not newer
    return said.at is not None and known.newest_at is not None and said.at < known.newest_at


def _mark(life: Life, said: Said) -> None:
    newer = said.at is not None and (life.newest_at is None or said.at > life.newest_at)
    if said.number is not None:
        anew = newer and life.newest_number is not None
        life.newest_number = said.number if anew else max(said.number, life.newest_number or 0)
    if newer:
        life.newest_at = said.at


def _life(said: Said, now: datetime) -> Life:
    broke = bool(said.severity)
    return Life(
        source=said.source,
        kind=said.kind,
        key=said.key,
        thing=said.thing,
        labels=said.labels,
        severity=said.severity,
        worst=said.severity,
        firing=broke,
        broke=broke,
        healed_at=None if broke else said.at or now,
        newest_at=said.at,
        newest_number=said.number,
        broke_at=now,
        worse_at=now,
        turned_at=now,
        said_at=now,
    )
