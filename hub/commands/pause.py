"""`pause`: let a channel or a route say nothing new for a while; what it missed is told when that ends."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hub.commands.phrases import read_phrase, say_seconds, say_time, short
from hub.contracts import Actions, Call, Heard, Reply
from hub.errors import UsageError

name = "pause"
aliases: Sequence[str] = ()
usage = "pause <channel or route> [for 1h | until 14:30] [because <reason>]"
summary = "let a channel or a route say nothing new for an hour, or as long as you say"
reads = False

UNSAID = 3600.0
KINDS = ("channel", "route")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What can be paused. `name` is a channel's address or a route's name; `said` is what people call it."""

    what: str
    name: str
    said: str
    clear: str = ""
    """How only this is meant: `channel web`, where a route is called web, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    place: Place
    seconds: float
    reason: str


def parse(words: str, heard: Heard, actions: Actions) -> Intent:
    phrase = read_phrase(words, actions.here())
    place = place_said(phrase.subject, name, heard, actions)
    return Intent(place=place, seconds=phrase.seconds or UNSAID, reason=phrase.reason)


def place_said(subject: str, verb: str, heard: Heard, actions: Actions) -> Place:
    """The channel or route that the words name; without words, where they are said. Raises UsageError."""
    kind, _, rest = subject.partition(" ")
    what, wanted = (kind.casefold(), rest.strip()) if kind.casefold() in KINDS and rest else ("", subject)
    channels, routes = actions.channels(), actions.routes()
    if wanted.casefold() in ("", "this", "this channel", "here"):
        wanted = heard.place
    found = [Place(what="channel", name=a, said=n) for n, a in channels.items() if wanted in (n, a)][:1]
    found += [Place(what="route", name=route, said=route) for route in routes if route == wanted]
    fitting = [place for place in found if what in ("", place.what)]
    if len(fitting) == 1:
        place = fitting[0]
        both = place.said in channels and place.said in routes
        return replace(place, clear=f"{place.what} {place.said}" if both else place.said)
    if fitting:
        ways = [f"{verb} channel {wanted}", f"{verb} route {wanted}"]
        raise UsageError(f'{wanted} is a channel and a route; say "{ways[0]}" or "{ways[1]}"', proposals=ways)
    there = f"channels are {short(', '.join(channels))}; routes are {short(', '.join(routes))}"
    missing = f"no channel or route is called '{short(wanted)}'" if wanted else f"say what to {verb}"
    raise UsageError(f"{missing}; {there}")


def calls(intent: Intent) -> Sequence[Call]:
    place = intent.place
    return [Call(name=name, words=place.said, arguments={"what": place.what, "for": intent.seconds})]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:
    place = intent.place
    pause = await actions.pause(place.what, place.name, intent.seconds, intent.reason, heard)
    until = say_time(pause.ends_at, actions.here())
    said = f"{place.what} {place.said} is paused until {until} ({say_seconds(intent.seconds)})"
    back = f"resume {place.clear}"
    return Reply(text=f'{said}. What it misses is told then. "{back}" ends it.', proposals=(back,))
