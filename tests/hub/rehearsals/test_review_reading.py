"""What is said of proposed rules, by a process that has little time and memory."""

import pytest

from hub.contracts import Proposal
from hub.core.event import EPOCH, Event, EventId, Status
from hub.core.past import Happened
from hub.rehearsals.review_reading import look
from hub.rehearsals.reviews import NotRead, read_review, say_review, say_verdict

RULES = """\
version: 1
channels: {ops: room:ops, web: room:web}
routes: [{name: web, match: {host: "web*"}, to: web}]
everything_else: {to: ops}
"""
TEST = """\
tests:
  - name: what is posted reaches the web team in our words
    given: [{fixture: posted/down.http, source: nagios}]
    expect: {web: [{occasion: opened, text: web301 is DOWN}]}
"""
DOWN = """\
POST /in/nagios HTTP/1.1
Content-Type: application/json

{"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "web301", "HOSTSTATE": "DOWN", "HOSTOUTPUT": "no ping"}"""


def event(host: str) -> Event:
    return Event(
        id=EventId(host),
        source="nagios",
        tool="nagios",
        status=Status.PROBLEM,
        kind="host",
        key=host,
        title=f"{host} is DOWN",
        labels={"host": host},
        received_at=EPOCH,
    )


def test_tests_have_their_fixtures_and_the_shipped_words() -> None:
    """As `tocsin test` has them; a fixture that changes is a change of the rules."""
    files = {"routes.yaml": RULES + TEST, "posted/down.http": DOWN}

    found = look("routes.yaml", {"routes.yaml": RULES}, files, [])

    assert (1, 0, []) == (found["passed"], found["failed"], found["failures"])
    assert "posted/down.http" in found["read"]


def test_what_nobody_can_read_is_said_with_its_place() -> None:
    """And counted whole where there is very much of it."""
    wrong = "".join(f'  - {{name: r{n}, match: {{host: "h{n}"}}, to: nowhere}}\n' for n in range(80))
    found = look("rules/routes.yaml", {}, {"routes.yaml": RULES.replace("routes: [", f"routes:\n{wrong}x: [")}, [])

    assert found["wrong"] > 80 > len(found["complaints"])
    assert found["complaints"][0].startswith("rules/routes.yaml:")
    assert f"{found['wrong']} things are wrong" == say_verdict(found)
    assert {"wrong": 1, "complaints": ["rules/routes.yaml:1:1: is not there"], "read": []} == look(
        "rules/routes.yaml", {}, {}, []
    )


def test_what_is_told_of_events_is_how_many() -> None:
    """A pull request may be read by anybody: no title and no label of what happened stands there."""
    wider = RULES.replace('"web*"', '"*1"')
    past = [Happened(at=EPOCH, event=event("db1")), Happened(at=EPOCH, event=event("secret-host"))]
    found = look("routes.yaml", {"routes.yaml": RULES}, {"routes.yaml": wider}, past)
    said = say_review(found, Proposal(id="1", head="a" * 40))

    assert "2 events replayed, 2 alerts" in found["answer"]
    assert "- found: 1 alert of which somebody would hear, and not everything_else alone" in said
    assert "| `web` | 0 | 1 | 1 | 0 | 0 | 1 |" in said
    assert "secret-host" not in said


def test_what_changes_is_read_whatever_fails() -> None:
    """A forge cuts long comments at their end; and of what is left out it is said how much."""
    routes = "".join(f'  - {{name: r{n}, match: {{host: "web{n}-*"}}, to: web}}\n' for n in range(200))
    many = RULES.replace('routes: [{name: web, match: {host: "web*"}, to: web}]\n', f"routes:\n{routes}")
    tests = "".join(f"  - {{name: t{n}, given: [{{host: db}}], expect: {{web: [opened]}}}}\n" for n in range(20))
    past = [Happened(at=EPOCH, event=event("web1"))]

    found = look("routes.yaml", {"routes.yaml": RULES}, {"routes.yaml": many + "tests:\n" + tests}, past)
    said = say_review(found, Proposal(id="1", head="a" * 40))

    assert "and 151 more" in said
    assert said.index("would be heard by nobody") < said.index("and 151 more") < said.index("Tests that fail") < 6_000
    assert "t19\n  routes.yaml:225: expected web: opened, but ops: opened was heard" in said
    assert len(said) < 60_000


async def test_it_has_a_process_of_its_own_and_little_time() -> None:
    """What takes too long is over, and nobody waits for it."""
    files = {"routes.yaml": RULES}

    assert 0 == (await read_review("routes.yaml", files, files, []))["wrong"]
    with pytest.raises(NotRead, match="too long"):
        await read_review("routes.yaml", files, files, [], within=0.01)


async def test_what_is_odd_is_told_and_keeps_nothing_back() -> None:
    """A warning is no fault: rules with one are judged, and taken in, like others."""
    odd = RULES.replace("web: room:web}", "web: room:web, spare: room:spare}")
    found = await read_review("routes.yaml", {"routes.yaml": RULES}, {"routes.yaml": odd}, [])
    said = say_review(found, Proposal(id="1", head="a" * 40))

    assert ["routes.yaml:2:42: warning: nothing is sent to channel 'spare'"] == found["warnings"]
    assert found["warnings"][0] in said
    assert "ok, no tests" == say_verdict(found)


async def test_a_bomb_is_a_complaint() -> None:
    """YAML with more in it than any rules have: it is read as far as that shows, within the limits of its process."""
    bomb = RULES + "labels: [" + ",".join(["[a]"] * 1_500_000) + "]\n"

    found = await read_review("routes.yaml", {"routes.yaml": RULES}, {"routes.yaml": bomb}, [])

    assert "no rules need that" in found["complaints"][0]
