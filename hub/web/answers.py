"""How an answer over HTTP is written: JSON by msgspec, times as RFC 3339 UTC, every error `{"error", "detail", …}`."""

from typing import Any

import msgspec
from aiohttp import web

_ENCODER = msgspec.json.Encoder()


def answer(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=_ENCODER.encode(body), status=status, content_type="application/json", headers=headers)


def error(status: int, kind: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> web.Response:
    return answer({"error": kind, "detail": detail, **more}, status=status, headers=headers)
