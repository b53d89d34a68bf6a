"""People are named where a route says so, in what wakes and nowhere else."""

import pytest
from chat import FakeChat, TellingChat
from scenario import Scenario

from hub.core.notification import Mention, Message
from hub.registry import installed

RULES = """\
version: 1
channels: {ops: room:ops, night: "pager:night", boss: "pager:boss"}
people: {alice: {pager: U1}, bob: {pager: U2}, carol: {}, dave: {pager: odd}}
groups: {web: [alice, bob, dave]}
schedules: {db: {layers: [{people: [bob], rotate: daily}]}}
routes:
  - name: web
    match: {host: "web*"}
    to: night
    mention: [carol, group:web]
    repeat_interval: 30m
    escalate: [{after: 1h, to: boss}]
    routes:
      - {name: web-quietly, match: {host: "web9*"}, mention: []}
      - {name: web-in-the-room, match: {host: "web8*"}, to: ops}
  - {name: db, match: {host: "db*"}, to: night, mention: ["oncall:db", here]}
everything_else: {to: night}
access: [{allow: "take *", who: everyone}]
"""
WEB = (Mention(name="carol"), Mention(name="alice", id="U1"), Mention(name="bob", id="U2"), Mention(name="dave"))


@pytest.fixture(params=[FakeChat, TellingChat], ids=["edits", "tells anew"])
def chat(request: pytest.FixtureRequest) -> TellingChat:
    made: TellingChat = request.param()
    return made


@pytest.fixture
async def hub(begin, chat: TellingChat) -> Scenario:
    pager = chat.integration(pings=lambda user: user == "here" or user.startswith("U"))
    return await begin(RULES, {**installed(), "pager": pager})


def named(chat: TellingChat) -> list[tuple[str, tuple[Mention, ...]]]:
    """What names anybody, and whom."""
    return [(message.title, message.mentions) for _, message in chat.posted if message.mentions]


async def test_who_is_to_act_is_named_when_it_breaks_and_in_loud_lines(hub: Scenario, chat: TellingChat) -> None:
    """Not in what changes, heals, or is said quietly; and the next in line is not asked for others."""
    await hub.nagios("web1", number=1)
    await hub.nagios("web1", number=2)
    await hub.later("61m")
    await hub.nagios("web1", "UP", "RECOVERY", number=3)

    assert {WEB} == {mentions for _, mentions in named(chat)}
    assert [
        "web1 is DOWN",
        "still so after 30m: web1 is DOWN",
        "nobody has taken it in 1h: now boss hears of it",
        "still so after 1h: web1 is DOWN",
    ] == [title.removesuffix(" (×2)") for title, _ in named(chat)]
    assert [] == [message for message in edited(chat) if message.mentions]


def edited(chat: TellingChat) -> list[Message]:
    return [message for _, message in getattr(chat, "edited", [])]


async def test_what_gets_worse_names_them_again(hub: Scenario, chat: TellingChat) -> None:
    await hub.nagios("web1", "WARNING", service="disk", number=1)
    await hub.nagios("web1", "CRITICAL", service="disk", number=2)

    assert [WEB, WEB] == [mentions for _, mentions in named(chat)]


async def test_what_somebody_has_or_nobody_heard_names_nobody(hub: Scenario, chat: TellingChat) -> None:
    """Who learns only now that it broke, learns that it is in hand."""
    await hub.says("shut up nagios for 10m")
    await hub.nagios("web1", number=1)
    alert = next(iter(hub.hub.state.alerts))
    await hub.says(f"ack {alert}")
    await hub.later("11m")

    assert ["acked"] == [message.state for _, message in chat.posted if message.state]
    assert [] == named(chat)


async def test_a_route_names_as_the_one_above_it_unless_it_says_otherwise(hub: Scenario, chat: TellingChat) -> None:
    await hub.nagios("web2", number=1)
    await hub.nagios("web90", number=2)
    await hub.nagios("mail1", number=3)

    assert [("web2 is DOWN", WEB)] == named(chat)


async def test_the_room_shows_the_names(hub: Scenario) -> None:
    await hub.nagios("web80", number=1)

    assert ["carol", "alice", "bob", "dave"] == [one.name for one in (await hub.latest()).message.mentions]


async def test_whoever_is_on_call_when_it_is_told_is_named(hub: Scenario, chat: TellingChat) -> None:
    """And all who are there, where the chat can do that."""
    await hub.nagios("db1", number=1)
    await hub.says("take db for 2h", by="alice")
    await hub.nagios("db2", number=2)
    here = Mention(name="everyone here", id="here")

    assert [
        ("db1 is DOWN", (Mention(name="bob", id="U2"), here)),
        ("db2 is DOWN", (Mention(name="alice", id="U1"), here)),
    ] == named(chat)


async def test_a_reload_changes_nothing_of_what_was_told_but_whom_a_name_means(
    hub: Scenario, chat: TellingChat
) -> None:
    await hub.nagios("web1", number=1)
    await hub.reloads(
        RULES.replace("mention: [carol, group:web]", "mention: [dave]").replace("[alice, bob, dave]", "[bob]")
    )
    await hub.later("31m")

    assert (Mention(name="carol"), Mention(name="bob", id="U2")) == named(chat)[-1][1]
