"""Any JSON webhook, mapped by `event:` of its source in the rules: texts with `{body.x.y}` in them, and tables."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hub.contracts import Several, WebhookRequest, each
from hub.core.event import Link, Report, Severity, Status
from hub.core.records import replace
from hub.errors import PayloadError
from hub.payload import Field, decode_json
from hub.proof import bearer_or_password as verify

__all__ = ["JsonOptions", "parse", "verify"]

PLACE = re.compile(r"\{([^{}]*)\}")
ROOTS = ("body", "header")
SLIP = re.compile(r"\{(?:body|header)\.[^\s{}]*|(?:body|header)\.[^\s{}]*\}|\{\{\}\}")
"""A place whose braces are not closed, not opened, or double, where the whole ones are told as `{}`."""
BARE = re.compile(r"(?:body|header)\.[\w.-]+")
SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization")
TITLES = ("title", "message", "msg", "text", "summary", "subject", "name")
KEYS = ("key", "id", "fingerprint")


@dataclass(frozen=True, slots=True)
class EventMap:
    """How an event is made of a body. Each is a text with `{body.path}` in it; `status`, `severity` and `kind` may also
    be a table: `{from: body.mood, map: {angry: error}, else: info}`."""

    key: str = ""
    """What it is about: events of one key are one alert."""
    title: str = ""
    """Its first line."""
    status: Any = ""  # a text or a table; `_check` says which tables
    """`problem`, `recovery`, `update`, or `notice`, which it is unless said; or a table of these."""
    severity: Any = ""
    """`info`, `warning`, `error` or `critical`; or a table of these."""
    kind: Any = ""
    """What sort of thing it is about: `message`, unless said; or a table."""
    body: str = ""
    """The rest of its words."""
    actor: str = ""
    """Who did it."""
    url: str = ""
    """Where it leads."""
    occurred_at: str = ""
    """When it happened: RFC 3339, or seconds or milliseconds since 1970."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels, and the text of each."""

    def __post_init__(self) -> None:
        for name in ("key", "title", "body", "actor", "url", "occurred_at"):
            _check_text(name, getattr(self, name))
        for name, text in self.labels.items():
            _check_text(f"labels.{name}", text)
        _check_choice("status", self.status, [status.value for status in Status])
        _check_choice("severity", self.severity, [severity.word for severity in Severity])
        _check_choice("kind", self.kind, None)


@dataclass(frozen=True, slots=True)
class JsonOptions:
    """What `sources:` may set for a source of this tool."""

    event: EventMap = field(default_factory=EventMap)
    """How an event is made of what is posted: texts with `{body.x.y}` in them."""


def _check_text(name: str, text: str) -> None:
    for path in PLACE.findall(text):
        root, _, rest = path.partition(".")
        if root not in ROOTS or not rest:
            raise ValueError(f"event.{name}: '{{{path}}}' leads nowhere; write {{body.…}} or {{header.…}}")
    if slip := SLIP.search(PLACE.sub("{}", text)) or BARE.fullmatch(text):
        raise ValueError(
            f"event.{name}: '{slip[0]}' is not filled in; write a place as {{body.…}}, in one pair of braces"
        )


def _check_choice(name: str, value: Any, choices: Sequence[str] | None) -> None:
    if isinstance(value, str):
        _check_text(name, value)
        words = [value] if value and not PLACE.search(value) else []
    elif isinstance(value, Mapping) and set(value) <= {"from", "map", "else"} and isinstance(value.get("from"), str):
        table = value.get("map", {})
        if not isinstance(table, Mapping) or not all(isinstance(word, str) for word in table.values()):
            raise ValueError(f"event.{name}.map: is not a table of words, such as {{angry: error}}")
        if "{" in value["from"]:
            raise ValueError(f"event.{name}.from: is a place by itself, without braces: body.…")
        _check_text(f"{name}.from", f"{{{value['from']}}}")
        words = [*table.values(), *([value["else"]] if "else" in value else [])]
    else:
        raise ValueError(f"event.{name}: is neither a text nor {{from: body.…, map: {{…}}, else: …}}")
    for word in words:
        if choices is not None and word not in choices:
            raise ValueError(f"event.{name}: '{word}' is none of {', '.join(choices)}")


def parse(request: WebhookRequest, options: JsonOptions) -> Sequence[Report] | Several:
    posted, headers = request.form() if request.is_form else request.json(), _headers(request)
    body = replace(posted, name="body")
    if _is_several(body):
        return each(body.items(), lambda one: _report(one.object(), headers, options.event))
    return [_report(body, headers, options.event)]


def _is_several(body: Field) -> bool:
    """Of a list of objects each is a body: who gathers events before posting them means several. What is none among
    many that are was not meant to be there; one of a pair may be, as in `["fired", {…}]`."""
    entries = body.value if isinstance(body.value, list) else []
    return sum(isinstance(one, dict) for one in entries) * 2 > len(entries)


def _report(body: Field, headers: Field, event: EventMap) -> Report:
    reader = _Reader(body, headers)
    status = Status(reader.choice("status", event.status, {s.value for s in Status}) or Status.NOTICE)
    url = reader.words(event.url)
    title = _line(reader.title(event.title) if event.title else _first(body, TITLES)) or reader.compact()
    return Report(
        status=status,
        kind=reader.choice("kind", event.kind, None) or "message",
        key=(reader.text(event.key) if event.key else _first(body, KEYS)) or _fingerprint(title),
        title=title,
        severity=_severity(reader, event, status),
        body=reader.words(event.body) if event.body else _first(body, ("description", "body", "details")),
        links=(Link(title="Open", url=url),) if url.startswith(("http://", "https://")) else (),
        labels={name: said for name, text in event.labels.items() if (said := reader.words(text))},
        actor=reader.words(event.actor),
        occurred_at=reader.field(event.occurred_at).time() if event.occurred_at else None,
    )


def _headers(request: WebhookRequest) -> Field:
    """What may be told of them: a secret is nothing for a title."""
    return Field({name: value for name, value in request.headers.items() if name not in SECRET_HEADERS}, "header")


def _severity(reader: "_Reader", event: EventMap, status: Status) -> Severity | None:
    if status is Status.RECOVERY:
        return None
    if word := reader.choice("severity", event.severity, {s.word for s in Severity}):
        return Severity.of(word)
    return Severity.ERROR if status is Status.PROBLEM else Severity.INFO


class _Reader:
    """Fills the places of a text from one request."""

    def __init__(self, body: Field, header: Field) -> None:
        self._roots = {"body": body, "header": header}

    def at(self, path: str) -> Field:
        root, _, rest = path.strip().partition(".")
        if root == "header":
            return self._roots[root][rest.lower()]
        here = self._roots[root]
        for step in rest.split("."):
            here = _opened(here).at(step)
        return here

    def field(self, text: str) -> Field:
        """The one value that a text such as `{body.at}` stands for; else the text itself."""
        whole = PLACE.fullmatch(text.strip())
        return self.at(whole[1]) if whole else Field(self.text(text), text)

    def text(self, text: str) -> str:
        return PLACE.sub(lambda place: self.at(place[1]).text(), text)

    def words(self, text: str) -> str:
        """The same, without what leads to nothing: for want of a word no alert is refused."""
        return PLACE.sub(lambda place: self.at(place[1]).text(""), text)

    def title(self, text: str) -> str:
        """Of which something must be there."""
        places = [self.at(path) for path in PLACE.findall(text)]
        return self.words(text) if any(place.present for place in places) else self.text(text)

    def choice(self, name: str, value: Any, choices: set[str] | None) -> str:
        if isinstance(value, Mapping):
            return self._table(value)
        said = self.text(value) if value else ""
        if said and choices is not None and said.lower() not in choices:
            raise self.field(value).complain(
                f"'{said[:60]}' is none of {', '.join(sorted(choices))}; map it in event.{name}"
            )
        return said.lower() if choices is not None else said

    def _table(self, table: Mapping[str, Any]) -> str:
        source = self.at(table["from"])
        word = source.text("")
        if word in table.get("map", {}):
            return str(table["map"][word])
        if "else" in table:
            return str(table["else"])
        if not source.present:
            raise source.complain("is missing")
        raise source.complain(f"'{word[:60]}' is none of {', '.join(table.get('map', {}))}")

    def compact(self) -> str:
        """All of the body in one short line, where nothing in it looks like a title."""
        value = self._roots["body"].value
        words = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        return _line(words)[:80].strip() or "an empty message"


def _opened(field: Field) -> Field:
    """A text that holds JSON, as what it holds: some relays pack up what they pass on."""
    if isinstance(field.value, str) and field.value.lstrip().startswith(("{", "[")):
        with suppress(PayloadError):
            return replace(decode_json(field.value.encode(errors="replace")), name=field.name, above=field.above)
    return field


def _line(text: str) -> str:
    return " ".join(text.split())


def _first(body: Field, names: Sequence[str]) -> str:
    for name in names:
        value = body[name].value
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]
