"""What a match matches: every form, its edges, and what it says of itself."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.alert import notice_of
from hub.core.event import Event, EventId, Severity, Status
from hub.core.matching import MatchError, alert_look, compile_match, event_look

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)

HOLDS = [
    # plain text: equal, whole, and with its case
    ({"host": "web1"}, {"host": "web1"}, True),
    ({"host": "web1"}, {"host": "web10"}, False),
    ({"host": "web1"}, {"host": "WEB1"}, False),
    ({"host": "web1"}, {}, False),
    ({"host": ""}, {"host": ""}, True),
    ({"host": ""}, {}, False),
    # globs: the whole value, over line ends; what means something to a regular expression does not here
    ({"host": "web*"}, {"host": "web"}, True),
    ({"host": "web*"}, {"host": "web1\nx"}, True),
    ({"host": "web*"}, {"host": "xweb1"}, False),
    ({"host": "web?"}, {"host": "web1"}, True),
    ({"host": "web?"}, {"host": "web"}, False),
    ({"host": "web?"}, {"host": "web12"}, False),
    ({"host": "we?"}, {"host": "weé"}, True),
    ({"host": "*"}, {"host": ""}, True),
    ({"host": "*"}, {}, False),
    ({"host": "a.c*"}, {"host": "abc"}, False),
    ({"host": "a[b]*"}, {"host": "ab"}, False),
    ({"host": "a[b]*"}, {"host": "a[b]c"}, True),
    # severities are ordered
    ({"severity": ">= error"}, {"severity": "critical"}, True),
    ({"severity": ">= error"}, {"severity": "error"}, True),
    ({"severity": ">= error"}, {"severity": "warning"}, False),
    ({"severity": "> error"}, {"severity": "error"}, False),
    ({"severity": "<= warning"}, {"severity": "info"}, True),
    ({"severity": "< warning"}, {"severity": "warning"}, False),
    ({"severity": ">= error"}, {}, False),
    ({"severity": "<= error"}, {}, False),
    ({"severity": ">=error"}, {"severity": "critical"}, True),
    ({"severity": ["info", ">= critical"]}, {"severity": "critical"}, True),
    ({"severity": ["info", ">= critical"]}, {"severity": "error"}, False),
    ({"severity": "crit*"}, {"severity": "critical"}, True),
    # numbers
    ({"load": "> 5"}, {"load": "10"}, True),
    ({"load": "> 5"}, {"load": "5"}, False),
    ({"load": ">= 1.5"}, {"load": "1.5"}, True),
    ({"load": "< -2"}, {"load": "-3"}, True),
    ({"load": "> 5"}, {"load": "lots"}, False),
    ({"load": "> 5"}, {"load": "nan"}, False),
    ({"load": "> 5"}, {"load": "inf"}, False),
    ({"load": "> 5"}, {"load": "٩"}, False),
    ({"load": "> 5"}, {}, False),
    # lists: any of, of any form
    ({"host": ["a", "b"]}, {"host": "b"}, True),
    ({"host": ["a", "b"]}, {"host": "c"}, False),
    ({"host": ["a", "b"]}, {}, False),
    ({"host": ["a", "w*", {"regex": "x+"}]}, {"host": "xx"}, True),
    ({"host": ["a", "w*", {"regex": "x+"}]}, {"host": "web"}, True),
    ({"host": ["a", {"exists": "false"}]}, {}, True),
    ({"load": ["< 1", "> 5"]}, {"load": "3"}, False),
    # regular expressions: the whole value
    ({"branch": {"regex": "main|release-.*"}}, {"branch": "release-7"}, True),
    ({"branch": {"regex": "main|release-.*"}}, {"branch": "maintenance"}, False),
    ({"branch": {"regex": "main|release-.*"}}, {"branch": "not main"}, False),
    ({"branch": {"regex": ".*"}}, {}, False),
    ({"branch": {"regex": ".*"}}, {"branch": "two\nlines"}, True),
    ({"branch": {"regex": "(?i)MAIN"}}, {"branch": "main"}, True),
    # there or not
    ({"host": {"exists": "true"}}, {"host": ""}, True),
    ({"host": {"exists": "true"}}, {}, False),
    ({"host": {"exists": "false"}}, {}, True),
    ({"host": {"exists": False}}, {"host": "a"}, False),
    # exactly this text
    ({"host": {"is": "web*"}}, {"host": "web*"}, True),
    ({"host": {"is": "web*"}}, {"host": "web1"}, False),
    ({"host": {"is": ">= 3"}}, {"host": ">= 3"}, True),
    # combined
    ({}, {}, True),
    ({"host": "a", "kind": "b"}, {"host": "a", "kind": "b"}, True),
    ({"host": "a", "kind": "b"}, {"host": "a"}, False),
    ({"not": {"host": "a"}}, {"host": "b"}, True),
    ({"not": {"host": "a"}}, {}, True),
    ({"not": {"host": "a", "kind": "b"}}, {"host": "a", "kind": "c"}, True),
    ({"not": {"host": "a", "kind": "b"}}, {"host": "a", "kind": "b"}, False),
    ({"not": {"not": {"host": "a"}}}, {"host": "a"}, True),
    ({"any": [{"host": "a"}, {"kind": "b"}]}, {"kind": "b"}, True),
    ({"any": [{"host": "a"}, {"kind": "b"}]}, {"kind": "c"}, False),
    ({"all": [{"host": "a*"}, {"host": "*b"}]}, {"host": "ab"}, True),
    ({"all": [{"host": "a*"}, {"host": "*b"}]}, {"host": "ac"}, False),
    ({"tool": "x", "any": [{"host": "a"}, {"not": {"kind": "b"}}]}, {"tool": "x", "kind": "c"}, True),
]


@pytest.mark.parametrize(("spec", "event", "holds"), HOLDS)
def test_a_match_holds_exactly_as_written(spec: Mapping[str, Any], event: Mapping[str, str], holds: bool) -> None:
    """Every form of a match value, and its edges."""
    assert holds is compile_match(spec).matches(event.get)


@pytest.mark.parametrize(
    ("spec", "path", "what"),
    [
        ({"host": []}, ("host",), "an empty list matches nothing"),
        ({"host": [["a"]]}, ("host",), "a list in a list; write all values into one"),
        ({"host": {"like": "a"}}, ("host",), "is none of {regex: …}, {exists: true}, {exists: false}, {is: …}"),
        (
            {"host": {"is": "a", "regex": "b"}},
            ("host",),
            "is none of {regex: …}, {exists: true}, {exists: false}, {is: …}",
        ),
        ({"host": {}}, ("host",), "is none of {regex: …}, {exists: true}, {exists: false}, {is: …}"),
        ({"host": {"regex": ["a"]}}, ("host", "regex"), "is not a text"),
        ({"host": {"exists": "maybe"}}, ("host", "exists"), "'maybe' is none of true, false"),
        ({"severity": "bad"}, ("severity",), "'bad' is none of info, warning, error, critical"),
        ({"severity": [">= bad"]}, ("severity", 0), "'bad' is none of info, warning, error, critical"),
        (
            {"load": "> lots"},
            ("load",),
            "'lots' is not a number; > works for severities and numbers, {is: …} for exactly a text",
        ),
        ({"severity": "Critical"}, ("severity",), "'Critical' is none of info, warning, error, critical"),
        (
            {"severity": "> critical"},
            ("severity",),
            "no severity is > critical; there is info, warning, error, critical",
        ),
        ({"status": "broken"}, ("status",), "'broken' is none of problem, recovery, update, notice"),
        ({"any": []}, ("any",), "is not a list of matches, such as any: [{host: web301}, {host: web302}]"),
        ({"all": {"host": "a"}}, ("all",), "is not a list of matches, such as all: [{host: web301}, {host: web302}]"),
        ({"not": "a"}, ("not",), "is not a mapping of names to values, such as {host: web301}"),
        ({"any": [{"host": "a"}, "b"]}, ("any", 1), "is not a mapping of names to values, such as {host: web301}"),
        ({"host": 3}, ("host",), "3 is not a text, a list or one of {regex: …}, {exists: …}, {is: …}"),
    ],
)
def test_what_is_no_match_is_refused_with_its_place(spec: Any, path: tuple[str | int, ...], what: str) -> None:
    """The place leads to the value that is wrong."""
    with pytest.raises(MatchError) as caught:
        compile_match(spec)

    assert (path, what) == (caught.value.path, caught.value.what)


@pytest.mark.parametrize("regex", ["(", "*", "[a", r"(a)\1", "(?=a)", "a{5000}"])
def test_a_regex_that_re2_does_not_take_is_refused(regex: str) -> None:
    """Neither broken ones, nor those whose time cannot be bounded."""
    with pytest.raises(MatchError, match="is not a regular expression of RE2: "):
        compile_match({"host": {"regex": regex}})


def test_a_match_says_why() -> None:
    """Seen and wanted stand beside each other."""
    match = compile_match({"tool": "nagios", "host": "db*"})

    assert 'tool is "nagios", host is "db1"' == match.why({"tool": "nagios", "host": "db1"}.get)
    assert 'host is "web1", not "db*"' == match.why({"tool": "nagios", "host": "web1"}.get)
    assert 'tool is absent, not "nagios"' == match.why({}.get)
    assert "matches everything" == compile_match({}).why({}.get)


def test_equalities_are_what_every_matched_event_has() -> None:
    """Of `all` they are intersected; of `any` they are those of every part, of `not` there are none."""
    spec = {
        "host": ["a", "b"],
        "all": [{"host": "b"}, {"kind": "x"}],
        "any": [{"tool": "t"}, {"tool": "u", "key": "k"}],
        "not": {"source": "s"},
    }

    assert {"host": {"b"}, "kind": {"x"}, "tool": {"t", "u"}} == compile_match(spec).equalities()


def test_an_event_is_looked_into() -> None:
    """Own fields go before labels; `labels.x` is surely a label; `body.x.y` walks into the request."""
    event = _event(labels={"host": "web1", "source": "shadowed"}, severity=Severity.ERROR)
    look = event_look(event, {"a": [{"b": True, "n": 1.5, "none": None}], "host": "other"})

    wanted = {
        "source": "nagios",
        "labels.source": "shadowed",
        "host": "web1",
        "severity": "error",
        "actor": None,
        "body.a.0.b": "true",
        "body.a.0.n": "1.5",
        "body.a.0.none": None,
        "body.a.1.b": None,
        "body.a." + "9" * 5000: None,
        "body.a.-1": None,
        "body.a": None,
        "body.host": "other",
        "nothing": None,
    }
    assert wanted == {name: look(name) for name in wanted}


def test_an_alert_is_looked_into_by_its_id_as_well() -> None:
    """A silence may name one alert."""
    look = alert_look(notice_of(_event(labels={"host": "web1"})))

    assert ("e1", "web1", "k", None) == (look("id"), look("host"), look("key"), look("body.x"))


NESTED = st.recursive(
    st.dictionaries(
        st.sampled_from(["host", "kind", "severity"]),
        st.one_of(
            st.sampled_from(["error", "a", "a*", "?", "", {"regex": "a.?"}, {"exists": "true"}, {"exists": "false"}]),
            st.lists(st.sampled_from(["error", "info", "crit*"]), min_size=1, max_size=2),
        ),
        max_size=2,
    ).filter(lambda spec: spec.get("severity") not in ("a", "")),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
    ),
    max_leaves=4,
)
EVENTS = st.dictionaries(
    st.sampled_from(["host", "kind", "severity"]), st.sampled_from(["error", "a", "ab", "", "info"])
)


@given(spec=NESTED, event=EVENTS)
def test_what_an_index_is_made_of_is_necessary(spec: Any, event: dict[str, str]) -> None:
    """An event that matches has one of the values of each equality; not and any mean what they say."""
    match = compile_match(spec)
    holds = match.matches(event.get)

    assert holds is not compile_match({"not": spec}).matches(event.get)
    assert holds is compile_match({"any": [spec, {"not": {}}]}).matches(event.get)
    assert not holds or all(event.get(name) in values for name, values in match.equalities().items())


@given(value=st.text(max_size=20))
def test_is_and_lists_of_is_mean_equality_for_any_text(value: str) -> None:
    """Whatever stands in it."""
    assert compile_match({"host": {"is": value}}).matches({"host": value}.get)
    assert compile_match({"host": [{"is": value}, {"is": "other"}]}).matches({"host": value}.get)


@given(value=st.text(alphabet=st.characters(), max_size=20), spec=st.sampled_from(["a*", "?", {"regex": ".*a"}, "> 3"]))
def test_a_stranger_cannot_break_a_match(value: str, spec: Any) -> None:
    """Any text that Python can hold is answered with yes or no, half a surrogate pair too."""
    assert compile_match({"host": spec}).matches({"host": value}.get) in (True, False)


@given(text=st.text(max_size=20))
def test_compiling_any_text_gives_a_match_or_a_complaint(text: str) -> None:
    """As a value, and as a regular expression."""
    for spec in ({"host": text}, {"severity": text}, {"host": {"regex": text}}):
        with suppress(MatchError):
            assert compile_match(spec).why({"host": text}.get)


def _event(**more: Any) -> Event:
    fields = {"status": Status.PROBLEM, "kind": "host", "key": "k", "title": "t", "source": "nagios", "tool": "nagios"}
    return Event(**{**fields, "id": EventId("e1"), "received_at": NOW, **more})
