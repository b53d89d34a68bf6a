"""How the effect of a silence is said: whoever silences too much should see it at once."""

from collections.abc import Sequence

from hub.commands.phrases import LISTED, plain, say_named, short
from hub.contracts import Match
from hub.core.durations import say_duration
from hub.core.effect import LOOKS_BACK, Effect
from hub.prose import say_count

LATELY = f"the last {say_duration(LOOKS_BACK).replace('d', ' days')}"
NAMED = 3


def say_effect(match: Match, effect: Effect, *, begun: bool = True) -> Sequence[str]:
    """A line on what it hides now, or would hide once it has begun, and one on what it would have hidden lately."""
    lines = []
    if count := len(effect.firing):
        verb = "s fire" if count > 1 else " fires"
        lines.append(f"{count} open alert{verb} under it now, and {'will' if begun else 'would'} not be told again.")
    elif not (set(match) == {"source"} and plain(match["source"])):
        never = "" if effect.events else f", nor did anything of {LATELY}"
        lines.append(f"Nothing that is open now matches it{never}.")
    if effect.events:
        named = ", ".join(f"{one.events} × {_line(one.title)}" for one in effect.often[:NAMED])
        lines.append(f"In {LATELY} it would have held {say_hidden(effect)}: {named}.")
    return lines


def list_effect(effect: Effect) -> Sequence[str]:
    """The same at length, for who asked for a preview."""
    return [
        f"now: {say_count(len(effect.firing), 'open alert')}",
        *_bullets(say_named(effect.firing[:LISTED]), len(effect.firing)),
        f"in {LATELY}: {say_hidden(effect) or 'nothing'}",
        *_bullets([f"{one.events} × {_line(one.title)} ({one.source})" for one in effect.often], len(effect.often)),
    ]


def say_hidden(effect: Effect) -> str:
    """`412 events of 9 alerts`; empty if there were none."""
    if not effect.events:
        return ""
    least = "" if effect.whole else "at least "
    events, alerts = say_count(effect.events, "event"), say_count(effect.alerts, "alert")
    return f"{least}{events} of {alerts}"


def _bullets(texts: Sequence[str], of: int) -> Sequence[str]:
    more = [f"… and {of - LISTED} more"] if of > LISTED else []
    return [*(f"• {text}" for text in texts[:LISTED]), *more]


def _line(title: str) -> str:
    return short(" ".join(title.split()))
