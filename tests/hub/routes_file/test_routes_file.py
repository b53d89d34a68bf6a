"""Reading `routes.yaml`: what is right is read, and of whatever else it is only complained. What is said of each fault:
`test_broken_files.py`."""

# ruff: noqa: E501 - a complaint is one line, however long

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hub.authoring.json_schema import schema
from hub.core.rules import Rules
from hub.errors import Complaint, RulesError
from hub.registry import installed
from hub.rehearsals.rule_tests import run_tests
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.language import KEYS
from hub.routes_file.reading import read_rules, read_rules_text

CATALOGUE = catalogue_of({name: installed()[name] for name in ("json", "nagios", "room")})
SCHEMA = Draft202012Validator(schema(CATALOGUE.tools))
SHIPPED = Path(__file__).parents[3] / "routes.yaml"
HEAD = "version: 1\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n"
ROUTES = HEAD + "routes:\n"
GOOD = """\
version: 1
reopen_within: 5m
labels: [team]
sources:
  nagios-eu: {tool: nagios, expire_after: 7d}
  twitter:
    tool: json
    event: {key: "{body.id}", title: 'says "{body.text}"', status: notice, severity: {from: body.mood, map: {x: error}}}
channels:
  ops: room:ops
  web: {to: room:web}
people:
  alice: {room: alice}
groups:
  oncall: [alice]
routes:
  - name: web
    match: {tool: [nagios, json], host: "web*", team: no, not: {service: {regex: "a|b"}}}
    to: web
    tell: [opened, resolved]
    continue: true
    routes:
      - {name: web-down, match: {any: [{severity: ">= error"}, {state: {exists: true}}]}}
everything_else: {to: ops}
access:
  - {allow: "silence *", who: [everyone], when: {for: "<= 2h"}}
  - {deny: "nagios ack *", who: "group:oncall", in: [ops]}
tests:
  - name: heard
    given: [{source: nagios, kind: host, host: db1}]
    expect: {ops: [opened]}
"""


def read(text: str) -> Rules:
    return read_rules_text(text, "routes.yaml", CATALOGUE)


def complaints(text: str) -> list[str]:
    with pytest.raises(RulesError) as caught:
        read(text)
    return [str(one).removeprefix("routes.yaml:") for one in caught.value.complaints]


def test_a_complaint_is_a_line_that_no_terminal_obeys() -> None:
    """Whatever stands in the file."""
    (said,) = complaints(HEAD + r'"red\e[31m\nalarm": 1')

    assert said.startswith("4:1: 'red�[31m alarm' is not known here")


def test_every_complaint_names_the_file() -> None:
    """The editor of whoever reads it jumps there."""
    with pytest.raises(RulesError) as caught:
        read_rules_text("version: 2", "team/routes.yaml", CATALOGUE)

    assert all(line.startswith("team/routes.yaml:1:") for line in str(caught.value).splitlines())


def test_a_byte_order_mark_and_foreign_line_ends_are_read(tmp_path: Path) -> None:
    """Some editors write them."""
    path = tmp_path / "routes.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())

    assert {"ops": "room:ops"} == read_rules(path, CATALOGUE).channels


def test_a_few_aliases_are_read() -> None:
    """Who needs a list twice need not write it twice."""
    first = "  - {name: a, match: {host: &hosts [x, y]}, to: ops, continue: true}\n"
    rules = read(ROUTES + first + "  - {name: b, match: {host: *hosts, service: z}, to: ops}\n")

    assert ["a"] == [taken.route for taken in rules.tree.decide({"host": "y", "service": "z"}.get)]
    assert [("a", 5), ("b", 6)] == [(route.name, route.line) for route in rules.tree.routes]


def test_access_is_read_with_addresses_and_bounds() -> None:
    """As `judge` wants them."""
    allow, deny = read(GOOD).access

    assert ("allow", "silence *", ("everyone",), (), {"for": "<= 2h"}) == (
        allow.effect, allow.command, allow.who, allow.places, allow.when,
    )  # fmt: skip
    assert ("deny", "nagios ack *", ("group:oncall",), ("room:ops",), allow.line + 1) == (
        deny.effect, deny.command, deny.who, deny.places, deny.line,
    )  # fmt: skip


def test_the_good_file_is_read() -> None:
    """So that what the other tests break was whole."""
    rules = read(GOOD)

    assert {"json", "nagios", "nagios-eu", "twitter"} == set(rules.sources)
    assert {"ops": "room:ops", "web": "room:web"} == rules.channels
    assert [True] == [result.passed for result in run_tests(rules)]
    assert () == rules.warnings


def test_all_scalars_are_text() -> None:
    """YAML would make false of `no` and 1.1 of `1.10`."""
    rules = read(ROUTES + "  - {name: no, match: {host: no, service: 1.10, kind: 0x1F}, to: ops}\n")
    event = {"host": "no", "service": "1.10", "kind": "0x1F"}

    assert ["no"] == [taken.route for taken in rules.tree.decide(event.get)]
    assert ["everything_else"] == [taken.route for taken in rules.tree.decide({**event, "service": "1.1"}.get)]


def test_whom_a_chat_cannot_ping_is_a_warning() -> None:
    """There they are written; in a room all are. It is said where a route says who is named, or where else it goes."""
    text = """\
version: 1
channels: {night: "slack:#night", room: room:ops, boss: teams:boss}
people: {alice: {slack: U024BE7LH}, bob: {slack: bob, teams: 7faf8511-d5c4-4d1f-8e1a-2b1f9c7a5f10}}
groups: {ops: [alice, bob]}
routes:
  - name: a
    match: {host: a}
    to: night
    mention: [group:ops, here]
    routes: [{name: b, match: {host: a, service: b}, to: room}]
  - {name: c, match: {host: c}, to: boss, mention: [alice, bob, here]}
everything_else: {to: room}
"""
    rules = read_rules_text(text, "routes.yaml", catalogue_of(installed()))

    assert (
        "3:43: warning: 'bob' is no id of an account, by which slack knows people; its README says where to find theirs",
        "9:5: warning: 'bob' has no account of slack in people: and is written there, not pinged",
        "11:43: warning: 'alice' has no account of teams in people: and is written there, not pinged",
        "11:43: warning: Microsoft Teams cannot wake all who are there; 'here' is only written",
    ) == tuple(str(warning).removeprefix("routes.yaml:") for warning in rules.warnings)
    assert {"alice": "U024BE7LH", "here": "here"} == rules.named["slack"]


def test_a_channel_that_nobody_uses_is_a_warning() -> None:
    """It refuses nothing."""
    rules = read(HEAD.replace("{ops: room:ops}", "{ops: room:ops, idle: room:idle}"))

    assert ["routes.yaml:2:27: warning: nothing is sent to channel 'idle'"] == [*map(str, rules.warnings)]


def test_the_shipped_rules_are_good() -> None:
    """They pass their own tests, and warn of nothing."""
    rules = read_rules(SHIPPED, CATALOGUE)

    assert () == rules.warnings
    assert all(result.passed for result in run_tests(rules))


def test_the_shipped_examples_are_good(tmp_path: Path) -> None:
    """Whoever takes away the # before an example, and has the table that it names, has rules that hold."""
    text = _uncommented(SHIPPED.read_text()).replace("slack: U024BE7LH", "room: alice")
    (tmp_path / "routes.yaml").write_text(text)
    (tmp_path / "hosts.csv").write_text("host,owner,team,runbook\n")
    rules = read_rules(tmp_path / "routes.yaml", CATALOGUE)

    assert {"nagios-eu", "twitter"} < set(rules.sources)
    assert {"owner", "team", "runbook"} == rules.labels
    assert ["databases"] == [route.name for route in rules.tree.routes]
    assert (2, {"oncall": ("alice",)}) == (len(rules.access), rules.groups)
    assert all(result.passed for result in run_tests(rules))


def _uncommented(text: str) -> str:
    """The file with its commented examples in force: comments that begin a section, and the indented ones after."""
    return re.sub(r"^# (?=[a-z_]+:( [\[{]|$)|  )", "", text, flags=re.MULTILINE)


# ------------------------------------------------------------------------------------------------------------ any text


def _only_complains(text: str) -> None:
    said = _complaints_of(text)

    assert said is None or said
    assert all(one.line >= 1 and one.column >= 1 and one.what for one in said or ())


def _complaints_of(text: str) -> Sequence[Complaint] | None:
    try:
        read(text)
    except RulesError as error:
        return error.complaints
    return None


@given(text=st.text(alphabet=st.characters(), max_size=200))
@example(text="\ud800")
@example(text="\x00")
@example(text="? [a]\n: b")
@example(text="!!python/object/apply:os.system [id]")
@example(text="%YAML 9.9\n---\na")
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but RulesError is ever raised."""
    _only_complains(text)


@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """As a file has them."""
    _only_complains(content.decode(errors="surrogateescape"))


@given(data=st.data())
def test_any_slip_in_a_good_file_is_read_or_refused(data: st.DataObject) -> None:
    """Something is cut out, put in or doubled."""
    text = GOOD
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        put = data.draw(st.sampled_from(["", "[", "]", "{}", "[]", ":", "\n", "  ", "- ", "''", '"', "&a ", "*a", "a"]))
        text = text[:start] + put + text[end:]
    _only_complains(text)


SCALARS = re.compile(r"(?<=[:\[,] )[\w*-]+|\"[^\"\n]*\"")
SPOTS = [found.span() for found in SCALARS.finditer(GOOD)]


@given(
    spots=st.lists(st.sampled_from(SPOTS), min_size=1, max_size=3, unique=True),
    put=st.sampled_from(
        ["[]", "{}", "[[a]]", "{a: b}", "''", "~", "no", "'*'", "'>= 3'", "9" * 400, "é", "{regex: (}"]
    ),
)
def test_any_value_in_place_of_another_is_read_or_refused(spots: list[tuple[int, int]], put: str) -> None:
    """A list where a text belongs, and all the rest."""
    text = GOOD
    for start, end in sorted(spots, reverse=True):
        text = text[:start] + put + text[end:]
    _only_complains(text)


SECTIONS = ("sources", "labels", "channels", "people", "groups", "routes", "everything_else", "access", "tests")
ROUTE = {"name": "x", "match": {"host": "a"}, "to": "ops"}


def _case(**part: object) -> dict[str, object]:
    return {"tests": [{"name": "x", "given": [], "expect": {}, **part}]}


PLACES: dict[str, Callable[[object], dict[str, object]]] = {
    "top": lambda entry: dict(entry),
    "route": lambda entry: {"routes": [entry]},
    "everything_else": lambda entry: {"everything_else": entry},
    "escalation": lambda entry: {"routes": [ROUTE | {"escalate": [entry]}]},
    "digest": lambda entry: {"routes": [ROUTE | {"digest": entry}]},
    "deliver": lambda entry: {"routes": [ROUTE | {"deliver": entry}]},
    "limit": lambda entry: {"routes": [ROUTE | {"throttle": entry}], "storm": entry},
    "schedule": lambda entry: {"schedules": {"x": entry}},
    "layer": lambda entry: {"schedules": {"x": {"layers": [entry, entry]}}},
    "window": lambda entry: {"time_windows": {"x": entry}},
    "enrich": lambda entry: {"enrich": [entry, entry]},
    "heartbeat": lambda entry: {"heartbeats": [entry, entry]},
    "inhibit": lambda entry: {"inhibit": [entry, entry]},
    "channel": lambda entry: {"channels": {"x": entry, "ops": "room:ops"}},
    "access": lambda entry: {"access": [entry]},
    "silence": lambda entry: {"silences": [entry, entry]},
    "silence_policy": lambda entry: {"silence_policy": entry},
    "source": lambda entry: {"sources": {"x": entry, "json": entry}},
    "beat": lambda entry: {"sources": {"nagios": {"heartbeat": entry}}},
    "test": lambda entry: {"tests": [entry]},
    "step": lambda entry: _case(given=[entry, {"host": "x"} | entry]),
    "posted": lambda entry: _case(given=[entry, {"fixture": "x.http"} | entry]),
    "acted": lambda entry: _case(given=[{"host": "x"}, entry, {"act": "ack"} | entry]),
    "silenced": lambda entry: _case(given=[{"silence": entry}]),
    "expected": lambda entry: _case(expect={"ops": [entry]}),
}
WORDS = st.sampled_from(
    [
        *"a:*-(",
        "",
        "ops",
        "host",
        "any",
        "all",
        "not",
        "regex",
        "severity",
        ">= error",
        "nagios",
        "json",
        "title",
        "true",
        "x",
        "5m",
        "2026-12-01T22:00Z",
        "x.csv",
        "../x.ics",
        "*/*.yaml",
    ]
)
SHAPES = st.recursive(
    st.none() | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
)


@given(sections=st.fixed_dictionaries({}, optional=dict.fromkeys(SECTIONS, SHAPES)))
def test_any_shape_of_a_section_is_read_or_refused(sections: dict[str, object]) -> None:
    """JSON is YAML, so that any shape can be written."""
    least = {"version": "1", "channels": {"ops": "room:ops"}, "everything_else": {"to": "ops"}}
    _only_complains(json.dumps(least | sections))


def test_every_section_is_tried_with_any_shape() -> None:
    """A new one, too."""
    assert set(KEYS) == set(PLACES)


@pytest.mark.parametrize("section", PLACES)
@given(data=st.data())
def test_any_shape_behind_the_right_names_is_read_or_refused(section: str, data: st.DataObject) -> None:
    """Down to the places where each value is read. What is read is right by the schema, too."""
    entry = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS[section], SHAPES)))
    least = {"version": "1", "channels": {"ops": "room:ops"}, "everything_else": {"to": "ops"}, "labels": ["x"]}
    text = json.dumps(least | PLACES[section](entry))
    _only_complains(text)

    if _complaints_of(text) is None:
        assert [] == [error.message for error in SCHEMA.iter_errors(yaml.load(text, yaml.BaseLoader))]


def test_an_account_in_a_chat_that_there_is_not_is_a_warning() -> None:
    """It may be installed tomorrow; or it is a slip."""
    (warning,) = read(HEAD + "people: {alice: {nagois: al, email: a@example.com}}\n").warnings

    assert str(warning).startswith(
        "routes.yaml:4:18: warning: no chat or tool is called 'nagois'; did you mean \"nagios\"?"
    )


def test_a_silence_that_is_over_is_a_warning() -> None:
    """It never refuses a start: time alone made it so."""
    text = HEAD + (
        "time_windows: {last-year: {dates: 2025-12-24..2025-12-26}, nightly: {hours: 22-06}}\n"
        "silences:\n"
        "  - {name: past, match: {host: db1}, until: 2026-11-20T22:00Z}\n"
        "  - {name: gone, match: {host: db1}, during: last-year}\n"
        "  - {name: now, match: {host: db1}, until: 2026-11-30T22:00Z}\n"
        "  - {name: to-come, match: {host: db1}, from: 2026-12-01 22:00 +01:00, until: 2026-12-02T22:00Z}\n"
        "  - {name: often, match: {host: db1}, during: nightly}\n"
    )
    now = datetime(2026, 11, 21, 3, tzinfo=UTC)
    catalogue = catalogue_of({name: installed()[name] for name in ("json", "nagios", "room")}, now=lambda: now)
    rules = read_rules_text(text, "routes.yaml", catalogue)

    over = "warning: is over, and holds nothing any more; remove it"
    never = "warning: opens never again; give it other days, hours or dates, or remove it"
    assert [f"routes.yaml:4:16: {never}", f"routes.yaml:6:5: {over}", f"routes.yaml:7:5: {over}"] == [
        *map(str, rules.warnings)
    ]
    assert datetime(2026, 12, 1, 21, tzinfo=UTC) == rules.silences[3].starts_at
    assert ["past", "gone", "now", "to-come", "often"] == [one.name for one in rules.silences]
