"""How an answer over HTTP is written: JSON by msgspec, times as RFC 3339 UTC, every error `{"error", "detail", …}`."""

from typing import Any

import msgspec
from aiohttp import web

from hub.core.records import Record

JSON = {"Content-Type": "application/json"}
_encoded = msgspec.json.Encoder().encode


def answer(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=_encoded(body), status=status, headers=JSON | headers if headers else JSON)


def error(status: int, kind: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> web.Response:
    return answer({"error": kind, "detail": detail, **more}, status=status, headers=headers)


def plain(record: Record) -> dict[str, Any]:
    """A record as an answer shows it: every field, also what stands at its default."""
    return {name: _plain(getattr(record, name)) for name in record.__struct_fields__}


def _plain(value: Any) -> Any:  # any field
    if isinstance(value, Record):
        return plain(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
