"""Silences, from their preview to what they say when they end."""

from collections.abc import Mapping
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from scenario import Scenario

from hub.core.effect import Effect
from hub.effects import STEP, Effects


async def posts(hub: Scenario, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
    """What the API answers."""
    async with TestClient(TestServer(hub.hub.app)) as client, client.post(path, json=dict(body)) as answer:
        return answer.status, await answer.json()


async def foreseen(hub: Scenario, most: int, match: Mapping[str, Any]) -> Effect:
    return await Effects(hub.hub.state, hub.hub.store, lambda: hub.clock, most=most).of(match)


# ------------------------------------------------------------------------------------------------------------- preview


async def test_a_preview_says_what_fires_and_what_the_last_week_would_have_hidden(hub: Scenario) -> None:
    await hub.nagios("web301", number=1)
    await hub.later("8d")
    await hub.nagios("web302", number=2)
    await hub.nagios("web302", number=3)
    await hub.nagios("web302", "UP", "RECOVERY", number=4)
    await hub.nagios("db1", number=5)
    reply = await hub.says("preview silence host=web* for 2h")

    assert reply.ok
    assert "host=web*, quiet until 05:00 UTC (2h), would hide" in reply.text
    assert "now: 1 open alert\n• web301 is DOWN (nagios)" in reply.text
    assert "in the last 7 days: 2 events of 1 alert\n• 2 × web302 is DOWN (nagios)" in reply.text
    assert '"silence host=web* for 2h" begins it' in reply.text
    assert [] == hub.hub.actions.silences()


async def test_a_silence_says_the_same_when_it_begins(hub: Scenario) -> None:
    """Whoever silences too much should see it at once."""
    await hub.nagios("web301", number=1)
    await hub.nagios("web302", number=2)
    await hub.nagios("web302", "UP", "RECOVERY", number=3)
    reply = await hub.says("shut up nagios for 2h")

    assert "1 open alert fires under it now" in reply.text
    assert "In the last 7 days it would have held 2 events of 2 alerts: 1 × web301 is DOWN" in reply.text


async def test_what_matches_nothing_and_never_did_says_so(hub: Scenario) -> None:
    reply = await hub.says("silence host=wbe301")

    assert "Nothing that is open now matches it, nor did anything of the last 7 days." in reply.text


async def test_a_preview_over_http_changes_nothing(hub: Scenario) -> None:
    await hub.nagios("web301")
    for path in ("/api/v1/silences?preview=true", "/api/v1/silences/preview"):
        status, foreseen = await posts(hub, path, {"match": {"host": "web*"}, "for": "2h"})
        assert 200 == status
        assert ["web301 is DOWN"] == [alert["title"] for alert in foreseen["firing"]]
        hidden = foreseen["hidden"]
        assert (1, 1, False) == (hidden["events"], hidden["alerts"], hidden["at_least"])
        assert [{"source": "nagios", "title": "web301 is DOWN", "events": 1}] == hidden["often"]

    assert (400, 400) == (
        (await posts(hub, "/api/v1/silences/preview", {"match": {"hots": "web301"}}))[0],
        (await posts(hub, "/api/v1/silences/preview", {"match": {}}))[0],
    )
    assert [] == hub.hub.actions.silences()


async def test_a_preview_of_too_many_events_says_at_least(hub: Scenario) -> None:
    """Somebody waits for the answer: of a million events the newest are looked at."""
    for n in range(STEP + 20):
        await hub.hub.ingest.accept(hub.request("twitter", {"title": "it rains", "id": str(n)}))
    cut, whole = [await foreseen(hub, most, {"source": "twitter"}) for most in (STEP, 2 * STEP)]

    assert (False, STEP) == (cut.whole, cut.events)
    assert (True, STEP + 20) == (whole.whole, whole.events)


async def test_the_page_shows_the_preview_before_it_silences(hub: Scenario) -> None:
    await hub.nagios("web301")
    async with TestClient(TestServer(hub.hub.app)) as client:
        fields = {"words": "host=web* for 2h because OPS-311"}
        previewed = await (await client.post("/silences", data=fields | {"do": "preview"})).text()
        assert "now: 1 open alert" in previewed
        assert 'value="silence">Silence</button>' in previewed
        assert [] == hub.hub.actions.silences()
        done = await (await client.post("/silences", data=fields | {"do": "silence"})).text()
        assert "is quiet until" in done
        (silence,) = hub.hub.actions.silences()
        assert ("OPS-311", {"host": "web*"}) == (silence.because, silence.match)
        await client.post("/silences", data={"words": silence.id, "do": "end"})

    assert [] == hub.hub.actions.silences()
