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
OTHERWISE = "Not done"
OF_THE_BODY = frozenset({"content-type", "content-length"})


class Problem(msgspec.Struct):
    """What every error says, whatever else."""

    detail: str


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
            heading=HEADINGS.get(response.status, OTHERWISE),
            reply=Reply(text=problem.detail, ok=False),
            back="/",
            again=method == "GET" and response.status in (429, 500, 503),
            rooms=(),
        )
    except Exception:  # an operator may have written the template, and the error is worth more than its looks
        log.exception("an error could not be shown as a page")
        return None
    page = web.Response(text=text, content_type="text/html", status=response.status)
    page.headers.update({name: value for name, value in response.headers.items() if name.lower() not in OF_THE_BODY})
    return guarded(page)
