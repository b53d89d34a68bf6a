"""Who is on call may stand in a calendar that people keep elsewhere."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from chat import FakeChat
from live import until
from scenario import Scenario
from web_page import SECRET, WebPage

from hub.errors import RulesError
from hub.outward import Answer, NotAnswered, Question
from hub.proof import Secret
from hub.registry import installed
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.reading import read_rules_text
from hub.settings import Environment

RULES = """\
version: 1
channels: {ops: room:ops}
people: {alice: {pager: U1, email: alice@example.com}, bob: {pager: U2}}
schedules: {web: {calendar: private, timezone: Europe/London}}
routes: [{name: web, match: {host: "web*"}, to: "oncall:web"}]
everything_else: {to: ops}
"""
SETTING = "TOCSIN_CALENDAR_URL_WEB"


def calendar(*events: tuple[str, str, str]) -> str:
    """Events from day and time to day and time of November, in London."""
    body = "".join(
        f"BEGIN:VEVENT\r\nUID:{n}\r\nDTSTART;TZID=Europe/London:202611{start}00\r\n"
        f"DTEND;TZID=Europe/London:202611{end}00\r\nSUMMARY:{title}\r\nEND:VEVENT\r\n"
        for n, (start, end, title) in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\n{body}END:VCALENDAR\r\n"


WEEK = calendar(("16T0900", "23T0900", "Alice"), ("23T0900", "30T0900", "On call: bob"))


@pytest.fixture
async def page() -> AsyncIterator[WebPage]:
    async with WebPage(text=WEEK).serves() as page:
        yield page


@pytest.fixture
async def hub(begin, page: WebPage, chat: FakeChat) -> Scenario:
    pager = chat.integration(person=lambda user: f"@{user}")
    hub = await begin(RULES, {**installed(), "pager": pager})
    await hub.stop()
    hub.variables[SETTING] = page.url
    await hub.start()
    await looks(hub)
    return hub


async def looks(hub: Scenario) -> None:
    """The hub looks at its calendars, as it does every few minutes."""
    await hub.hub.calendars.refresh()
    await hub.settle()


async def titles(hub: Scenario) -> list[str]:
    return [message.message.title for message in await hub.told()]


def heard(chat: FakeChat) -> list[tuple[str, str]]:
    return [(room.name, message.title) for room, (_, message) in zip(chat.rooms, chat.posted, strict=True)]


async def test_whom_the_calendar_names_hears(hub: Scenario, chat: FakeChat) -> None:
    await hub.nagios("web1", number=1)
    await hub.later("2d6h")
    await hub.nagios("web2", number=2)

    assert [("@U1", "web1 is DOWN"), ("@U2", "web2 is DOWN")] == heard(chat)


async def test_who_is_on_call_can_be_asked(hub: Scenario) -> None:
    reply = await hub.says("who's on call for web")

    assert "web: alice (by the calendar) until 2026-11-23 09:00 UTC, then bob" == reply.text


async def test_who_takes_it_over_goes_before_the_calendar(hub: Scenario, chat: FakeChat) -> None:
    await hub.says("take web for 2h", by="bob")
    await hub.nagios("web1", number=1)
    await hub.later("3h")
    await hub.nagios("web2", number=2)

    assert [
        ("@U1", "alice, bob is on call for web in your place for 2h"),
        ("@U2", "web1 is DOWN"),
        ("@U1", "alice, you are on call for web now: the turn that bob took has ended"),
        ("@U1", "web2 is DOWN"),
    ] == heard(chat)


async def test_a_changed_calendar_counts_when_it_is_looked_at(hub: Scenario, page: WebPage) -> None:
    """And one that is as it was is not sent again."""
    page.text = calendar(("16T0900", "30T0900", "bob"))
    await looks(hub)
    await looks(hub)

    assert "web: bob (by the calendar)" in (await hub.says("who's on call")).text
    assert [False, True, True] == ["If-None-Match" in asked.headers for asked in page.asked]


async def test_an_unchanged_calendar_is_read_again_after_a_day(hub: Scenario, page: WebPage) -> None:
    """What comes next moves on with the time."""
    await hub.later("25h")
    await looks(hub)

    assert "If-None-Match" not in page.asked[-1].headers


async def test_a_restart_without_a_network_knows_who_it_is(hub: Scenario, page: WebPage, chat: FakeChat) -> None:
    page.mood = "gone"
    await hub.restarts()
    await hub.nagios("web1", number=1)

    assert [("@U1", "web1 is DOWN")] == heard(chat)


async def test_whom_nobody_knows_is_named_and_everything_else_hears(
    hub: Scenario, page: WebPage, chat: FakeChat, caplog: pytest.LogCaptureFixture
) -> None:
    page.text = calendar(("16T0900", "30T0900", "Dave"))
    await looks(hub)
    await looks(hub)
    await hub.nagios("web1", number=1)

    assert ["web1 is DOWN"] == await titles(hub)
    assert 'web: nobody (people: has nobody for "Dave")' in (await hub.says("who's on call")).text
    assert 'the calendar of web names nobody of people: with "Dave"' in (await hub.says("status")).text
    assert 1 == caplog.text.count("names nobody of people")


async def test_a_person_who_comes_to_the_rules_is_known_at_once(hub: Scenario, page: WebPage) -> None:
    page.text = calendar(("16T0900", "30T0900", "Dave"))
    await looks(hub)
    await hub.reloads(RULES.replace("bob: {", "dave: {}, bob: {"))

    assert "web: dave" in (await hub.says("who's on call")).text


@pytest.mark.parametrize("mood", ["gone", "drops", "endless", "no calendar"])
async def test_a_calendar_that_cannot_be_read_counts_as_it_was_and_is_told_in_time(
    hub: Scenario, page: WebPage, mood: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Once; and nobody reads where it is."""
    caplog.set_level(logging.INFO)
    page.mood, page.text = ("", "<html>log in</html>") if mood == "no calendar" else (mood, WEEK)
    await hub.later("50m")
    await looks(hub)
    assert [] == await titles(hub)
    for _ in range(3):
        await hub.later("10m")
        await looks(hub)
    told = (await hub.latest()).message
    assert "web: alice" in (await hub.says("who's on call")).text
    page.mood, page.text = "", WEEK
    await looks(hub)

    assert "the calendar of web cannot be read" == told.title
    assert "It still counts as it was read last." in told.text
    assert ["resolved"] == [message.message.state for message in await hub.told()]
    assert 1 == caplog.text.count("cannot be read:")
    assert SECRET not in caplog.text + repr(told) + repr(hub.hub.state.calendars)


async def test_a_calendar_that_never_could_be_read_is_told_at_once(begin, caplog: pytest.LogCaptureFixture) -> None:
    hub = await begin(RULES)
    await looks(hub)
    told = (await hub.latest()).message
    await hub.reloads(RULES.replace("calendar: private", "layers: [{people: [alice]}]"))
    await hub.settle()

    assert told.text.startswith("its address is not set")
    assert "nobody is on call for web until TOCSIN_CALENDAR_URL_WEB is set" in caplog.text
    assert ["resolved"] == [message.message.state for message in await hub.told()]


async def test_while_the_database_is_away_one_calendar_keeps_no_other_waiting(begin) -> None:
    """Nor is what could not be told or kept left for ten minutes."""
    hub = await begin(
        RULES.replace("schedules: {", "schedules: {data: {calendar: none.ics}, ").replace("private", "it.ics")
    )
    (hub.folder / "it.ics").write_text(WEEK)
    hub.fails_to_write()
    await looks(hub)
    assert "web: alice (by the calendar)" in (await hub.says("who's on call for web")).text
    assert [] == await titles(hub)

    await looks(hub)
    assert ["the calendar of data cannot be read"] == await titles(hub)


async def test_a_calendar_may_be_a_file_beside_the_rules(begin) -> None:
    hub = await begin(RULES.replace("private", "oncall.ics"))
    (hub.folder / "oncall.ics").write_text(WEEK)
    await looks(hub)

    assert "web: alice (by the calendar)" in (await hub.says("who's on call")).text


async def test_the_calendar_of_an_address_of_before_counts_until_the_new_one_is_read(
    hub: Scenario, page: WebPage
) -> None:
    """And its server is not asked whether the old one changed."""
    async with WebPage(text=calendar(("16T0900", "30T0900", "bob"))).serves() as new:
        await hub.stop()
        hub.variables[SETTING] = new.url
        await hub.start()
        assert "web: alice" in (await hub.says("who's on call")).text
        await looks(hub)

        assert "web: bob" in (await hub.says("who's on call")).text
        assert "If-None-Match" not in new.asked[0].headers


async def test_a_schedule_that_is_gone_is_forgotten(hub: Scenario) -> None:
    await hub.reloads(RULES.replace("calendar: private", "layers: [{people: [bob]}]"))
    await hub.restarts()

    assert {} == hub.hub.state.calendars
    assert "web: bob" in (await hub.says("who's on call")).text


@pytest.mark.parametrize("mood", ["", "fails"])
async def test_a_schedule_that_goes_while_its_calendar_is_asked_for_is_forgotten(
    hub: Scenario, page: WebPage, mood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would take back what is told of it: the next rules, at best."""
    calendars = hub.hub.calendars

    async def meanwhile(_url: Secret, _question: Question) -> Answer:
        await hub.reloads(RULES.replace("calendar: private", "layers: [{people: [bob]}]"))
        if mood:
            raise NotAnswered("it does not answer")
        return Answer(status=200, headers={}, body=WEEK.encode())

    monkeypatch.setattr(calendars, "_get", meanwhile)
    await hub.later("2h")
    await looks(hub)

    assert {} == hub.hub.state.calendars
    assert [] == await titles(hub)


@pytest.mark.parametrize(("url", "says"), [(f"hc.example/{SECRET}", "is not a URL"), (f"webcal://x/{SECRET}", "")])
def test_a_setting_that_is_no_url_is_a_fault_of_the_machine(url: str, says: str) -> None:
    """The rules are right, and nobody reads what is wrong."""
    rules = read_rules_text(RULES, "routes.yaml", catalogue_of(installed(), Environment({SETTING: url})))

    assert bool(says) == bool(rules.faults)
    assert all(SETTING in fault and says in fault and SECRET not in fault for fault in map(str, rules.faults))


def test_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(RulesError) as refused:
        read_rules_text(
            RULES.replace("private", f"https://me:{SECRET}@example.com/"), "routes.yaml", catalogue_of(installed())
        )

    assert "4:29: a password does not belong in the rules" in str(refused.value)
    assert SECRET not in str(refused.value)


async def test_it_is_looked_at_from_the_start_on_and_when_rules_change(hub: Scenario, page: WebPage) -> None:
    async def asked(times: int) -> bool:
        return len(page.asked) == times

    serving = asyncio.create_task(hub.hub.calendars.serve())
    await until("it is looked at", lambda: asked(2))
    await hub.reloads(RULES + "# changed\n")
    await until("it is looked at again", lambda: asked(3))
    serving.cancel()
