"""What goes wrong, as a page: for whoever meets it in a browser, which is told a way home instead of JSON."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hub.contracts import Reply
from hub.web.gate import for_eyes, guarded
from hub.web.showing import page_environment, plain, static_files

log = logging.getLogger("tocsin.web")

HEADINGS: Mapping[int, str] = {
    401: "Not let in",
    403: "Refused",
    404: "Not found",
    405: "Not done that way",
    421: "Another name",
    429: "Too often",
    500: "The hub failed",
    503: "Not just now",
}
OF_ITS_KIND: Mapping[str, str] = {"no leader": "One moment"}
"""Of what says more than its status."""
OTHERWISE = "Not done"
SOONEST = 5
"""Seconds until a page tries again by itself, so that it can be read."""
OF_THE_BODY = frozenset({"content-type", "content-length"})


class Problem(msgspec.Struct):
    """What every error says, whatever else."""

    detail: str
    error: str = ""


def failing_pages(folders: Sequence[Path]) -> Middleware:
    """The first of the middlewares, so that it shows what any other refuses."""
    templates = page_environment(folders, static_files(folders))

    def show(**what: Any) -> str:  # what the template names
        return plain(templates.get_template("answer.html.j2").render(**what))

    @web.middleware
    async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not for_eyes(request):
            return await handler(request)
        try:
            response = await handler(request)
        except web.HTTPException as stop:
            if (page := _page(show, stop, request.method)) is None:
                raise
            return page
        return _page(show, response, request.method) or response

    return stand


def _page(show: Callable[..., str], response: web.StreamResponse, method: str) -> web.Response | None:
    """The same error to be read by people; None: it is none, or a page already."""
    if response.status < 400 or response.content_type != "application/json" or not isinstance(response, web.Response):
        return None
    try:
        problem = msgspec.json.decode(response.body, type=Problem)  # type: ignore[arg-type]  # bytes, as JSON is
        text = show(
            heading=OF_ITS_KIND.get(problem.error) or HEADINGS.get(response.status, OTHERWISE),
            reply=Reply(text=problem.detail, ok=False),
            back="/",
            again=method == "GET" and response.status in (429, 500, 503),
            again_in=_again_in(response) if method == "GET" else None,
            rooms=(),
        )
    except Exception:  # an operator may have written the template, and the error is worth more than its looks
        log.exception("an error could not be shown as a page")
        return None
    page = web.Response(text=text, content_type="text/html", status=response.status)
    page.headers.update({name: value for name, value in response.headers.items() if name.lower() not in OF_THE_BODY})
    return guarded(page)


def _again_in(response: web.Response) -> int | None:
    """After how many seconds the page tries again by itself: where only the hub is not ready, and says when."""
    wait = response.headers.get("Retry-After", "")
    return max(int(wait), SOONEST) if response.status == 503 and wait.isdecimal() else None
