"""What Bamboo is asked after a build failed, what comes of its answer, and that nothing of that can do harm."""

import copy
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
from bamboo import TOKEN, Bamboo, Mood

from hub.contracts import FetchTools, Quiet, WebhookRequest
from hub.core.alert import advance
from hub.core.durations import parse_duration
from hub.core.event import Event, EventId, Report, Status, event_of
from hub.errors import PayloadError, SettingsError, TocsinError, Unreachable
from hub.proof import Secret
from hub.testing import RECORDED
from integrations.bamboo import follow_up, source
from integrations.bamboo.reading import BambooOptions


def result(**more: Any) -> dict[str, Any]:
    """A result as the REST interface gives it, where everything is asked for."""
    tests = [
        {"className": "com.example.shop.CartTest", "methodName": f"adds{n}", "status": "failed"} for n in range(1, 4)
    ]
    job = {
        "plan": {"shortName": "Unit tests", "type": "job"},
        "state": "Failed",
        "testResults": {"newFailed": 1, "failedTests": {"size": 3, "testResult": tests}},
    }
    good = {"plan": {"shortName": "Compile"}, "state": "Successful", "testResults": {"failedTests": {"testResult": []}}}
    return {
        "link": {"href": "https://bamboo.example.com/rest/api/latest/result/WEB-MAIN12-7", "rel": "self"},
        "plan": {"name": "Web - main - release-2", "shortName": "release-2", "type": "chain_branch"},
        "buildResultKey": "WEB-MAIN12-7",
        "state": "Failed",
        "buildReason": 'Changes by <a href="https://bamboo.example.com/browse/user/alice">Alice</a>',
        "failedTestCount": 3,
        "vcsRevisionKey": "8c1f2d9e4b7a6c5d3e2f1a0b9c8d7e6f5a4b3c2d",
        "vcsRevisions": {"size": 1, "vcsRevision": [{"repositoryName": "shop", "vcsRevisionKey": "8c1f2d9"}]},
        "changes": {
            "size": 2,
            "change": [
                {"changesetId": "8c1f2d9e4b7a", "fullName": "Alice", "author": "alice", "comment": "Add a cart\n\nAnd"},
                {"changesetId": "1b2c3d4e5f6a", "author": "bob", "comment": "Price it"},
            ],
        },
        "stages": {"stage": [{"results": {"result": [good]}}, {"results": {"result": [job]}}]},
        **more,
    }


def failed(key: str = "WEB-MAIN12-7", status: str = "Failed") -> Event:
    """The event that the webhook of that build made."""
    body = {"build": {"buildResultKey": key, "status": status, "buildPlanName": "Web - main - release-2"}}
    request = WebhookRequest(source="bamboo", body=json.dumps(body).encode(), received_at=RECORDED)
    reports = source.parse(request, BambooOptions())
    assert not isinstance(reports, Quiet)
    return event(reports[0])


def event(report: Report) -> Event:
    return event_of(
        report,
        id=EventId("e1"),
        source="bamboo",
        tool="bamboo",
        received_at=RECORDED,
        delivery_id="",
        request_id="",
    )


def read(answer: Mapping[str, Any], **options: Any) -> Report:
    request = WebhookRequest(
        source="bamboo", body=json.dumps(answer).encode(), received_at=RECORDED, fetched="follow-up"
    )
    reports = source.parse(request, BambooOptions(**options))
    assert not isinstance(reports, Quiet)
    (report,) = reports
    return report


# ------------------------------------------------------------------------------------------------------------- to read


def test_the_answer_says_what_broke_and_who_changed_what() -> None:
    report = read(result())

    assert (Status.UPDATE, "WEB-MAIN12") == (report.status, report.key)
    assert "Web - main - release-2 #7: 3 tests fail, 1 of them newly" == report.title
    assert [
        "Branch release-2",
        "failed in Unit tests",
        "- CartTest adds1",
        "- CartTest adds2",
        "- CartTest adds3",
        "2 changes by Alice, bob",
        "- 8c1f2d9 Add a cart (Alice)",
        "- 1b2c3d4 Price it (bob)",
    ] == report.body.splitlines()


def test_the_answer_adds_to_its_alert_what_that_lacks() -> None:
    """Branch, commit and link are there for rules and people; how the build stands is not touched."""
    opened = advance(None, failed(), reopen_within=parse_duration("10m")).alert
    assert opened is not None
    more = advance(opened, event(read(result())), reopen_within=parse_duration("10m")).alert
    assert more is not None

    assert ("release-2", "shop") == (more.labels["branch"], more.labels["repo"])
    assert ["https://bamboo.example.com/browse/WEB-MAIN12-7"] == [link.url for link in more.links]
    assert (opened.title, opened.severity, opened.newest_sequence) == (more.title, more.severity, more.newest_sequence)


def test_the_link_is_made_from_the_option_if_there_is_one() -> None:
    (link,) = read(result(), base_url="https://ci.example.com/bamboo/").links

    assert "https://ci.example.com/bamboo/browse/WEB-MAIN12-7" == link.url


def test_a_link_to_something_else_is_none() -> None:
    assert () == read(result(link={"href": "javascript:/rest/api/latest/result/WEB-MAIN12-7"})).links


def test_the_branch_of_a_plan_itself_is_not_known() -> None:
    """The name of the plan is no branch."""
    report = read(result(plan={"name": "Web - main", "shortName": "main", "type": "chain"}))

    assert "branch" not in report.labels
    assert "Branch" not in report.body


def test_without_tests_it_says_where_it_failed() -> None:
    report = read(result(failedTestCount=0))

    assert "Web - main - release-2 #7: failed in Unit tests" == report.title
    assert ["Branch release-2", "2 changes by Alice, bob"] == report.body.splitlines()[:2]


def test_with_nothing_to_say_it_is_quiet() -> None:
    answer = {"buildResultKey": "WEB-MAIN-214", "plan": {"type": "chain"}}
    request = WebhookRequest(
        source="bamboo", body=json.dumps(answer).encode(), received_at=RECORDED, fetched="follow-up"
    )

    assert Quiet(why="Bamboo knows nothing more of WEB-MAIN-214") == source.parse(request, BambooOptions())


def test_much_is_counted_and_not_shown() -> None:
    """Ten thousand failing tests are one screen."""
    many = result(failedTestCount=10_000)
    job = many["stages"]["stage"][1]["results"]["result"][0]
    job["testResults"] = {
        "newFailed": 10_000,
        "failedTests": {"testResult": [{"className": "a." + "B" * 300, "methodName": f"t{n}"} for n in range(10_000)]},
    }
    many["stages"]["stage"] += [copy.deepcopy(many["stages"]["stage"][0]) for _ in range(20)]
    for stage in many["stages"]["stage"]:
        stage["results"]["result"][0]["state"] = "Failed"
    report = read(many)

    assert "Web - main - release-2 #7: 10000 tests fail" == report.title
    assert "- and 9995 more" in report.body.splitlines()
    assert "failed in Compile, Unit tests, Compile, Compile, Compile and 17 more" in report.body.splitlines()
    assert len(report.body) < 2001


@pytest.mark.parametrize("name", [*result(), "changes.change", "stages.stage", "plan.name"])
def test_an_answer_without_something_is_read_all_the_same(name: str) -> None:
    answer = result(key="WEB-MAIN12-7")
    *outer, last = name.split(".")
    (answer[outer[0]] if outer else answer).pop(last)

    assert "WEB-MAIN12" == read(answer).key


def test_a_stranger_cannot_post_an_answer() -> None:
    """Only what the hub itself asked for is read as one."""
    answer = result(stages={})
    posted = WebhookRequest(source="bamboo", body=json.dumps(answer).encode(), received_at=RECORDED)

    assert Status.UPDATE is read(answer).status
    with pytest.raises(PayloadError, match="status: is missing"):
        source.parse(posted, BambooOptions())


# -------------------------------------------------------------------------------------------------------------- to ask


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def tools(http: aiohttp.ClientSession, url: str = "", *, token: str = TOKEN, base_url: str = "") -> FetchTools:
    settings = {"API_KEY": token, "API_URL": url}

    async def accepted(_: str) -> bool:
        return False

    return FetchTools(
        source="bamboo-eu",
        options=BambooOptions(base_url=base_url),
        setting=lambda name: Secret(settings[name]) if settings.get(name) else None,
        http=http,
        now=RECORDED,
        accepted=accepted,
    )


async def test_the_result_of_a_failed_build_is_asked_for(http: aiohttp.ClientSession) -> None:
    async with Bamboo(results={"WEB-MAIN12-7": result()}).serves() as bamboo:
        request = await follow_up.follow_up(failed(), tools(http, bamboo.url))
    assert request is not None

    assert (["WEB-MAIN12-7"], [f"Bearer {TOKEN}"]) == (bamboo.asked, bamboo.tokens)
    assert ("bamboo-eu", "follow-up", RECORDED) == (request.source, request.fetched, request.received_at)
    assert [read(result())] == source.parse(request, BambooOptions())
    assert "" == source.delivery(request)


async def test_it_is_asked_where_people_see_it(http: aiohttp.ClientSession) -> None:
    """With its path, and without a second address to keep true."""
    async with Bamboo(results={"WEB-MAIN12-7": result()}, path="/bamboo").serves() as bamboo:
        assert await follow_up.follow_up(failed(), tools(http, base_url=bamboo.url + "/"))


async def test_nothing_is_asked_about_what_did_not_fail(http: aiohttp.ClientSession) -> None:
    deployment = {
        "deploymentResultId": "1",
        "status": "Failed",
        "deploymentProjectId": "2",
        "environmentId": "3",
    }
    body = json.dumps({"deployment": deployment}).encode()
    (deployed,) = source.parse(WebhookRequest(source="b", body=body, received_at=RECORDED), BambooOptions())  # type: ignore[misc]

    async with Bamboo().serves() as bamboo:
        for told in (failed(status="Successful"), failed(status="Unknown"), event(deployed)):
            assert await follow_up.follow_up(told, tools(http, bamboo.url)) is None

    assert [] == bamboo.asked


def test_it_is_ready_with_a_token() -> None:
    assert follow_up.FETCHING.ready(lambda name: Secret("x") if name == "API_KEY" else None)
    assert not follow_up.FETCHING.ready(lambda _: None)


SAID: list[tuple[Mood, type[TocsinError], str]] = [
    ("page", SettingsError, "base_url of bamboo-eu is not the REST interface of Bamboo"),
    ("cut", SettingsError, "base_url of bamboo-eu is not the REST interface of Bamboo"),
    ("forbidden", SettingsError, r"does not show WEB-MAIN12-7 to the API_KEY of bamboo-eu \(403\)"),
    ("moved", SettingsError, r"a redirect \(302\), which is not followed"),
    ("drops", Unreachable, "Bamboo does not answer: ServerDisconnectedError"),
    ("broken", Unreachable, "Bamboo answers 500"),
    ("endless", Unreachable, "more than 8 MiB"),
]


@pytest.mark.parametrize(("mood", "kind", "says"), SAID, ids=[mood for mood, _, _ in SAID])
async def test_what_hinders_is_said_with_its_cure(
    http: aiohttp.ClientSession, mood: Mood, kind: type[TocsinError], says: str
) -> None:
    """And without the token."""
    async with Bamboo(mood=mood, elsewhere="http://127.0.0.1:9").serves() as bamboo:
        with pytest.raises(kind, match=says) as raised:
            await follow_up.follow_up(failed(), tools(http, bamboo.url))

    assert TOKEN not in str(raised.value)


async def test_one_that_does_not_answer_is_left(http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_up, "PATIENCE", aiohttp.ClientTimeout(total=0.05))
    async with Bamboo(mood="slow").serves() as bamboo:
        with pytest.raises(Unreachable, match="does not answer"):
            await follow_up.follow_up(failed(), tools(http, bamboo.url))


async def test_a_wrong_token_is_said(http: aiohttp.ClientSession) -> None:
    async with Bamboo().serves() as bamboo:
        with pytest.raises(SettingsError, match=r"does not know the API_KEY of bamboo-eu \(401\)") as raised:
            await follow_up.follow_up(failed(), tools(http, bamboo.url, token="hunter2"))

    assert "hunter2" not in str(raised.value)


async def test_a_result_that_is_not_there_is_said(http: aiohttp.ClientSession) -> None:
    async with Bamboo().serves() as bamboo:
        with pytest.raises(SettingsError, match=r"knows no WEB-MAIN12-7, or does not show it .* \(404\)"):
            await follow_up.follow_up(failed(), tools(http, bamboo.url))


async def test_the_token_follows_no_redirect(http: aiohttp.ClientSession) -> None:
    async with Bamboo().serves() as other, Bamboo(mood="moved", elsewhere=other.url).serves() as bamboo:
        with pytest.raises(SettingsError):
            await follow_up.follow_up(failed(), tools(http, bamboo.url))

    assert [] == other.asked


@pytest.mark.parametrize("url", ["", "bamboo.example.com", "file:///etc/passwd"])
async def test_without_an_address_it_says_what_to_set(http: aiohttp.ClientSession, url: str) -> None:
    with pytest.raises(SettingsError, match="bamboo-eu has an API_KEY; say where Bamboo is: base_url"):
        await follow_up.follow_up(failed(), tools(http, url))


async def test_nobody_there_is_said(http: aiohttp.ClientSession, free_port: int) -> None:
    with pytest.raises(Unreachable, match="ClientConnectorError"):
        await follow_up.follow_up(failed(), tools(http, f"http://127.0.0.1:{free_port}"))
