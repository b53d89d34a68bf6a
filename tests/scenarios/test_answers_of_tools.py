"""What we ask of a tool, and what it makes of it: shown when the tool says so, not when we asked."""

import asyncio
from collections.abc import Callable

import pytest
from chat import FakeTool
from scenario import Scenario

from hub import ids
from hub.contracts import Outcome, Result
from hub.errors import Overloaded
from hub.registry import installed
from hub.store import Changes


@pytest.fixture
def tool() -> FakeTool:
    return FakeTool()


@pytest.fixture
async def hub(begin, tool: FakeTool):
    hub = await begin(tools={**installed(), "nagios": tool.integration()})
    asking = asyncio.create_task(hub.hub.asks.serve())
    await asyncio.sleep(0)
    yield hub
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def until(hub: Scenario, look: Callable[[], object]) -> None:
    """Let what is under way happen: turns of the loop, no time."""
    async with asyncio.timeout(10):
        while not look():
            await asyncio.sleep(0.001)
    await hub.settle()


def answer(hub: Scenario) -> str:
    alert = next(iter(hub.hub.state.alerts.values()))
    return alert.answer.result if alert.answer else ""


async def test_asked_then_confirmed_by_the_tools_own_event(hub: Scenario, tool: FakeTool) -> None:
    await hub.nagios(number=1)
    reply = await hub.says("nagios ack web301 disk swap", by="alice")
    assert reply.ok
    await until(hub, lambda: answer(hub) == "sent")
    asked = await hub.latest()
    assert "acked" == asked.message.state
    assert "waiting for its answer" in asked.message.standing
    await hub.later("5s")
    await hub.nagios(kind="ACKNOWLEDGEMENT", number=2, NOTIFICATIONAUTHOR="hub", NOTIFICATIONCOMMENT=tool.asked[0][2])

    confirmed = await hub.latest()
    assert "acked by alice until 2026-11-22 03:00 UTC: disk swap" in confirmed.message.standing
    assert "acknowledged in Nagios" in confirmed.message.standing
    assert {} == hub.hub.state.asks


async def test_a_tool_whose_acks_have_no_words_confirms_by_saying_so_soon(hub: Scenario, tool: FakeTool) -> None:
    """By its own login, and with no end. Who acked here, why, and for how long stays."""
    tool.outcome = Outcome(result=Result.DONE)
    await hub.nagios(number=1)
    await hub.says("ack disk swap", by="alice", under=await hub.latest())
    await until(hub, lambda: answer(hub) == "done")
    await hub.later("5s")
    await hub.nagios(kind="ACKNOWLEDGEMENT", number=2, NOTIFICATIONAUTHOR="the hub's login")
    confirmed = await hub.latest()
    await hub.later("10m")
    await hub.nagios(kind="ACKNOWLEDGEMENT", number=3, NOTIFICATIONAUTHOR="bob")
    taken = await hub.latest()

    assert "acked by alice until 2026-11-22 03:00 UTC: disk swap" in confirmed.message.standing
    assert "acked by bob" in taken.message.standing


async def test_who_asks_a_tool_until_morning_is_told_which(hub: Scenario, tool: FakeTool) -> None:
    await hub.nagios(number=1)
    ack = await hub.says("nagios ack web301 until morning")
    later = await hub.says("ack web301 until tomorrow evening", by="alice")

    assert "asking nagios to ack web301 until 09:00 UTC … [" in ack.text
    assert "asking nagios to ack web301 until 2026-11-22 18:00 UTC … [" in later.text


async def test_a_refusal_lifts_the_ack_and_says_so(hub: Scenario, tool: FakeTool) -> None:
    tool.outcome = Outcome(result=Result.REFUSED, detail="it is well")
    await hub.nagios(number=1)
    await hub.says("ack", under=await hub.latest())
    await until(hub, lambda: answer(hub) == "refused")

    message = await hub.latest()
    assert "open" == message.message.state
    assert "Nagios refused to ack (it is well)" in message.message.standing


async def test_an_ack_that_nobody_confirms_becomes_unknown_and_is_lifted(hub: Scenario) -> None:
    await hub.nagios(number=1)
    await hub.says("nagios ack web301")
    await until(hub, lambda: answer(hub) == "sent")
    await hub.later("61s")
    message = await hub.latest()
    assert "acked" == message.message.state
    assert "has not confirmed" in message.message.standing
    await hub.later("5m")

    lifted = await hub.latest()
    assert "open" == lifted.message.state
    assert "the ack is lifted" in lifted.message.standing


async def test_what_was_under_way_at_a_restart_is_not_asked_again(hub: Scenario, tool: FakeTool) -> None:
    await hub.nagios(number=1)
    await hub.says("nagios ack web301")
    await until(hub, lambda: answer(hub) == "sent")
    await hub.restarts()
    asking = asyncio.create_task(hub.hub.asks.serve())
    await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert 1 == len(tool.asked)


async def test_what_is_asked_just_when_the_hub_stops_is_asked_after_the_next_start(begin, tool: FakeTool) -> None:
    hub = await begin(tools={**installed(), "nagios": tool.integration()})
    for words in ("nagios recheck web1", "nagios recheck web2"):
        asking = asyncio.create_task(hub.hub.asks.serve())
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        async with asyncio.timeout(10):
            await hub.says(words)
        await hub.restarts()
    asking = asyncio.create_task(hub.hub.asks.serve())
    await until(hub, lambda: len(tool.asked) == 2)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert ["web1", "web2"] == [target for _, target, _ in tool.asked]


async def test_the_buttons_ack_is_the_tools_ack(hub: Scenario, tool: FakeTool) -> None:
    await hub.nagios(number=1)
    await hub.presses("Ack", await hub.latest(), by="bob")
    await until(hub, lambda: bool(tool.asked))

    assert [("ack", "web301")] == [(verb, target) for verb, target, _ in tool.asked]
    assert tool.asked[0][2].startswith("(bob) ")


@pytest.mark.parametrize("result", [Result.DONE, Result.SENT, Result.REFUSED])
async def test_a_tool_is_asked_once_though_its_answer_cannot_be_written(
    hub: Scenario, tool: FakeTool, result: Result
) -> None:
    """What it said is put on record when the database is back."""
    tool.outcome = Outcome(result=result)
    commit, failures = hub.hub.store.commit, [Overloaded("the disk is full", retry_after=0)]

    async def fails_once_asked(changes: Changes) -> None:
        if tool.asked and failures:
            raise failures.pop()
        await commit(changes)

    hub.hub.store.commit = fails_once_asked  # type: ignore[method-assign]
    await hub.nagios(number=1)
    await hub.says("nagios ack web301")
    await until(hub, lambda: answer(hub) == result.value)

    assert not failures
    assert 1 == len(tool.asked)


async def test_ids_of_asks_are_short_and_come_again(
    hub: Scenario, tool: FakeTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one that is over, as of one that is not."""
    given = iter(["AAAA", "AAAA", "AAAA", "BBBB"])
    tool.outcome = Outcome(result=Result.DONE)
    monkeypatch.setattr(ids, "short_id", lambda _: next(given))
    await hub.nagios("web1", number=1)
    await hub.nagios("web2", number=2)
    await hub.says("nagios recheck web1")
    await until(hub, lambda: not hub.hub.state.asks)
    tool.outcome = Outcome(result=Result.SENT)
    again = await hub.says("nagios recheck web1")
    await until(hub, lambda: len(tool.asked) == 2)
    other = await hub.says("nagios recheck web2")
    await until(hub, lambda: len(tool.asked) == 3)

    assert "[AAAA]" in again.text
    assert "[BBBB]" in other.text
