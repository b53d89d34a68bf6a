"""The room as people see it, in a real Chromium, on a desk and on a phone."""

import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from peers.browser import PHONE, WIDE, Sheet, chromium, opened
from peers.hub import HubProcess
from peers.servers import wait_until
from playwright.async_api import Locator, expect

ROUTES = """\
version: 1
sources:
  disk:
    tool: json
    event:
      key: "{body.host}"
      title: "{body.host}: {body.text}"
      status: {from: body.status, map: {ok: recovery}, else: problem}
      severity: error
  twitter:
    tool: json
    event: {key: "{body.id}", title: 'twitter says "{body.text}"', status: notice, severity: info}
channels:
  ops: room:ops
everything_else: {to: ops}
"""
SIZES = pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
pytestmark = pytest.mark.e2e("chromium")


@asynccontextmanager
async def room(hub: HubProcess, size: tuple[int, int] = WIDE) -> AsyncIterator[Sheet]:
    """The room, live; leaving asserts that the page complained about nothing and never scrolled sideways."""
    async with chromium() as browser, opened(browser, f"{hub.url}/room/ops", size=size) as sheet:
        await sheet.page.evaluate("window.stayed = true")
        yield sheet

        assert not await sheet.overflows()
        assert await sheet.page.evaluate("window.stayed === true"), "the page loaded itself again"
        assert [] == sheet.faults


async def say(sheet: Sheet, text: str) -> None:
    box = sheet.page.get_by_label("Say something to the hub")
    await box.fill(text)
    await box.press("Enter")
    await expect(box).to_have_value("")


def card(sheet: Sheet, text: str) -> Locator:
    return sheet.page.locator("article", has=sheet.page.locator("[data-state]"), has_text=text)


@SIZES
async def test_an_alert_lives_in_an_open_page(hub_process: Callable[..., HubProcess], size: tuple[int, int]) -> None:
    """It appears, is acked by its button, and heals, in one message and without a reload."""
    hub = hub_process(routes=ROUTES)
    async with room(hub, size) as sheet:
        hub.post("/in/disk", {"host": "db7", "text": "disk full", "status": "bad"})
        alert = card(sheet, "db7: disk full")
        state = alert.locator("[data-state]")
        await expect(state).to_have_attribute("data-state", "open")

        await alert.get_by_role("button", name="Ack", exact=True).click()
        await expect(state).to_have_attribute("data-state", "acked")

        hub.post("/in/disk", {"host": "db7", "text": "disk full", "status": "ok"})
        await expect(state).to_have_attribute("data-state", "resolved")
        await expect(alert).to_have_count(1)


async def test_what_is_acked_or_silent_is_calm_and_still_counted(hub_process: Callable[..., HubProcess]) -> None:
    """And can be gone through, since it is not over."""
    hub = hub_process(routes=ROUTES)
    async with room(hub, PHONE) as sheet:
        chip = sheet.page.locator("#open")
        await expect(chip).to_have_text("✓ all calm")
        for host in ("db7", "db8", "db9"):
            hub.post("/in/disk", {"host": host, "text": "disk full\n" * 30, "status": "bad"})
            await expect(card(sheet, host)).to_be_visible()
        await expect(chip).to_have_text("3 open")

        for words in ("ack db7", "silence key=db8", "silence key=db9"):
            await say(sheet, words)
        await expect(chip).to_have_text("✓ calm, 1 acked, 2 silenced")
        await chip.click()
        await expect(card(sheet, "db9: disk full")).to_be_in_viewport()


@SIZES
async def test_shut_up_twitter(hub_process: Callable[..., HubProcess], size: tuple[int, int]) -> None:
    """The sentence is answered in the room, and what it silences is not told, while the rest is."""
    hub = hub_process(routes=ROUTES)
    async with room(hub, size) as sheet:
        await say(sheet, "shut up twitter")
        await expect(sheet.page.locator("[data-kind=reply]").last).to_contain_text("twitter")
        assert 1 == len(hub.get("/api/v1/silences")["silences"])

        told = hub.post("/in/twitter", {"id": "1", "text": "first!"})["events"][0]
        hub.post("/in/disk", {"host": "db7", "text": "disk full", "status": "bad"})
        await expect(card(sheet, "db7: disk full")).to_be_visible()

        assert wait_until("it is decided", lambda: hub.get(f"/api/v1/events/{told}")["decision"])["suppressed"]
        await expect(card(sheet, "first!")).to_have_count(0)

        await say(sheet, "speak up twitter")
        hub.post("/in/twitter", {"id": "2", "text": "second!"})
        await expect(card(sheet, "second!")).to_be_visible()


async def test_what_comes_is_read_aloud_and_what_changes_is_not(hub_process: Callable[..., HubProcess]) -> None:
    """By a screen reader, with state and severity in words; a button is described by its alert."""
    hub = hub_process(routes=ROUTES)
    async with room(hub) as sheet:
        hub.post("/in/disk", {"host": "db7", "text": "disk full", "status": "bad"})
        spoken = sheet.page.locator("#spoken")
        await expect(spoken).to_have_text("open, error: db7: disk full")
        ack = card(sheet, "db7").get_by_role("button", name="Ack", exact=True)
        await expect(ack).to_have_accessible_description("db7: disk full")

        hub.post("/in/disk", {"host": "db7", "text": "disk full", "status": "ok"})
        await expect(card(sheet, "db7").locator("[data-state]")).to_have_attribute("data-state", "resolved")
        hub.post("/in/twitter", {"id": "1", "text": "first!"})
        await expect(spoken).to_have_text('notice, info: twitter says "first!"')
        assert "off" == await sheet.page.locator("#log").get_attribute("aria-live")


async def test_what_came_while_the_connection_was_away_is_read_aloud_too(
    hub_process: Callable[..., HubProcess],
) -> None:
    """And counted; what was there before is not."""
    hub = hub_process(routes=ROUTES)
    for number in range(8):
        hub.post("/in/disk", {"host": f"db{number}", "text": "disk full", "status": "bad"})
    wait_until("all are told", lambda: len(hub.get("/api/v1/rooms/ops/messages")["messages"]) == 8)
    async with room(hub, PHONE) as sheet:
        await sheet.page.evaluate("stream.close(); window.scrollTo(0, 0)")
        hub.post("/in/disk", {"host": "db8", "text": "disk full", "status": "bad"})
        wait_until("it is told", lambda: len(hub.get("/api/v1/rooms/ops/messages")["messages"]) == 9)
        await sheet.page.evaluate("again(stream)")

        await expect(sheet.page.locator("#spoken")).to_have_text("open, error: db8: disk full")
        await expect(sheet.page.locator("#new")).to_have_text("↓ 1 new")


async def test_what_is_proposed_is_done_at_a_touch(hub_process: Callable[..., HubProcess]) -> None:
    """At three in the night nobody types an id. A second touch says it again, and takes nothing back."""
    hub = hub_process(routes=ROUTES)
    hub.post("/in/disk", {"host": "db1.fra.example.com", "text": "full", "status": "bad"})
    hub.post("/in/disk", {"host": "db2.fra.example.com", "text": "full", "status": "bad"})
    async with room(hub, PHONE) as sheet:
        await say(sheet, "ack")
        offers = sheet.page.locator("button.offer")
        await expect(offers).to_have_count(2)
        first = await offers.first.inner_text()
        await offers.first.tap()
        said = sheet.page.locator(".bubble[data-kind=said]", has_text=first)
        await expect(said).to_have_count(1)
        await expect(sheet.page.locator(".card[data-state=acked]")).to_have_count(1)
        await expect(offers.first).to_be_enabled()
        await expect(offers.first).to_have_text(first)

        assert 44 <= (await offers.first.bounding_box() or {})["height"]


async def test_a_misspelt_command_runs_nothing(hub_process: Callable[..., HubProcess]) -> None:
    """It is answered with the nearest words."""
    hub = hub_process(routes=ROUTES)
    async with room(hub) as sheet:
        await say(sheet, "silense twitter")

        await expect(sheet.page.locator("[data-kind=reply]").last).to_contain_text("silence")
        assert [] == hub.get("/api/v1/silences")["silences"]


@SIZES
async def test_foreign_markup_is_shown_as_text(hub_process: Callable[..., HubProcess], size: tuple[int, int]) -> None:
    """Nothing that a tool or a person writes becomes part of the page, and no word of theirs widens it."""
    hub = hub_process(routes=ROUTES)
    markup = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script><b>bold</b>'
    async with room(hub, size) as sheet:
        hub.post("/in/disk", {"host": "db7", "text": f"{markup} {'x' * 400}", "status": "bad"})
        alert = card(sheet, "db7")
        await expect(alert.get_by_role("heading")).to_contain_text(markup)
        await say(sheet, f"{markup} {'y' * 300}")
        await expect(sheet.page.locator("[data-kind=said]").last).to_contain_text(markup)

        assert 0 == await sheet.page.locator("#log img, #log script, #log .words b").count()
        assert "owned" not in await sheet.page.title()


@SIZES
async def test_the_first_page_leads_to_the_room(hub_process: Callable[..., HubProcess], size: tuple[int, int]) -> None:
    """It shows the open alerts and the rooms."""
    hub = hub_process(routes=ROUTES)
    hub.post("/in/disk", {"host": "db7", "text": "disk full " + "z" * 200, "status": "bad"})
    wait_until("it is an alert", hub.alerts)
    async with chromium() as browser, opened(browser, hub.url, size=size) as sheet:
        await expect(sheet.page.locator("main")).to_contain_text("db7: disk full")
        assert not await sheet.overflows()
        assert [] == sheet.faults

        await sheet.page.get_by_role("link", name="ops").first.click()

        await expect(sheet.page).to_have_url(f"{hub.url}/room/ops")
        await expect(card(sheet, "db7: disk full")).to_be_visible()


async def test_a_thumb_hits_what_it_aims_at(hub_process: Callable[..., HubProcess]) -> None:
    """On a phone whatever can be touched is at least 44 pixels high."""
    hub = hub_process(routes=ROUTES)
    told = hub.post("/in/disk", {"host": "db7", "text": "disk full\n" * 20, "status": "bad"})["events"][0]
    hub.post("/in/nagios", {"NOTIFICATIONTYPE": "UNHEARD-OF"})
    hub.post("/api/v1/say", {"text": "silence host=db9", "as": "alice", "in": "ops"})
    wait_until("it is decided", lambda: hub.get(f"/api/v1/events/{told}")["decision"])
    async with chromium() as browser:
        for path in ("/", "/room/ops", "/silences", "/quarantine", f"/events/{told}", "/login", "/events/none"):
            async with opened(browser, f"{hub.url}{path}", size=PHONE) as sheet:
                heights = await sheet.page.evaluate(
                    """[...document.querySelectorAll("a:not(.skip), button, summary, input, select")].map(
                        (one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect().height])"""
                )

                assert [] == [one for one, height in heights if 0 < height < 44]


async def test_nothing_is_pressed_that_slid_under_the_thumb(hub_process: Callable[..., HubProcess]) -> None:
    """Somebody acks it just before: where "Ack" was is "Unack", and would let go of it."""
    hub = hub_process(routes=ROUTES)
    async with room(hub, PHONE) as sheet:
        page = sheet.page
        hub.post("/in/disk", {"host": "db7", "text": "disk full", "status": "bad"})
        ack = card(sheet, "db7").get_by_role("button", name="Ack", exact=True)
        place, value = await ack.bounding_box() or {}, await ack.get_attribute("value")
        await page.clock.install()
        await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 60"))

        hub.post("/room/ops/press", {"value": value})
        await expect(card(sheet, "db7").get_by_role("button", name="Unack")).to_be_visible()
        await page.touchscreen.tap(place["x"] + 20, place["y"] + place["height"] - 4)

        await expect(page.locator("#toast")).to_contain_text("look, and press again")
        assert "acked" == hub.alerts()[0]["state"]

        await page.clock.run_for(1000)
        await page.touchscreen.tap(place["x"] + 20, place["y"] + place["height"] - 4)
        await expect(card(sheet, "db7").locator("[data-state]")).to_have_attribute("data-state", "open")


async def test_a_double_touch_is_one(hub_process: Callable[..., HubProcess]) -> None:
    """The answer is there before the second: it would undo the first, or say it again."""
    hub = hub_process(routes=ROUTES)
    async with room(hub, PHONE) as sheet:
        page = sheet.page
        await page.clock.install()
        await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 60"))
        hub.post("/in/disk", {"host": "db7", "text": "disk full", "status": "bad"})
        place = await card(sheet, "db7").get_by_role("button", name="Ack", exact=True).bounding_box() or {}
        await page.clock.run_for(1000)
        await page.touchscreen.tap(place["x"] + 20, place["y"] + place["height"] - 4)
        await expect(card(sheet, "db7").get_by_role("button", name="Unack")).to_be_enabled()
        await page.touchscreen.tap(place["x"] + 20, place["y"] + place["height"] - 4)

        await expect(page.locator("#toast")).to_contain_text("is acked by")
        assert "acked" == hub.alerts()[0]["state"]

        await say(sheet, "akc db7")
        offer = page.locator("button.offer", has_text="ack db7")
        await offer.tap()
        await expect(page.locator(".bubble[data-kind=said]", has_text="ack db7")).to_have_count(1)
        await expect(offer).to_be_enabled()
        await offer.tap()
        await say(sheet, "status")
        await expect(page.locator(".bubble[data-kind=said]", has_text="ack db7")).to_have_count(1)


async def test_times_say_their_zone_where_it_is_not_the_hubs(hub_process: Callable[..., HubProcess]) -> None:
    """What is quiet "until 13:04 UTC" is not over at 13:04 in Berlin."""
    hub = hub_process(routes=ROUTES)
    hub.post("/in/disk", {"host": "db7", "text": "disk full", "status": "bad"})
    async with chromium() as browser:
        for zone, says in (("Etc/UTC", r"^[0-9:]{5} · now"), ("Asia/Tokyo", r"^[0-9:]{5} GMT\+9 · now")):
            context = await browser.new_context(timezone_id=zone, locale="en-GB")
            page = await context.new_page()
            await page.goto(f"{hub.url}/room/ops", wait_until="domcontentloaded")
            await expect(page.locator(".card time")).to_have_text(re.compile(says))
            await context.close()


async def test_what_a_button_answered_makes_room_for_the_next(hub_process: Callable[..., HubProcess]) -> None:
    """A long answer stays until it is closed, or until something else is said."""
    hub = hub_process(routes=ROUTES)
    async with room(hub, PHONE) as sheet:
        hub.post("/in/disk", {"host": "db7", "text": "disk full", "status": "bad"})
        await card(sheet, "db7: disk full").get_by_role("button", name="Why").click()
        toast = sheet.page.locator("#toast")
        await expect(toast).to_contain_text("everything_else")

        await say(sheet, "status")
        await expect(toast).to_be_hidden()
        await card(sheet, "db7: disk full").get_by_role("button", name="Why").click()
        await expect(toast).to_be_visible()
        await sheet.page.keyboard.press("Escape")
        await expect(toast).to_be_hidden()


async def test_the_first_page_stays_true_while_it_is_looked_at(hub_process: Callable[..., HubProcess]) -> None:
    """And says of when it is, where the hub cannot be asked."""
    hub = hub_process(routes=ROUTES)
    async with chromium() as browser, opened(browser, hub.url, size=PHONE) as sheet:
        await sheet.page.clock.install()
        await sheet.page.reload()
        await expect(sheet.page.get_by_text("Nothing is open.")).to_be_visible()
        hub.post("/in/disk", {"host": "db7", "text": "disk full", "status": "bad"})
        wait_until("it is open", lambda: hub.get("/api/v1/alerts?state=open")["alerts"])
        await sheet.page.clock.run_for(31_000)
        await expect(sheet.page.get_by_role("link", name="db7: disk full", exact=True)).to_be_visible()

        await sheet.page.context.set_offline(True)
        await sheet.page.clock.run_for(31_000)
        await expect(sheet.page.locator("#lost")).to_contain_text("The hub does not answer. This is as of ")
        await sheet.page.context.set_offline(False)
        await sheet.page.clock.run_for(31_000)
        await expect(sheet.page.locator("#lost")).to_be_hidden()


async def test_what_came_out_of_sight_is_counted_and_one_tap_away(hub_process: Callable[..., HubProcess]) -> None:
    """Also in the thread of an alert further up; not what one said oneself, there where one looks."""
    hub = hub_process(routes=ROUTES)
    for number in range(8):
        hub.post("/in/disk", {"host": f"db{number}", "text": "disk full", "status": "bad"})
    wait_until("all are told", lambda: len(hub.get("/api/v1/rooms/ops/messages")["messages"]) == 8)
    first = hub.get("/api/v1/rooms/ops/messages")["messages"][0]["id"]
    async with room(hub, PHONE) as sheet:
        hint = sheet.page.locator("#new")
        await expect(card(sheet, "db7: disk full")).to_be_in_viewport()
        hub.post("/api/v1/say", {"text": "ack", "as": "bob", "in": "ops", "thread": first})
        await expect(hint).to_have_text("↑ 2 new")
        await hint.click()
        await expect(card(sheet, "db0").get_by_text("is acked by bob")).to_be_in_viewport()
        await expect(hint).to_be_hidden()

        await card(sheet, "db0").get_by_text("Reply in thread").click()
        await card(sheet, "db0").locator("[name=text]").fill("unack")
        await card(sheet, "db0").locator("[name=text]").press("Enter")
        await expect(card(sheet, "db0").locator("[data-state]")).to_have_attribute("data-state", "open")
        await expect(hint).to_be_hidden()

        hub.post("/in/disk", {"host": "db9", "text": "disk full", "status": "bad"})
        await expect(hint).to_have_text("↓ 1 new")
        await hint.click()
        await expect(card(sheet, "db9: disk full")).to_be_in_viewport()
        await expect(hint).to_be_hidden()


async def test_letters_of_twice_the_size_leave_room_to_read(hub_process: Callable[..., HubProcess]) -> None:
    """As on a phone at 200 %: nothing is wider than it, and of a long name two lines are enough."""
    name = "a-very-long-name-of-a-room-that-somebody-chose-anyway"
    hub = hub_process(routes=ROUTES.replace("room:ops", f"room:{name}"))
    hub.post("/in/disk", {"host": "db7", "text": "disk full", "status": "bad"})
    wide, high = (side // 2 for side in PHONE)
    async with chromium() as browser:
        for path in (f"/room/{name}", "/", "/silences", "/audit"):
            async with opened(browser, f"{hub.url}{path}", size=(wide, high)) as sheet:
                top = await sheet.page.locator("header.top").bounding_box()

                assert top is not None
                assert top["height"] < high / 3
                assert not await sheet.overflows()


async def test_a_connection_that_died_without_a_word_is_noticed_and_made_anew(
    hub_process: Callable[..., HubProcess],
) -> None:
    """As where a telephone changed its network: nobody said that it is over, and nothing comes."""
    hub = hub_process(routes=ROUTES)
    async with chromium() as browser, opened(browser, f"{hub.url}/room/ops") as sheet:
        await sheet.page.clock.install()
        await sheet.page.reload()
        await expect(sheet.page.locator("#open")).to_have_text("✓ all calm")
        hub.sends(signal.SIGSTOP)
        await sheet.page.clock.run_for(60_000)
        await expect(sheet.page.locator("#lost")).to_have_text("The hub does not answer. Trying again …")
        hub.sends(signal.SIGCONT)
        await expect(sheet.page.locator("#lost")).to_be_hidden()
        hub.post("/in/disk", {"host": "db8", "text": "disk full", "status": "bad"})

        await expect(card(sheet, "db8: disk full")).to_be_visible()


async def test_a_link_to_a_message_ends_at_it(hub_process: Callable[..., HubProcess]) -> None:
    """From the list of what is open, and back."""
    hub = hub_process(routes=ROUTES)
    for number in range(12):
        hub.post("/in/disk", {"host": f"db{number}", "text": "disk full", "status": "bad"})
    wait_until("all are told", lambda: len(hub.get("/api/v1/rooms/ops/messages")["messages"]) == 12)
    async with chromium() as browser, opened(browser, hub.url, size=PHONE) as sheet:
        await sheet.page.get_by_role("link", name="db2: disk full", exact=True).click()
        await expect(card(sheet, "db2: disk full")).to_be_in_viewport(ratio=0.9)
        await sheet.page.go_back()

        await expect(sheet.page.get_by_role("heading", name="Open alerts")).to_be_visible()


async def test_each_line_of_a_long_text_is_written_in_its_own_direction(hub_process: Callable[..., HubProcess]) -> None:
    """The first of several names does not turn the others round."""
    hub = hub_process(routes=ROUTES)
    hub.post("/in/twitter", {"id": "1", "text": "names", "details": "שרת ראשי\n" + "web1 is down\n" * 20})
    async with room(hub, PHONE) as sheet:
        shown = sheet.page.locator(".beginning")
        await expect(shown).to_be_visible()
        left = await shown.evaluate(
            """(text) => { const range = document.createRange(), at = text.firstChild.data.indexOf("web1");
                range.setStart(text.firstChild, at); range.setEnd(text.firstChild, at + 4);
                return range.getBoundingClientRect().left - text.getBoundingClientRect().left; }"""
        )

        assert left < 5


async def test_a_page_that_was_cut_off_catches_up(hub_process: Callable[..., HubProcess]) -> None:
    """The hub goes away and comes back while somebody looks: what happened meanwhile is there."""
    hub = hub_process(routes=ROUTES)
    async with chromium() as browser, opened(browser, f"{hub.url}/room/ops") as sheet:
        hub.post("/in/disk", {"host": "db6", "text": "disk full", "status": "bad"})
        await expect(card(sheet, "db6: disk full")).to_be_visible()
        hub.stop()
        await card(sheet, "db6: disk full").get_by_role("button", name="Ack", exact=True).click()
        await expect(sheet.page.locator("#toast")).to_contain_text("Look whether it was done before you press again")
        hub.start()
        hub.post("/in/disk", {"host": "db7", "text": "disk full", "status": "bad"})

        await expect(card(sheet, "db7: disk full")).to_be_visible(timeout=20_000)
