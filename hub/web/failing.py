"""What may go wrong at any request, as an answer that says what."""

import logging
import re

from aiohttp import web
from aiohttp.typedefs import Handler

from hub import ids
from hub.errors import Overloaded, TocsinError
from hub.telemetry.logs import about
from hub.web.answers import error

log = logging.getLogger("tocsin.web")

REQUEST_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)


class BadRequest(TocsinError):
    """The request cannot mean anything; the text says what would."""


@web.middleware
async def plain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what may go wrong anywhere into an error that says what."""
    if request.path.startswith("/in/"):  # whose log lines name the id that they are stored under
        return await plainly(request, handler, "")
    id = _id_of(request)
    with about(request_id=id):
        return await plainly(request, handler, id)


def _id_of(request: web.Request) -> str:
    """That of whoever passed it on, such as a proxy that writes a log of its own, else a new one."""
    given = request.headers.get("X-Request-ID", "")
    return given if REQUEST_ID.fullmatch(given) else ids.new_id()


async def plainly(request: web.Request, handler: Handler, id: str) -> web.StreamResponse:
    """Its answer, or an error that says what is wrong; `id` is that of the log lines, empty: they have none yet."""
    try:
        return await handler(request)
    except BadRequest as bad:
        return error(400, "request", str(bad))
    except Overloaded as busy:
        return error(503, "overloaded", busy.outside, headers={"Retry-After": str(busy.retry_after)})
    except web.HTTPNotFound:
        hint = "; leave out the slash at its end" if request.path.endswith("/") else ""
        return error(404, "not found", f"there is nothing at {request.path[:200]}{hint}")
    except web.HTTPMethodNotAllowed as wrong:
        allowed = ", ".join(sorted(wrong.allowed_methods))
        return error(405, "method", f"{request.method} does not work here; {allowed} does", headers={"Allow": allowed})
    except web.HTTPException:
        raise
    except Exception:
        id = id or ids.new_id()
        log.exception("%s %s failed", request.method, request.path[:200], extra={"request_id": id})
        return error(500, "internal", f"the hub failed; its log says why, by request_id {id}")
