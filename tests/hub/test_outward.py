"""What the hub itself asks of others has limits, and leads nowhere that a stranger chose."""

from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from web_page import SECRET, WebPage

from hub.outward import NotAnswered, Question, abroad, get, is_ours
from hub.proof import Secret

SMALL = Question(largest=1_000, within=5)


@pytest.fixture
async def page() -> AsyncIterator[WebPage]:
    async with WebPage().serves() as page:
        yield page


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


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
