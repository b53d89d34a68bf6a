"""Back into Nagios: acknowledge, unacknowledge, downtime, recheck. It is done when Nagios says so."""

import difflib
from collections.abc import Callable, Sequence

from hub.contracts import Ask, Control, Outcome, Result, Target, Tools, Verb
from hub.core.event import Labels
from hub.errors import UsageError
from hub.proof import Secret
from integrations.nagios import words
from integrations.nagios.status import NotKnown, Standing
from integrations.nagios.ways import Way, refused, way_of

TAKEN_WITHIN = 2.0
"""Seconds that Nagios may take between reading a command and writing its status."""

NO_WAY = refused("the settings of this source give no way into Nagios")


async def ack(target: Target, ask: Ask, tools: Tools) -> Outcome:
    return await _do("ack", target, ask, tools)


async def unack(target: Target, ask: Ask, tools: Tools) -> Outcome:
    return await _do("unack", target, ask, tools)


async def downtime(target: Target, ask: Ask, tools: Tools) -> Outcome:
    return await _do("downtime", target, ask, tools)


async def recheck(target: Target, ask: Ask, tools: Tools) -> Outcome:
    return await _do("recheck", target, ask, tools)


async def _do(verb: str, target: Target, ask: Ask, tools: Tools) -> Outcome:
    way = way_of(tools)
    if way is None:
        return NO_WAY
    try:
        stands = await _look(way, target)
        return _pointless(verb, target, stands, ask.asked_at.timestamp()) or await way.send(
            verb, target, ask, tools.now
        )
    except UsageError as error:
        return refused(str(error))


async def _look(way: Way, target: Target) -> Standing | NotKnown | None:
    return await way.look(words.host_of(target), words.service_of(target))


def _pointless(verb: str, target: Target, stands: Standing | NotKnown | None, asked_at: float) -> Outcome | None:
    """Why Nagios would drop it without a word; None if it would not, or nobody can tell."""
    if isinstance(stands, NotKnown):
        if not stands.names:
            return None  # one that knows no host at all has only just begun
        host = target.labels.get("host", "")
        if host in stands.names:
            return refused(f"it knows no service '{target.labels.get('service', '')}' on {host}")
        close = difflib.get_close_matches(host, stands.names, n=1)
        return refused(f"it knows no host '{host}'" + (f"; did you mean {close[0]}?" if close else ""))
    if stands is None or stands.as_of < asked_at:
        return None
    return _settled(verb, target, stands)


def _settled(verb: str, target: Target, stands: Standing) -> Outcome | None:
    """What there is nothing left to do about, by a status that is newer than the ask."""
    if verb == "unack":
        return None if stands.acknowledged else Outcome(result=Result.ALREADY, detail="nothing was acknowledged")
    if verb != "ack":
        return None
    if stands.acknowledged:
        return Outcome(result=Result.ALREADY)
    return refused(f"{target.name} is well: there is nothing to acknowledge") if stands.well else None


async def confirm(target: Target, ask: Ask, tools: Tools) -> Outcome | None:
    """Whether Nagios did it, where it can be asked. None: not yet, or nobody can tell."""
    way = way_of(tools)
    stands = await _look(way, target) if way else None
    if not isinstance(stands, Standing):
        return None
    asked_at = ask.asked_at.timestamp()
    done = {
        "ack": stands.acknowledged and stands.as_of >= asked_at,
        "unack": not stands.acknowledged and stands.as_of >= asked_at,
        "recheck": stands.last_check >= int(asked_at),
        "downtime": any(f"[{ask.id}]" in comment for comment in stands.downtimes)
        or stands.mute_downtime_at >= int(asked_at),
    }
    if done[ask.verb]:
        return Outcome(result=Result.DONE)
    # It was sent, and a status that is newer by far says that there was nothing to do it to.
    fresh = stands.as_of >= asked_at + TAKEN_WITHIN
    return _settled(ask.verb, target, stands) if fresh and stands.well else None


async def examine(tools: Tools) -> str:
    way = way_of(tools)
    return await way.examine() if way else ""


def aim(text: str, known: Sequence[Labels]) -> tuple[Target, str]:
    """The target at the beginning of a text, and the words behind it: `web301 disk swap`, `db1:Disk /var cleaning`."""
    said = text.strip()
    if said.startswith(QUOTES):
        name, rest = _quoted(said)
        host, colon, service = name.partition(":")
        return _target(host, _service_said(host, service.strip()) if colon else ""), rest
    first, _, rest = said.partition(" ")
    if not first:
        raise UsageError("say of which host or service: web301, or db1:Disk /var")
    host, colon, _ = first.partition(":")
    if not colon:
        return _target(host, ""), rest.strip()
    service, rest = _service(host, said[len(host) + 1 :], known)
    return _target(host, _service_said(host, service)), rest


QUOTES = ('"', "'")


def _quoted(text: str) -> tuple[str, str]:
    """What stands in the quotes with which a text begins, and the words behind them."""
    inside, end, rest = text[1:].partition(text[0])
    if not end:
        raise UsageError(f"the quote is not closed; write {text[0]}db1:Disk /var{text[0]}")
    return inside.strip(), rest.strip()


def _service(host: str, text: str, known: Sequence[Labels]) -> tuple[str, str]:
    """The service with which a text begins: in quotes, or the longest known of this host, or the first word."""
    if text.startswith(QUOTES):
        return _quoted(text)
    services = {labels["service"] for labels in known if labels.get("host") == host and labels.get("service")}
    for service in sorted(services, key=len, reverse=True):
        if text.lower() == service.lower() or text.lower().startswith(f"{service.lower()} "):
            return service, text[len(service) :].strip()
    first, _, rest = text.partition(" ")
    return first, rest.strip()


def _service_said(host: str, service: str) -> str:
    if not service:
        raise UsageError(f"say which service of {host}: {host}:Disk /var")
    return service


def _target(host: str, service: str) -> Target:
    host, service = words.field("host", host), words.field("service", service) if service else ""
    name = f"{host}:{service}" if service else host
    return Target(name=name, labels={"host": host} | ({"service": service} if service else {}))


def target_of(labels: Labels) -> Target | None:
    try:
        return _target(labels["host"], labels.get("service", ""))
    except (KeyError, UsageError):
        return None


def ready(setting: Callable[[str], Secret | None]) -> bool:
    return any(setting(name) is not None for name in ("COMMAND_FILE", "CGI_URL", "LIVESTATUS"))


CONTROL = Control(
    verbs={
        "ack": Verb(run=ack, usage="<host>[:<service>] [reason]", summary="acknowledge a problem in Nagios"),
        "unack": Verb(run=unack, usage="<host>[:<service>]", summary="take an acknowledgement away in Nagios"),
        "downtime": Verb(
            run=downtime,
            usage="<host>[:<service>] [for 2h] [reason]",
            summary="plan a downtime in Nagios from now on",
            takes_duration=True,
        ),
        "recheck": Verb(run=recheck, usage="<host>[:<service>]", summary="let Nagios check at once"),
    },
    ready=ready,
    missing="set TOCSIN_<SOURCE>_COMMAND_FILE, TOCSIN_<SOURCE>_CGI_URL or TOCSIN_<SOURCE>_LIVESTATUS",
    aim=aim,
    target_of=target_of,
    confirm=confirm,
    examine=examine,
)
