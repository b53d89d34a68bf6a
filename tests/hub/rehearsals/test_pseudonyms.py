"""A corpus without names: it decides as before, and nothing that anybody wrote is left in it."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.event import Event, EventId, Link, Mark, MarkKind, Severity, Status
from hub.core.past import Act, Happened
from hub.core.rules import Rules
from hub.core.silence import Silence, SilenceId
from hub.registry import installed
from hub.rehearsals.diffing import Replay
from hub.rehearsals.pseudonyms import Pseudonyms
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.reading import read_rules_text

CATALOGUE = catalogue_of(installed())
START = datetime(2026, 1, 7, 12, 0, tzinfo=UTC)
RULES = """\
version: 1
channels: {ops: room:ops, web: room:web}
labels: [team, load]
everything_else: {to: ops}
inhibit: [{name: host, when: {kind: host}, quiets: {kind: service}, equal: [host]}]
silences: [{name: quiet, match: {host: "lab*"}, until: 2027-01-01T00:00Z}]
routes:
  - {name: memory, match: {title: {regex: "(?i).*out of memory.*"}}, to: web}
  - {name: web, match: {host: ["web*", db1], team: web}, to: web, group_by: [host]}
  - {name: load, match: {load: ">= 5"}, to: web}
  - {name: text, match: {text: "*disk*"}, to: web}
  - {name: body, match: {body.repo.name: "acme/*"}, to: web}
  - {name: named, match: {labels.host: mail7, not: {actor: robot}}, to: web}
"""
HOSTS = ("web1", "web22", "db1", "db2", "lab4", "mail7", "secret-host.example.com")
TITLES = ("disk full", "Out Of Memory: killed process secretproc", "all is secret")


def rules() -> Rules:
    return read_rules_text(RULES, "routes.yaml", CATALOGUE)


def event(
    number: int, host: str, title: str, team: str, load: str, body: str, minutes: int, status: Status
) -> Happened:
    at = START + timedelta(minutes=minutes)
    told = Event(
        id=EventId(f"e{number}"),
        source="nagios",
        tool="nagios",
        status=status,
        kind="host" if number % 2 else "service",
        key=f"{host}/{number % 3}",
        title=title,
        body=body,
        severity=Severity.ERROR if status is Status.PROBLEM else None,
        labels={"host": host, "team": team, "load": load, "password": "secret-word"},
        actor="robot" if number % 5 == 0 else "secret-actor",
        links=(Link(title="secret", url="https://secret.example.com"),),
        mark=Mark(kind=MarkKind.COMMENTED, by="secret-by", text="secret-text") if status is Status.UPDATE else None,
        received_at=at,
        delivery_id="secret-delivery",
    )
    return Happened(at=at, event=told, body={"body.repo.name": "acme/secretrepo" if number % 4 else "other/secretrepo"})


events = st.lists(
    st.builds(
        event,
        st.integers(0, 10_000),
        st.sampled_from(HOSTS),
        st.sampled_from(TITLES),
        st.sampled_from(["web", "db", "secret-team"]),
        st.sampled_from(["1", "5", "12.5"]),
        st.sampled_from(["", "a secretbody", "the disk of secretbody"]),
        st.integers(0, 2000),
        st.sampled_from([Status.PROBLEM, Status.PROBLEM, Status.RECOVERY, Status.UPDATE, Status.NOTICE]),
    ),
    max_size=20,
    unique_by=lambda one: one.event and one.event.id,
).map(lambda past: sorted(past, key=lambda one: one.at))


def decided(past: list[Happened]) -> list[object]:
    replay = Replay(rules(), past)
    return [
        (
            one.event.id,
            one.decision.change,
            one.decision.alert,
            one.decision.routes,
            replay.rehearsal.reasons(one.decision),
        )
        for one in replay.decided()
        if one.decision is not None
    ]


@given(events)
def test_without_names_all_is_decided_as_before(past: list[Happened]) -> None:
    """By the rules for which it was made: routes, lives, inhibitions and silences."""
    ends = START + timedelta(hours=9)
    matches: list[dict[str, object]] = [{"host": "db2"}, {"host": ["mail7", HOSTS[-1]], "team": "db"}]
    silenced = [
        Silence(id=SilenceId(f"s{n}"), match=match, author="bob", starts_at=START, ends_at=ends)
        for n, match in enumerate(matches)
    ]
    whole = [*(Happened(at=START, silence=one) for one in silenced), *past]
    names = Pseudonyms(rules(), whole)

    assert decided(whole) == decided([names.of(one) for one in whole])


@given(events)
def test_nothing_is_left_that_no_rule_asks_for(past: list[Happened]) -> None:
    """No name, no word of a text, no address; what is equal stays equal."""
    names = Pseudonyms(rules(), past)
    told = [names.of(one) for one in past]
    hosts = {
        one.event.labels["host"]: new.event.labels["host"]
        for one, new in zip(past, told, strict=True)
        if one.event and new.event
    }

    assert b"secret" not in msgspec.json.encode(told)
    assert len(hosts) == len(set(hosts.values()))


@pytest.mark.parametrize(
    ("host", "stays"), [("web22", "web22"), ("db1", "db1"), ("web-eu-west.example.com", "web-"), ("ora2", "")]
)
def test_of_a_value_only_what_matches_stays(host: str, stays: str) -> None:
    """A glob asks for its own words, an equality for all of them, and what no rule tells apart is no name any more.
    `ora2` has letters that no pseudonym has by chance."""
    names = Pseudonyms(rules(), [])
    told = names.of(event(1, host, "x", "web", "1", "", 0, Status.PROBLEM)).event
    assert told is not None

    assert told.labels["host"].startswith(stays)
    assert host == stays or host not in told.labels["host"]
    assert {"host": 1} == {name: number for name, number in names.kept.items() if name == "host" and stays} or not stays


def test_people_and_their_words_are_gone() -> None:
    """Of acts and silences too."""
    silence = Silence(
        id=SilenceId("s"),
        match={"host": "secret-host", "owner": ["secret-a", "secret-b"], "title": "*secretword*"},
        author="secret-author",
        because="secret-reason",
        account="slack:secret",
        told=("room:ops", "slack:@secret"),
        starts_at=START,
        ends_at=START + timedelta(hours=1),
    )
    acted = Happened(at=START, act=Act(verb="ack", alert="e1", by="secret-person", reason="secret-reason"))
    begun = Happened(at=START, silence=silence)
    names = Pseudonyms(rules(), [begun])
    told = msgspec.json.encode([names.of(acted), names.of(begun)]).decode()

    assert '"told":["room:ops"]' in told
    assert "secretword" in told  # people asked for it as a pattern, by which the silence holds
    assert "secret" not in told.replace("secretword", "")
