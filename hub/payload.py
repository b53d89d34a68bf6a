"""Reading a stranger's data by type, with the path in every complaint.

    check = request.json()["check"]
    name = check["metadata"]["name"].text()       # "check.metadata.name: is missing"
    status = check["status"].one_of(STATUSES)     # "check.status: 'sick' is none of passing, warning, critical"

A `Field` is a value with the path that led to it. Looking into what is not there gives an absent field, and only
reading one as a type complains; so optional things are read with a default and required ones without.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, TypeVar, overload
from urllib.parse import parse_qsl

import msgspec

from hub.errors import PayloadError

T = TypeVar("T")


class Absent(Enum):
    """There is no value. Not None, which JSON can say."""

    ABSENT = auto()


ABSENT = Absent.ABSENT
_JSON = msgspec.json.Decoder()
LARGEST_MENDED = 2**18
LARGEST_FORM = 2**21
"""Bytes. What is put together by hand is small; to read it takes long, and nothing else is done meanwhile."""
MOST_VALUES = 500_000
"""In a JSON body: each takes up to a hundred times as much memory as it has characters."""
LAST_SECOND = 10**11
"""Since 1970. What is larger counts milliseconds: the year 5000 lies ahead."""
_NUMBER = re.compile(r"\d{1,18}(\.\d{1,9})?", re.ASCII)
_SHOWN = 60
"""How much of a stranger's value a complaint repeats."""


class Field(msgspec.Struct, frozen=True, gc=False):
    """A value of a stranger's with the path that led to it."""

    value: Any  # JSON knows no better type, and to find one is this class' work
    name: str | int = ""
    above: "Field | None" = None
    """In what it was found. Of many fields only one that complains says its path, which is made then."""

    @property
    def path(self) -> str:
        above = self.above.path if self.above is not None else ""
        if isinstance(self.name, int):
            return f"{above}[{self.name}]"
        return f"{above}.{self.name}" if above else self.name

    def __getitem__(self, name: str | int) -> "Field":
        value = self.value
        if type(name) is str:
            return Field(value.get(name, ABSENT) if type(value) is dict else ABSENT, name, self)
        there = isinstance(name, int) and isinstance(value, list) and -len(value) <= name < len(value)
        return Field(value[name] if there else ABSENT, name, self)

    def at(self, dotted: str) -> "Field":
        """The field at a dotted path; digits look into lists."""
        here = self
        for step in dotted.split("."):
            here = here[int(step)] if step.isdecimal() and isinstance(here.value, list) else here[step]
        return here

    def first(self, *dotted: str) -> str:
        """The first of the texts at these paths, through objects, that says something."""
        for path in dotted:
            value = self.value
            for step in path.split("."):  # without a field for each: it complains of none
                value = value.get(step) if type(value) is dict else None
            if text := value.strip() if type(value) is str else _written(value):
                return text
        return ""

    @property
    def present(self) -> bool:
        """Whether there is something: neither absent nor null."""
        return self.value is not ABSENT and self.value is not None

    def complain(self, what: str) -> PayloadError:
        return PayloadError(self.path, what)

    def _wrong(self, wanted: str) -> PayloadError:
        if not self.present:
            return self.complain("is missing")
        return self.complain(f"{shown(self.value)} is not {wanted}")

    @overload
    def text(self) -> str: ...
    @overload
    def text(self, default: T) -> str | T: ...
    def text(self, default: Any = ABSENT) -> Any:
        """A string; a number or boolean is written out as JSON would. Empty counts as a value."""
        if isinstance(self.value, str):
            return self.value
        if default is not ABSENT and not self.present:
            return default
        if written := _written(self.value):
            return written
        raise self._wrong("a text")

    @overload
    def integer(self) -> int: ...
    @overload
    def integer(self, default: T) -> int | T: ...
    def integer(self, default: Any = ABSENT) -> Any:
        """A whole number, also one written as text, as many tools do."""
        if type(self.value) is int:
            return self.value
        if not self.present and default is not ABSENT:
            return default
        if isinstance(self.value, float) and self.value.is_integer():
            return int(self.value)
        if isinstance(self.value, str) and re.fullmatch(r"\s*[+-]?\d{1,19}\s*", self.value, re.ASCII):
            return int(self.value)
        raise self._wrong("a whole number")

    def words(self) -> str:
        """A text that may be missing. What is no text counts as missing: for want of a word no alert is refused."""
        value = self.value
        return value.strip() if type(value) is str else _written(value)

    def flag(self, default: bool = False) -> bool:
        if not self.present:
            return default
        if isinstance(self.value, bool):
            return self.value
        raise self._wrong("true or false")

    def one_of(self, choices: Mapping[str, T]) -> T:
        """What the table gives for this text; complains with the choices."""
        word = self.text()
        if word in choices:
            return choices[word]
        raise self.complain(f"{shown(word)} is none of {', '.join(choices)}")

    def epoch(self, default: datetime | None = None) -> datetime | None:
        """A time in seconds since 1970; an empty text or 0 stands for none."""
        if not self.present or self.value in ("", "0", 0):
            return default
        seconds = self.integer()
        try:
            return datetime.fromtimestamp(seconds, UTC)
        except (OverflowError, OSError, ValueError):
            raise self._wrong("a time in seconds since 1970") from None

    def time(self, default: datetime | None = None) -> datetime | None:
        """A time in RFC 3339 or ISO 8601 with a zone, or in seconds or milliseconds since 1970; given back in UTC."""
        value = self.value
        if value is ABSENT or value is None or value == "":
            return default
        try:
            if type(value) in (int, float) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
                number = float(value)
                at = datetime.fromtimestamp(number / 1000 if number > LAST_SECOND else number, UTC)
                return at if number else default
            at = datetime.fromisoformat(self.text())
            if at.tzinfo is None:
                raise ValueError("naive")
            return at if at.tzinfo is UTC else at.astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            raise self._wrong("a time such as 2026-11-21T03:00:00Z") from None

    def items(self) -> Iterator["Field"]:
        """The entries of a list; none if it is absent."""
        if not self.present:
            return
        if not isinstance(self.value, list):
            raise self._wrong("a list")
        for index in range(len(self.value)):
            yield self[index]

    def entries(self) -> Iterator[tuple[str, "Field"]]:
        """Name and field of an object; none if it is absent."""
        if not self.present:
            return
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        for name in self.value:
            yield str(name), self[str(name)]

    def object(self) -> "Field":
        """Itself, if it is an object."""
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        return self


def _written(value: Any) -> str:
    """A number or boolean as JSON writes it; of whatever else is no text, nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else ""


def shown(value: object) -> str:
    """A value as a complaint may repeat it: short, in quotes, on one line."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = " ".join(text.split())
    return f"'{text[:_SHOWN]}…'" if len(text) > _SHOWN else f"'{text}'"


def decode_json(body: bytes, *, mend: bool = True) -> Field:
    """Decode a JSON body once; a letter that is wrongly written makes it no worse, unless `mend` is false. Raises
    PayloadError that says where it breaks."""
    if len(body) > MOST_VALUES and sum(map(body.count, b",[{")) > MOST_VALUES:
        raise PayloadError("", f"the body has more than {MOST_VALUES:,} values")
    try:
        return Field(_JSON.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        mended = _mended(body) if mend and len(body) <= LARGEST_MENDED else body
        with suppress(PayloadError):
            if mended != body:
                return decode_json(mended, mend=False)
        raise PayloadError("", f"the body is not JSON: {_what_it_is(body) or error}") from error
    except RecursionError as error:
        raise PayloadError("", "the body is nested too deeply") from error


BEGINNINGS = {
    b"\xff\xfe": "it is UTF-16, which Windows makes of files; send UTF-8",
    b"\xfe\xff": "it is UTF-16; send UTF-8",
    b"\x1f\x8b": "it is packed by gzip; send it as it is",
    b"<": "it is XML or HTML",
    b"--": "it is a form of several parts (curl -F); send JSON",
}


def _what_it_is(body: bytes) -> str:
    """In plain words what was posted by mistake, where its first bytes show it."""
    begins = body.lstrip()[:2]
    return next(
        (what for start, what in BEGINNINGS.items() if begins.startswith(start)), "" if begins else "it is empty"
    )


_CONTROLS = dict.fromkeys(range(0x20), " ")
_HALVES = re.compile(rb"(\\\\|\\ud[89ab]..\\ud[c-f]..)|\\ud[89a-f]..", re.IGNORECASE)


def _mended(body: bytes) -> bytes:
    """In UTF-8 without its mark, with a space for a control character that is not escaped, and a sign for half of a
    character that was cut: what comes of JSON that is put together by hand."""
    text = _text_of(body).removeprefix("\ufeff").translate(_CONTROLS)
    return _HALVES.sub(lambda found: found[1] or rb"\ufffd", text.encode())


def decode_form(body: bytes) -> Field:
    """Decode a form (`a=1&b=2`). Of a name that comes twice the last value counts."""
    try:
        return Field(dict(form_pairs(body)))
    except ValueError as error:
        raise PayloadError("", f"the body is not a form: {error}") from error


def form_pairs(body: bytes) -> Sequence[tuple[str, str]]:
    """Names and values; what is not UTF-8 is Latin-1. Raises ValueError where there are too many."""
    if len(body) > LARGEST_FORM:
        raise ValueError(f"it has more than {LARGEST_FORM >> 20} MiB; post JSON")
    pairs = parse_qsl(
        body.decode(errors="surrogateescape"), keep_blank_values=True, errors="surrogateescape", max_num_fields=2000
    )
    return [(_text_of(_raw(name)), _text_of(_raw(value))) for name, value in pairs]


def _raw(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


_NAMED = re.compile(r'[{,]\s*"([\w.-]{1,60})"\s*:\s*')
_PLAIN = re.compile(r"-?\d[\d.]*|true|false")


def decode_filled(body: bytes, names: Collection[str]) -> Field:
    """Decode what a tool made of a JSON template by putting its values in as they are, without escaping them.

    Mostly that is JSON. Where a quote, a backslash or a line break in a value broke it, or where a value brought one of
    `names` a second time, it is what can be recovered: an object of texts, all on one level. A text ends where the next
    name of the template begins, and of a name that comes twice the first counts: what a stranger may write belongs at
    the end of a template, where it can put nothing in the place of anything else.

    Raises PayloadError where it is no JSON and has none of the names.
    """
    if len(body) > LARGEST_MENDED:
        return decode_json(body)
    text = _text_of(body)
    found = list(_NAMED.finditer(text))
    ours = [name[1] for name in found if name[1] in names]
    if len(ours) == len(set(ours)):
        try:
            return decode_json(body, mend=False)
        except PayloadError:
            if not ours:
                raise
    return Field(_recovered(text, found))


def _text_of(body: bytes) -> str:
    """Some tools send Latin-1 where nobody told them which encoding to use. Every byte is a letter there."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _recovered(text: str, found: Sequence[re.Match[str]]) -> Mapping[str, str]:
    """In the order of the template."""
    ends = [*(name.start() for name in found[1:]), len(text)]
    values = dict[str, str | None]()
    for name, end in zip(found, ends, strict=True):
        values.setdefault(name[1], _value(text[name.end() : end]))
    return {name: value for name, value in values.items() if value is not None}


def _value(raw: str) -> str | None:
    """The text between the first quote and the last, or a bare word; None of an object, a list or a null."""
    if raw.startswith('"'):
        inside, quote, _ = raw[1:].rpartition('"')
        return inside if quote else raw[1:]
    plain = _PLAIN.match(raw)
    return plain[0] if plain else None
