"""A hub in memory for commands: it holds what they may see, and writes down what they made it do."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.contracts import (
    Ask,
    Asker,
    Command,
    Control,
    Drilled,
    DrillResult,
    Heard,
    Match,
    Outcome,
    Result,
    Silenced,
    Target,
    Tools,
    Verb,
    Via,
)
from hub.core.alert import Ack, Alert, AlertId, Origin, Phase
from hub.core.effect import LOOKS_BACK, Effect, Hindsight
from hub.core.event import Labels, Severity
from hub.core.holds import Pause
from hub.core.matching import alert_look, compile_match
from hub.core.oncall import Override, Schedule
from hub.core.records import replace
from hub.core.silence import Silence, SilenceId, SilencePolicy
from hub.errors import UsageError

NOW = datetime(2026, 11, 21, 14, 17, tzinfo=UTC)


def an_alert(id: str, source: str = "nagios", *, tool: str = "", **fields: Any) -> Alert:
    title = fields.pop("title", f"{id} is broken")
    began = NOW - timedelta(minutes=12)
    ordinary: dict[str, Any] = {
        "key": f"key of {id}",
        "kind": "service",
        "phase": Phase.OPEN,
        "severity": Severity.ERROR,
        "worst": Severity.ERROR,
        "opened_at": began,
        "began_at": began,
        "updated_at": began,
        "decided_by": f"event of {id}",
    }
    return Alert(id=AlertId(id), source=source, tool=tool or source, title=title, **(ordinary | fields))


def acked(alert: Alert, by: str = "bob") -> Alert:
    return replace(alert, ack=Ack(by=by, at=NOW, origin=Origin.PERSON))


def heard(text: str = "", *, post: str | None = None, via: Via = Via.CHAT, person: str = "alice") -> Heard:
    asker = Asker(person=person, known=True)
    return Heard(text=text, asker=asker, place="room:ops", via=via, post=post, heard_at=NOW)


# ---------------------------------------------------------------------------------------------------------- a control


async def _done(target: Target, ask: Ask, tools: Tools) -> Outcome:
    return Outcome(result=Result.DONE)


def _target(host: str, service: str) -> Target:
    labels = {"host": host, "service": service} if service else {"host": host}
    return Target(name=f"{host}:{service}" if service else host, labels=labels)


def _target_of(labels: Labels) -> Target | None:
    return _target(labels["host"], labels.get("service", "")) if "host" in labels else None


def _aim(text: str, known: Sequence[Labels]) -> tuple[Target, str]:
    """The longest known target that begins the text; else its first word is a host."""
    targets = [target for labels in known if (target := _target_of(labels))]
    for target in sorted(targets, key=lambda target: len(target.name), reverse=True):
        if f"{text} ".startswith(f"{target.name} "):
            return target, text[len(target.name) :].strip()
    first, _, rest = text.partition(" ")
    host, _, service = first.partition(":")
    if not host:
        raise UsageError("a host is missing, as in web301 or web301:disk")
    return _target(host, service), rest


def _verb(usage: str, summary: str, run: Callable[..., Awaitable[Outcome]] = _done, *, lasts: bool = False) -> Verb:
    return Verb(run=run, usage=usage, summary=summary, takes_duration=lasts)


CONTROL = Control(
    verbs={
        "ack": _verb("<host>[:<service>] [reason]", "acknowledge a problem"),
        "unack": _verb("unack <host>[:<service>]", "take the acknowledgement back"),
        "downtime": _verb("nagios downtime <host> for 2h [reason]", "plan a downtime", lasts=True),
    },
    ready=lambda setting: True,
    missing="TOCSIN_<SOURCE>_COMMAND_FILE",
    aim=_aim,
    target_of=_target_of,
)


# -------------------------------------------------------------------------------------------------------------- a hub


@dataclass
class FakeActions:
    """`done` is what was done, in order: the verb, and what is to be seen of its arguments."""

    configured: dict[str, str] = field(
        default_factory=lambda: {"nagios": "nagios", "twitter": "json", "sensu": "sensu"}
    )
    held: list[Alert] = field(default_factory=list)
    threads: dict[str, Sequence[str]] = field(default_factory=dict)
    """The ids of the alerts of a post."""
    quiet: list[Silence] = field(default_factory=list)
    controls: dict[str, Control] = field(default_factory=dict)
    """The controls of those sources whose settings give a way to the tool."""
    words: Sequence[Command[Any]] = ()
    done: list[tuple[Any, ...]] = field(default_factory=list)

    def now(self) -> datetime:
        return NOW

    def here(self) -> datetime:
        return NOW

    def sources(self) -> Mapping[str, str]:
        return self.configured

    def alerts(self) -> Sequence[Alert]:
        return [alert for alert in self.held if alert.open]

    async def find(self, wanted: Callable[[Alert], bool]) -> Sequence[Alert]:
        return list(filter(wanted, self.alerts()))

    def alert(self, id: str) -> Alert | None:
        return next((alert for alert in self.held if alert.id == id), None)

    def subjects(self, heard: Heard) -> Sequence[Alert]:
        members = self.threads.get(heard.post, ()) if heard.post else ()
        return [alert for alert in map(self.alert, members) if alert is not None]

    def silences(self) -> Sequence[Silence]:
        return [silence for silence in self.quiet if silence.active(NOW)]

    def control(self, source: str) -> Control | None:
        return self.controls.get(source)

    def tool_control(self, tool: str) -> Control | None:
        return CONTROL if tool == "nagios" else None

    async def preview(self, matchers: Match) -> Effect:
        match = compile_match(matchers)
        firing = [alert for alert in self.alerts() if match.matches(alert_look(alert))]
        return Hindsight(match).effect(firing, NOW - LOOKS_BACK)

    async def silence(self, matchers: Match, seconds: float, reason: str, heard: Heard) -> Silenced:
        self.done.append(("silence", dict(matchers), seconds, reason))
        made = self.add_silence(f"S{len(self.quiet) + 1}", matchers, seconds, by=heard.asker.person)
        return Silenced(silence=made, effect=await self.preview(matchers))

    def add_silence(self, id: str, match: Mapping[str, Any], seconds: float = 900, by: str = "bob") -> Silence:
        silence = Silence(
            id=SilenceId(id), match=match, author=by, starts_at=NOW, ends_at=NOW + timedelta(seconds=seconds)
        )
        self.quiet.append(silence)
        return silence

    def channels(self) -> Mapping[str, str]:
        return {"ops": "room:ops", "web": "room:web"}

    def routes(self) -> Sequence[str]:
        return ["web", "everything_else"]

    async def drill(self, channel: str, heard: Heard) -> Sequence[Drilled]:
        self.done.append(("drill", channel))
        addresses = [channel] if channel else list(self.channels().values())
        return [Drilled(channel=at, address=at, result=DrillResult.DELIVERED) for at in addresses]

    async def pause(self, what: str, name: str, seconds: float, reason: str, heard: Heard) -> Pause:
        self.done.append(("pause", what, name, seconds, reason))
        return Pause(what=what, name=name, by="alice", starts_at=NOW, ends_at=NOW + timedelta(seconds=seconds))

    async def resume(self, what: str, name: str, heard: Heard) -> bool:
        self.done.append(("resume", what, name))
        return True

    def waiting(self) -> Sequence[Silence]:
        return [silence for silence in self.quiet if silence.waiting]

    def scheduled(self) -> Sequence[Silence]:
        return ()

    def silence_policy(self) -> SilencePolicy:
        return SilencePolicy()

    async def approve(self, silence: Silence, heard: Heard) -> Silence:
        self.done.append(("approve", silence.id))
        return replace(silence, approve_by=None)

    async def extend(self, silence: Silence, ends_at: datetime, heard: Heard) -> Silence:
        self.done.append(("extend", silence.id, ends_at))
        return replace(silence, ends_at=ends_at)

    async def unsilence(self, ids: Sequence[str], heard: Heard) -> Sequence[Silence]:
        self.done.append(("unsilence", *ids))
        ended = [replace(silence, ended_at=NOW, held=9) for silence in self.silences() if silence.id in ids]
        self.quiet = [silence for silence in self.quiet if silence.id not in ids]
        return ended

    async def ack(self, alert: Alert, reason: str, seconds: float | None, heard: Heard) -> datetime | None:
        self.done.append(("ack", alert.id, reason, *([seconds] if seconds else [])))
        return NOW + timedelta(seconds=seconds) if seconds else None

    async def unack(self, alert: Alert, heard: Heard) -> None:
        self.done.append(("unack", alert.id))

    async def resolve(self, alert: Alert, reason: str, heard: Heard) -> None:
        self.done.append(("resolve", alert.id, reason))

    async def ask(
        self, source: str, ask_verb: str, target: Target, reason: str, seconds: float | None, heard: Heard
    ) -> str:
        self.done.append(("ask", source, ask_verb, target.name, reason, seconds))
        return "8QK2"

    def schedules(self) -> Mapping[str, Schedule]:
        return {}

    def person(self, said: str, heard: Heard) -> str | None:
        return None

    def heard_alone(self, person: str) -> bool:
        return True

    async def give_back(self, schedule: str, heard: Heard) -> Sequence[Override]:
        return ()

    async def take(self, schedule: str, person: str, seconds: float, heard: Heard) -> datetime:
        self.done.append(("take", schedule, seconds))
        return NOW + timedelta(seconds=seconds)

    def commands(self) -> Sequence[Command[Any]]:
        return self.words

    async def explain(self, event: str, channel: str = "") -> str:
        return f"why not {channel}, of {event}" if channel else f"trail of {event}"

    async def status(self) -> Sequence[str]:
        return ["all is well"]
