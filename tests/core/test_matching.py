"""What a match takes and what it does not, form by form."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.alert import notice_of
from hub.core.event import Event, EventId, Severity, Status
from hub.core.matching import (
    DEEPEST,
    Match,
    MatchError,
    PatternSet,
    alert_look,
    compile_match,
    event_look,
    impossible,
    matched,
)

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


def event(**fields: Any) -> Event:
    ordinary = {
        "id": EventId("1"),
        "source": "nagios-eu",
        "tool": "nagios",
        "status": Status.PROBLEM,
        "kind": "service",
        "key": "web301/HTTP",
        "title": "web301: HTTP is down",
        "body": "Connection refused",
        "severity": Severity.CRITICAL,
        "labels": {"host": "web301", "service": "HTTP", "load": "7.5"},
        "received_at": NOW,
    }
    return Event(**{**ordinary, **fields})


def matches(spec: Any, **fields: Any) -> bool:
    return compile_match(spec).matches(event_look(event(**fields)))


MATCHING: list[dict[str, Any]] = [
    {},
    {"host": "web301"},
    {"host": "web*"},
    {"host": "*"},
    {"host": "web?01"},
    {"host": "*30*"},
    {"host": ["db1", "web301"]},
    {"host": ["db*", "web*"]},
    {"host": ["db1", {"regex": "web.+"}]},
    {"host": {"regex": r"web\d+"}},
    {"host": {"is": "web301"}},
    {"host": {"exists": "true"}},
    {"host": {"exists": True}},
    {"team": {"exists": "false"}},
    {"team": [{"exists": "false"}, "web"]},
    {"labels.host": "web301"},
    {"severity": "critical"},
    {"severity": ">= warning"},
    {"severity": ">=critical"},
    {"severity": ["info", ">= error"]},
    {"severity": "> error"},
    {"load": "> 7"},
    {"load": "<= 7.5"},
    {"text": "Connection*"},
    {"title": "web301: *"},
    {"status": "problem", "kind": "service", "tool": "nagios", "source": "nagios-eu"},
    {"not": {"host": "db*"}},
    {"not": {"team": "web"}},
    {"not": {"not": {"host": "web301"}}},
    {"any": [{"host": "db1"}, {"service": "HTTP"}]},
    {"all": [{"host": "web*"}, {"service": "HTTP"}]},
    {"all": [{"any": [{"host": "x"}, {"not": {"host": "y"}}]}], "load": ">= 7"},
]

NOT_MATCHING: list[dict[str, Any]] = [
    {"host": "WEB301"},
    {"host": "web30"},
    {"host": "eb*"},
    {"host": "web?"},
    {"host": ["db1", "db2"]},
    {"host": {"regex": "web"}},
    {"host": {"is": "web*"}},
    {"host": {"exists": "false"}},
    {"team": "web"},
    {"team": "*"},
    {"team": {"regex": ".*"}},
    {"team": "> 1"},
    {"team": {"exists": "true"}},
    {"severity": "<= error"},
    {"severity": ["info", "warning"]},
    {"load": "> 7.5"},
    {"service": ">= 1"},
    {"host": "web301", "service": "SSH"},
    {"not": {"host": "web*"}},
    {"not": {}},
    {"any": [{"host": "db1"}, {"service": "SSH"}]},
    {"all": [{"host": "web*"}, {"service": "SSH"}]},
    {"body.host": "web301"},
    {"body": "Connection*"},
]


@pytest.mark.parametrize("spec", MATCHING, ids=str)
def test_a_match_that_holds(spec: dict[str, Any]) -> None:
    assert matches(spec)


@pytest.mark.parametrize("spec", NOT_MATCHING, ids=str)
def test_a_match_that_does_not_hold(spec: dict[str, Any]) -> None:
    assert not matches(spec)


def test_a_recovery_has_no_severity() -> None:
    """No order holds for what is not there."""
    assert not matches({"severity": "<= critical"}, severity=None, status=Status.RECOVERY)
    assert matches({"severity": {"exists": "false"}}, severity=None, status=Status.RECOVERY)


def test_a_field_of_the_event_goes_before_a_label_of_that_name() -> None:
    labels = {"title": "a label"}

    assert matches({"title": "web301*", "labels.title": "a label"}, labels=labels)


BODY = {"alert": {"tags": ["a", "b"], "count": 3, "on": True, "off": None, "0": "zero", "deep": {"x.y": 1}}}


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("body.alert.tags.0", "a"),
        ("body.alert.tags.1", "b"),
        ("body.alert.tags.2", None),
        ("body.alert.tags.-1", None),
        ("body.alert.tags." + "9" * 5000, None),
        ("body.alert.tags.٣", None),
        ("body.alert.tags", None),
        ("body.alert.count", "3"),
        ("body.alert.on", "true"),
        ("body.alert.off", None),
        ("body.alert.0", "zero"),
        ("body.alert.count.x", None),
        ("body.", None),
        ("body", None),
    ],
)
def test_a_path_looks_into_the_request(path: str, seen: str | None) -> None:
    assert seen == event_look(event(), BODY)(path)


def test_an_alert_is_looked_at_like_its_event() -> None:
    """So that a silence may say what a route says."""
    of_event, of_alert = event_look(event(status=Status.NOTICE)), alert_look(notice_of(event(status=Status.NOTICE)))
    names = (
        "source",
        "tool",
        "status",
        "kind",
        "key",
        "severity",
        "title",
        "text",
        "actor",
        "host",
        "labels.host",
        "x",
    )

    assert [of_event(name) for name in names] == [of_alert(name) for name in names]


# ------------------------------------------------------------------------------------------------------------- why


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"host": "db*"}, 'host is "web301", not "db*"'),
        ({"host": "web*", "service": "SSH"}, 'service is "HTTP", not "SSH"'),
        ({"team": "web"}, 'team is absent, not "web"'),
        ({"severity": "<= error"}, 'severity is "critical", not <= error'),
        ({"host": ["a", "b*"]}, 'host is "web301", not any of "a", "b*"'),
        ({"host": {"regex": "db.*"}}, 'host is "web301", not /db.*/'),
        ({"team": {"exists": "true"}}, "team is absent, not there"),
        ({"not": {"host": "web*"}}, 'host is "web301", which not: excludes'),
        ({"any": [{"host": "a"}, {"team": "b"}]}, 'none of: host is "web301", not "a"; team is absent, not "b"'),
        ({}, "matches everything"),
        ({"host": "web*", "severity": "critical"}, 'host is "web301", severity is "critical"'),
        ({"any": [{"host": "a"}, {"host": "web301"}]}, 'host is "web301"'),
        ({"not": {"host": "db*"}}, 'host is "web301", not "db*"'),
    ],
    ids=str,
)
def test_why_names_the_condition_and_the_value_seen(spec: dict[str, Any], why: str) -> None:
    assert why == compile_match(spec).why(event_look(event()))


def test_why_does_not_repeat_a_novel() -> None:
    assert len(compile_match({"title": "x"}).why(event_look(event(title="y" * 10_000)))) < 100


# ---------------------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("spec", "path", "what"),
    [
        ("host", (), "is not a mapping of names to values, such as {host: web301}"),
        ({"host": {}}, ("host",), "is none of {regex: …}, {exists: true}, {exists: false}, {is: …}"),
        ({"host": {"regexp": "x"}}, ("host",), "is none of {regex: …}, {exists: true}, {exists: false}, {is: …}"),
        ({"host": {"regex": "("}}, ("host", "regex"), "/(/ is not a regular expression of RE2: missing ): ("),
        ({"host": {"regex": r"(a)\1"}}, ("host", "regex"), "not a regular expression of RE2: invalid escape sequence"),
        ({"host": {"regex": ["a"]}}, ("host", "regex"), "is not a text"),
        ({"host": {"exists": "maybe"}}, ("host", "exists"), "'maybe' is none of true, false"),
        ({"host": []}, ("host",), "an empty list matches nothing"),
        ({"host": ["a", ["b"]]}, ("host",), "a list in a list; write all values into one"),
        ({"host": None}, ("host",), "None is not a text, a list or one of"),
        ({"host": ">= web"}, ("host",), "'web' is not a number; >= works for severities and numbers"),
        ({"host": ["a", "> b"]}, ("host", 1), "'b' is not a number"),
        ({"severity": "fatal"}, ("severity",), "'fatal' is none of info, warning, error, critical"),
        ({"severity": "Critical"}, ("severity",), "'Critical' is none of info, warning, error, critical"),
        ({"severity": {"is": "bad"}}, ("severity", "is"), "'bad' is none of info, warning, error, critical"),
        ({"severity": ">= bad"}, ("severity",), "'bad' is none of info, warning, error, critical"),
        ({"severity": "> critical"}, ("severity",), "no severity is > critical"),
        ({"status": "resolved"}, ("status",), "'resolved' is none of problem, recovery, update, notice"),
        ({"not": "x"}, ("not",), "is not a mapping"),
        ({"any": []}, ("any",), "is not a list of matches, such as any: [{host: web301}, {host: web302}]"),
        ({"all": {"host": "x"}}, ("all",), "is not a list of matches"),
        ({"any": [{"host": "x"}, {"severity": "y"}]}, ("any", 1, "severity"), "'y' is none of"),
        ({"host": "\ud800*"}, ("host",), "is not text that UTF-8 can write"),
    ],
    ids=str,
)
def test_a_wrong_match_is_refused_at_its_place(spec: Any, path: tuple[str | int, ...], what: str) -> None:
    with pytest.raises(MatchError) as refused:
        compile_match(spec)

    assert path == refused.value.path
    assert what in refused.value.what


def test_a_match_is_not_nested_without_end() -> None:
    """A silence comes from whoever may silence, and must not end in an exhausted stack."""
    spec: dict[str, Any] = {"host": "x"}
    for _ in range(5_000):
        spec = {"not": spec}

    with pytest.raises(MatchError, match="nested too deeply") as refused:
        compile_match(spec)
    assert len(refused.value.path) == DEEPEST + 1


# ----------------------------------------------------------------------------------------------------- for the index


@pytest.mark.parametrize(
    ("spec", "equalities"),
    [
        ({}, {}),
        ({"host": "a", "tool": "b"}, {"host": {"a"}, "tool": {"b"}}),
        ({"host": ["a", "b"]}, {"host": {"a", "b"}}),
        ({"host": ["a", "b*"]}, {}),
        ({"host": {"is": "a*"}}, {"host": {"a*"}}),
        ({"severity": ">= error"}, {"severity": {"error", "critical"}}),
        ({"all": [{"host": ["a", "b"]}], "host": ["b", "c"]}, {"host": {"b"}}),
        ({"any": [{"host": "a"}, {"host": "b"}]}, {"host": {"a", "b"}}),
        ({"any": [{"host": "a", "tool": "x"}, {"host": "b", "kind": "y"}]}, {"host": {"a", "b"}}),
        ({"any": [{"host": "a"}, {}]}, {}),
        ({"not": {"host": "a"}}, {}),
        ({"host": {"exists": "false"}}, {}),
    ],
)
def test_what_must_hold_by_equality(spec: dict[str, Any], equalities: dict[str, set[str]]) -> None:
    assert equalities == compile_match(spec).equalities()


def test_fields_are_all_names_however_deep() -> None:
    match = compile_match({"a": "1", "any": [{"b": "1"}, {"not": {"c": "1"}}], "all": [{"d": ["x*"]}]})

    assert {"a", "b", "c", "d"} == match.fields()


@pytest.mark.parametrize(
    ("spec", "above", "field"),
    [
        ({"host": "a"}, {"host": {"a", "b"}}, ""),
        ({"host": "c"}, {"host": {"a", "b"}}, "host"),
        ({"host": "a*"}, {"host": {"b"}}, "host"),
        ({"host": {"exists": "false"}}, {"host": {"b"}}, "host"),
        ({"host": "a", "all": [{"host": "b"}]}, {}, "host"),
        ({"severity": "<= info"}, {"severity": {"critical"}}, "severity"),
        ({"not": {"host": "a"}}, {"host": {"a"}}, ""),
        ({}, {}, ""),
    ],
)
def test_what_can_never_match(spec: dict[str, Any], above: dict[str, set[str]], field: str) -> None:
    given_already = {name: frozenset(values) for name, values in above.items()}

    assert field == impossible(compile_match(spec), given_already)


def test_a_set_of_patterns_answers_like_each_of_them() -> None:
    patterns = ["web.*", "web301", "x|web3.*", "eb301", "", "(?i)WEB301"]

    assert [0, 1, 2, 5] == sorted(PatternSet(patterns).matching("web301"))


def test_a_set_that_cannot_answer_names_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """RE2 says "none" when it runs out of memory; a route must not be missed for that."""
    patterns = PatternSet(["a", "b"])
    monkeypatch.setattr(patterns, "_set", type("Exhausted", (), {"Match": lambda _, __: []})())

    assert [0, 1] == list(patterns.matching("a"))


# -------------------------------------------------------------------------------------------------------- properties

TEXTS = st.text("ab*?.(\n\0é\ud800", max_size=4)
SIMPLE = TEXTS | st.sampled_from(["a", "b", "a*", "> 1", ">= b"])
VALUES = (
    SIMPLE
    | st.lists(SIMPLE, max_size=3)
    | st.fixed_dictionaries({}, optional={"regex": TEXTS, "is": TEXTS, "exists": st.sampled_from(["true", "false"])})
    | st.none()
    | st.integers()
)
SPECS = st.recursive(
    st.dictionaries(st.sampled_from(["x", "y", "severity"]), VALUES, max_size=3),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"any": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"all": st.lists(inner, max_size=3)}, optional={"x": VALUES}),
    ),
    max_leaves=6,
)
SEEN = st.dictionaries(st.sampled_from(["x", "y", "severity"]), TEXTS | st.sampled_from(["a", "b", "error"]))


def compiled(spec: Any) -> Match | None:
    try:
        return compile_match(spec)
    except MatchError:
        return None


@given(SPECS, SEEN)
def test_a_match_is_refused_or_answers_any_text(spec: Any, seen: dict[str, str]) -> None:
    """Never a traceback: an event must be routed whatever stands in it."""
    match = compiled(spec)
    if match is None:
        return
    holds = match.matches(seen.get)

    assert holds is not compile_match({"not": spec}).matches(seen.get)
    assert match.why(seen.get)
    assert match.fields() <= {"x", "y", "severity"}


@given(SPECS, SEEN)
def test_what_is_promised_to_the_index_holds(spec: Any, seen: dict[str, str]) -> None:
    """Whoever matches has one of the values, and a value that the expression takes."""
    match = compiled(spec)
    if match is None or not match.matches(seen.get):
        return

    assert all(seen.get(name) in values for name, values in match.equalities().items())
    assert all(PatternSet([pattern]).matching(seen[name]) for name, pattern in match.patterns().items())
    assert not impossible(match, {})


NAMES = ("x", "labels.x", "title", "actor", "id", "status", "body.x", "severity")


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3), st.lists(SEEN, max_size=3))
def test_of_many_alerts_those_are_found_that_a_look_would_find(spec: Any, seen: list[dict[str, str]]) -> None:
    match = compiled(spec)
    if match is None:
        return
    alerts = [notice_of(event(status=Status.NOTICE, labels=labels, title=labels.get("y", "a"))) for labels in seen]

    assert matched(match, alerts) == [alert for alert in alerts if match.matches(alert_look(alert))]
