"""How an answer over HTTP is written: JSON by msgspec, times as RFC 3339 UTC, every error `{"error", "detail", …}`."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from aiohttp import web

JSON = {"Content-Type": "application/json"}
_encoded = msgspec.json.Encoder().encode


def answer(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=_encoded(body), status=status, headers=JSON | headers if headers else JSON)


def error(status: int, kind: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> web.Response:
    return answer({"error": kind, "detail": detail, **more}, status=status, headers=headers)


class Named(Protocol):
    @property
    def id(self) -> str: ...


NamedT = TypeVar("NamedT", bound=Named)


def page_of(found: Sequence[NamedT], most: int) -> tuple[Sequence[NamedT], str | None]:
    """So many of what was found, where one more was asked for, and behind which to go on; None: that was all."""
    listed = found[:most]
    return listed, listed[-1].id if len(found) > most else None
