"""Text to intent: what was said, cleaned, matched as a whole against the words of the commands. Nothing runs here."""

import logging
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from inspect import isawaitable
from typing import Any, NamedTuple, Protocol, runtime_checkable

from hub.commands.phrases import REASONS
from hub.contracts import Actions, Command, Heard, Reply
from hub.errors import UsageError

log = logging.getLogger("tocsin.conversation")

LONGEST = 2_000
MOST_WORDS = 64
SHOWN = 80
NEAREST = 3
LONGEST_MEANT = 160
"""Of what was said, with a word of it mended: of more, the usage is easier to read."""
TAKE_BACK = frozenset({"undo", "cancel", "revert"})
LIKENESS = 0.6
"""How alike a word must be to be suggested; difflib's own default."""

# Telephones and chats put these for what was typed.
TYPED = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "‐": "-", "‑": "-"}  # noqa: E501
)  # fmt: skip

_ADDRESS = re.compile(r"(?:[@/]?tocsin(?=[\s:,]|$)[:,]?|!)\s*", re.IGNORECASE)

# What people put around a sentence at night: a nicety, a sigh, an emoji or its name.
NICETIES = frozenset({"please", "pls", "plz", "hey", "hi", "ok", "okay", "thanks", "thx", "ty"})
THANKS = frozenset({"thanks", "thank", "thx", "ty", "cheers"})
AMONG_THANKS = NICETIES | {"you", "a", "lot", "so", "very", "much", "many", "tocsin"}
SIGHS = ".,!…"
_LETTERS = re.compile(r"[^\W\d_]+")
_EMOJI_NAME = re.compile(r":[\w+-]+:")
_HALF_OF_DAY = re.compile(r"[\d:]*[ap]\.m\.", re.IGNORECASE)

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    command: Command[Any]  # each command has an intent of its own
    intent: Any


@runtime_checkable
class OfTool(Protocol):
    """A command of a tool, which the name of one of its sources may restrict: `nagios-eu ack web301`."""

    tool: str

    def of_source(self, source: str) -> Command[Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """A command that the text may begin with, and what stands behind it."""

    command: Command[Any]
    keyword: Words
    rest: str


class _Near(NamedTuple):
    """The most alike is the least of several; `said` is what could be said instead."""

    rank: float
    said: str
    whole: bool
    """It can be said as it stands."""


# ----------------------------------------------------------------------------------------------------------- cleaning


def normalise(text: str) -> str:
    """The sentence as it was meant: one line, plain quotes, nothing invisible, the hub's own name removed.

    Raises UsageError where it is too long to be a command.
    """
    if len(text) > LONGEST:
        raise UsageError(f"that is too long: a command has at most {LONGEST:,} characters")
    plain = _visible(unicodedata.normalize("NFKC", _visible(text))).translate(TYPED)
    words = plain.split()
    if len(plain) > LONGEST or len(words) > MOST_WORDS:
        raise UsageError(f"that is too long: a command has at most {MOST_WORDS} words and {LONGEST:,} characters")
    said = " ".join(_bare(words))
    return " ".join(_bare(_ADDRESS.sub("", said, count=1).split())) if _ADDRESS.match(said) else said


def _bare(words: Sequence[str]) -> Sequence[str]:
    """Without niceties around it and the full stop behind it. What is nothing else stays, and so does a reason."""
    while len(words) > 1 and _is_nicety(words[0]):
        words = words[1:]
    if not words or any(word.casefold() in REASONS for word in words):
        return words
    while len(words) > 1 and _is_nicety(words[-1]):
        words = words[:-1]
    last = words[-1]
    # A question mark may stand for a letter: `host=web30?`.
    ended = last if _HALF_OF_DAY.fullmatch(last) else last.rstrip(SIGHS if "=" in last else f"{SIGHS}?")
    return [*words[:-1], ended or last]


def _is_nicety(word: str) -> bool:
    said = word.casefold().strip(f"{SIGHS}?")
    symbols = all(unicodedata.category(letter) in ("So", "Sk", "Mn") for letter in said)
    return symbols or said in NICETIES or _EMOJI_NAME.fullmatch(said) is not None


def _visible(text: str) -> str:
    """Without what cannot be seen: format characters (zero-width, direction), controls, halves of pairs."""
    return "".join(c for c in text if c.isspace() or unicodedata.category(c) not in ("Cf", "Cc", "Cs"))


def _is_thanks(text: str) -> bool:
    said = frozenset(_LETTERS.findall(_EMOJI_NAME.sub("", text[:LONGEST].casefold())))
    return bool(said & THANKS) and said <= THANKS | AMONG_THANKS


# ------------------------------------------------------------------------------------------------------ understanding


class Conversation:
    def __init__(self, commands: Sequence[Command[Any]]) -> None:
        self.commands = tuple(commands)
        self._keywords: Mapping[Words, Sequence[Command[Any]]] = _keywords(self.commands)

    async def understand(self, heard: Heard, actions: Actions) -> Understood | Reply:
        """What is meant, or what to say instead. Never raises, whatever was said."""
        if _is_thanks(heard.text):
            return Reply(text="you are welcome")
        try:
            text = normalise(heard.text)
        except UsageError as error:
            return _no(str(error))
        if not text:
            return _no('say what to do; "help" lists what can be said')
        readings = self._read(text, actions)
        if not readings:
            return self._unknown(text, actions)
        if len(readings) > 1:
            return _no(_which(readings))
        return await _parse(readings[0], heard, actions)

    def _read(self, text: str, actions: Actions) -> Sequence[_Reading]:
        """The readings with the longest keyword."""
        found = [*self._plain(text), *self._restricted(text, actions)]
        longest = max((_length(reading) for reading in found), default=0)
        return [reading for reading in found if _length(reading) == longest]

    def _plain(self, text: str) -> Sequence[_Reading]:
        words = text.split()
        said = tuple(word.casefold() for word in words)
        return [
            _Reading(command=command, keyword=keyword, rest=" ".join(words[len(keyword) :]))
            for keyword in {said[:length] for length in range(1, len(said) + 1)}
            for command in self._keywords.get(keyword, ())
        ]

    def _restricted(self, text: str, actions: Actions) -> Sequence[_Reading]:
        """Readings where the name of a source stands for its tool."""
        first, _, rest = text.partition(" ")
        sources = {name: tool for name, tool in actions.sources().items() if name.casefold() == first.casefold()}
        return [
            _Reading(command=reading.command.of_source(source), keyword=reading.keyword, rest=reading.rest)
            for source, tool in sources.items()
            if source != tool
            for reading in self._plain(f"{tool} {rest}")
            if isinstance(reading.command, OfTool) and reading.command.tool == tool
        ]

    def _unknown(self, text: str, actions: Actions) -> Reply:
        said = text.casefold().split()
        if said[0] in TAKE_BACK:
            return _no('each answer says what takes it back, such as "unack web301", "unsilence 7f3" or "resume web"')
        _, _, rest = text.partition(" ")
        if self._mute(said[0], actions) and self._plain(rest):
            mute = f"{_short(said[0])} takes no commands from here"
            return _no(f'{mute}; without its name: "{_short(rest)}"', [rest])
        nearest = self._nearest(text.split(), actions)
        if not nearest:
            return _no(f"I do not know '{_short(text)}'. \"help\" lists what can be said.", ["help"])
        listed = "; ".join(f'"{near.said}"' if near.whole else near.said for near in nearest)
        return _no(f"I do not know '{_short(text)}'. Did you mean: {listed}", [n.said for n in nearest if n.whole])

    def _mute(self, name: str, actions: Actions) -> bool:
        """Whether it is a source, in lower case, whose tool has no commands."""
        tool = next((tool for source, tool in actions.sources().items() if source.casefold() == name), None)
        return tool is not None and all(keyword[0] != tool for keyword in self._keywords)

    def _nearest(self, words: Sequence[str], actions: Actions) -> Sequence[_Near]:
        """What was said, with those keywords of commands that it begins most like; a usage, where the verb is none."""
        first = words[0].casefold()
        tool = next((tool for name, tool in actions.sources().items() if name.casefold() == first), first)
        said, best = (tool, *map(str.casefold, words[1:])), dict[str, _Near]()
        for keyword, commands in self._keywords.items():
            likeness, length = _likeness(said, keyword)
            lead = (words[0], *keyword[1:]) if length > 1 and keyword[0] == tool else keyword
            meant = " ".join([*lead, *words[length:]])
            for command in commands:
                whole = bool(length) and len(meant) <= LONGEST_MEANT
                near = _Near(-likeness, meant if whole else command.usage, whole)
                best[command.name] = min(near, best.get(command.name, near))
        return [near for near in sorted(best.values()) if -near.rank >= LIKENESS][:NEAREST]


def _keywords(commands: Sequence[Command[Any]]) -> Mapping[Words, Sequence[Command[Any]]]:
    table: defaultdict[Words, list[Command[Any]]] = defaultdict(list)
    for command in commands:
        for keyword in dict.fromkeys((command.name, *command.aliases)):
            table[tuple(keyword.casefold().split())].append(command)
    return dict(table)


def _length(reading: _Reading) -> int:
    return len(reading.keyword)


def _likeness(said: Words, keyword: Words) -> tuple[float, int]:
    """How much the beginning is like the keyword, and how many words of it are: also one, for `shutup twitter`."""
    if len(keyword) > 1 and said[0] == keyword[0]:
        # The right tool with a wrong verb is near, however different the verbs look; but what is meant is not clear.
        alike = _ratio(said[1 : len(keyword)], keyword[1:])
        return (alike, len(keyword)) if alike >= LIKENESS else (LIKENESS, 0)
    return max((_ratio(said[:length], keyword), length) for length in (1, len(keyword)))


def _ratio(said: Words, keyword: Words) -> float:
    return SequenceMatcher(None, " ".join(said)[:SHOWN], " ".join(keyword)).ratio()


async def _parse(reading: _Reading, heard: Heard, actions: Actions) -> Understood | Reply:
    command = reading.command
    try:
        intent = command.parse(reading.rest, heard, actions)
        return Understood(command=command, intent=await intent if isawaitable(intent) else intent)
    except UsageError as error:
        # Who sees a sentence that fits needs no usage.
        usage = "" if error.proposals else f"\nusage: {command.usage}"
        return _no(f"{error}{usage}", error.proposals)
    except Exception:
        # A command of somebody's own package must not take the conversation down with it.
        log.exception("command %s failed to read its words", command.name)
        return _no(f"{command.name} failed inside the hub; the log of the hub says why")


def _which(readings: Sequence[_Reading]) -> str:
    usages = " or ".join(sorted(f'"{reading.command.usage}"' for reading in readings))
    return f"'{' '.join(readings[0].keyword)}' may mean several things; say {usages}"


def _no(text: str, proposals: Sequence[str] = ()) -> Reply:
    return Reply(text=text, ok=False, proposals=tuple(proposals))


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
