"""`alerts`: what is open now; first what nobody has, the worst of that, the newest of those."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hub.commands.phrases import read_match, say_id, say_time, say_title, source_called, tokens
from hub.commands.subjects import names_of
from hub.contracts import Actions, Call, Heard, Reply
from hub.core.alert import Ack, Alert, most_pressing
from hub.core.durations import say_duration
from hub.core.matching import alert_look, compile_match
from hub.core.namesakes import told_apart
from hub.errors import UsageError

name = "alerts"
ASKED = tuple(f"{what} {how}" for what in ("what's", "whats", "what is") for how in ("wrong", "broken", "open"))
WHO = ("who acked", "who has acked", "who has")
"""The list says of each who has it."""
aliases: Sequence[str] = ("list alerts", "show alerts", *WHO, *ASKED, *(f"{asked}?" for asked in ASKED))
usage = "alerts [open | acked] [<source>] [host=web301 …] [<severity, host, or words of the title>]"
summary = "list what is open now"
reads = True

MOST = 20

STATES: Mapping[str, Callable[[Alert], bool]] = {
    "open": lambda alert: alert.ack is None,
    "acked": lambda alert: alert.ack is not None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    state: str
    match: Mapping[str, Any]  # values as in a route
    words: tuple[str, ...]

    def takes(self) -> Callable[[Alert], bool]:
        """Whether an alert is asked for."""
        state, match = STATES.get(self.state), compile_match(self.match) if self.match else None

        def wanted(alert: Alert) -> bool:
            if (state and not state(alert)) or (match and not match.matches(alert_look(alert))):
                return False
            return all(_tells(alert, word) for word in self.words)

        return wanted


def _tells(alert: Alert, word: str) -> bool:
    """Whether the word, in lower case, is in its title, its severity, or what it is about."""
    if alert.severity and word == alert.severity.word:
        return True
    return word in alert.title.casefold() or word in names_of(alert)


def parse(words: str, heard: Heard, actions: Actions) -> Intent:  # noqa: ARG001 - the shape of a command
    said = list(tokens(words))
    first = said[0].casefold() if said else ""
    if first == "resolved":
        raise UsageError("what is resolved is on the pages of the hub; here are the open ones")
    state = said.pop(0).casefold() if first in STATES else ""
    pairs = [word for word in said if set("=<>") & set(word)]
    plain = [word for word in said if word not in pairs]
    sources = [word for word in plain if source_called(word, actions.sources())]
    if len(sources) > 1:
        raise UsageError(f"an alert has one source; say source={','.join(sources)}")
    source = (source_called(sources[0], actions.sources()) or "") if sources else ""
    asked = tuple(word.strip("\"'").casefold() for word in plain if word not in sources)
    return Intent(state=state, match=read_match(pairs, source), words=asked)


def calls(intent: Intent) -> Sequence[Call]:
    source = intent.match.get("source")
    return [Call(name=name, words=intent.state, arguments={"source": source} if isinstance(source, str) else {})]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:  # noqa: ARG001
    found = most_pressing(await actions.find(intent.takes()))
    if intent.state == "acked":
        found.sort(key=lambda alert: alert.ack.at if alert.ack else alert.opened_at)  # what was taken on longest ago
    if not found:
        return Reply(text="nothing is open" if not actions.alerts() else "nothing that is open fits that")
    apart = told_apart(found[:MOST])
    lines = [_say(alert, apart.get(alert.id, ""), actions) for alert in found[:MOST]]
    more = [f"and {len(found) - MOST} more; say a source or name=value to see fewer"] if len(found) > MOST else []
    return Reply(text="\n".join([*lines, *more]))


def _say_ack(ack: Ack, actions: Actions) -> str:
    since = _whole_minutes(actions.now() - ack.at)
    end = f", until {say_time(ack.until, actions.here())}" if ack.until else ""
    return f"acked by {ack.by} {f'{since} ago' if since else 'just now'}{end}"


def _whole_minutes(length: timedelta) -> str:
    minutes = length // timedelta(minutes=1)
    return say_duration(timedelta(minutes=minutes)) if minutes > 0 else ""


def _say(alert: Alert, apart: str, actions: Actions) -> str:
    since = _whole_minutes(actions.now() - alert.began_at)
    severity = alert.severity.word if alert.severity else "unknown"
    acked = f", {_say_ack(alert.ack, actions)}" if alert.ack else ""
    what = ", ".join(filter(None, (apart, alert.source, f"for {since}" if since else "just now")))
    return f"{say_id(alert)}  {severity}  {say_title(alert)} ({what}{acked})"
