"""What the hub gets from a tool by asking comes in by the same door as what is posted."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from scenario import Scenario

from hub.contracts import Fetching, FetchTools, Integration, WebhookRequest
from hub.core.event import Event, Link, Report, Severity, Status
from hub.core.records import replace
from hub.errors import PayloadError, TocsinError
from hub.registry import installed


@dataclass
class Builds:
    """A CI server: what it posts, what got lost on the way, and what it says when asked for more."""

    lost: list[str] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)
    fails: bool = False
    asked: list[str] = field(default_factory=list)

    def integration(self) -> Integration:
        source = SimpleNamespace(verify=lambda request, secrets: None, parse=parse, delivery=delivery)
        return Integration(
            title="Builds",
            homepage="https://example.com",
            source=source,
            labels={"branch": ""},
            fetching=Fetching(
                ready=lambda setting: setting("API_KEY") is not None,
                missing="",
                catch_up=self.catch_up,
                follow_up=self.follow_up,
            ),
        )

    async def catch_up(self, tools: FetchTools) -> AsyncIterator[WebhookRequest]:
        for key in self.lost:
            if not await tools.accepted(key):
                self.asked.append(key)
                yield posted(tools.source, key, at=tools.now, fetched="catch-up")
        if self.fails:
            raise TocsinError("the token is not good")

    async def follow_up(self, event: Event, tools: FetchTools) -> WebhookRequest | None:
        self.asked.append(event.key)
        branch = self.more.get(event.key)
        return posted(tools.source, event.key, at=tools.now, fetched="follow-up", branch=branch) if branch else None


def posted(source: str, key: str, *, at: Any, fetched: str = "", **more: Any) -> WebhookRequest:
    body = json.dumps({"key": key, **more}).encode()
    return WebhookRequest(source=source, body=body, received_at=at, fetched=fetched)


def delivery(request: WebhookRequest) -> str:
    return "" if request.fetched == "follow-up" else request.json()["key"].text()


def parse(request: WebhookRequest, _options: Any) -> Sequence[Report]:
    body = request.json()
    if body["key"].text().startswith("odd"):
        raise PayloadError("key", "is odd")
    broken = Report(
        status=Status.PROBLEM, kind="build", key=body["key"].text(), title="build broken", severity=Severity.ERROR
    )
    if request.fetched != "follow-up":
        return [broken]
    url = (Link(title="Build", url="https://ci.example.com/1"),)
    more = {"labels": {"branch": body["branch"].text()}, "links": url, "body": "3 tests fail"}
    return [replace(broken, status=Status.UPDATE, title="what broke", **more)]


async def begun(begin, builds: Builds) -> Scenario:
    hub = await begin(tools={**installed(), "builds": builds.integration()})
    hub.variables["TOCSIN_BUILDS_API_KEY"] = "s3cret"
    await hub.restarts()
    return hub


async def arrives(hub: Scenario, key: str) -> None:
    await hub.hub.ingest.take(posted("builds", key, at=hub.clock))
    await hub.hub.fetches.follow_up()
    await hub.settle()


async def test_more_about_an_event_is_added_to_its_alert(begin) -> None:
    hub = await begun(begin, Builds(more={"main": "release-2"}))
    await arrives(hub, "main")
    message = await hub.latest()

    assert ("branch", "release-2") in message.message.facts
    assert ["https://ci.example.com/1"] == [link.url for link in message.message.links]
    assert ["3 tests fail"] == [entry.message.text for entry in await hub.thread(message)]


async def test_nothing_is_asked_about_what_was_asked_for(begin) -> None:
    builds = Builds(more={"main": "release-2"})
    hub = await begun(begin, builds)
    await arrives(hub, "main")
    await hub.hub.fetches.follow_up()

    assert ["main"] == builds.asked


async def test_nothing_is_asked_without_a_token(begin) -> None:
    builds = Builds(more={"main": "release-2"})
    hub = await begin(tools={**installed(), "builds": builds.integration()})
    await arrives(hub, "main")

    assert [] == builds.asked


async def test_what_never_reached_the_hub_is_fetched_once(begin) -> None:
    builds = Builds(lost=["b1", "b2"])
    hub = await begun(begin, builds)
    await arrives(hub, "b1")
    builds.asked.clear()
    await hub.hub.fetches.catch_up("builds")
    await hub.hub.fetches.catch_up("builds")

    assert ["b2"] == builds.asked
    assert {"b1", "b2"} == {alert.key for alert in hub.hub.actions.alerts()}


async def test_one_that_cannot_be_understood_stops_nothing_and_is_fetched_once(begin) -> None:
    builds = Builds(lost=["odd", "b2"])
    hub = await begun(begin, builds)
    await hub.hub.fetches.catch_up("builds")
    await hub.restarts()
    await hub.hub.fetches.catch_up("builds")

    assert ["odd", "b2"] == builds.asked
    assert ["key: is odd"] == [request.why for request in await hub.hub.store.quarantine()]
    assert ["b2"] == [alert.key for alert in hub.hub.actions.alerts()]


async def test_a_token_that_is_not_good_does_no_harm(begin) -> None:
    hub = await begun(begin, Builds(lost=["b1"], fails=True))
    await hub.hub.fetches.catch_up("builds")

    assert ["b1"] == [alert.key for alert in hub.hub.actions.alerts()]


async def test_what_is_wrong_is_said_when_it_begins_and_not_each_time(begin, caplog) -> None:
    builds = Builds(fails=True)
    hub = await begun(begin, builds)
    said = []
    for builds.fails in (True, True, False, True):
        caplog.clear()
        await hub.hub.fetches.catch_up("builds")
        said.append("the token is not good" in caplog.text)

    assert [True, False, False, True] == said


async def test_the_tools_own_delivery_id_makes_a_repeat(begin) -> None:
    hub = await begun(begin, Builds())
    await hub.hub.ingest.take(posted("builds", "b1", at=hub.clock))
    again = await hub.hub.ingest.take(posted("builds", "b1", at=hub.clock))

    assert again.duplicate
