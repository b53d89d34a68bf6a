"""Who is on call hears, wherever they are told alone; and anybody can take it over for a while."""

from datetime import timedelta

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


async def test_what_nobody_has_is_said_again_to_whoever_is_on_call_by_then(begin, chat: FakeChat) -> None:
    """And not to whom it was told, whose turn is over: until it is theirs again. All that heard of it see the end."""
    pager = chat.integration(person=lambda user: f"@{user}")
    hub = await begin(
        RULES.replace('to: "oncall:web"}', 'to: "oncall:web", repeat_interval: 30m}', 1),
        {**installed(), "pager": pager},
    )
    await hub.nagios("web1", number=1)
    await hub.later("31m")
    await hub.says("take web for 1h", by="bob")
    await hub.restarts()
    await hub.later("2h")
    await hub.nagios("web1", "UP", "RECOVERY", number=2)

    assert [
        ("@U1", "web1 is DOWN"),
        ("@U1", "still so after 30m: web1 is DOWN"),
        ("@U1", "alice, bob is on call for web in your place for 1h"),
        ("@U2", "web1 is DOWN"),
        ("@U2", "still so after 1h 30m: web1 is DOWN"),
        ("@U1", "alice, you are on call for web now: the turn that bob took has ended"),
        ("@U1", "still so after 2h: web1 is DOWN"),
        ("@U1", "still so after 2h 30m: web1 is DOWN"),
        ("@U1", "Resolved: web1 is UP"),
        ("@U2", "Resolved: web1 is UP"),
    ] == heard(chat)


async def test_it_is_taken_until_morning(hub: Scenario) -> None:
    """Said at three in the night; the answer says which morning was understood."""
    by_time = await hub.says("take web until tomorrow morning", by="bob")
    tonight = await hub.says("hand web to bob tonight", by="alice")

    for reply in (by_time, tonight):
        assert 'bob is on call for web until 09:00 UTC. "give web back" ends it.' == reply.text


async def test_somebody_can_take_it_for_a_while(hub: Scenario, chat: FakeChat) -> None:
    """Over a restart; then it goes back."""
    reply = await hub.says("take web for 2h", by="bob")
    await hub.restarts()
    await hub.nagios("web1", number=1)
    await hub.later("3h")
    await hub.nagios("web2", number=2)

    assert 'bob is on call for web until 05:00 UTC. "give web back" ends it.' == reply.text
    assert [
        ("@U1", "alice, bob is on call for web in your place for 2h"),
        ("@U2", "web1 is DOWN"),
        ("@U1", "alice, you are on call for web now: the turn that bob took has ended"),
        ("@U1", "web2 is DOWN"),
    ] == heard(chat)


async def test_where_it_was_taken_a_quiet_line_says_that_it_is_over(hub: Scenario, chat: FakeChat) -> None:
    """Over a restart in which it ran out; once."""
    await hub.says("take web for 2h", by="bob")
    await hub.stop()
    hub.clock += timedelta(hours=3)
    await hub.start()
    await hub.later("1s")
    await hub.restarts()

    over = [message for message in await hub.told() if "On call" in message.message.title]
    assert ["On call for web is alice now: the turn that bob took has ended"] == [one.message.title for one in over]
    assert not over[0].loud


async def test_a_turn_that_changes_nothing_ends_in_silence(hub: Scenario, chat: FakeChat) -> None:
    """Who has it by their own turn goes on having it, and so does who took it after them."""
    for hours, who in ((2, "alice"), (3, "bob"), (4, "alice")):
        await hub.says(f"take web for {hours}h", by=who)
        await hub.later("1m")
    await hub.later("5h")

    assert [
        ("@U1", "alice, bob is on call for web in your place for 3h"),
        ("@U2", "bob, alice is on call for web in your place for 4h"),
    ] == heard(chat)
    assert [] == [message for message in await hub.told() if "On call" in message.message.title]


async def test_turns_that_end_together_are_told_of_once(hub: Scenario, chat: FakeChat) -> None:
    """Of both the later one counted."""
    await hub.says("take web until morning", by="carol")
    await hub.later("1h")
    await hub.says("take web until morning", by="bob")
    await hub.later("6h")

    assert [
        ("@U1", "alice, carol is on call for web in your place for 6h"),
        ("@U1", "alice, you are on call for web now: the turn that bob took has ended"),
    ] == heard(chat)


async def test_whose_turn_begins_and_cannot_be_told_alone_is_named_aloud(hub: Scenario) -> None:
    await hub.says("take db for 2h", by="bob")
    await hub.later("3h")

    [line] = [message for message in await hub.told() if "On call" in message.message.title]
    assert ("On call for db is carol now: the turn that bob took has ended", True) == (line.message.title, line.loud)


@pytest.mark.parametrize("words", ["give back web", "Give Web back!", "hand it back", "give web back, please"])
async def test_what_was_taken_can_be_given_back(hub: Scenario, chat: FakeChat, words: str) -> None:
    """Over a restart; who is on call again by that hears of it."""
    await hub.says("take web for 8h", by="bob")
    await hub.restarts()

    reply = await hub.says(words, by="bob")
    await hub.nagios("web1", number=1)

    assert reply.ok
    assert "the turn that bob took has ended. On call for web: alice (layer weeks) until" in reply.text
    assert [
        ("@U1", "alice, you are on call for web again: bob gave it back"),
        ("@U1", "web1 is DOWN"),
    ] == heard(chat)[1:]


async def test_it_can_be_handed_to_somebody_who_then_hears_of_it(hub: Scenario, chat: FakeChat) -> None:
    reply = await hub.says("hand web to Bob for 2h", by="alice")
    await hub.nagios("web1", number=1)

    assert 'bob is on call for web until 05:00 UTC. "give web back" ends it.' == reply.text
    assert [
        ("@U2", "bob, you are on call for web for 2h: alice handed it to you"),
        ("@U2", "web1 is DOWN"),
    ] == heard(chat)
    asked = await hub.says("who's on call for WEB")
    assert 'web: bob (override by alice) until 05:00 UTC, then alice; "give web back" ends it' == asked.text


@pytest.mark.parametrize("words", ["give bob web for 2h", "Hand web over to bob till 05:00", "give web to me for 2h"])
async def test_it_is_handed_over_as_people_say_it(hub: Scenario, words: str) -> None:
    assert "bob is on call for web until 05:00" in (await hub.says(words, by="bob")).text


async def test_who_gives_back_gives_their_own_before_others(hub: Scenario) -> None:
    """And somebody who took nothing ends what stands now, since they want their turn back."""
    await hub.says("take web for 8h", by="bob")
    await hub.says("take web for 4h", by="carol")

    still = await hub.says("give web back", by="bob")
    again = await hub.says("give web back", by="alice")
    nothing = await hub.says("give web back", by="alice")

    assert "the turn that bob took has ended. On call for web: carol" in still.text
    assert "the turn that carol took has ended. On call for web: alice" in again.text
    assert not nothing.ok
    assert nothing.text.startswith("nobody took web, so that nothing ends. On call for web: alice")


async def test_who_is_relieved_hears_by_whom(hub: Scenario, chat: FakeChat) -> None:
    """Not who did it themselves, nor who is on call as before."""
    await hub.says("hand web to bob for 2h", by="carol")
    await hub.says("take web for 4h", by="bob")
    await hub.says("give web back", by="bob")
    await hub.says("hand web to bob for 2h", by="alice")
    await hub.says("give web back", by="alice")

    assert [
        ("@U2", "bob, you are on call for web for 2h: carol handed it to you"),
        ("@U1", "alice, bob is on call for web in your place for 2h: carol handed it over"),
        ("@U1", "alice, you are on call for web again: bob gave it back"),
        ("@U2", "bob, you are on call for web for 2h: alice handed it to you"),
        ("@U2", "bob, you are not on call for web any more: alice gave it back"),
    ] == heard(chat)


async def test_who_may_take_it_may_give_it(begin) -> None:
    """And the length counts of what begins, not of what ends."""
    narrow = RULES.replace("who: everyone", "who: bob").replace('"take *"', '"take web"')
    hub = await begin(narrow.replace("{pager: U1}", "{}").replace("{pager: U2}", "{}"))
    await hub.says("take web for 2h", by="bob")

    refused = await hub.says("give web back", by="mallory")
    too_long = await hub.says("give web to alice for 13h", by="bob")
    given = await hub.says("give web back", by="bob")

    assert "'take' is allowed to bob only" in refused.text
    assert "you said for 13h" in too_long.text
    assert given.ok


async def test_who_cannot_be_told_alone_is_named_so(hub: Scenario) -> None:
    """Their alerts come where everybody hears, and who hands it over must tell them."""
    reply = await hub.says("hand web to carol for 2h", by="alice")

    assert "Nothing leads to carol alone" in reply.text


async def test_where_nobody_can_be_told_alone_everything_else_hears(hub: Scenario) -> None:
    await hub.nagios("db1", number=1)

    assert ["db1 is DOWN"] == [message.message.title for message in await hub.told()]


async def test_an_escalation_reaches_whoever_is_on_call_then(hub: Scenario, chat: FakeChat) -> None:
    await hub.nagios("mail1", number=1)
    await hub.later("11m")

    assert [("@U1", "mail1 is DOWN")] == heard(chat)


@pytest.mark.parametrize(
    "words",
    [
        "who's on call",
        "whos on call?",
        "am I on call",
        "who is on call for web",
        "Who’s on call for web?",
        "on call tonight",
    ],
)
async def test_who_is_on_call_can_be_asked(hub: Scenario, words: str) -> None:
    reply = (await hub.says(words)).text

    assert "web: alice (layer weeks) until 2026-11-23 09:00 UTC, then bob" in reply


@pytest.mark.parametrize(
    ("words", "by", "says"),
    [
        ("take web", "bob", 'say how long: "take web for 2h"'),
        ("take wbe for 2h", "bob", "there is no schedule 'wbe'; there is db, web"),
        ("take for 2h", "bob", "say which: db, web"),
        ("give web", "bob", 'say "give web back", or to whom: "give web to bob for 2h"'),
        ("give web to bob", "alice", 'say how long: "give web to bob for 2h"'),
        ("give web to mallory for 2h", "alice", "the rules name nobody 'mallory' under people:"),
        ("give back", "alice", "say which: db, web"),
        ("take web back", "alice", '"give web back"'),
        ("take web for 2h", "mallory", "only somebody whom the rules name"),
        ("who's on call for mail", "bob", "there is db, web"),
    ],
)
async def test_what_cannot_be_is_refused_with_what_would_be(hub: Scenario, words: str, by: str, says: str) -> None:
    reply = await hub.says(words, by=by)

    assert not reply.ok
    assert says in reply.text
