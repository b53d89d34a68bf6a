"""Any JSON webhook: what its options may say, and that a slip in them is found when the rules are read."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.contracts import Several, WebhookRequest
from hub.core.event import Report, Severity, Status
from hub.errors import PayloadError, Unauthenticated
from hub.proof import Secret
from hub.testing import RECORDED
from integrations.json import source
from integrations.json.source import JsonOptions, verify

SLIPS: list[tuple[dict[str, Any], str]] = [
    ({"title": "{tweet.text}"}, "event.title: '{tweet.text}' leads nowhere; write {body.…} or {header.…}"),
    ({"key": "{body}"}, "event.key: '{body}' leads nowhere"),
    ({"labels": {"host": "{node}"}}, "event.labels.host: '{node}' leads nowhere"),
    ({"status": "broken"}, "event.status: 'broken' is none of problem, recovery, update, notice"),
    ({"severity": {"from": "body.mood", "map": {"angry": "awful"}}}, "event.severity: 'awful' is none of info"),
    ({"severity": {"from": "body.mood", "else": "meh"}}, "event.severity: 'meh' is none of info"),
    ({"severity": {"from": "mood"}}, "event.severity.from: '{mood}' leads nowhere"),
    ({"key": "{body.id"}, "event.key: '{body.id' is not filled in; write a place as {body.…}"),
    ({"key": "body.id}"}, "event.key: 'body.id}' is not filled in"),
    ({"key": "body.id"}, "event.key: 'body.id' is not filled in"),
    ({"title": "{{body.text}}"}, "event.title: '{{}}' is not filled in; write a place as {body.…}, in one pair"),
    ({"labels": {"host": "x {body.node"}}, "event.labels.host: '{body.node' is not filled in"),
    ({"severity": {"from": "{body.mood}"}}, "event.severity.from: is a place by itself, without braces"),
    ({"severity": {"map": {"angry": "error"}}}, "event.severity: is neither a text nor"),
    ({"status": {"from": "body.x", "maps": {}}}, "event.status: is neither a text nor"),
    ({"kind": {"from": "body.x", "map": {"a": {"b": "c"}}}}, "event.kind.map: is not a table of words"),
]


def options(event: dict[str, Any]) -> JsonOptions:
    return msgspec.convert({"event": event}, JsonOptions, strict=False)


def request(body: object, **headers: str) -> WebhookRequest:
    return WebhookRequest(source="twitter", headers=headers, body=msgspec.json.encode(body), received_at=RECORDED)


def parse(request: WebhookRequest, mapped: JsonOptions) -> Sequence[Report]:
    """What it reports, of one body or of several."""
    said = source.parse(request, mapped)
    return said.reports if isinstance(said, Several) else said


@pytest.mark.parametrize(("event", "says"), SLIPS, ids=[says for _, says in SLIPS])
def test_a_slip_is_said_when_the_rules_are_read(event: dict[str, Any], says: str) -> None:
    """`tocsin check` says it, and not the first request of the night."""
    with pytest.raises(msgspec.ValidationError) as raised:
        options(event)

    assert says in str(raised.value)


def test_a_header_is_read_in_any_case_and_a_secret_is_not() -> None:
    mapped = options({"title": "from {header.X-Relay}"})

    assert "from relay1" == parse(request({}, **{"x-relay": "relay1"}), mapped)[0].title
    with pytest.raises(PayloadError, match=r"header\.authorization: is missing"):
        parse(request({}, authorization="Bearer x"), options({"title": "{header.Authorization}"}))


def test_a_table_without_else_refuses_what_it_does_not_name() -> None:
    mapped = options({"severity": {"from": "body.mood", "map": {"angry": "error"}}})

    assert Severity.ERROR is parse(request({"mood": "angry"}), mapped)[0].severity
    with pytest.raises(PayloadError, match=r"body\.mood: 'calm' is none of angry"):
        parse(request({"mood": "calm"}), mapped)
    with pytest.raises(PayloadError, match=r"body\.mood: is missing"):
        parse(request({}), mapped)


def test_a_word_from_the_body_may_be_the_status() -> None:
    mapped = options({"status": "{body.state}", "severity": "{body.level}", "key": "{body.id}"})

    (problem,) = parse(request({"state": "PROBLEM", "level": "Warning", "id": 7}), mapped)
    (recovery,) = parse(request({"state": "recovery", "id": 7}), mapped)

    assert (Status.PROBLEM, Severity.WARNING) == (problem.status, problem.severity)
    assert (Status.RECOVERY, None) == (recovery.status, recovery.severity)
    assert problem.key == recovery.key == "7"


@pytest.mark.parametrize("nothing", [{}, {"host": None, "note": None}])
def test_for_want_of_a_word_no_alert_is_refused(nothing: dict[str, Any]) -> None:
    """But of what it says which thing this is, and how it stands."""
    texts = {"title": "{body.name} on {body.host}", "body": "{body.note}", "actor": "{body.note}", "url": "{body.note}"}
    mapped = options({**texts, "key": "{body.id}", "labels": {"host": "{body.host}"}, "status": "problem"})

    (report,) = parse(request({"id": 7, "name": "disk", **nothing}), mapped)

    assert ("7", "disk on", "", "", {}) == (report.key, report.title, report.body, report.actor, report.labels)
    with pytest.raises(PayloadError, match=r"body\.id: is missing"):
        parse(request({"name": "disk", **nothing}), mapped)
    with pytest.raises(PayloadError, match=r"body\.name: is missing"):
        parse(request({"id": 7, **nothing}), mapped)


def test_the_secret_may_be_a_password() -> None:
    """Of a tool that can post to `https://anybody:SECRET@hub.example.com/in/twitter`, and no more."""
    proved = request({}, authorization=f"Basic {b64encode(b'anybody:s3cret').decode()}")

    verify(proved, [Secret("s3cret")])
    with pytest.raises(Unauthenticated, match="the password is not the secret"):
        verify(proved, [Secret("another")])


def test_json_that_is_a_text_is_looked_into_where_it_is_some() -> None:
    mapped = options({"title": "{body.inner.state} {body.inner.list.0.x}", "key": "{body.inner}"})
    inner = '{"state": "bad", "list": [{"x": "y"}]}'

    (report,) = parse(request({"inner": inner}), mapped)

    assert ("bad y", inner) == (report.title, report.key)
    with pytest.raises(PayloadError, match=r"body\.inner\.state: is missing"):
        parse(request({"inner": "{no JSON"}), mapped)


def test_of_a_list_each_object_is_an_event() -> None:
    """What a sender gathers before it posts is not the first of it alone."""
    mapped = options(
        {"key": "{body.id}", "title": "{body.id}", "status": {"from": "body.up", "map": {"true": "recovery"}}}
    )

    reports = parse(request([{"id": "a", "up": True}, {"id": "b", "up": True}]), mapped)
    with_one = source.parse(request([{"id": "a", "up": True}, {"id": "b"}]), mapped)

    assert ["a", "b"] == [report.key for report in reports]
    assert isinstance(with_one, Several)
    assert ["a"] == [report.key for report in with_one.reports]
    assert ["body[1].up: is missing"] == [str(error) for error in with_one.broken.values()]
    with pytest.raises(PayloadError, match=r"body\[0\]\.up: is missing"):
        parse(request([{"id": "a"}, {"id": "b"}]), mapped)


def test_a_list_that_is_mostly_no_objects_is_one_body() -> None:
    """As some post what it is before what they say of it: `["fired", {…}]`."""
    (report,) = parse(request(["fired", {"id": "a"}]), options({"key": "{body.1.id}", "title": "{body.0}"}))
    of_three = source.parse(request([{"id": "a"}, "fired", {"id": "b"}]), options({"key": "{body.id}"}))

    assert ("a", "fired") == (report.key, report.title)
    assert isinstance(of_three, Several)
    assert ["body[1]"] == [*of_three.broken]


def test_a_title_of_nothing_is_the_body() -> None:
    (report,) = parse(request({"text": " \n "}), options({"title": "{body.text}"}))

    assert '{"text":" \\n "}' == report.title


@pytest.mark.parametrize("url", ["javascript:alert(1)", "/relative", ""])
def test_only_an_address_of_the_web_is_a_link(url: str) -> None:
    assert () == parse(request({"url": url}), options({"url": "{body.url}"}))[0].links


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=100),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["title", "message", "id", "body", "key", "x"]), inner, max_size=4)
        ),
    )
)
def test_without_a_map_any_body_is_a_notice(body: object) -> None:
    """It has a title of one line and a key, and the same body has the same."""
    reports = parse(request(body), JsonOptions())

    for report in reports:
        assert Status.NOTICE is report.status
        assert report.title == " ".join(report.title.split()) != ""
        assert report.key
    assert [] != reports == parse(request(body), JsonOptions())
