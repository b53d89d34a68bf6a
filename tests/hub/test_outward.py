"""What the hub itself asks of others has limits, and leads nowhere that a stranger chose."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from room_log import MemoryRoomLog
from web_page import SECRET, WebPage

from hub.contracts import ChatTools
from hub.core.records import replace
from hub.now import utc_now
from hub.outward import NotAnswered, Question, abroad, get, is_ours, session
from hub.proof import Secret
from integrations.slack.chat import session as slack_session

SMALL = Question(largest=1_000, within=5)


@pytest.fixture
async def page() -> AsyncIterator[WebPage]:
    async with WebPage().serves() as page:
        yield page


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as asking:
        yield asking


async def test_an_answer_is_given_whole(http: aiohttp.ClientSession, page: WebPage) -> None:
    answer = await get(http, Secret(f" {page.url}\n"), SMALL)

    assert (200, b"OK") == (answer.status, answer.body)


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        ("slow", "no answer came in time"),
        ("drops", "the connection was not answered, or was cut"),
        ("endless", "it is larger than 1000 bytes"),
    ],
)
async def test_nothing_waits_or_reads_without_end(
    http: aiohttp.ClientSession, page: WebPage, mood: str, why: str
) -> None:
    page.mood = mood
    with pytest.raises(NotAnswered) as error:
        await get(http, Secret(page.url), replace(SMALL, within=0.2 if mood == "slow" else 10))

    assert why == str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("elsewhere", ["file:///etc/passwd", "ftp://example.com", "http://[", ""])
async def test_nobody_sends_us_to_what_is_no_page(http: aiohttp.ClientSession, page: WebPage, elsewhere: str) -> None:
    page.mood, page.elsewhere = "moved", elsewhere
    with pytest.raises(NotAnswered):
        await get(http, Secret(page.url), SMALL)

    assert len(page.asked) < 10


async def test_from_abroad_nothing_leads_into_our_network(page: WebPage) -> None:
    """By address or by name."""
    for url in (page.url, page.url.replace("127.0.0.1", "localhost")):
        async with abroad() as session:
            with pytest.raises(NotAnswered):
                await get(session, Secret(url), SMALL)

    assert [] == page.asked


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1", "localhost", "0.0.0.0"])
async def test_our_own_network_is_known(host: str) -> None:
    assert await is_ours(host)


async def test_the_public_network_is_not_ours() -> None:
    assert not await is_ours("93.184.215.14")


@asynccontextmanager
async def of_the_hub(ours: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientSession]:
    yield ours


def of_slack(ours: aiohttp.ClientSession) -> AbstractAsyncContextManager[aiohttp.ClientSession]:
    return slack_session(ChatTools(setting=lambda _: None, now=utc_now, room_log=MemoryRoomLog(utc_now()), http=ours))


sessions = {"of the hub": of_the_hub, "of Slack's SDK": of_slack}


@pytest.mark.parametrize("whose", sessions)
async def test_a_tool_may_move_on_its_host_and_leads_nowhere_else(whose: str) -> None:
    """What answers in a tool's place, or a tool that was broken into, reaches nothing that only the hub can reach."""
    reached = list[str]()

    async def answer(request: web.Request) -> web.Response:
        reached.append(request.path)
        onward = request.query.get("to", "")
        return web.Response(status=302, headers={"Location": onward}) if onward else web.Response(text="here")

    app = web.Application()
    app.router.add_get("/{path}", answer)
    async with TestServer(app) as server, session() as ours, sessions[whose](ours) as http:
        here = str(server.make_url("/start"))
        async with http.get(here, params={"to": "/moved"}) as met:
            assert "here" == await met.text()
        for away in (f"http://localhost:{server.port}/inner", "http://[::1]/inner", "//169.254.169.254/inner"):
            with pytest.raises(aiohttp.ClientError, match="another host"):
                await http.get(here, params={"to": away})

    assert "/moved" in reached
    assert "/inner" not in reached


def test_everybody_asks_by_a_session_of_ours() -> None:
    """Only Slack's SDK wants one of its own, over the same connections; it holds back as ours does."""
    sources = [path for folder in ("hub", "integrations") for path in Path(folder).rglob("*.py")]

    assert {"hub/outward.py", "integrations/slack/chat.py"} == {
        str(path) for path in sources if "aiohttp.ClientSession(" in path.read_text()
    }
