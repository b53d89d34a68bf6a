"""A check of Sensu fails, somebody takes it on in the thread, and Sensu is silent about it until it is well again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from scenario import START, Scenario
from sensu import KEY, PASSWORD, USER, Core, Go

RULES = """\
version: 1
sources:
  sensu: {tool: sensu}
channels:
  ops: room:ops
everything_else: {to: ops}
"""
SILENCE = "entity:web301:check_http"
BEGAN = int(START.timestamp())
OUTPUTS = ("HTTP OK", "HTTP WARNING", "HTTP CRITICAL")


def result(
    minute: int, status: int = 2, *, check: str = "check_http", silenced: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """What Sensu Go says of a check in that minute of the story."""
    meta = {"namespace": "default"}
    said = {"status": status, "output": OUTPUTS[status], "is_silenced": bool(silenced), "silenced": list(silenced)}
    return {
        "entity": {"entity_class": "agent", "metadata": {"name": "web301", **meta}},
        "check": {"metadata": {"name": check, **meta}, **said},
        "sequence": minute + 1,
        "timestamp": BEGAN + 60 * minute,
    }


def core_result(minute: int, status: int = 2) -> Mapping[str, Any]:
    return {
        "client": {"name": "web301", "subscriptions": ["client:web301"]},
        "check": {"name": "check_http", "status": status, "output": OUTPUTS[status]},
        "action": "create" if status else "resolve",
        "timestamp": BEGAN + 60 * minute,
    }


@asynccontextmanager
async def a_hub(folder: Path, **settings: str) -> AsyncIterator[Scenario]:
    """A hub that asks its tools."""
    hub = Scenario(folder, RULES)
    hub.variables = {f"TOCSIN_SENSU_{name}": value for name, value in settings.items()}
    await hub.start()
    asking = asyncio.create_task(hub.hub.asks.serve())
    await asyncio.sleep(0)
    yield hub
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await hub.stop()


@pytest.fixture
async def go() -> AsyncIterator[Go]:
    async with Go(results={"default": {"web301": {"check_http": 2, "keepalive": 1}}}).serves() as fake:
        assert isinstance(fake, Go)
        yield fake


@pytest.fixture
async def hub(go: Go, tmp_path: Path) -> AsyncIterator[Scenario]:
    async with a_hub(tmp_path, API_URL=go.url, API_KEY=KEY) as hub:
        yield hub


async def until(hub: Scenario, look: Callable[[], object]) -> None:
    """Let what is under way happen."""
    async with asyncio.timeout(10):
        while not look():
            await asyncio.sleep(0.005)
    await hub.settle()


def answered(hub: Scenario) -> str:
    return next((alert.answer.result for alert in hub.hub.state.alerts.values() if alert.answer), "")


async def test_a_check_is_acked_in_its_thread_and_heals(hub: Scenario, go: Go) -> None:
    """The ack is Sensu's own, and what Sensu says from then on wakes nobody."""
    await hub.receives("sensu", result(0))
    reply = await hub.says("ack because disk swap", under=await hub.latest())
    await until(hub, lambda: answered(hub) == "done")

    assert reply.text.startswith("asking sensu to ack web301/check_http … [")
    assert '"sensu unack web301/check_http" takes it back' in reply.text
    (entry,) = go.silences.values()
    assert (SILENCE, True) == (entry["metadata"]["name"], entry["expire_on_resolve"])
    assert entry["reason"].startswith("(alice) disk swap [")
    told = await hub.latest()
    assert "acked" == told.message.state
    assert "acknowledged in Sensu" in told.message.standing

    await hub.later("1m")
    accepted = await hub.receives("sensu", result(1, silenced=(SILENCE,)))
    assert "is silenced in Sensu" in accepted.ignored
    await hub.later("1m")
    go.results["default"]["web301"]["check_http"] = 0
    go.heals("web301", "check_http")
    await hub.receives("sensu", result(2, status=0))

    (told,) = await hub.told()
    assert ("resolved", "web301 / check_http is OK") == (told.message.state, told.message.title)
    assert {} == go.silences


async def test_an_unack_in_the_thread_ends_the_silence(hub: Scenario, go: Go) -> None:
    await hub.receives("sensu", result(0))
    await hub.says("ack", under=await hub.latest())
    await until(hub, lambda: answered(hub) == "done")
    await hub.says("unack", under=await hub.latest())
    await until(hub, lambda: not go.silences)
    await until(hub, lambda: not hub.hub.state.asks or answered(hub) == "done")

    assert "open" == (await hub.latest()).message.state


async def test_a_silence_is_said_with_its_length(hub: Scenario, go: Go) -> None:
    """To the entity whose name was typed; the words behind it are how long, and why."""
    await hub.receives("sensu", result(0))
    reply = await hub.says("sensu silence web301/check_http for 2h because new disks", by="bob")
    await until(hub, lambda: answered(hub) == "done")

    assert reply.ok
    entry = go.silences[SILENCE]
    assert (7200, False) == (entry["expire"], entry["expire_on_resolve"])
    assert entry["reason"].startswith("(bob) new disks [")
    assert "silence: done in Sensu" in (await hub.latest()).message.standing

    await hub.says("sensu silence web301")
    await until(hub, lambda: len(go.silences) == 2)
    assert 3600 == go.silences["entity:web301:*"]["expire"]
    await hub.says("sensu unsilence web301:check_http")
    await until(hub, lambda: len(go.silences) == 1)


async def test_resolving_in_the_thread_resolves_it_in_sensu(hub: Scenario, go: Go) -> None:
    """And Sensu's own word closes it here."""
    await hub.receives("sensu", result(0))
    await hub.says("resolve because a false alarm", under=await hub.latest())
    await until(hub, lambda: answered(hub) == "done")
    assert 0 == go.results["default"]["web301"]["check_http"]
    await hub.receives("sensu", result(1, status=0))

    assert "resolved" == (await hub.latest()).message.state


async def test_a_keepalive_is_acked_without_silencing_the_host(hub: Scenario, go: Go) -> None:
    await hub.receives("sensu", result(0, status=1, check="keepalive"))
    await hub.says("ack", under=await hub.latest())
    await until(hub, lambda: answered(hub) == "done")

    assert ["entity:web301:keepalive"] == list(go.silences)
    assert "web301 is DOWN (no keepalive)" == (await hub.latest()).message.title


async def test_a_refusal_lifts_the_ack(hub: Scenario, go: Go) -> None:
    await hub.receives("sensu", result(0))
    go.status = 403
    await hub.says("ack", under=await hub.latest())
    await until(hub, lambda: answered(hub) == "refused")

    told = await hub.latest()
    assert "open" == told.message.state
    assert "lacks the permission" in told.message.standing


async def test_an_answer_that_was_lost_is_found(hub: Scenario, go: Go) -> None:
    go.drops = ("POST",)
    await hub.receives("sensu", result(0))
    await hub.says("ack", under=await hub.latest())
    await until(hub, lambda: answered(hub) == "done")

    assert "acknowledged in Sensu" in (await hub.latest()).message.standing
    assert 1 == len(go.changes)


async def test_a_maintenance_is_not_told(hub: Scenario) -> None:
    """What is silenced before it breaks is Sensu's own business; when the silence ends and it is broken, it is ours."""
    await hub.receives("sensu", result(0, silenced=("entity:web301:*",)))
    assert [] == await hub.told()
    await hub.later("5m")
    await hub.receives("sensu", result(5))

    (told,) = await hub.told()
    assert "open" == told.message.state


async def test_what_heals_in_a_silence_is_told(hub: Scenario) -> None:
    """Whoever was told that it broke."""
    await hub.receives("sensu", result(0))
    await hub.later("5m")
    await hub.receives("sensu", result(5, status=0, silenced=("entity:web301:*",)))

    assert "resolved" == (await hub.latest()).message.state


async def test_sensu_core_is_acked_just_so(tmp_path: Path) -> None:
    async with (
        Core(results={"web301": {"check_http": 2}}).serves() as core,
        a_hub(tmp_path, API_URL=core.url, API_USER=USER, API_PASSWORD=PASSWORD) as hub,
    ):
        await hub.receives("sensu", core_result(0))
        await hub.says("ack", under=await hub.latest())
        await until(hub, lambda: answered(hub) == "done")

        (entry,) = core.silences.values()
        assert ("client:web301:check_http", True) == (entry["id"], entry["expire_on_resolve"])
        await hub.later("1m")
        await hub.receives("sensu", core_result(1, status=0))
        assert "resolved" == (await hub.latest()).message.state


async def test_without_a_key_the_setting_is_named(tmp_path: Path) -> None:
    """A bare ack still counts, here only."""
    async with a_hub(tmp_path) as hub:
        await hub.receives("sensu", result(0))
        asked = await hub.says("sensu ack web301/check_http")
        acked = await hub.says("ack", under=await hub.latest())

        assert (False, True) == (asked.ok, "set TOCSIN_SENSU_API_URL" in asked.text)
        assert "here only" in acked.text
