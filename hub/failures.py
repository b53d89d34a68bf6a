"""What the hub says of itself when it fails: of what could not be understood, or not be routed, of what was due and not
done."""

from hub.core.event import Event, Report, Severity, Status
from hub.prose import say_count
from hub.store import MOST_COUNTED, Waiting

ROUTING = "routing"
QUARANTINE = "quarantine"


def not_routed(event: Event, failure: str) -> Report:
    return Report(
        status=Status.PROBLEM,
        kind=ROUTING,
        key=ROUTING,
        title="an event could not be routed, and nobody was told of it",
        severity=Severity.ERROR,
        body=f"{event.title} ({event.source}, {event.id}): {_last(failure)}\ntocsin replay {event.id}",
        labels={"source": event.source},
    )


def all_routed() -> Report:
    return Report(status=Status.RECOVERY, kind=ROUTING, key=ROUTING, title="every event is routed")


def not_understood(source: str, request: str, why: str, waiting: Waiting) -> Report:
    """`request` is the id of the newest of them."""
    least = "at least " if waiting.number >= MOST_COUNTED else ""
    since = f"{least}{say_count(waiting.number, 'request')} since {waiting.since:%Y-%m-%d %H:%M} UTC"
    return Report(
        status=Status.PROBLEM,
        kind=QUARANTINE,
        key=f"{QUARANTINE}:{source}",
        title=f"{source} posts what cannot be understood, and nobody is told of it",
        severity=Severity.ERROR,
        body=f"{why}\n{since} at /quarantine; when that is mended: tocsin replay {request}",
        labels={"source": source},
    )


def understood(source: str) -> Report:
    key = f"{QUARANTINE}:{source}"
    return Report(
        status=Status.RECOVERY, kind=QUARANTINE, key=key, title=f"nothing of {source} waits in quarantine any more"
    )


def not_done(timer: str, failure: str) -> Report:
    """`timer` is its kind and subject."""
    return Report(
        status=Status.PROBLEM,
        kind="timer",
        key=f"timer:{timer}",
        title=f"what was due could not be done, and is tried again each minute: {timer}",
        severity=Severity.ERROR,
        body=_last(failure),
    )


def done(timer: str) -> Report:
    return Report(status=Status.RECOVERY, kind="timer", key=f"timer:{timer}", title=f"what was due is done: {timer}")


def _last(failure: str) -> str:
    """Of a traceback, what was raised."""
    return (failure.strip().splitlines() or [""])[-1]
