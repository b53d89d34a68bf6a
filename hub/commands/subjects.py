"""Which alerts a sentence is about, and what is then to be done: by the tool where it lets us, else by the hub alone.

`ack`, `unack` and `resolve` share it. On an alert whose source has a control with that verb, `ack` *is*
`<tool> ack <target>`, one for each alert; else it is the hub's own word, and no tool is told.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import TypeVar

from hub.commands.phrases import (
    LISTED,
    QUOTES,
    SHOWN,
    about,
    around,
    say_id,
    say_time,
    say_title,
    short,
    source_called,
    split_bare,
    split_lead,
    split_length,
    split_reason,
    which_alert,
)
from hub.contracts import Actions, Call, Control, Heard, Reply, Target
from hub.core.alert import Alert
from hub.core.namesakes import HOSTLIKE
from hub.core.past import Act
from hub.core.records import replace
from hub.core.silence import Silence
from hub.errors import UsageError

T = TypeVar("T")

SHORTEST_ID = 4
UNCLEAR = frozenset({"all", "everything", "it", "this", "that"})
"""Outside of a thread these name no alert."""
WORDS_COMPARED, ALERTS_COMPARED = 4, 300
"""Bounds of the search for what somebody may have meant."""
ALIKE = 0.75
"""`wb301` is like web301, `web999` is not."""

AT_ONCE = 500
"""Deeds that are under way together."""
LASTING = frozenset({"ack"})
"""Verbs that end by themselves, after `for 2h` or `until 14:30` if that is said."""

_COMMA = re.compile(r"\s*,\s*(?:and\s+)?|\s+(?:and|&)\s+", re.IGNORECASE)
_WORD = re.compile(r"\w[\w.-]*\w|\w")
_DOMAIN = re.compile("[.:]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing that a tool is to be asked."""

    source: str
    tool: str
    verb: str
    target: Target
    reason: str = ""
    seconds: float | None = None

    def call(self) -> Call:
        arguments: dict[str, str | float] = {**self.target.labels, "target": self.target.name, "source": self.source}
        if self.seconds is not None:
            arguments["for"] = self.seconds
        return Call(name=f"{self.tool} {self.verb}", words=self.target.name, arguments=arguments)

    async def send(self, heard: Heard, actions: Actions) -> str:
        """Ask; gives the sentence that says so."""
        ask = await actions.ask(self.source, self.verb, self.target, self.reason, self.seconds, heard)
        what = f"{self.verb} {short(self.target.name)}{self._until(actions)}"
        return f"asking {self.source} to {what} … [{ask}]{self._undo(actions)}"

    def _until(self, actions: Actions) -> str:
        if self.seconds is None:
            return ""
        return f" until {say_time(actions.now() + timedelta(seconds=self.seconds), actions.here())}"

    def _undo(self, actions: Actions) -> str:
        control, back = actions.control(self.source), UNDO.get(self.verb)
        if control is None or back not in control.verbs:
            return ""
        return f' "{self.source} {back} {short(self.target.name)}" takes it back.'


UNDO = {"ack": "unack", "unack": "ack", "quiet": "unquiet", "downtime": "undowntime", "silence": "unsilence"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is to be done about one alert: by a request to its tool or, without one, here only."""

    verb: str
    alert: Alert
    request: Request | None = None
    reason: str = ""
    seconds: float | None = None
    """How long an ack counts, if that was said."""

    def call(self) -> Call:
        if self.request is not None:
            return replace(self.request.call(), alert=self.alert.id)
        act = Act(verb=self.verb, alert=self.alert.id, reason=self.reason, seconds=self.seconds)
        arguments = about(self.alert)
        return Call(name=self.verb, words=self.alert.key, arguments=arguments, act=act, alert=self.alert.id)


Here = Callable[[Deed, Heard, Actions], Awaitable[str]]
"""The hub's own part of a verb; gives the sentence that says what was done."""


async def plan(verb: str, words: str, heard: Heard, actions: Actions) -> Sequence[Deed]:
    """What `ack`, `unack` or `resolve` with these words asks for; raises UsageError."""
    said, seconds = await _lasting(words, heard, actions) if verb in LASTING else (words, None)
    alerts, reason = await _subjects(verb, said, words, heard, actions)
    return tuple(
        Deed(
            verb=verb,
            alert=alert,
            request=request_for(verb, alert, reason, actions, seconds),
            reason=reason,
            seconds=seconds,
        )
        for alert in alerts
    )


def request_for(verb: str, alert: Alert, reason: str, actions: Actions, seconds: float | None = None) -> Request | None:
    """The request to the alert's tool that the verb is; None where there is no way to the tool."""
    control = actions.control(alert.source)
    target = control.target_of(alert.labels) if control and verb in control.verbs else None
    if target is None:
        return None
    return Request(source=alert.source, tool=alert.tool, verb=verb, target=target, reason=reason, seconds=seconds)


async def carry_out(deeds: Sequence[Deed], here: Here, heard: Heard, actions: Actions) -> Reply:
    """Do them, and say of each what came of it: one that cannot be done does not hide the others."""

    async def do(deed: Deed) -> str:
        said = await (deed.request.send(heard, actions) if deed.request else here(deed, heard, actions))
        return f"{said}{_had(deed, heard)}"

    came = await together(do, deeds)
    failed = [
        f"{say_title(deed.alert)}: {one}" for deed, one in zip(deeds, came, strict=True) if not isinstance(one, str)
    ]
    done = [one for one in came if isinstance(one, str)]
    text = "\n".join([*some_of(failed), *some_of(done)])
    ways = [way for one in came if isinstance(one, UsageError) for way in one.proposals]
    return Reply(text=text, ok=not failed, proposals=tuple(way for way in ways if f'"{way}"' in text))


def _had(deed: Deed, heard: Heard) -> str:
    """Whom it was taken over from."""
    before = deed.alert.ack
    return f" {before.by} had it." if deed.verb == "ack" and before and before.by != heard.asker.person else ""


async def together(do: Callable[[T], Awaitable[str]], each: Sequence[T]) -> Sequence[str | UsageError]:
    """What comes of each. Those of a storm are thousands: many share a transaction, and the message that tells of all
    is edited once for them."""
    came = list[str | UsageError]()
    for begin in range(0, len(each), AT_ONCE):
        for one in await asyncio.gather(*map(do, each[begin : begin + AT_ONCE]), return_exceptions=True):
            if isinstance(one, BaseException) and not isinstance(one, UsageError):
                raise one
            came.append(one)
    return came


def some_of(lines: Sequence[str]) -> Sequence[str]:
    """The first, and how many more: what is said of a storm shall be readable."""
    return lines if len(lines) <= LISTED else [*lines[:LISTED], f"and {len(lines) - LISTED} more likewise"]


# ------------------------------------------------------------------------------------------------------ which alerts


async def _lasting(words: str, heard: Heard, actions: Actions) -> tuple[str, float | None]:
    """The words without how long it counts, and its seconds. `web301 2h` and `2h web301` have such a length, unless an
    alert is called that; in a thread the words may be a reason, and only what begins them is one."""
    said, seconds = split_length(words, actions.here())
    if seconds is not None:
        return said, seconds
    shorter, bare = (words, None) if in_thread(heard) else split_bare(words, actions.here())
    if bare is None:
        shorter, bare = split_lead(words, actions.here())
    named = bare is not None and await _called(split_reason(words)[0], actions)
    return (words, None) if named else (shorter, bare)


async def _subjects(verb: str, words: str, typed: str, heard: Heard, actions: Actions) -> tuple[Sequence[Alert], str]:
    """`typed` are the words with what stood among them; what is proposed instead has it, too."""
    head, reason = split_reason(words)
    sentence = f"{verb} {around(head, typed)}"
    if in_thread(heard):
        return await _in_thread(sentence, head, reason, heard, actions)
    if not head or (head.casefold() in UNCLEAR and not await _exact(head, actions)):
        raise _say_which(verb, sentence, actions.alerts())
    return await _listed(head, actions) or [await one_named(head, sentence, actions)], reason


def _say_which(verb: str, sentence: str, alerts: Sequence[Alert]) -> UsageError:
    if not alerts:
        return UsageError(f"say which alert to {verb}; nothing is open now")
    needing = sorted(alerts, key=lambda alert: (alert.ack is None) is (verb == "unack"))
    return which_alert(f"say which alert to {verb}", needing, sentence, _all_of_them(sentence, alerts))


def _all_of_them(sentence: str, alerts: Sequence[Alert]) -> str:
    said = sentence.replace(" {}", "", 1)
    return f'under a message that tells of several, "{said}" is for all of them' if len(alerts) > LISTED else ""


async def _listed(head: str, actions: Actions) -> Sequence[Alert]:
    """The alerts of `web301, web302 and db1`, if each of them is one; none, if it is no such list."""
    parts = _COMMA.split(head)
    found = [await _exact(part, actions) for part in parts] if len(parts) > 1 else []
    if not found or any(len(alerts) != 1 for alerts in found) or await _exact(head, actions):
        return ()
    return list({alerts[0].id: alerts[0] for alerts in found}.values())


def in_thread(heard: Heard) -> bool:
    return heard.post is not None


async def _in_thread(
    sentence: str, head: str, reason: str, heard: Heard, actions: Actions
) -> tuple[Sequence[Alert], str]:
    """In a thread the words are the reason, unless they name an alert exactly: nobody means both."""
    named = await _exact(head, actions) if head and head.casefold() != "this" else []
    if len(named) == 1:
        return named, reason
    if named:
        raise which_alert(f"'{short(head)}' is several alerts; say", named, sentence)
    unsaid = "" if head.casefold() == "this" else head
    return open_subjects(heard, actions), reason or unsaid


def open_subjects(heard: Heard, actions: Actions) -> Sequence[Alert]:
    """The open alerts of the thread; raises UsageError if there is none."""
    alerts = [alert for alert in actions.subjects(heard) if alert.open]
    if not alerts:
        raise UsageError("nothing of this thread is open any more")
    return alerts


async def one_named(words: str, sentence: str, actions: Actions) -> Alert:
    """The one open alert that the words name; raises UsageError where it is none or several, with `sentence`, where
    `{}` stands for an id, as what could be said instead."""
    found, bare = await _called(words, actions), _bare(words)
    if len(found) == 1:
        return found[0]
    if found:
        raise which_alert(f"'{short(words)}' may be several alerts; say", found, sentence)
    if source := source_called(bare, actions.sources()):
        own = await actions.find(of_source(source))
        if not own:
            raise UsageError(f"{source} is a source; nothing of it is open")
        raise which_alert(f"{source} is a source; say which", own, sentence, _all_of_them(sentence, own))
    none = f"no open alert is called '{short(words)}'"
    if near := _near(bare, actions):
        raise which_alert(f"{none}; perhaps say", near, sentence)
    raise UsageError(f'{none}; "alerts" lists them', proposals=["alerts"])


async def _called(words: str, actions: Actions) -> Sequence[Alert]:
    """The open alerts that the words name, else those in whose title they stand."""
    found, bare = await _exact(words, actions), _bare(words)
    if bare and not found:
        found = (bare != words and await _exact(bare, actions)) or await actions.find(_with_title(bare))
    return found


def _bare(words: str) -> str:
    return words.strip(f"{QUOTES}# ")


def _near(words: str, actions: Actions) -> Sequence[Alert]:
    """The newest open alerts whose name is one of the words, or is much like it."""
    alerts = actions.alerts()[:ALERTS_COMPARED]
    names = {alert.id: {alert.key.casefold(), *names_of(alert), *short_names_of(alert)} for alert in alerts}
    known = sorted({name for own in names.values() for name in own if len(name) <= SHOWN})
    said = [word for word in words.casefold().split()[:WORDS_COMPARED] if len(word) <= SHOWN]
    close = {word for word in said if word in known}  # else what is like one of them would stand beside what is one
    close = close or {name for word in said for name in get_close_matches(word, known, cutoff=ALIKE)}
    return [alert for alert in alerts if close & names[alert.id]]


def names_of(alert: Alert) -> set[str]:
    """By what people call it beside its title, in lower case."""
    return {alert.labels[name].casefold() for name in HOSTLIKE if alert.labels.get(name)}


def short_names_of(alert: Alert) -> set[str]:
    """`db7`, where it says `db7.fra.example.com` or `db7:9100`; of an address nothing."""
    return set(filter(None, map(short_name, names_of(alert))))


def short_name(name: str) -> str:
    first = _DOMAIN.split(name, maxsplit=1)[0]
    return "" if first.isdigit() else first


async def _exact(words: str, actions: Actions) -> Sequence[Alert]:
    """The alerts that the words name by the closest of several ways of naming."""
    said, ways = words.casefold(), (_by_id, _by_target, _by_host, _by_short_name)
    found = await actions.find(lambda alert: any(names(said, alert, actions) for names in ways))
    closest = ([alert for alert in found if names(said, alert, actions)] for names in ways)
    return next(filter(None, closest), [])


def _by_id(said: str, alert: Alert, actions: Actions) -> bool:  # noqa: ARG001 - the shape of its table
    return said == alert.id.casefold()


def _by_target(said: str, alert: Alert, actions: Actions) -> bool:
    target = target_of(alert, actions.tool_control(alert.tool))
    return said in (alert.key.casefold(), target.name.casefold() if target else "", alert.title.casefold())


def _by_host(said: str, alert: Alert, actions: Actions) -> bool:  # noqa: ARG001
    whole = alert.id.casefold()
    by_id = len(said) >= SHORTEST_ID and (whole.startswith(said) or whole.endswith(said))
    return by_id or said in names_of(alert)


def _by_short_name(said: str, alert: Alert, actions: Actions) -> bool:  # noqa: ARG001
    return said in short_names_of(alert)


def _with_title(words: str) -> Callable[[Alert], bool]:
    """Whether the title of an alert has all of these words."""
    said = set(_WORD.findall(words.casefold()))
    return lambda alert: bool(said) and said.issubset(_WORD.findall(alert.title.casefold()))


def alert_of(silence: Silence, actions: Actions) -> Alert | None:
    """The alert that a silence is about, if it is about just one."""
    return actions.alert(str(silence.match["id"])) if set(silence.match) == {"id"} else None


def target_of(alert: Alert, control: Control | None) -> Target | None:
    return control.target_of(alert.labels) if control else None


def of_source(source: str) -> Callable[[Alert], bool]:
    return lambda alert: alert.source == source


def aimed_at(source: str, target: Target, control: Control) -> Callable[[Alert], bool]:
    """Whether an alert of the source is about just this target."""

    def is_it(alert: Alert) -> bool:
        own = control.target_of(alert.labels) if alert.source == source else None
        return own is not None and own.labels == target.labels

    return is_it


def own_words(deed: Deed, done: str, back: str) -> str:
    """What the hub did by itself, and how to undo it."""
    return f'{say_title(deed.alert)} {done} (here only: no tool is told). "{back} {say_id(deed.alert)}" takes it back.'
