"""What becomes of a good request in bad hands: its values, its text, its bytes and its headers, changed a little."""

import gzip
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tests.fakes.hostile import HOSTILE

ODD: Sequence[Any] = (
    *(None, True, False, 0, -1, 0.1, 2**31, 2**63, 2**64, -(2**63), 10**30, 1e308, float("nan"), float("inf")),
    *("", " ", "0", "-1", "null", "\0", "\ud83d", "\udc00", "9" * 400, "2026-02-30T25:61:00Z", "1969-12-31T23:59:59Z"),
    *("a" * 200_000, "\n" * 5_000, "\u202e", "é" * 300, [], {}, [[]], [None], {"": ""}, {"a": {"b": []}}, [{}] * 50),
    *HOSTILE,
)
HEADERS: Sequence[tuple[str, str]] = (
    *(
        ("content-type", kind)
        for kind in ("", "text/plain", "application/x-www-form-urlencoded", "a", "application/xml")
    ),
    *(("content-type", kind) for kind in ("application/json; charset=utf-7", "multipart/form-data", "/", 'a/b;c="')),
    *(("idempotency-key", key) for key in ("", "x" * 5_000, "é", "\u2028", "'; DROP TABLE event; --", "%00")),
    *(("x-github-event", kind) for kind in ("", "no_such_event", "push" * 100, "../../push")),
    *(("x-github-delivery", "ß" * 300), ("content-encoding", "gzip"), ("content-encoding", "br, gzip")),
    *(("authorization", said) for said in ("", "Bearer", "Bearer é", "Basic Zm9vOmJhcg==", "Bearer " + "x" * 4_000)),
    *(("user-agent", "\x7f"), ("cookie", "tocsin=é; tocsin"), ("accept", "*/*" * 1_000)),
)
IDS: Sequence[str] = (
    *("x", "", ".", "..", "%00", "%ff", "%2F..%2F", "'", "a" * 5_000, "ops", "01a1fe59-725d-73e9-afd2-5a2edabfd5ec"),
    *(quote(text[:300], safe="", errors="surrogatepass") for text in HOSTILE),
)


class Mutants:
    """A stranger with dice. The same seed does the same."""

    def __init__(self, seed: object) -> None:
        self.dice = random.Random(str(seed))

    def body(self, body: bytes) -> bytes:
        """A body like this one, one to three times wrong."""
        for _ in range(self.dice.randint(1, 3)):
            how = self.dice.choice([self._value, self._value, self._value, self._text, self._bytes])
            body = how(body)
        return body

    def form(self, fields: Mapping[str, Any]) -> Mapping[str, str]:
        """Fields like these: some odd, some gone."""
        kept = {name: value for name, value in fields.items() if self.dice.random() < 0.9}
        return {name: str(self.dice.choice([value, value, *ODD])) for name, value in kept.items()}

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        changed = dict(headers)
        for name, value in self.dice.sample(HEADERS, self.dice.choice([0, 0, 1, 2])):
            changed[name] = value
        return changed

    def id(self) -> str:
        return self.dice.choice(IDS)

    def query(self, names: Sequence[str]) -> str:
        if self.dice.random() < 0.5:
            return ""
        return "?" + "&".join(f"{name}={self.id()}" for name in self.dice.sample(names, 2))

    # ----------------------------------------------------------------------------------------------------------- values

    def value(self, value: Any) -> Any:
        """The value with one thing in it changed: of another type, gone, twice, deeper, or odd."""
        places = list(_places(value))
        if not places:
            return self.dice.choice(ODD)
        inside, name = self.dice.choice(places)
        match self.dice.randrange(6):
            case 0:
                del inside[name]
            case 1:
                inside[name] = [inside[name]]
            case 2:
                inside[name] = {"value": inside[name]}
            case 3 if isinstance(inside, list):
                inside.extend([inside[name]] * self.dice.choice([1, 300]))
            case 4 if isinstance(inside[name], str):
                inside[name] += self.dice.choice([text for text in ODD if isinstance(text, str)])
            case _:
                inside[name] = self.dice.choice(ODD)
        return value

    def _value(self, body: bytes) -> bytes:
        try:
            return json.dumps(self.value(json.loads(body))).encode()
        except (ValueError, RecursionError):
            return self._text(body)

    def _text(self, body: bytes) -> bytes:
        changes: Sequence[Callable[[bytes], bytes]] = (
            lambda text: text[: self.dice.randrange(len(text) + 1)],
            lambda text: text.replace(b":", b': "twice", "again":', 1),
            lambda text: text.replace(b"{", b"{" * self.dice.choice([2, 100, 5_000]), 1),
            lambda text: b'{"a":' * 900 + text + b"}" * 900,
            lambda text: b"[" * 100_000 + text,
            lambda text: b"\xef\xbb\xbf" + text,
            lambda text: text.decode(errors="replace").encode("utf-16"),
            lambda text: text.decode(errors="replace").encode("latin-1", "replace"),
            lambda text: text + b"\0" + text,
            lambda text: text.replace(b'"', b"'"),
            lambda text: text.replace(b"1", b"1e999", 1),
            lambda text: gzip.compress(text),
            lambda _: b"",
            lambda _: self.dice.choice(
                [b"null", b"0", b'""', b"NaN", b"[]", b"{}", b"\xff\xfe", b"payload=%ff", b"&&=&"]
            ),
        )
        return self.dice.choice(changes)(body)

    def _bytes(self, body: bytes) -> bytes:
        changed = bytearray(body or b"x")
        for _ in range(self.dice.randint(1, 8)):
            changed[self.dice.randrange(len(changed))] = self.dice.randrange(256)
        return bytes(changed)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Whatever holds something, and by which name or number."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in entries:
        yield value, name
        yield from _places(inner)
