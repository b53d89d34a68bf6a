"""What has happened, as a file: a line that says what it is, then each thing on a line of its own, as JSON."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Literal
from urllib.parse import urlencode

import msgspec

from hub.core.matching import compile_match
from hub.core.past import VERBS, Happened, nested
from hub.core.records import Record, replace
from hub.errors import TocsinError

VERSION = 1
LONGEST_LINE = 16 * 1024 * 1024


class Head(Record, frozen=True, kw_only=True):
    """The first line."""

    tocsin: Literal["past"]
    version: int
    redacted: bool = False


def lines(past: Iterable[Happened], *, redacted: bool = False) -> Iterator[bytes]:
    yield b'{"tocsin":"past","version":%d,"redacted":%s}' % (VERSION, b"true" if redacted else b"false")
    yield from map(msgspec.json.encode, past)


@contextmanager
def written(path: Path | None) -> Iterator[BinaryIO]:
    """A file that is there whole or not at all; or standard output."""
    if path is None:
        yield sys.stdout.buffer
        return
    # A pipe or a device (/dev/stdout) is written to; a file would take its place.
    part = path if path.exists() and not path.is_file() else path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        if part is not path:
            part.replace(path)
    except OSError as error:
        raise TocsinError(f"{path} cannot be written: {error.strerror}") from None


def read(path: Path) -> Sequence[Happened]:
    """What a file holds. Raises TocsinError with the line that is wrong."""
    found: list[Happened] = []
    try:
        with path.open("rb") as file:
            _check_head(path, file.readline(LONGEST_LINE))
            for number, line in enumerate(file, 2):
                if line.strip():
                    found.append(_happened(f"{path}:{number}", line))
    except OSError as error:
        raise TocsinError(f"{path} cannot be read: {error.strerror}") from None
    return found


def _check_head(path: Path, line: bytes) -> None:
    try:
        head = msgspec.json.decode(line, type=Head)
    except (msgspec.DecodeError, ValueError):
        raise TocsinError(f"{path} is no file of events; make one with: tocsin export --since 30d") from None
    if head.version != VERSION:
        raise TocsinError(f"{path} is of version {head.version}; this tocsin reads {VERSION}")


_decode = msgspec.json.Decoder(Happened).decode


def _happened(place: str, line: bytes) -> Happened:
    try:
        one = _decode(line)
        nested(one.body)
        if one.silence is not None:
            compile_match(one.silence.match)
    except (msgspec.DecodeError, ValueError) as error:
        raise TocsinError(f"{place}: is none of what has happened: {error}") from None
    if one.at.tzinfo is None:
        raise TocsinError(f"{place}: 'at' has no offset; write it like 2026-11-21T03:00:00Z")
    if one.act is not None and one.act.verb not in VERBS:
        raise TocsinError(f"{place}: '{one.act.verb[:40]}' is none of {', '.join(VERBS)}")
    return replace(one, at=one.at.astimezone(UTC))


def of_hub(get: Callable[[str], Any], length: timedelta, bodies: Sequence[str]) -> Sequence[Happened]:
    """What happened at a hub within that time; `get` asks it, by path."""
    found, after = list[Happened](), ""
    while True:
        query = {"since": f"{int(length.total_seconds())}s", "bodies": ",".join(bodies), "after": after}
        said = get(f"/api/v1/past?{urlencode(query)}")
        found += msgspec.convert(said["past"], list[Happened])
        if not (after := said["next"] or ""):
            return found
