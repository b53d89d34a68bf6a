"""Who is on call hears, wherever they are told alone; and anybody can take it over for a while."""

import pytest
from chat import FakeChat
from scenario import Scenario

from hub.registry import installed

RULES = """\
version: 1
channels: {ops: room:ops}
people: {alice: {pager: U1}, bob: {pager: U2}, carol: {}}
schedules:
  web:
    timezone: Europe/London
    layers:
      - {name: weeks, people: [alice, bob], rotate: weekly, handover: mon 09:00, start: 2026-11-16}
  db: {layers: [{people: [carol], rotate: daily}]}
routes:
  - {name: web, match: {host: "web*"}, to: "oncall:web"}
  - {name: db, match: {host: "db*"}, to: "oncall:db"}
  - {name: later, match: {host: "mail*"}, to: ops, escalate: [{after: 10m, to: "oncall:web"}]}
everything_else: {to: ops}
access: [{allow: "take *", who: everyone, when: {for: "<= 12h"}}]
"""


@pytest.fixture
async def hub(begin, chat: FakeChat) -> Scenario:
    pager = chat.integration(person=lambda user: f"@{user}")
    return await begin(RULES, {**installed(), "pager": pager})


def heard(chat: FakeChat) -> list[tuple[str, str]]:
    return [(room.name, message.title) for room, (_, message) in zip(chat.rooms, chat.posted, strict=True)]


async def test_an_alert_goes_to_whoever_is_on_call_when_it_opens(hub: Scenario, chat: FakeChat) -> None:
    """And stays with them: who takes over on Monday hears of what opens then."""
    await hub.nagios("web1", number=1)
    await hub.later("2d6h")
    await hub.nagios("web2", number=2)
    await hub.nagios("web1", "UP", "RECOVERY", number=3)

    assert [("@U1", "web1 is DOWN"), ("@U2", "web2 is DOWN")] == heard(chat)[:2]
    assert "resolved" == chat.edited[-1][1].state


async def test_somebody_can_take_it_for_a_while(hub: Scenario, chat: FakeChat) -> None:
    """Over a restart; then it goes back."""
    reply = await hub.says("take web for 2h", by="bob")
    await hub.restarts()
    await hub.nagios("web1", number=1)
    await hub.later("3h")
    await hub.nagios("web2", number=2)

    assert "bob is on call for web until 05:00" in reply.text
    assert ["@U2", "@U1"] == [room for room, _ in heard(chat)]


async def test_where_nobody_can_be_told_alone_everything_else_hears(hub: Scenario) -> None:
    await hub.nagios("db1", number=1)

    assert ["db1 is DOWN"] == [message.message.title for message in await hub.told()]


async def test_an_escalation_reaches_whoever_is_on_call_then(hub: Scenario, chat: FakeChat) -> None:
    await hub.nagios("mail1", number=1)
    await hub.later("11m")

    assert [("@U1", "mail1 is DOWN")] == heard(chat)


@pytest.mark.parametrize(
    "words", ["who's on call", "whos on call?", "who is on call for web", "Who’s on call for web?"]
)
async def test_who_is_on_call_can_be_asked(hub: Scenario, words: str) -> None:
    reply = (await hub.says(words)).text

    assert "web: alice (layer weeks) until 2026-11-23 09:00 UTC, then bob" in reply


@pytest.mark.parametrize(
    ("words", "by", "says"),
    [
        ("take web", "bob", 'say how long: "take web for 2h"'),
        ("take wbe for 2h", "bob", "say which: db, web"),
        ("take web for 2h", "mallory", "only somebody whom the rules name"),
        ("who's on call for mail", "bob", "there is db, web"),
    ],
)
async def test_what_cannot_be_is_refused_with_what_would_be(hub: Scenario, words: str, by: str, says: str) -> None:
    reply = await hub.says(words, by=by)

    assert not reply.ok
    assert says in reply.text
