"""What chats, templates and parsers do wrong, and what becomes of the alert."""

import asyncio
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from chat import FakeChat, FindingChat
from scenario import Scenario

from hub.contracts import Repeat
from hub.errors import Refused, Uncertain, Unreachable
from hub.ingest import Malformed
from hub.memory.draft import Draft
from hub.operations import NotThere
from hub.registry import installed

RULES = """\
version: 1
channels: {ops: room:ops, pager: "pager:night"}
routes: [{name: paged, match: {tool: nagios}, to: pager}]
everything_else: {to: ops}
"""


@pytest.fixture
async def hub(begin, chat: FakeChat) -> Scenario:
    return await begin(RULES, {**installed(), "pager": chat.integration()})


async def test_a_chat_that_is_away_hears_later_in_order(hub: Scenario, chat: FakeChat) -> None:
    chat.failures = [Unreachable("away"), Unreachable("away", retry_after=120)]
    await hub.nagios("web301")
    await hub.nagios("web302")
    assert [] == chat.posted
    await hub.later("2m")
    assert [] == chat.posted
    await hub.later("5m")

    assert ["web301 is DOWN", "web302 is DOWN"] == [message.title for _, message in chat.posted]


async def test_what_healed_while_the_chat_was_away_is_told_as_healed(hub: Scenario, chat: FakeChat) -> None:
    """Nothing that was decided to be told is lost; newer replaces older unsent."""
    chat.failures = [Unreachable("away")]
    await hub.nagios("web301", number=1)
    await hub.nagios("web301", "UP", "RECOVERY", number=2)
    await hub.later("1m")

    assert ["resolved"] == [message.state for _, message in chat.posted]


async def test_what_is_owed_when_the_hub_was_away_for_days_is_tried_for_a_while(hub: Scenario, chat: FakeChat) -> None:
    """The chat is not there at once when a machine starts."""
    chat.failures = [Unreachable("away") for _ in range(3)]
    await hub.nagios("web301")
    await hub.stop()
    hub.clock += timedelta(days=3)
    chat.failures = [Unreachable("no route to host") for _ in range(5)]
    await hub.start()
    await hub.later("30m")

    ((_, message),) = chat.posted
    assert "web301 is DOWN" == message.title
    assert re.fullmatch(r"3d .*late: no route to host", message.standing)


async def test_what_was_shown_at_last_gives_what_waits_behind_it_its_time(hub: Scenario, chat: FakeChat) -> None:
    """A chat that is back is told much at once, and may have had enough after the first."""
    chat.failures = [Unreachable("away") for _ in range(600)]
    await hub.nagios("web301")
    await hub.nagios("web302")
    await hub.later("23h52m")
    chat.failures, chat.pace = [], 600
    await hub.later("7m50s")
    assert ["web301 is DOWN"] == [message.title for _, message in chat.posted]
    chat.failures = [Unreachable("too many requests")]
    await hub.later("30m")
    await hub.later("30m")

    assert [] == chat.failures
    assert ["web301 is DOWN", "web302 is DOWN"] == [message.title for _, message in chat.posted]


async def test_what_no_try_shows_is_given_up_after_a_day(hub: Scenario, chat: FakeChat) -> None:
    chat.failures = [Unreachable("away") for _ in range(600)]
    await hub.nagios("web301")
    await hub.later("23h55m")
    assert [] == list(await hub.hub.store.deliveries(state="dead"))
    await hub.later("15m")

    assert ["away"] == [delivery.sending.error for delivery in await hub.hub.store.deliveries(state="dead")]


async def test_a_refusal_is_a_dead_letter_that_can_be_replayed(hub: Scenario, chat: FakeChat) -> None:
    chat.failures = [Refused("no such channel")]
    await hub.nagios("web301")
    dead = list(await hub.hub.store.deliveries(state="dead"))
    assert ["no such channel"] == [delivery.sending.error for delivery in dead]
    await hub.restarts()
    asker = hub.hub.operations.asker("alice", trusted=True, token=False)
    await hub.hub.operations.replay_delivery(dead[0].id, asker)
    await hub.settle()

    assert ["web301 is DOWN"] == [message.title for _, message in chat.posted]
    assert [] == list(await hub.hub.store.deliveries(state="dead"))


async def test_one_dead_letter_does_not_stop_the_channel(hub: Scenario, chat: FakeChat) -> None:
    chat.failures = [Refused("too odd")]
    await hub.nagios("web301")
    await hub.nagios("web302")

    assert ["web302 is DOWN"] == [message.title for _, message in chat.posted]


async def test_an_uncertain_post_is_tried_once_more_and_then_unknown(hub: Scenario, chat: FakeChat) -> None:
    chat.failures = [Uncertain("dropped"), Uncertain("dropped"), Uncertain("dropped")]
    await hub.nagios("web301")
    await hub.later("10m")

    assert ["unknown"] == [str(d.sending.state) for d in await hub.hub.store.deliveries(state="unknown")]
    assert 1 == len(chat.failures)


async def test_a_chat_that_keeps_a_key_is_simply_tried_again(hub: Scenario, chat: FakeChat) -> None:
    chat.repeat = Repeat.ONCE
    chat.failures = [Uncertain("dropped"), Uncertain("dropped")]
    await hub.nagios("web301")
    await hub.later("10m")

    assert ["web301 is DOWN"] == [message.title for _, message in chat.posted]


async def test_a_broken_template_falls_back_to_plain_words(begin) -> None:
    """An alert is never lost to its own decoration."""
    hub = await begin()
    folder = hub.folder / "templates/messages/opened"
    folder.mkdir(parents=True)
    (folder / "title.plain.j2").write_text("{{ nothing.like.this }}")
    (folder / "standing.plain.j2").write_text("{% broken")
    await hub.nagios("web301")

    assert "web301 is DOWN" == (await hub.latest()).message.title


async def test_a_rule_that_raises_leaves_the_event_to_be_replayed(
    hub: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall(*_: object) -> None:
        raise RuntimeError("a rule fell over")

    with monkeypatch.context() as broken:
        broken.setattr(type(hub.hub.current().tree), "decide", fall)
        accepted = await hub.nagios("web301")
        await hub.receives("json", {"title": "another", "status": "notice"})
    stored = await hub.hub.store.event(accepted.events[0])
    assert stored is not None
    assert stored.decision is None
    assert "a rule fell over" in stored.failure
    asker = hub.hub.operations.asker("alice", trusted=True, token=False)
    await hub.hub.operations.replay_event(accepted.events[0], asker)
    await hub.settle()
    again = await hub.hub.store.event(accepted.events[0])

    assert again is not None
    assert again.decision is not None
    assert "opened" == again.decision.change


async def test_the_hub_tells_of_what_it_could_not_route_until_it_is_routed(
    hub: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One rule fails for one source; all others are routed, and those who run the hub hear of it."""
    tree = type(hub.hub.current().tree)
    decide = tree.decide

    def falls(self: object, look: Any) -> Any:
        if look("source") == "json":
            raise RuntimeError("a rule fell over")
        return decide(self, look)

    with monkeypatch.context() as broken:
        broken.setattr(tree, "decide", falls)
        accepted = await hub.receives("json", {"title": "another", "status": "notice"})
        told = await hub.latest()
        assert "an event could not be routed, and nobody was told of it" == told.message.title
        assert "RuntimeError: a rule fell over" in told.message.text
        await hub.restarts()
    asker = hub.hub.operations.asker("alice", trusted=True, token=False)
    await hub.hub.operations.replay_event(accepted.events[0], asker)
    await hub.later("1m")

    assert ["resolved", "notice"] == [message.message.state for message in await hub.told()]
    assert "another" == (await hub.latest()).message.title


async def test_a_timer_that_always_fails_keeps_no_other_waiting(
    hub: Scenario, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes again each minute, not at once; of several that are due together, the others are done."""
    together = hub.hub.upkeep._router._ripening._together
    end, tries = together["silence"], []
    for source in ("json", "nagios"):
        await hub.says(f"shut up {source} for 1h")
    poisoned = next(one.id for one in hub.hub.state.silences.values() if one.match == {"source": "json"})

    def falls(draft: Draft, ids: Sequence[str]) -> None:
        if poisoned in ids:
            tries.append(list(ids))
            raise RuntimeError("it fell over")
        end(draft, ids)

    await hub.nagios("web301")
    monkeypatch.setitem(together, "silence", falls)
    await hub.later("70m")

    assert "web301 is DOWN" in [message.title for _, message in chat.posted]
    assert 10 <= len(tries) <= 13
    assert [f"what was due could not be done, and is tried again each minute: silence {poisoned}"] == [
        message.message.title for message in await hub.told() if message.message.state == "open"
    ]
    monkeypatch.undo()
    await hub.later("2m")
    assert "open" not in [message.message.state for message in await hub.told()]


async def test_a_reminder_that_fails_keeps_no_other_from_being_said(
    hub: Scenario, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is told of until it could be said."""
    reminded = "your ack of {} is DOWN ends in"
    for host in ("web301", "web302"):
        await hub.nagios(host)
        await hub.says(f"ack {host} for 2h")
    poisoned = next(alert.id for alert in hub.hub.state.alerts.values() if alert.labels["host"] == "web301")
    acks = type(hub.hub.upkeep._router._acks)
    remind = acks._remind_owners

    def falls(self: object, draft: Draft, ids: Sequence[str]) -> None:
        if poisoned in ids:
            raise RuntimeError("it fell over")
        remind(self, draft, ids)

    with monkeypatch.context() as broken:
        broken.setattr(acks, "_remind_owners", falls)
        await hub.later("1h50m")
        assert any(reminded.format("web302") in message.title for _, message in chat.posted)
        assert not any(reminded.format("web301") in message.title for _, message in chat.posted)
        assert f"ack {poisoned}" in (await hub.latest()).message.title
    await hub.later("2m")

    assert any(reminded.format("web301") in message.title for _, message in chat.posted)
    assert "resolved" == (await hub.latest()).message.state


async def test_a_timer_of_a_kind_that_nobody_knows_is_told_of(hub: Scenario) -> None:
    """As a hub that is older than its database may find."""
    await hub.hub.writer.do(lambda draft: draft.set_timer("of-tomorrow", "x", draft.now))
    await hub.later("2m")

    assert "of-tomorrow x" in (await hub.latest()).message.title


async def test_a_chat_that_does_what_no_chat_should_refuses_one_message(begin) -> None:
    """Whatever of it fails: the channel goes on, and the message is a dead letter."""

    class Odd(FindingChat):
        async def find(self, *_: object, **__: object) -> None:
            raise ValueError("odd")

    chat = Odd(failures=[Uncertain("dropped")])
    hub = await begin(RULES, {**installed(), "pager": chat.integration()})
    await hub.nagios("web301")
    await hub.nagios("web302")

    assert ["web302 is DOWN"] == [message.title for _, message in chat.posted]
    assert ["ValueError in the chat"] == [one.sending.error for one in await hub.hub.store.deliveries(state="dead")]


async def test_what_cannot_be_understood_is_kept_and_can_be_replayed(hub: Scenario) -> None:
    kept = await hub.nagios("web301", kind="SOMETHINGNEW")
    assert kept.quarantined
    assert [kept.quarantined] == [request.id for request in await hub.hub.store.quarantine()]


JSON = """\
version: 1
sources: {app: {tool: json, event: {title: "{body.title}", severity: "{body.severity}", status: notice}}}
channels: {ops: room:ops}
everything_else: {to: ops}
"""
UNDERSTOOD = JSON.replace('severity: "{body.severity}", ', "")


async def in_quarantine(begin) -> tuple[Scenario, str]:  # type: ignore[no-untyped-def]
    """A request that the rules of now would understand."""
    hub = await begin(JSON)
    with pytest.raises(Malformed) as said:
        await hub.receives("app", {"title": "disk swapped"}, delivery="d1")
    assert await hub.reloads(UNDERSTOOD)
    return hub, said.value.quarantined


async def test_a_replay_that_is_asked_for_twice_at_once_is_one(begin) -> None:  # type: ignore[no-untyped-def]
    hub, id = await in_quarantine(begin)
    operations = hub.hub.operations
    asker = operations.asker("alice", trusted=True, token=False)
    replays = [operations.replay_quarantined(id, asker) for _ in range(2)]
    first, second = await asyncio.gather(*replays, return_exceptions=True)
    await hub.settle()

    assert "understood now: 1 event" == first
    assert isinstance(second, NotThere)
    (told,) = await hub.told()
    assert [] == await hub.thread(told)


async def test_what_is_replayed_is_known_when_its_tool_delivers_it_again(begin) -> None:  # type: ignore[no-untyped-def]
    hub, id = await in_quarantine(begin)
    replayed = await hub.hub.ingest.replay(id)
    await hub.restarts()
    again = await hub.receives("app", {"title": "disk swapped"}, delivery="d1")

    assert replayed is not None
    assert (True, replayed.events) == (again.duplicate, again.events)


async def test_what_its_tool_delivered_again_meanwhile_is_not_taken_in_twice(begin) -> None:  # type: ignore[no-untyped-def]
    hub, id = await in_quarantine(begin)
    again = await hub.receives("app", {"title": "disk swapped"}, delivery="d1")
    replayed = await hub.hub.ingest.replay(id)
    await hub.settle()

    assert replayed is not None
    assert (True, again.events) == (replayed.duplicate, replayed.events)
    assert [] == await hub.hub.store.quarantine()
    (told,) = await hub.told()
    assert [] == await hub.thread(told)


async def test_a_replay_is_told_to_those_who_know_more(begin) -> None:  # type: ignore[no-untyped-def]
    """As of any delivery, more may be fetched of it."""
    hub, id = await in_quarantine(begin)
    heard: list[str] = []
    hub.hub.ingest.listen(lambda events, request: heard.extend(event.title for event in events))
    await hub.hub.ingest.replay(id)

    assert ["disk swapped"] == heard


@pytest.mark.parametrize("states", [["DOWN", "UP", "DOWN"], ["UNREACHABLE", "DOWN"]])
async def test_what_was_refused_is_tried_anew_when_it_is_back_or_worse(begin, states: Sequence[str]) -> None:  # type: ignore[no-untyped-def]
    """Nobody there was told, and the room may be mended by then."""
    chat = FakeChat(failures=[Refused("the channel is archived")])
    hub = await begin(RULES, {**installed(), "pager": chat.integration()})
    for state in states:
        assert [] == chat.posted
        await hub.nagios("web301", state, "RECOVERY" if state == "UP" else "PROBLEM")
        await hub.later("1m")

    assert ["web301 is DOWN"] == [message.title.partition(" (")[0] for _, message in chat.posted]


@pytest.mark.parametrize("times", [1, 3])
async def test_what_was_refused_and_comes_back_in_a_silence_is_told_when_that_ends(begin, times: int) -> None:  # type: ignore[no-untyped-def]
    """Also where it comes back so often that it flaps, and then rests."""
    chat = FakeChat(failures=[Refused("the channel is archived")] * (1 if times == 1 else 10))
    hub = await begin(RULES, {**installed(), "pager": chat.integration()})
    await hub.nagios("web301", number=1)
    for number in range(2, 2 * times, 2):
        await hub.nagios("web301", "UP", "RECOVERY", number=number)
        await hub.nagios("web301", number=number + 1)
    chat.failures = []
    await hub.says("silence host=web301 for 1h")
    await hub.nagios("web301", "UP", "RECOVERY", number=2 * times)
    await hub.nagios("web301", number=2 * times + 1)
    await hub.later("59m")
    while_silent = list(chat.posted)
    await hub.later("2m")

    assert not [message.title for _, message in while_silent if message.kind == "alert"]
    assert [f"web301 is DOWN (×{times + 1})"] == [m.title for _, m in chat.posted if m.kind == "alert"]
