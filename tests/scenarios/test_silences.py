"""Silences, from their preview to what they say when they end."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from live import LiveHub, live_hub, until
from scenario import RULES, Scenario
from teams import CHANNEL, TOKEN, say, teams

from hub.contracts import Asker, Heard, Reply, Via
from hub.core.effect import Effect
from hub.hearing.effects import STEP, Effects
from hub.store import Linked
from tests.fakes.slack import ALICE, BOB, BOT_TOKEN, SECRET, Posted, Slack, slack

Begin = Callable[..., Awaitable[Scenario]]


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


async def test_a_storm_is_silenced_by_what_it_has_in_common(begin: Begin) -> None:
    """And not by as many silences as it has alerts, of which each passes by the policy."""
    rules = """\
version: 1
channels: {ops: room:ops}
silence_policy: {second_person_above: 50}
routes: [{name: hosts, to: ops, group_by: [source], group_wait: 1s}]
everything_else: {to: ops}
"""
    hub = await begin(rules)
    for number in range(61):
        await hub.nagios(f"web{number}", number=number)
    await hub.later("5s")
    refused = await hub.presses("Silence 1h", await hub.latest())
    said = await hub.says("silence nagios state=DOWN for 1h", under=await hub.latest())

    assert "these are 61 alerts" in refused.text
    assert '"silence nagios state=DOWN for 1h"' in refused.text
    assert "a second person must agree" in said.text
    assert [] == hub.hub.actions.silences()


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


# ------------------------------------------------------------------------------------------------- announced and ended

TWO_CHANNELS = """\
version: 1
sources: {twitter: {tool: json}}
channels: {ops: room:ops, web: room:web, db: room:db}
routes:
  - {name: web, match: {host: "web*"}, to: web}
  - {name: db, match: {host: "db*"}, to: db}
everything_else: {to: ops}
"""


async def lines(hub: Scenario, room: str = "ops") -> list[str]:
    """What was announced in a room, title and text of each."""
    return [f"{m.message.title}\n{m.message.text}" for m in await hub.told(room) if m.message.kind == "line"]


async def test_a_silence_is_announced_where_it_matters(begin: Begin) -> None:
    """In the channels that heard of what it covers, a line in each; the reply says it where it was asked for."""
    hub = await begin(TWO_CHANNELS)
    await hub.nagios("web301", number=1)
    await hub.nagios("web302", number=2)
    await hub.says('silence host="web*" for 1h because OPS-311')
    (announced,) = await lines(hub, "web")
    assert "host=web* is quiet until 04:00 UTC, says alice" in announced
    assert "because OPS-311" in announced
    assert "2 alerts under it fire now" in announced
    assert ([], []) == (await lines(hub, "ops"), await lines(hub, "db"))
    await hub.later("30m")
    await hub.nagios("web303", number=3)
    await hub.says("unsilence host=web*", by="bob")

    ended = [(await lines(hub, room))[-1] for room in ("web", "ops")]
    assert all("host=web* speaks again, says bob\n1 event held back, of 1 alert" in one for one in ended)
    assert all("still firing: 3" in one for one in ended)
    assert [] == await lines(hub, "db")


async def test_who_heard_lately_hears_of_a_silence_though_nothing_fires(begin: Begin) -> None:
    hub = await begin(TWO_CHANNELS)
    await hub.nagios("db1", number=1)
    await hub.nagios("db1", "UP", "RECOVERY", number=2)
    await hub.later("1d")
    await hub.says("shut up nagios for 1h")

    assert ["nagios is quiet"] == [one[:15] for one in await lines(hub, "db")]
    assert [] == await lines(hub, "web")


async def test_who_would_hear_hears_where_nothing_ever_fired(begin: Begin) -> None:
    hub = await begin(TWO_CHANNELS)
    await hub.says("silence host=db7 for 1h")

    assert (1, 0, 0) == tuple([len(await lines(hub, room)) for room in ("db", "web", "ops")])


async def test_it_says_what_it_held_by_title_with_counts_and_a_bound(hub: Scenario) -> None:
    await hub.says("shut up nagios for 1h")
    for host in range(9):
        for n in range(host + 1):
            await hub.nagios(f"web{host}", number=100 * host + n + 1)
    await hub.later("61m")

    ended = (await lines(hub))[-1]
    assert "45 events held back, of 9 alerts" in ended
    assert "• 9 × web8 is DOWN (nagios)\n• 8 × web7 is DOWN (nagios)" in ended
    assert "… and 10 other events\nstill firing: 9" in ended
    assert "… and 4 more" in ended


async def test_a_silence_of_one_alert_is_announced_nowhere(hub: Scenario) -> None:
    """It is seen on the alert; before its end a line in the thread offers more."""
    await hub.nagios("web301")
    alert = await hub.latest()
    await hub.presses("Silence 1h", alert)
    assert [] == await lines(hub)
    await hub.later("51m")
    warned = (await hub.thread(await hub.latest()))[-1]
    assert "web301 is DOWN speaks again in 10m: it still fires" == warned.message.title
    assert (False, ["1h more"]) == (warned.loud, [button.label for button in warned.message.buttons])
    reply = await hub.presses("1h more", warned)
    assert reply.ok
    assert "is quiet until 05:00 UTC" in reply.text
    twice = await hub.presses("1h more", warned)
    assert not twice.ok
    assert "it was extended meanwhile, until 05:00 UTC" in twice.text
    await hub.later("2h")

    assert [] == await lines(hub)
    assert "open" == (await hub.latest()).message.state


async def test_it_warns_before_its_end_if_something_under_it_fires(begin: Begin) -> None:
    """Where it was announced, and over a restart; the button makes it last an hour more, in all channels."""
    hub = await begin(TWO_CHANNELS)
    await hub.nagios("web301")
    await hub.says('silence host="web*" for 2h')
    await hub.restarts()
    await hub.later("111m")
    for room in ("web", "ops"):
        assert "host=web* speaks again in 10m: 1 alert under it still fires\n• web301" in (await lines(hub, room))[-1]
    await hub.restarts()
    reply = await hub.presses("1h more", await hub.latest("web"), by="bob")
    assert "host=web* is quiet until 06:00 UTC" in reply.text
    assert "host=web* stays quiet until 06:00 UTC, says bob" in (await lines(hub, "ops"))[-1]
    assert "stays quiet" not in (await lines(hub, "web"))[-1]
    await hub.later("1h")
    assert "speaks again in 10m" in (await lines(hub, "web"))[-1]
    await hub.later("10m")

    assert "speaks again\nnothing was held back\nstill firing: 1" in (await lines(hub, "web"))[-1]


async def test_it_does_not_warn_where_nothing_fires(hub: Scenario) -> None:
    await hub.nagios("web301", number=1)
    await hub.says("silence host=web301 for 1h")
    await hub.nagios("web301", "UP", "RECOVERY", number=2)
    await hub.later("59m")

    assert [] == await lines(hub)


async def test_the_end_of_one_of_two_that_cover_the_same_promises_nothing(hub: Scenario) -> None:
    """Neither that it will speak again, nor that it does: the other keeps it quiet."""
    await hub.nagios("web301")
    await hub.says("silence host=web301 for 1h")
    await hub.says('silence host="web*" for 4h')
    await hub.nagios("db1", number=7)
    await hub.says("silence host=db1 for 1h")
    await hub.later("51m")
    warned = await lines(hub)
    await hub.later("10m")
    ended = (await lines(hub))[-1]
    await hub.says("unsilence host=web*")

    assert ["host=db1 speaks again in 10m: 1 alert under it still fires"] == [line.splitlines()[0] for line in warned]
    assert "• host=web301 may speak again: what fires stays quiet under another silence; nothing was held back" in ended
    assert "• host=db1 speaks again; nothing was held back" in ended
    assert (await lines(hub))[-1].startswith("host=web* speaks again, says alice\n")


async def test_a_short_one_warns_a_fifth_before_its_end(hub: Scenario) -> None:
    await hub.nagios("web301")
    await hub.says("silence host=web301 for 10m")
    await hub.later("8m")

    assert "speaks again in 2m" in (await lines(hub))[-1]


@pytest.mark.parametrize(
    ("said", "until"),
    [
        ("extend {id} 1h", "04:15"),
        ("extend {id} by 1h", "04:15"),
        ("extend {id} for 90 minutes", "04:45"),
        ("prolong nagios by 1h because it takes longer", "04:15"),
        ("extend nagios until 06:00", "06:00"),
    ],
)
async def test_an_extension_is_understood(hub: Scenario, said: str, until: str) -> None:
    await hub.says("shut up nagios")
    (silence,) = hub.hub.actions.silences()
    reply = await hub.says(said.format(id=silence.id))

    assert f"nagios is quiet until {until} UTC" in reply.text
    assert f"{until}" == f"{hub.hub.actions.silences()[0].ends_at:%H:%M}"


async def test_a_length_that_has_just_begun_is_said_whole(hub: Scenario) -> None:
    """A sentence takes a moment, and three hours are not "2h 59m"."""
    await hub.says("silence nagios for 2h")
    await hub.later("3s")

    assert "(3h)" in (await hub.says("extend nagios 1h")).text


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("extend nagios", 'say how much longer: "extend'),
        ("extend nagios 60d", "up to 30d"),
        ("extend nagios until 03:05", "it lasts until 03:15 UTC already"),
        ("extend nagios 1h 1h", "nothing called 'nagios 1h' is silenced"),
        ("extend twitter 1h", "twitter is not silenced as a whole"),
        ("extend zzz 1h", "nothing called 'zzz' is silenced; say\n\"extend"),
        ("extend 1h", "say which silence"),
    ],
)
async def test_an_extension_is_refused_whole(hub: Scenario, said: str, complaint: str) -> None:
    await hub.says("shut up nagios")
    before = hub.hub.actions.silences()
    reply = await hub.says(said)

    assert not reply.ok
    assert complaint in reply.text
    assert before == hub.hub.actions.silences()


async def test_an_extension_takes_the_right_to_silence_as_long(begin: Begin) -> None:
    """And rules of access speak of it as of silences."""
    hub = await begin(
        f"""{RULES}
people: {{alice: {{}}, bob: {{}}}}
access:
  - {{allow: "silence *", who: alice, when: {{for: "<= 2h"}}}}
"""
    )
    await hub.says("shut up nagios for 1h")
    replies = [await hub.says(said, by=by) for said, by in (("extend nagios 1h", "bob"), ("extend nagios 2h", "alice"))]

    assert [False, False] == [reply.ok for reply in replies]
    assert "you said for 3h" in replies[1].text
    assert (await hub.says("extend nagios 1h")).ok


# -------------------------------------------------------------------------------------------------------------- policy

POLICY = f"""{RULES}
people: {{alice: {{slack: U0ALICE01}}, bob: {{slack: U0BOB001}}}}
silence_policy: {{longest: 24h, require: [host, service], second_person_above: 2}}
"""


async def wide(hub: Scenario) -> None:
    """Three alerts of the last days, of which one fires."""
    for n, host in enumerate(("web1", "web2", "web3")):
        await hub.nagios(host, number=10 * n + 1)
        if host != "web3":
            await hub.nagios(host, "UP", "RECOVERY", number=10 * n + 2)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("silence host=web1 for 2d", 'a silence lasts up to 1d; say how long: "for 2h"'),
        ("shut up nagios", "a silence must say its host or service, and not just *; write it like host=web301"),
        ('silence host="*"', "a silence must say its host or service"),
        ("silence host=?* kind=host", "a silence must say its host or service"),
        ("silence host!=web1", "a silence must say its host or service"),
    ],
)
async def test_the_policy_is_said_with_what_would_do(begin: Begin, said: str, complaint: str) -> None:
    hub = await begin(POLICY)
    reply = await hub.says(said)

    assert not reply.ok
    assert complaint in reply.text
    assert f"it would be refused: {complaint}" in (await hub.says(f"preview {said}")).text
    assert [] == hub.hub.actions.silences()


async def test_over_http_the_policy_is_the_same(begin: Begin) -> None:
    hub = await begin(POLICY)
    for match in ({"source": "nagios"}, {"any": [{"host": "web1"}, {"source": "nagios"}]}, {"not": {"host": "web1"}}):
        status, answer = await posts(hub, "/api/v1/silences", {"match": match, "for": "1h"})
        assert (400, True) == (status, "must say its host or service" in answer["detail"])

    assert 201 == (await posts(hub, "/api/v1/silences", {"match": {"host": ["web1", "web2"]}, "for": "1h"}))[0]


async def test_above_a_measured_effect_a_second_person_must_agree(begin: Begin) -> None:
    """What healed in the last days counts as well: it would have been hidden."""
    hub = await begin(POLICY)
    await wide(hub)
    narrow = await hub.says("silence host=web1 for 1h")
    assert "web1 is quiet until" in narrow.text
    asked = await hub.says("silence host=web* for 2h because OPS-311")
    (waiting,) = hub.hub.actions.waiting()
    assert f'above 2 alerts a second person must agree. "approve {waiting.id}"' in asked.text
    assert "1 open alert fires under it now, and would not be told again." in asked.text
    assert "waits until 03:30 UTC for somebody to say" in (await hub.says("silences")).text
    message = await hub.latest()
    assert "alice asks to silence host=web* for 2h: a second person must agree" == message.message.title
    await hub.nagios("web4", number=41)
    assert "web4 is DOWN" == (await hub.latest()).message.title
    await hub.restarts()
    await hub.later("20m")
    own = await hub.presses("Agree", message)
    assert (False, True) == (own.ok, "you asked for it yourself; somebody else must agree" in own.text)
    reply = await hub.presses("Agree", message, by="bob")

    assert reply.ok
    assert "host=web* is quiet until 05:20 UTC (2h)" in reply.text
    await hub.nagios("web5", number=51)
    assert "web5 is DOWN" not in [m.message.title for m in await hub.told()]
    assert [] == hub.hub.actions.waiting()
    again = await hub.presses("Agree", message, by="bob")
    assert (False, True) == (again.ok, "nothing waits" in again.text)


async def test_what_nobody_agrees_to_lapses(begin: Begin) -> None:
    """In time, over a restart, and said where it was asked for."""
    hub = await begin(POLICY)
    await wide(hub)
    await hub.says("silence host=web* for 2h")
    await hub.restarts()
    await hub.later("31m")

    assert "host=web* is not silenced: nobody agreed within 30m\n" == (await lines(hub))[-1]
    assert [] == hub.hub.actions.waiting() == hub.hub.actions.silences()
    await hub.later("3h")
    assert "nobody agreed" in (await lines(hub))[-1]


@pytest.mark.parametrize("sentence", ["unsilence {}", "speak up host=web*"])
async def test_who_asked_may_think_better_of_it(begin: Begin, sentence: str) -> None:
    hub = await begin(POLICY)
    await wide(hub)
    await hub.says("silence host=web* for 2h")
    reply = await hub.says(sentence.format(hub.hub.actions.waiting()[0].id))

    assert (True, "host=web* will not be silenced") == (reply.ok, reply.text)
    assert "host=web* is not silenced: alice thought better of it\n" == (await lines(hub))[-1]
    assert [] == hub.hub.actions.waiting()


async def test_only_another_known_person_may_agree(begin: Begin) -> None:
    """Not a stranger, not the same person by another account, and names claimed under one token are one."""
    hub = await begin(
        f'{POLICY}access: [{{allow: "silence *", who: everyone}}, {{allow: "approve *", who: everyone}}]\n'
    )
    await wide(hub)
    operations, askers = hub.hub.operations, hub.hub.operations.askers

    async def says(text: str, asker: Asker) -> Reply:
        return await operations.performing.perform(
            Heard(text=text, asker=asker, place="room:ops", back="room:ops", via=Via.CHAT, heard_at=hub.clock)
        )

    bob, alice = (operations.asker(name, trusted=False, token=True) for name in ("bob", "alice"))
    alice_in_slack, al = askers.by_account("slack:U0ALICE01", "alice"), askers.by_account("slack:U0AL0001", "al")
    assert (await says("silence host=web* for 2h", alice)).ok
    refusals = {
        "both names are claimed under the same API token": bob,
        "you asked for it yourself": alice_in_slack,
        "only somebody whom the rules name": al,
    }
    for why, asker in refusals.items():
        assert why in (await says("approve", asker)).text
    assert (await says("approve", askers.by_account("slack:U0BOB001", "bob"))).ok
    assert [("alice", "bob")] == [(one.author, one.approved_by) for one in hub.hub.actions.silences()]


async def test_a_stranger_who_is_linked_meanwhile_is_still_the_same_person(begin: Begin) -> None:
    hub = await begin(
        f'{POLICY}access: [{{allow: "silence *", who: everyone}}, {{allow: "approve *", who: everyone}}]\n'
    )
    await wide(hub)
    operations = hub.hub.operations
    al = operations.askers.by_account("slack:U0AL0001", "al")
    said = Heard(text="silence host=web* for 2h", asker=al, place="slack:#ops", via=Via.CHAT, heard_at=hub.clock)
    await operations.performing.perform(said)
    await hub.hub.writer.do(
        lambda draft: draft.changes.links.update(
            {"slack:U0AL0001": Linked(account="slack:U0AL0001", person="alice", linked_at=hub.clock)}
        )
    )
    reply = await hub.says("approve")

    assert "you asked for it yourself" in reply.text


async def test_agreeing_takes_a_right_of_its_own(begin: Begin) -> None:
    hub = await begin(f'{POLICY}access: [{{allow: "approve *", who: alice}}]\n')
    await wide(hub)
    await hub.says("silence host=web* for 2h")

    assert "'approve' is allowed to alice only" in (await hub.says("approve", by="bob")).text


async def test_a_wide_silence_is_not_extended_by_one_alone(begin: Begin) -> None:
    hub = await begin(POLICY)
    await wide(hub)
    await hub.says("silence host=web* for 2h")
    await hub.says("approve", by="bob")
    id = hub.hub.actions.silences()[0].id
    reply = await hub.says(f"extend {id} 1h")

    assert not reply.ok
    assert 'too wide for one person alone; "silence host=web* for 1h" asks for another' in reply.text
    assert "up to 1d" in (await hub.says(f"extend {id} 2d")).text


async def test_over_http_it_waits_and_is_agreed_to(begin: Begin) -> None:
    hub = await begin(POLICY)
    await wide(hub)
    status, waits = await posts(hub, "/api/v1/silences", {"match": {"host": "web*"}, "for": "2h", "as": "alice"})
    assert (202, "waiting") == (status, waits["state"])
    path = f"/api/v1/silences/{waits['id']}"
    assert 403 == (await posts(hub, f"{path}/approve", {"as": "alice"}))[0]
    status, begun = await posts(hub, f"{path}/approve", {"as": "bob"})
    assert (200, "active", "bob") == (status, begun["state"], begun["approved_by"])
    assert 400 == (await posts(hub, f"{path}/extend", {"as": "bob", "for": "soon"}))[0]
    assert 404 == (await posts(hub, "/api/v1/silences/none/approve", {"as": "bob"}))[0]


# ------------------------------------------------------------------------------------------------------------ overlaps


async def test_a_silence_says_which_others_hold_the_same(hub: Scenario) -> None:
    await hub.nagios("web301")
    await hub.says("shut up nagios for 2h", by="bob")
    (wide,) = hub.hub.actions.silences()
    covered = await hub.says("silence nagios host=web301 for 1h")
    same = await hub.says("shut up nagios for 1h")
    other = await hub.says('silence host="web*" for 1h')
    apart = await hub.says("shut up twitter")

    assert f"{wide.id} (nagios, by bob) keeps it quiet already, until 05:00 UTC." in covered.text
    assert f"{wide.id} (nagios, by bob) keeps it quiet already" in same.text
    assert "(nagios host=web301, by alice) lies within it, until 04:00 UTC." in same.text
    assert f"{wide.id} (nagios, by bob) holds some of it, too" in other.text
    assert "until 03:15" in apart.text
    assert "nagios" not in apart.text


# ------------------------------------------------------------------------------------------------------- from the file

FILE = f"""{TWO_CHANNELS}
time_windows: {{patching: {{days: mon-sun, hours: "04:00-06:00"}}}}
silences:
  - {{name: db-upgrade, match: {{host: "db*"}}, from: 2026-11-21T05:00Z, until: 2026-11-21T07:00Z, because: OPS-311}}
  - {{name: patch-night, match: {{host: "web*"}}, during: patching}}
"""


async def test_a_silence_of_the_file_begins_and_ends_by_itself(begin: Begin) -> None:
    """Over restarts, announced where it matters, with the file as its author."""
    hub = await begin(FILE)
    listed = (await hub.says("silences")).text
    assert "db-upgrade (host=db*) from 05:00 UTC until 07:00 UTC by routes.yaml because OPS-311" in listed
    assert "patch-night (host=web*) from 04:00 UTC until 06:00 UTC by routes.yaml" in listed
    await hub.later("90m")
    await hub.restarts()
    await hub.later("31m")
    begun = "db-upgrade (host=db*) is quiet until 07:00 UTC, says routes.yaml\nbecause OPS-311"
    assert begun in (await lines(hub, "db"))[-1]
    assert [] == await lines(hub, "ops")
    await hub.restarts()
    assert 1 == len(await lines(hub, "db"))
    await hub.nagios("db1", number=1)
    await hub.nagios("web1", number=2)
    assert [] == [m for room in ("db", "web", "ops") for m in await hub.told(room) if m.message.state]
    await hub.later("2h")

    ended = (await lines(hub, "db"))[-1]
    assert "db-upgrade (host=db*) speaks again\n1 event held back, of 1 alert" in ended
    assert "still firing: 1" in ended
    assert ["db1 is DOWN"] == [m.message.title for m in await hub.told("db") if m.message.state]
    assert [] == hub.hub.actions.silences()


async def test_a_window_silences_each_time_it_opens(begin: Begin) -> None:
    hub = await begin(FILE)
    for _ in range(3):
        await hub.later("1d")

    assert 3 == len([line for line in await lines(hub, "web") if "patch-night (host=web*) is quiet" in line])
    assert 3 == len([line for line in await lines(hub, "web") if "patch-night (host=web*) speaks again" in line])


async def test_a_silence_taken_out_of_the_file_ends_and_tells_what_it_held(begin: Begin) -> None:
    hub = await begin(FILE)
    await hub.later("150m")
    await hub.nagios("db1")
    assert await hub.reloads(TWO_CHANNELS)
    await hub.settle()

    assert "db-upgrade (host=db*) speaks again, says routes.yaml\n1 event held back" in (await lines(hub, "db"))[-1]
    assert [] == hub.hub.actions.silences()
    assert hub.next_due() is None or not any(kind == "silence-plan" for kind, _ in hub.hub.state.timers)


async def test_a_reload_moves_an_end_and_says_nothing(begin: Begin) -> None:
    hub = await begin(FILE)
    await hub.later("150m")
    before = await lines(hub, "db")
    assert await hub.reloads(FILE.replace("T07:00Z", "T09:00Z"))

    assert before == await lines(hub, "db")
    assert ["06:00", "09:00"] == [f"{one.ends_at:%H:%M}" for one in hub.hub.actions.silences()]


async def test_a_silence_of_the_file_that_somebody_ends_stays_ended_for_this_time(begin: Begin) -> None:
    hub = await begin(FILE)
    await hub.later("90m")
    reply = await hub.says("unsilence patch-night", by="bob")
    assert reply.ok
    await hub.restarts()
    assert await hub.reloads(FILE + "# touched\n")
    await hub.settle()
    assert [] == hub.hub.actions.silences()
    await hub.later("1d")

    assert ["patch-night"] == [one.name for one in hub.hub.actions.silences()]


async def test_a_silence_of_the_file_is_extended_like_another(begin: Begin) -> None:
    hub = await begin(FILE)
    await hub.nagios("web1")
    await hub.later("171m")
    reply = await hub.presses("1h more", await hub.latest("web"))
    assert "patch-night" not in reply.text
    assert "host=web* is quiet until 07:00 UTC" in reply.text
    await hub.restarts()
    await hub.later("30m")

    assert [("patch-night", "07:00")] == [(one.name, f"{one.ends_at:%H:%M}") for one in hub.hub.actions.silences()
                                          if one.name == "patch-night"]  # fmt: skip


async def test_many_that_begin_at_once_are_one_line(begin: Begin) -> None:
    """In each channel, and so are their ends."""
    many = "\n".join(f"  - {{name: n{n}, match: {{host: web{n}}}, during: patching}}" for n in range(12))
    hub = await begin(f"{FILE}{many}\n")
    await hub.later("4h")

    assert ["13 silences begin", "13 silences have ended"] == [
        one.partition("\n")[0] for one in await lines(hub, "web")
    ]
    assert "• patch-night (host=web*) is quiet until 06:00 UTC" in (await lines(hub, "web"))[0]
    assert "… and 3 more" in (await lines(hub, "web"))[0]


async def test_the_api_lists_what_is_to_come(begin: Begin) -> None:
    hub = await begin(FILE)
    await hub.later("90m")
    async with TestClient(TestServer(hub.hub.app)) as client:
        listed = (await (await client.get("/api/v1/silences")).json())["silences"]
        page = await (await client.get("/silences")).text()
        (coming,) = [one["id"] for one in listed if one["state"] == "scheduled"]
        refused = await client.delete(f"/api/v1/silences/{coming}")
        assert (404, f"silence '{coming}' has not begun; take it out of the rules") == (
            refused.status,
            (await refused.json())["detail"],
        )

    states = {
        one["name"]: (one["state"], one["author"], one["starts_at"][11:16], one["ends_at"][11:16]) for one in listed
    }
    assert {
        "patch-night": ("active", "routes.yaml", "04:00", "06:00"),
        "db-upgrade": ("scheduled", "routes.yaml", "05:00", "07:00"),
    } == states
    assert "patch-night" in page
    assert "db-upgrade" in page


# ---------------------------------------------------------------------------------------------------------- real chats

IN_SLACK = """\
version: 1
channels: {night: "slack:#ops", ops: room:ops}
people: {alice: {slack: U0ALICE01}, bob: {slack: U0BOB001}}
routes: [{name: disks, match: {tool: nagios}, to: night}]
everything_else: {to: ops}
access: [{allow: "silence *", who: alice}]
"""


@asynccontextmanager
async def in_slack(folder: Path) -> AsyncIterator[tuple[LiveHub, Slack]]:
    async with slack() as fake:
        variables = {
            "TOCSIN_SLACK_BOT_TOKEN": BOT_TOKEN,
            "TOCSIN_SLACK_SIGNING_SECRET": SECRET,
            "TOCSIN_SLACK_API_URL": f"{fake.base}/api/",
        }
        async with live_hub(folder, IN_SLACK, variables) as hub:
            fake.hub = hub.url
            yield hub, fake


def reading(fake: Slack, words: str, place: str = "#ops") -> Callable[[], Awaitable[Posted | None]]:
    async def look() -> Posted | None:
        return next((one for one in fake.posted(place) if words in one.seen.text), None)

    return look


async def test_in_slack_a_command_is_announced_and_its_button_extends(tmp_path: Path) -> None:
    """Who says `/tocsin …` is answered alone, so that the channel is told. The rights are the presser's."""
    async with in_slack(tmp_path) as (hub, fake):
        await hub.nagios("db1", n=1)
        await until("it is told", reading(fake, "db1 is DOWN"))
        assert "is quiet until" in await fake.command("shut up nagios for 10s")
        await until("the channel is told", reading(fake, "nagios is quiet until"))
        warning = await until("it warns", reading(fake, "still fires"))
        assert f'"extend {hub.hub.actions.silences()[0].id} 1h" keeps it quiet' in warning.seen.text
        await fake.press(warning.ref, "1h more", user=BOB)
        refused = await until("bob is refused", reading(fake, "allowed to alice only"))
        assert BOB == refused.only_for
        await fake.press(warning.ref, "1h more", user=ALICE)
        await until("the channel is told", reading(fake, "stays quiet until"))

        assert [] == fake.complaints
        assert hub.hub.actions.silences()[0].ends_at > datetime.now(UTC) + timedelta(minutes=59)


async def test_what_was_asked_for_in_private_is_said_in_private(tmp_path: Path) -> None:
    """A direct message is no channel of the rules, and hears of the end all the same."""
    async with in_slack(tmp_path) as (_, fake):
        await fake.say("@U0ALICE01", "shut up nagios for 1s", user=ALICE)

        await until("it ends", reading(fake, "nagios speaks again", "@U0ALICE01"))


async def test_in_teams_the_words_stand_where_a_button_would(tmp_path: Path) -> None:
    async with teams() as fake:
        variables = {
            "TOCSIN_TEAMS_URL_NIGHT": fake.url("night"),
            "TOCSIN_TEAMS_OUTGOING_SECRET": TOKEN,
            "TOCSIN_TEAMS_CHANNELS": f"night={CHANNEL}",
        }
        rules = IN_SLACK.replace("slack:#ops", "teams:night").replace("{slack: U0ALICE01}", "{teams: 00000000-alice}")
        async with live_hub(tmp_path, rules, variables) as hub:
            await hub.nagios("db1", n=1)
            assert "nagios is quiet until" in await say(hub.url, "shut up nagios for 5s", id="quiet")

            async def warned() -> str | None:
                return next((seen.text for seen in fake.seen("night") if "still fires" in seen.text), None)

            id = hub.hub.actions.silences()[0].id
            assert f'"extend {id} 1h" keeps it quiet' in await until("it warns", warned)
            assert "nagios is quiet until" in await say(hub.url, f"extend {id} 1h", id="extend")
            assert [] == fake.complaints
