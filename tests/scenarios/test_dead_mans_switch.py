"""As long as all is well, somebody elsewhere hears of it each minute; whose silence then wakes people."""

import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta

import pytest
from scenario import Scenario
from web_page import SECRET, WebPage

from hub.errors import SettingsError
from hub.settings import read_settings

SETTING = "TOCSIN_DEAD_MANS_SWITCH_URL"


@pytest.fixture
async def page() -> AsyncIterator[WebPage]:
    async with WebPage().serves() as page:
        yield page


@pytest.fixture
async def hub(begin, page: WebPage) -> Scenario:
    hub = await begin()
    await hub.stop()
    hub.variables[SETTING] = page.url
    await hub.start()
    return hub


async def titles(hub: Scenario) -> list[str]:
    return [message.message.title for message in await hub.told()]


async def test_it_is_pinged_each_minute(hub: Scenario, page: WebPage) -> None:
    """From the start on, and over a restart."""
    await hub.later("5m")
    assert 6 == len(page.asked)
    await hub.restarts()
    await hub.later("5m")

    assert 12 == len(page.asked)
    assert [] == await titles(hub)


async def test_where_timers_do_not_ripen_there_is_no_ping(hub: Scenario, page: WebPage) -> None:
    """That the loop turns proves nothing."""
    await hub.later("1m")
    before = len(page.asked)
    hub.clock += timedelta(hours=1)
    await hub.nagios("web301")

    assert before == len(page.asked)


async def test_where_the_disk_takes_nothing_there_is_no_ping(hub: Scenario, page: WebPage) -> None:
    await hub.later("1m")
    before = len(page.asked)
    with closing(sqlite3.connect(hub.folder / "tocsin.db")) as other:
        other.execute("CREATE TRIGGER no BEFORE INSERT ON timer BEGIN SELECT RAISE(ABORT, 'not today'); END")
        hub.clock += timedelta(minutes=1)
        await hub.hub.upkeep.ripen()
        await hub.settle()
        assert before == len(page.asked)
        other.execute("DROP TRIGGER no")
    await hub.later("1m")

    assert before < len(page.asked)


@pytest.mark.parametrize("mood", ["gone", "drops", "endless"])
async def test_that_it_cannot_be_pinged_is_told_once(
    hub: Scenario, page: WebPage, mood: str, caplog: pytest.LogCaptureFixture
) -> None:
    """After a while, until it can be; and nobody reads where it is."""
    caplog.set_level(logging.INFO)
    page.mood = mood
    await hub.later("4m")
    assert [] == await titles(hub)
    await hub.later("30m")
    told = (await hub.latest()).message
    page.mood = ""
    await hub.later("1m")

    assert "the dead man's switch could not be pinged for 5m" == told.title
    assert ["resolved"] == [message.message.state for message in await hub.told()]
    assert 1 == caplog.text.count("could not be pinged")
    assert SECRET not in caplog.text + repr(told)


async def test_it_may_have_moved(hub: Scenario, page: WebPage) -> None:
    async with WebPage().serves() as new:
        page.mood, page.elsewhere = "moved", new.url
        await hub.later("10m")

        assert 11 == len(new.asked)
        assert [] == await titles(hub)


async def test_without_the_setting_nothing_waits(hub: Scenario, page: WebPage) -> None:
    before = len(page.asked)
    await hub.stop()
    hub.variables.clear()
    await hub.start()
    await hub.later("1h")

    assert before == len(page.asked)
    assert hub.next_due() is None


@pytest.mark.parametrize("url", [f"hc.example/{SECRET}", f"ftp://hc.example/{SECRET}", f"http://[{SECRET}", "https://"])
def test_what_is_no_url_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(SettingsError, match=SETTING) as refused:
        read_settings(variables={SETTING: url})

    assert SECRET not in str(refused.value)
