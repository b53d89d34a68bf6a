"""Templates, as they lie in folders: compiled within limits, rendered. The one home of jinja2 beside the pages.

A template is written by whoever writes the rules, its words come from strangers. It sees plain text, it calls nothing
but a few methods that read, and it ends: loops are counted, and what it says is cut. One that fails is passed over: the
next in the list speaks, and it is remembered what was wrong.
"""

import difflib
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.filters import FILTERS as ALL_FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS as ALL_TESTS

from hub.core.event import Report, Severity, Status
from hub.core.notification import Occasion
from hub.errors import TocsinError
from hub.prose import one_line
from hub.saying.measuring import LONGEST, Measure, TooMuch

PARTS = ("title", "standing", "text", "line")
DEFAULT, GROUP = "default", "group"
PLAIN = "plain"
"""The dialect that every chat understands."""
FOLDERS = (DEFAULT, GROUP, *(occasion.value for occasion in Occasion))

VOCABULARY: Mapping[str, frozenset[str]] = {
    "alert": frozenset(
        {
            "title", "body", "state", "occasion", "severity", "source", "tool", "kind", "key", "count", "lasted",
            "labels", "shape", "acked_by", "ack_reason", "acked_until", "flapping",
            "silenced_until", "silenced_by", "silenced_because",
            "note", "answer", "quieted", "resolution", "explained",
            "next_to", "next_at", "again_after",
        }
    ),
    "group": frozenset(
        {
            "firing", "total", "acked", "noticed", "hidden", "storm", "state", "shape", "occasion", "group", "route",
            "lasted", "members", "next_to", "next_at", "again_after",
        }
    ),
    "line": frozenset({"title", "body", "text", "by", "severity", "occasion"}),
}  # fmt: skip
"""The words that a template may use: of a message about an alert, of one about a group, of a line."""

METHODS = frozenset({"items", "get", "keys", "values", "upper", "lower", "strip", "startswith", "endswith", "split"})
FILTERS = (
    "abs", "batch", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "int", "items",
    "join", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse",
    "round", "select", "selectattr", "slice", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper",
    "urlencode", "wordcount",
)  # fmt: skip
REFUSED: Mapping[type[nodes.Node], str] = {
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from",
    nodes.Extends: "extends",
    nodes.Block: "block",
}
_TESTS: Mapping[str, Any] = ALL_TESTS
COUNTED, WEIGHED = "(counted)", "(weighed)"
"""Filters that no template can name."""


class BrokenTemplate(TocsinError):
    """A template that cannot be used; the text is its fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a template: where, what, and what would be right. `name` is `opened/title.plain.j2`."""

    name: str
    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    name: str
    file: str
    code: jinja2.Template
    words: frozenset[str]
    """What it may use."""


class Templates:
    """The templates of several folders, of which the first goes before the others, file by file."""

    def __init__(self, folders: Sequence[Path], *, count: Callable[[str], None] = lambda _: None) -> None:
        self._folders = [folder / "messages" for folder in folders]
        self._environment = _Environment()
        self._count = count
        self._news: dict[str, Fault] = {}
        self._there: Mapping[str, Sequence[Template | Fault]] = {}
        self._chosen: dict[tuple[str, str, str], Sequence[Template | Fault]] = {}
        self.read()

    def read(self) -> None:
        """Read all of them anew."""
        found: dict[str, list[Template | Fault]] = {}
        for folder in self._folders:
            for path in sorted(folder.rglob("*.j2")):
                name = path.relative_to(folder).as_posix()
                found.setdefault(name, []).append(self._read(name, path))
        self._there, self._chosen, self._news = found, {}, {}

    @property
    def faults(self) -> Sequence[Fault]:
        """What reading them found."""
        return [one for some in self._there.values() for one in some if isinstance(one, Fault)]

    def dialects(self, occasion: str) -> Sequence[str]:
        """Those that have words of their own on an occasion, and the plain one."""
        named = (name.partition("/") for name in self._there)
        own = {file.split(".")[1] for folder, _, file in named if folder in (occasion, DEFAULT) and file.count(".") > 1}
        return [PLAIN, *sorted(own - {PLAIN})]

    def one(self, path: Path) -> Template:
        """A template by its file, wherever it lies; it may use the words of its place. Raises BrokenTemplate."""
        read = self._read(f"{path.resolve().parent.name}/{path.name}", path, anywhere=True)
        if isinstance(read, Fault):
            raise BrokenTemplate(str(read))
        return read

    def say(self, occasion: str, part: str, dialect: str, words: Mapping[str, Any]) -> str | None:
        """What the first that can says; None where none can."""
        for template in self.choose(occasion, part, dialect):
            try:
                return self.render(template, words)
            except BrokenTemplate:
                self._count(template.name)
        return None

    def choose(self, occasion: str, part: str, dialect: str) -> Sequence[Template | Fault]:
        """Those that would speak, first the one that does."""
        wanted = (occasion, part, dialect)
        if wanted not in self._chosen:
            names = dict.fromkeys(f"{o}/{part}.{d}.j2" for o in (occasion, DEFAULT) for d in (dialect, PLAIN))
            self._chosen[wanted] = [one for name in names for one in self._there.get(name, ())]
        return self._chosen[wanted]

    def render(self, template: Template | Fault, words: Mapping[str, Any]) -> str:
        """Raises BrokenTemplate, and remembers it."""
        fault = template if isinstance(template, Fault) else None
        if isinstance(template, Template):
            try:
                return self._environment.said(template.code, words).strip()
            except Exception as error:  # noqa: BLE001 - an alert is never lost to its own decoration
                fault = _failure(template, error)
        assert fault is not None
        self._news[fault.name] = fault
        raise BrokenTemplate(str(fault))

    def take_news(self) -> Sequence[Fault]:
        """What failed since the last time somebody asked."""
        news, self._news = [*self._news.values()], {}
        return news

    def give_back(self, news: Sequence[Fault]) -> None:
        """Nobody was told of these."""
        self._news = {fault.name: fault for fault in news} | self._news

    def _read(self, name: str, path: Path, *, anywhere: bool = False) -> Template | Fault:
        folder, _, file = name.rpartition("/")
        part = file.split(".")[0]
        if not anywhere and (strange := _strange(folder, file)):
            return Fault(name=name, file=str(path), line=1, what=strange)
        words = _words_of(folder, part)
        try:
            code = self._environment.compiled(path.read_text(encoding="utf-8"), name, str(path), words)
        except jinja2.TemplateSyntaxError as error:
            return Fault(name=name, file=str(path), line=error.lineno, what=_syntax(error))
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8 text"
            return Fault(name=name, file=str(path), line=1, what=f"cannot be read: {why}")
        return Template(name=name, file=str(path), code=code, words=words)


def _strange(folder: str, file: str) -> str:
    """Why no message ever asks for a template of this name; empty if one does."""
    if folder not in FOLDERS:
        return f"nothing uses it: no occasion is called '{folder}'{nearest(folder, FOLDERS)}"
    part, *rest = file.split(".")
    if part not in PARTS:
        return f"nothing uses it: no part of a message is called '{part}'{nearest(part, PARTS)}"
    return "" if len(rest) == 2 else f"nothing uses it: a template is called {part}.plain.j2, or {part}.slack.j2"


def _words_of(folder: str, part: str) -> frozenset[str]:
    if part not in PARTS:
        return VOCABULARY["alert"] | VOCABULARY["line"]
    return VOCABULARY["line" if part == "line" else "group" if folder == GROUP else "alert"]


def _syntax(error: jinja2.TemplateSyntaxError) -> str:
    what = one_line(error.message or "is broken", 300)
    unknown = re.search(r"No filter named '(.*)'", what)
    return what + (nearest(unknown[1], FILTERS) if unknown else "")


def _failure(template: Template, error: Exception) -> Fault:
    """Where it failed, and what would be right."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == template.file]
    line = frames[-1].lineno if frames else None
    what = one_line(str(error) or type(error).__name__, 200)
    if isinstance(error, jinja2.UndefinedError):
        what += '; what may be missing is written with a default: {{ labels.host | default("") }}'
    return Fault(name=template.name, file=template.file, line=line or 1, what=what)


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, or what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(word[:80], names, n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else f"; there is {', '.join(names)}"


# ---------------------------------------------------------------------------------------------- what the hub says of it


def broken(fault: Fault) -> Report:
    return Report(
        status=Status.PROBLEM,
        kind="template",
        key=_key(fault.name),
        title=f"template {fault.name} cannot be used; other words stand in for it",
        severity=Severity.WARNING,
        body=str(fault),
        labels={"template": fault.name},
    )


def mended(name: str) -> Report:
    title, labels = f"template {name} was read anew", {"template": name}
    return Report(status=Status.RECOVERY, kind="template", key=_key(name), title=title, labels=labels)


def _key(name: str) -> str:
    return f"template:{name}"


# ------------------------------------------------------------------------------------------------------- within limits


class _Environment(ImmutableSandboxedEnvironment):
    """Nothing can be called from a template but what reads, and nothing grows or goes on without end."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self) -> None:
        self._measure = measure = Measure()
        super().__init__(
            undefined=jinja2.StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            auto_reload=False,
            finalize=measure.said,
        )
        # jinja2 copies its globals for every rendering.
        self.globals.clear()
        self.filters = {name: measure.around(name, ALL_FILTERS[name]) for name in FILTERS}
        self.filters |= {COUNTED: measure.counted, WEIGHED: measure.weighed}
        self.tests = {name: measure.around(name, test) for name, test in _TESTS.items()}

    def compiled(self, source: str, name: str, file: str, words: frozenset[str]) -> jinja2.Template:
        """Raises TemplateSyntaxError, also of what could be written and may not."""
        return jinja2.Template.from_code(self, _code(source, name, file, words), {})

    def code(self, source: str, name: str, file: str, words: frozenset[str]) -> CodeType:
        tree = self.parse(source, name, file)
        for line, what in sorted(_complaints(tree, words)):
            raise jinja2.TemplateSyntaxError(what, line, name, file)
        for loop in tree.find_all(nodes.For):
            loop.iter = self._through(COUNTED, loop.iter)
        for joined in tree.find_all(nodes.Concat):
            joined.nodes = [self._through(WEIGHED, one) for one in joined.nodes]
        for operand in tree.find_all(nodes.Operand):
            if operand.op in ("in", "notin"):
                operand.expr = self._through(WEIGHED, operand.expr)
        return self.compile(tree, name, file)

    def said(self, template: jinja2.Template, words: Mapping[str, Any]) -> str:
        said: list[str] = []
        self._measure.begin()
        length = 0
        for piece in template.generate(words):
            said.append(piece)
            length += len(piece)
            if length > LONGEST:
                return "".join(said)[: LONGEST - 1] + "…"
        return "".join(said)

    def call_binop(self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or (operator == "%" and isinstance(left, str)):
            raise TooMuch(f"'{operator}' is not known here")
        if operator == "*":
            self._measure.multiplied(left, right)
        if operator == "+":
            self._measure.weighed((left, right))
        return super().call_binop(context, operator, left, right)

    def call(self, context: jinja2.runtime.Context, called: Any, /, *given: Any, **named: Any) -> Any:
        """A method that reads, of a text or a mapping."""
        self._measure.weighed(getattr(called, "__self__", None))
        return super().call(context, called, *given, **named)

    def _through(self, filter: str, value: nodes.Node) -> nodes.Filter:
        return nodes.Filter(value, filter, [], [], None, None, lineno=value.lineno, environment=self)


@lru_cache(maxsize=200)
def _code(source: str, name: str, file: str, words: frozenset[str]) -> CodeType:
    """The same text is compiled once, however often it is read anew."""
    return _Environment().code(source, name, file, words)


def _complaints(tree: nodes.Template, words: frozenset[str]) -> Iterator[tuple[int, str]]:
    """What may not stand in a template, with its line."""
    strange = meta.find_undeclared_variables(tree) - words
    for name in tree.find_all(nodes.Name):
        if name.name in strange:
            yield name.lineno, f"no word is called '{name.name}'{nearest(name.name, words)}"
    for kind, tag in REFUSED.items():
        for node in tree.find_all(kind):
            yield node.lineno, f"{{% {tag} %}} is not known here; write the words themselves"
    for call in tree.find_all(nodes.Call):
        called = call.node
        if not (isinstance(called, nodes.Getattr) and called.attr in METHODS):
            what = "only what reads can be called: " + ", ".join(sorted(METHODS))
            yield call.lineno, f"{what}; filters do the rest, as in {{{{ title | truncate(60) }}}}"


def parse_name(text: str) -> tuple[str, str]:
    """Occasion and part of what somebody called a template: `opened`, `opened/title`. Raises BrokenTemplate."""
    occasion, _, part = re.sub(r"(\.\w+)?\.j2$", "", text).partition("/")
    if occasion not in FOLDERS:
        raise BrokenTemplate(f"no occasion is called '{occasion[:60]}'{nearest(occasion, FOLDERS)}")
    if part and part not in PARTS:
        raise BrokenTemplate(f"no part of a message is called '{part[:60]}'{nearest(part, PARTS)}")
    return occasion, part
