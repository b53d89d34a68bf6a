"""YAML with the place of everything in it, and how what is wrong there is said. The one home of yaml."""

import difflib
import re
import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from hub.core.complaints import WRONG
from hub.errors import Complaint, RulesError

LARGEST = 10 * 1024 * 1024
MOST_NODES = 2_000_000
MOST_REPEATED = 10_000
"""How many values aliases may stand for, all together. A few lines of them can stand for billions."""
DEEPEST = 40
MOST_TOLD = 1_000
"""Complaints of a file after which the rest is not looked at: nobody reads them, and each looks for what was meant."""
MOST_NEAR = 200
"""So many names are compared with one that is wrong; of more, those that begin alike and are about as long."""
MOST_LISTED = 20
"""Names that a complaint lists where none is near."""

NO_COLON = "could not find expected ':'"
NO_BEGINNING = "found character that cannot start any token"
NO_NAME = "did not find expected alphabetic or numeric character"
NO_FOLD = "did not find expected comment or line break"
"""Behind `>` or `|`, which in YAML begin a text of several lines."""
SWALLOWED = re.compile(r"[:,\[{]\s+(#)\S")
"""A value that is a comment: `{ops: #ops}`."""
"""How the parser says so; the last is of what stands behind the * of an alias."""

PASSED_OVER = -1
"""In a path, stands for what has no place among the values."""

Path_ = tuple[str | int, ...]


class Tree:
    """The plain values of a YAML text, the place of each, and what is wrong.

    It is made of the parser's events. PyYAML's own composer recurses in C without a limit, so that a file of opening
    brackets would take the process down with it.
    """

    def __init__(self, name: str, *, what: str = "rules", least: str = "version: 1, channels, everything_else") -> None:
        """`name` is that of the file, `what` that of the thing in it, `least` how the smallest is written."""
        self.name = name
        self._what = what
        self._least = least
        self.value: Any = None
        """It is not changed by those who read it: the order of names leads to their places."""
        self.complaints: list[Complaint] = []
        self.warnings: list[Complaint] = []
        self._events: Iterator[Any] = iter(())  # yaml.Event has no type of what all of them have
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._places: dict[Path_, bytes] = {}
        """By the path of a mapping, four numbers for each of its names, in their order: line and column of the name and
        of what it names. By that of a list, two for each value. With tuples it would be larger than all else."""
        self._begins = (1, 1)
        self._from: dict[Path_, tuple[Tree, Path_]] = {}
        """What was appended from other files: which, and where it stands in it."""
        self._called: dict[str, str] = {}
        self._nodes = 0
        self._repeated = 0
        self._lines: list[str] = []
        """Of the text, while it is loaded, as soon as they are looked at."""
        self._text = ""
        self._before_comments: set[Path_] = set()

    def load(self, text: str) -> None:
        if len(text) > LARGEST:
            self.wrong((), f"is larger than {LARGEST // 2**20} MiB; no {self._what} need that")
            return
        try:
            self._text, self._events = text, yaml.parse(text, Loader=yaml.CSafeLoader)
            self._document()
        except yaml.MarkedYAMLError as error:
            self._broken(error, text)
        except yaml.reader.ReaderError as error:
            self._unprintable(error, text)
        except UnicodeError:
            self.wrong((), "holds what UTF-8 cannot write; save it as UTF-8")
        except _TooMuch as error:
            self._complain(error.mark, str(error))
        finally:
            self._events = iter(())  # the parser has a copy of the text
            self._text, self._lines = "", []

    def take_apart(self) -> None:
        """Let go of all of it, bit by bit: to free the values of 10,000 routes at once takes a twentieth of a second,
        in which no other thread runs."""
        for included in {tree for tree, _ in self._from.values()}:
            included.take_apart()
        while self._places:
            self._places.popitem()
        for section in self.value.values() if isinstance(self.value, dict) else ():
            while isinstance(section, list | dict) and section:
                section.pop() if isinstance(section, list) else section.popitem()

    def _document(self) -> None:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            self.wrong((), f"is empty; the least is: {self._least}")
            return
        begins = next(self._events)
        self._begins = _mark(begins)
        self.value = self._plain(begins, ())
        next(self._events)
        if not isinstance(second := next(self._events), yaml.StreamEndEvent):
            what = f"a second document begins here; {self._what} are one document, remove the ---"
            self._complain(second.start_mark, what)

    def _broken(self, error: yaml.MarkedYAMLError, text: str) -> None:
        mark = error.problem_mark or error.context_mark
        if error.problem == NO_COLON:  # which is noticed in the next line only
            mark = error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = one_line(error.problem or error.context or "it cannot be read")
        cure = _cure(error.problem or "", [*text.splitlines(), ""][min(line - 1, text.count("\n"))], column)
        if (place := _swallowed(error, text)) is not None:  # which is noticed where a bracket is missing
            (line, column), what, cure = place, "a # begins a comment", "a value that begins with # stands in quotes"
        self.complaints.append(
            Complaint(file=self.name, line=line, column=column, what=one_line(f"is not YAML: {what}; {cure}"))
        )

    def _unprintable(self, error: yaml.reader.ReaderError, text: str) -> None:
        # The position is one of bytes or of characters, as the parser pleases: look for the character ourselves.
        code = error.character if isinstance(error.character, int) else ord(error.character[:1] or b"?")
        before = text[: max(text.find(chr(code)), 0)]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        what = f"is not YAML: character U+{code:04X} is not allowed; remove it"
        self.complaints.append(Complaint(file=self.name, line=line, column=column, what=one_line(what)))

    def _plain(self, event: Any, path: Path_) -> Any:
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _TooMuch(mark, f"there are more than {MOST_NODES} values up to here; no {self._what} need that")
        if len(path) > DEEPEST:
            raise _TooMuch(mark, "is nested too deeply; write it flatter")
        if event.tag is not None and event.tag != "!":
            self._complain(mark, f"the tag {shown(event.tag)} means nothing here; remove it")
        before = self._nodes + self._repeated
        value = self._content(event, path)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._nodes + self._repeated - before + 1)
        return value

    def _content(self, event: Any, path: Path_) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        if not event.value and not event.style and self._is_before_comment(event.end_mark):
            self._before_comments.add(path)
        return event.value

    def _is_before_comment(self, mark: Any) -> bool:
        self._lines = self._lines or self._text.splitlines()
        behind = self._lines[mark.line][mark.column :] if mark.line < len(self._lines) else ""
        return behind.lstrip().startswith("#")

    def _until(self, end: type) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event

    def _alias(self, event: Any) -> Any:
        """What the anchor stands for. It is not copied, but whoever walks the rules will walk it again."""
        if event.anchor not in self._anchors:
            what = f"no anchor before this is called '&{event.anchor}'; write it out, or in quotes if it is a text"
            self._complain(event.start_mark, what)
            return ""
        value, size = self._anchors[event.anchor]
        self._repeated += size
        if self._repeated > MOST_REPEATED:
            raise _TooMuch(
                event.start_mark, f"the aliases up to here stand for over {MOST_REPEATED} values; write them out"
            )
        return value

    def _sequence(self, path: Path_) -> list[Any]:
        found: list[Any] = []
        places = array("I")
        for event in self._until(yaml.SequenceEndEvent):
            places.extend(_mark(event))
            found.append(self._plain(event, (*path, len(found))))
        self._places[path] = places.tobytes()
        return found

    def _mapping(self, path: Path_) -> dict[str, Any]:
        found: dict[str, Any] = {}
        places = array("I")
        for key in self._until(yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                what = "a name is a text, not a list, a mapping or an alias; put it in quotes"
                self._complain(key.start_mark, what)
                self._plain(key, (*path, PASSED_OVER))
                self._plain(next(self._events), (*path, PASSED_OVER))
                continue
            if key.value in found:
                first = places[4 * [*found].index(key.value)]
                what = f"{shown(key.value)} stands here twice (first in line {first}); keep one"
                self._complain(key.start_mark, what)
                self._plain(next(self._events), (*path, PASSED_OVER))
                continue
            event, name = next(self._events), sys.intern(key.value)
            places.extend((*_mark(key), *_mark(event)))
            found[name] = self._plain(event, (*path, name))
        self._places[path] = places.tobytes()
        return found

    def _complain(self, mark: Any, what: str) -> None:
        self._tell(Complaint(file=self.name, line=mark.line + 1, column=mark.column + 1, what=one_line(what)))

    def _tell(self, complaint: Complaint) -> None:
        """Raises RulesError where there are more than anybody reads."""
        self.complaints.append(complaint)
        if len(self.complaints) > MOST_TOLD:
            what = f"there is more that is wrong; mend the {MOST_TOLD} before this first"
            raise RulesError([*sorted(set(self.complaints[:-1])), replace(complaint, what=what)])

    def wrong(self, path: Path_, what: str, *, key: bool = False) -> None:
        """Complain of the value at a path, or of its key."""
        self._tell(self._complaint(path, what, key=key))

    @property
    def warned_enough(self) -> bool:
        return len(self.warnings) >= MOST_TOLD

    def warn(self, path: Path_, what: str, rule: str) -> None:
        """Say what is odd at a path, and what sort of oddity it is."""
        self.warnings.append(self._complaint(path, what, key=True, warning=True, rule=rule))

    def fault(self, path: Path_, what: str, rule: str) -> Complaint:
        """A complaint at that place that does not make the rules wrong."""
        return self._complaint(path, what, key=False, rule=rule)

    def append(self, key: str, other: "Tree") -> None:
        """Put what another file lists under a key after what this one lists there. Its places stay in that file."""
        listed = self.value.get(key) or []
        if not isinstance(listed, list):  # which is a complaint of its own
            return
        for i in range(len(other.value[key])):
            self._from[key, len(listed) + i] = (other, (key, i))
        self.value[key] = [*listed, *other.value[key]]

    def empty(self, path: Path_) -> str:
        """How a value is complained of that is not there."""
        tree, place = self._home(path)
        return "is empty, since # begins a comment" if place in tree._before_comments else "is empty"

    def line(self, path: Path_) -> int:
        return self.where(path)[0]

    def file(self, path: Path_) -> str:
        """The file that the value stands in."""
        return self._home(path)[0].name

    def called(self, path: Path_) -> str:
        """The same, as it is called beside this one."""
        file = self.file(path)
        if file not in self._called:
            self._called[file] = str(Path(file).relative_to(Path(self.name).parent))
        return self._called[file]

    def said(self, path: Path_, *, seen_from: Path_) -> str:
        """A place, as a complaint of another may name it: `line 5`, or with its file, if that is another."""
        line, file = self.line(path), self.file(path)
        return f"line {line}" if file == self.file(seen_from) else f"{file}:{line}"

    def _home(self, path: Path_) -> "tuple[Tree, Path_]":
        """The file that the value at a path stands in, and its path there."""
        tree, place = self._from.get(path[:2], (self, path[:2]))
        return tree, (*place, *path[2:])

    def where(self, path: Path_, *, key: bool = False) -> tuple[int, int]:
        """Line and column of the value at a path, or of its key; else of what is nearest above it."""
        tree, path = self._home(path)
        if tree is not self:
            return tree.where(path, key=key)
        for length in range(len(path), 0, -1):
            if (place := self._place(path[:length], key=key)) is not None:
                return place
        return self._begins

    def _place(self, path: Path_, *, key: bool) -> tuple[int, int] | None:
        """Of what is written in this file at just this path."""
        *above, last = path
        numbers, holder = self._places.get(path[:-1]), self.value
        if numbers is None:
            return None
        for step in above:
            holder = holder[step]
        if isinstance(holder, dict):
            at = 4 * [*holder, last].index(last) + (0 if key else 2)
        elif isinstance(last, int):
            at = 2 * last
        else:
            return None
        places = memoryview(numbers).cast("I")
        return (places[at], places[at + 1]) if at < len(places) else None

    def _complaint(self, path: Path_, what: str, *, key: bool, warning: bool = False, rule: str = WRONG) -> Complaint:
        line, column = self.where(path, key=key)
        return Complaint(
            file=self.file(path), line=line, column=column, what=one_line(what), warning=warning, rule=rule
        )

    def stop_if_wrong(self) -> None:
        if self.complaints:
            raise RulesError(sorted(set(self.complaints)))


def _swallowed(error: yaml.MarkedYAMLError, text: str) -> tuple[int, int] | None:
    """Line and column of a `#` by which a list or mapping in brackets lost its end."""
    begins, ends = error.context_mark, error.problem_mark
    if begins is None or ends is None or "expected ',' or" not in (error.problem or ""):
        return None
    lines = enumerate(text.splitlines()[begins.line : ends.line + 1], begins.line + 1)
    return next(((n, found.start(1) + 1) for n, line in lines if (found := SWALLOWED.search(line))), None)


def _cure(problem: str, line: str, column: int) -> str:
    """What to do about what the parser found at that column of the line."""
    if "\t" in line[: column + 1]:
        return "indent with spaces, not tabs"
    if problem == NO_COLON:
        return "a name has a colon behind it, and the colon a blank"
    at = column - 1 if problem == NO_BEGINNING else column - 2 if problem in (NO_NAME, NO_FOLD) else len(line)
    if line[at : at + 1].strip() and line[at - 1 : at] not in ('"', "'"):  # behind a quote, that one is too many
        return f"what begins with {line[at]} stands in quotes"
    return "check the indentation, quotes and brackets here"


def _mark(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


class _TooMuch(Exception):
    """More than any rules need."""

    def __init__(self, mark: Any, what: str) -> None:
        super().__init__(what)
        self.mark = mark


def one_line(text: str) -> str:
    """A complaint is one line, and holds nothing that a terminal would obey."""
    return "".join(c if c.isprintable() else "�" for c in " ".join(text.split()))


def shown(value: Any) -> str:
    """What was written, as a complaint may repeat it."""
    if isinstance(value, str):
        return f"'{value[:60]}…'" if len(value) > 60 else f"'{value}'"
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else "nothing"


def nearest(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    alike = names
    if len(names) > MOST_NEAR:
        alike = [one for one in names if one[:1] == word[:1] and abs(len(one) - len(word)) <= 3][:MOST_NEAR]
    close = difflib.get_close_matches(word[:80], alike, n=1, cutoff=0.5)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; there is {listed(names)}" if names and len(names) <= MOST_LISTED else ""


def listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
