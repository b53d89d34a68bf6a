"""What is said and pressed in chats: by whom, about what, and once, whatever the chat repeats."""

import pytest
from chat import FakeChat
from scenario import Scenario

from hub.contracts import Reply, Utterance
from hub.core.notification import MessageRef
from hub.errors import Unreachable
from hub.registry import installed

RULES = """\
version: 1
sources: {twitter: {tool: json}}
channels: {ops: room:ops, pager: "pager:night"}
people: {alice: {pager: U1}, bob: {}}
groups: {night: [alice]}
routes: [{name: paged, match: {tool: nagios}, to: pager}]
everything_else: {to: ops}
access:
  - {allow: "ack *", who: group:night}
  - {allow: "silence *", who: group:night, in: ["pager:night"]}
"""


@pytest.fixture
async def hub(begin, chat: FakeChat) -> Scenario:
    return await begin(RULES, {**installed(), "pager": chat.integration()})


async def heard(hub: Scenario, text: str = "", *, id: str = "", user: str = "U1", **more: str) -> Reply | None:
    said = Utterance(id=id or f"{text} {user} {more}", user=user, room="night", text=text, **more)
    reply = await hub.hub.hearing.hear("pager", said)
    await hub.settle()
    return reply


def words(reply: Reply | None) -> str:
    assert reply is not None
    return reply.text


async def test_a_person_is_known_by_the_id_of_their_account(hub: Scenario, chat: FakeChat) -> None:
    await hub.nagios("web301")
    await heard(hub, "ack", message=MessageRef("m1"))

    assert "alice" in chat.edited[-1][1].standing


async def test_nobody_passes_for_another_by_a_display_name(hub: Scenario) -> None:
    reply = await heard(hub, "silence nagios", user="U666", user_name="alice")

    assert reply is not None
    assert not reply.ok
    assert ["alice on pager"] == [record.person for record in await hub.hub.store.audit()]


async def test_where_a_chat_proves_nobody_everybody_is_a_stranger(hub: Scenario) -> None:
    """Also who is called there as somebody of the rules; and no link makes an account of it."""
    for text in ("silence nagios", "link", "link 8QK2"):
        reply = await heard(hub, text, user="", user_name="alice")
        assert reply is not None
        assert not reply.ok

    assert {("alice on pager", "")} == {(record.person, record.account) for record in await hub.hub.store.audit()}


async def test_a_command_that_the_chat_delivers_again_is_done_once(hub: Scenario) -> None:
    first = await heard(hub, "silence nagios for 1h", id="Ev1")
    again = await heard(hub, "silence nagios for 1h", id="Ev1")
    await hub.restarts()
    after_a_restart = await heard(hub, "silence nagios for 1h", id="Ev1")

    assert "nagios is quiet" in words(first)
    assert (None, None) == (again, after_a_restart)
    assert 1 == len(hub.hub.actions.silences())


async def test_what_was_not_understood_or_only_asked_is_answered_once_too(hub: Scenario) -> None:
    for text in ("status", "make it so"):
        assert await heard(hub, text, id=text) is not None
        assert await heard(hub, text, id=text) is None


async def test_a_right_may_hold_in_one_place_only(hub: Scenario) -> None:
    elsewhere = Utterance(id="x", user="U1", room="lounge", text="silence nagios")
    reply = await hub.hub.hearing.hear("pager", elsewhere)

    assert reply is not None
    assert not reply.ok


async def test_a_button_is_the_sentence_said_in_its_thread(hub: Scenario, chat: FakeChat) -> None:
    await hub.nagios("web301")
    value = next(button.value for button in chat.posted[-1][1].buttons if button.label == "Ack")
    await heard(hub, button=value)

    assert "acked" == chat.edited[-1][1].state


@pytest.mark.parametrize("value", ["", "x", "x:1:ack", "a:b:c:d", "\0"])
async def test_a_strange_button_does_nothing(hub: Scenario, value: str) -> None:
    reply = await heard(hub, button=value or ":")

    assert reply is not None
    assert not reply.ok


async def test_a_button_of_another_chat_does_nothing(hub: Scenario) -> None:
    await hub.tweets("hello")
    message = await hub.latest()
    reply = await heard(hub, button=message.message.buttons[0].value)

    assert reply is not None
    assert "not known here" in reply.text


# ------------------------------------------------------------------------------------------------------------- linking


async def code_for(hub: Scenario, user: str) -> str:
    told = words(await heard(hub, "link", user=user, id=f"link {user} {hub.clock}"))
    return told.split("link ")[1].split()[0]


async def test_an_account_becomes_a_person_by_a_code_said_where_the_hub_knows_them(hub: Scenario) -> None:
    code = await code_for(hub, "U7")
    confirmed = await hub.says(f"link {code}", by="bob")
    await hub.restarts()

    assert confirmed.ok
    assert "bob" == hub.hub.operations.askers.by_account("pager:U7", "x").person


async def test_a_code_counts_once(hub: Scenario) -> None:
    code = await code_for(hub, "U7")
    await hub.says(f"link {code}", by="bob")

    assert not (await hub.says(f"link {code}", by="alice")).ok


async def test_a_code_counts_for_ten_minutes(hub: Scenario) -> None:
    code = await code_for(hub, "U7")
    await hub.later("10m")

    assert not (await hub.says(f"link {code}", by="bob")).ok


async def test_nobody_unknown_to_the_rules_can_be_linked(hub: Scenario) -> None:
    code = await code_for(hub, "U7")

    assert "nobody under people" in (await hub.says(f"link {code}", by="mallory")).text


async def test_a_code_is_of_no_use_in_the_chat(hub: Scenario) -> None:
    """Whoever reads it over somebody's shoulder cannot become them."""
    code = await code_for(hub, "U7")
    reply = await heard(hub, f"link {code}", user="U666")

    assert reply is not None
    assert not reply.ok


async def test_a_link_can_be_let_go_of(hub: Scenario) -> None:
    await hub.says(f"link {await code_for(hub, 'U7')}", by="bob")
    await heard(hub, "unlink", user="U7")

    assert "x on pager" == hub.hub.operations.askers.by_account("pager:U7", "x").person


async def test_who_is_linked_can_be_looked_up(hub: Scenario) -> None:
    """`people:` is reviewed; a link is made by whoever says a code, and an operator wants to see that."""
    before = await hub.says("links", by="alice")
    await hub.says(f"link {await code_for(hub, 'U7')}", by="bob")
    since = hub.clock
    await hub.later("2d")
    linked = await hub.says("links", by="alice")
    await heard(hub, "unlink", user="U7")

    assert "no account is linked" in before.text
    assert f"pager:U7 is bob since {since:%Y-%m-%d %H:%M}" in linked.text
    assert "no account is linked" in (await hub.says("links", by="alice")).text


async def test_the_rules_go_before_a_link(hub: Scenario) -> None:
    reply = words(await heard(hub, "link", user="U1"))

    assert "you are alice here already" in reply


async def test_no_code_lies_in_the_database(hub: Scenario) -> None:
    code = await code_for(hub, "U7")

    assert not any(code in subject for _, subject in hub.hub.state.timers)


# ------------------------------------------------------------------------------------------------------------- replies


async def test_a_reply_waits_for_a_chat_that_is_busy(
    hub: Scenario, chat: FakeChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_wait(_seconds: float) -> None: ...

    monkeypatch.setattr("hub.hearing.utterances.asyncio.sleep", no_wait)
    chat.failures = [Unreachable("busy", retry_after=1), Unreachable("busy")]
    said = Utterance(id="1", user="U1", room="night", text="status")
    await hub.hub.hearing.say_back("pager", said, Reply(text="all is well"))

    assert [("1", Reply(text="all is well"))] == chat.replies
