"""What goes wrong in a browser is a page with a way home; a tool is told in JSON, as ever."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hub.errors import Overloaded
from hub.proof import Secret
from hub.shipped_files import shipped
from hub.web.failing import plain_errors
from hub.web.failing_pages import failing_pages
from hub.web.gate import HEADERS, GateSettings, gate
from hub.web.pages import page_routes
from tests.fakes.site import NOW, FakeSite

Client = TestClient[web.Request, web.Application]
OPEN = GateSettings(now=lambda: NOW)
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCRIPT = {"Accept": "*/*"}


async def breaks(_: web.Request) -> web.Response:
    raise RuntimeError("password=hunter2")


async def full(_: web.Request) -> web.Response:
    raise Overloaded("the disk is full", retry_after=7)


def an_app(settings: GateSettings, *folders: Path) -> web.Application:
    folders = (*folders, shipped("templates"))
    app = web.Application(middlewares=[failing_pages(folders), gate(settings), plain_errors])
    app.add_routes([web.get("/breaks", breaks), web.get("/full", full), web.get("/api/v1/breaks", breaks)])
    app.add_routes(page_routes(FakeSite(), settings, folders))
    return app


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with TestClient(TestServer(an_app(OPEN))) as started:
        yield started


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "heading", "says"),
    [
        ("GET", "/rooom/ops", {}, 404, "Not found", "there is nothing at /rooom/ops"),
        ("GET", "/alert/<b>xyz", {}, 404, "Not found", "there is nothing at /alert/&lt;b&gt;xyz"),
        ("GET", "/room/ops/say", {}, 405, "Not done that way", "GET does not work here; POST does"),
        ("POST", "/room/ops/say", {"Origin": "https://evil.example"}, 403, "Refused", "the page of another site"),
        ("GET", "/", {"Host": "evil.example"}, 421, "Another name", "this hub is not called"),
        ("POST", "/room/ops/say", {}, 400, "Not done", "say something"),
        ("GET", "/breaks", {}, 500, "The hub failed", "its log says why, by request_id"),
        ("GET", "/full", {}, 503, "Not just now", "the disk is full"),
    ],
)
async def test_what_goes_wrong_in_a_browser_is_a_page_with_a_way_home(
    client: Client, method: str, path: str, more: dict[str, str], status: int, heading: str, says: str
) -> None:
    answer = await client.request(method, path, headers=BROWSER | more)
    page = await answer.text()

    assert (status, "text/html") == (answer.status, answer.content_type)
    assert f"<h1>{heading}</h1>" in page
    assert says in page
    assert re.search('<a class="button" href="/">Home</a>', page)
    assert HEADERS.items() <= dict(answer.headers).items()
    assert "hunter2" not in page
    assert "Traceback" not in page


async def test_what_may_go_well_later_can_be_tried_again(client: Client) -> None:
    """And says to whoever else asks when to come again."""
    answer = await client.get("/full", headers=BROWSER)

    page = await answer.text()

    assert "7" == answer.headers["Retry-After"]
    assert '<a class="button" href="">Try again</a>' in page
    assert '<meta http-equiv="refresh" content="7">' in page
    assert "Try again" not in await (await client.get("/nothing", headers=BROWSER)).text()


@pytest.mark.parametrize(
    ("path", "headers"), [("/rooom/ops", SCRIPT), ("/breaks", SCRIPT), ("/api/v1/breaks", BROWSER)]
)
async def test_tools_and_scripts_are_told_in_json(client: Client, path: str, headers: dict[str, str]) -> None:
    answer = await client.get(path, headers=headers)

    assert {"error", "detail"} == set(await answer.json())


async def test_a_page_for_strangers_shows_nothing_of_the_hub() -> None:
    """Neither its rooms nor who is there."""
    locked = GateSettings(api_tokens=(Secret("correct-horse"),), secret_key=Secret("key"), now=lambda: NOW)
    async with TestClient(TestServer(an_app(locked))) as client:
        answer = await client.post("/room/ops/say", headers=BROWSER)
        page = await answer.text()

    assert (401, "Bearer") == (answer.status, answer.headers["WWW-Authenticate"])
    assert "<h1>Not let in</h1>" in page
    assert "/room/" not in page


async def test_a_template_that_fails_leaves_the_error_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "answer.html.j2").write_text("{{ nobody.knows }}")
    async with TestClient(TestServer(an_app(OPEN, tmp_path))) as client:
        answer = await client.get("/nothing", headers=BROWSER)

    assert (404, "application/json") == (answer.status, answer.content_type)
