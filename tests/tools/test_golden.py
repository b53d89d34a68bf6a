"""Recorded requests in, reports out: every folder under `integrations`, every fixture, and no list of them.

Beside `<case>.http` stands what is expected of it: `<case>.reports.json`, `<case>.quiet.json` (`{"why": …}`) or
`<case>.error.json` (`{"error": "PayloadError", "says": …}`); and `<case>.options.json`, if its source sets any. Where
of several entries some are not understood, `<case>.missing.json` says beside the reports which, and why.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import integrations
from hub.contracts import Integration, Quiet, Several, Source, WebhookRequest
from hub.core.event import Report, Status
from hub.core.records import replace
from hub.errors import PayloadError, Unauthenticated, Unsupported
from hub.redaction import Redactor
from hub.registry import installed
from hub.testing import read_fixture, report_as_json

(FOLDER,) = map(Path, integrations.__path__)
CASES = {f"{path.parts[-3]}/{path.stem}": path for path in sorted(FOLDER.glob("*/fixtures/*.http"))}
SOURCES = {name: record for name, record in installed().items() if record.source is not None}
EXPECTED = ("reports", "missing", "quiet", "error")
ENDS = ("problem", "recovery")


def tool(case: str) -> tuple[Integration, Source]:
    record = SOURCES[case.partition("/")[0]]
    assert record.source is not None
    return record, record.source


def options(case: str) -> Any:
    record, path = tool(case)[0], CASES[case].with_suffix(".options.json")
    return msgspec.convert(json.loads(path.read_text()) if path.exists() else {}, record.options, strict=False)


def parse(case: str, request: WebhookRequest | None = None) -> Sequence[Report] | Several | Quiet:
    return tool(case)[1].parse(request or read_fixture(CASES[case]), options(case))


def reports(said: Sequence[Report] | Several | Quiet) -> Sequence[Report]:
    return () if isinstance(said, Quiet) else said.reports if isinstance(said, Several) else said


def outcome(case: str, request: WebhookRequest | None = None) -> Mapping[str, Any]:
    """What became of it, in the form of the files beside it."""
    try:
        said = parse(case, request)
    except (PayloadError, Unsupported) as error:
        return {"error": {"error": type(error).__name__, "says": str(error)}}
    if isinstance(said, Quiet):
        return {"quiet": {"why": said.why}}
    broken = said.broken if isinstance(said, Several) else {}
    missing = {"missing": {place: str(error) for place, error in broken.items()}} if broken else {}
    return {"reports": [*map(report_as_json, reports(said))], **missing}


def expected(case: str) -> Mapping[str, Any]:
    paths = {kind: CASES[case].with_suffix(f".{kind}.json") for kind in EXPECTED}
    return {kind: json.loads(path.read_text()) for kind, path in paths.items() if path.exists()}


NO_RECORDING = "put a request as it came into fixtures/<case>.http, and what you want of it into <case>.reports.json"
REPORTED = [case for case in CASES if "reports" in expected(case)]


@pytest.mark.parametrize("case", CASES)
def test_a_recorded_request_gives_what_stands_beside_it(case: str) -> None:
    """The file beside a recording is the design of the tool."""
    assert expected(case) == outcome(case), as_files(case)


def as_files(case: str) -> str:
    """What it gives now, as it would stand beside it: for who writes a new tool, to be read before it is copied."""
    names = {kind: CASES[case].with_suffix(f".{kind}.json").relative_to(FOLDER) for kind in EXPECTED}
    written = {names[kind]: json.dumps(said, indent=2, ensure_ascii=False) for kind, said in outcome(case).items()}
    return "\n".join(f"it gives what would stand in {name} as\n{text}" for name, text in written.items())


@pytest.mark.parametrize("case", CASES)
def test_what_is_stored_is_understood_as_what_came(case: str) -> None:
    """Secrets go before a request is parsed and stored; no tool needs one to be understood."""
    came = read_fixture(CASES[case])
    stored = Redactor().request(came)

    assert outcome(case) == outcome(case, stored)


@pytest.mark.parametrize("case", CASES)
def test_parsing_is_pure(case: str) -> None:
    """A replay gives what the first time gave: no clock, no counter, no randomness."""
    assert outcome(case) == outcome(case)


@pytest.mark.parametrize("case", REPORTED)
def test_a_report_can_be_told(case: str) -> None:
    """The title stands alone on a phone, a recovery is not bad, and the body is not the title again."""
    said = reports(parse(case))

    assert said
    for report in said:
        assert_can_be_told(report)


def assert_can_be_told(report: Report, how: str = "as recorded") -> None:
    assert report.title == " ".join(report.title.split()) != "", f"{how}: a title is one line and says something"
    assert "" not in (report.key, report.kind), f"{how}: a report has a key and a kind; complain of the field otherwise"
    assert (report.status is Status.RECOVERY) == (report.severity is None), f"{how}: all but recoveries have a severity"
    assert all(link.url.startswith(("http://", "https://")) for link in report.links), f"{how}: a link leads to the web"
    assert all(report.labels.values()), f"{how}: a label that says nothing is left out"


def written(case: str) -> Any:
    """The body as its tool writes it; None where it is no object or list."""
    try:
        body = json.loads(read_fixture(CASES[case]).body)
    except ValueError:
        return None
    return body if isinstance(body, dict | list) else None


def with_body(case: str, body: Any) -> WebhookRequest:
    return replace(read_fixture(CASES[case]), body=msgspec.json.encode(body))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Whatever holds something, and by which name or number."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in entries:
        yield value, name
        yield from places(inner)


JSON_CASES = [case for case in REPORTED if written(case)]
MAPPED = "json/"
"""What is no template's has the whole body for a title, and so says what is null and what is a number."""
NULL_SAYS_SOMETHING = {("zendesk", "priority"), ("alertmanager", "alerts")}
"""A ticket that has no priority any more is not urgent; a group without alerts has none."""
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.data())
def test_one_wrong_value_is_a_complaint_and_no_more(data: st.DataObject) -> None:
    """In any recording, anything in place of any value: what can be told, or an error of ours, answered with 400."""
    case = data.draw(st.sampled_from(JSON_CASES))
    body = written(case)
    inside, name = data.draw(st.sampled_from([*places(body)]))
    inside[name] = data.draw(st.sampled_from(["", " ", [], {}]) | ANYTHING)

    with suppress(PayloadError, Unsupported):
        for report in reports(parse(case, with_body(case, body))):
            assert_can_be_told(report)


@pytest.mark.parametrize("case", JSON_CASES)
def test_what_is_empty_is_told_in_other_words_or_refused(case: str) -> None:
    body = written(case)
    for inside, name in [*places(body)]:
        was, inside[name] = inside[name], ""
        with suppress(PayloadError, Unsupported):
            for report in reports(parse(case, with_body(case, body))):
                assert_can_be_told(report, f"with an empty {name}")
        inside[name] = was


def entries(case: str) -> list[Any]:
    """Of a body that has several."""
    body = written(case)
    return body if isinstance(body, list) else body.get("alerts", [])  # type: ignore[no-any-return]


MANY = [case for case in JSON_CASES if isinstance(parse(case), Several) and len(entries(case)) > 2]


@given(data=st.data())
def test_one_wrong_entry_keeps_no_other_back(data: st.DataObject) -> None:
    """Whatever stands in its place, or in place of anything in it: the others say what they said."""
    case = data.draw(st.sampled_from(MANY))
    request, several = read_fixture(CASES[case]), entries(case)
    number = data.draw(st.integers(0, len(several) - 1))
    inside, name = data.draw(st.sampled_from([(several, number), *places(several[number])]))
    inside[name] = data.draw(st.sampled_from(["", " ", [], {}]) | ANYTHING)
    body = several if isinstance(written(case), list) else {**written(case), "alerts": several}
    others = [report for report in reports(parse(case)) if f"[{number}]" not in report.place]
    said = parse(case, replace(request, body=msgspec.json.encode(body)))

    assert others == [report for report in reports(said) if f"[{number}]" not in report.place]
    assert isinstance(said, Several)
    assert not [place for place in said.broken if place in {report.place for report in others}]


@given(data=st.data())
def test_null_says_no_more_than_nothing(data: st.DataObject) -> None:
    """Some versions of a tool leave out what others write as null."""
    case = data.draw(st.sampled_from([case for case in JSON_CASES if not case.startswith(MAPPED)]))
    body = written(case)
    inside, name = data.draw(st.sampled_from([place for place in places(body) if isinstance(place[0], dict)]))
    hypothesis.assume((case.partition("/")[0], name) not in NULL_SAYS_SOMETHING)
    inside[name] = None
    null = outcome(case, with_body(case, body))
    del inside[name]
    nothing = outcome(case, with_body(case, body))

    assert null == nothing or "error" in null.keys() & nothing.keys()


@given(data=st.data())
def test_a_number_may_be_written_as_a_text(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([case for case in JSON_CASES if not case.startswith(MAPPED)]))
    body = written(case)
    numbers = [(inside, name) for inside, name in places(body) if type(inside[name]) is int]
    hypothesis.assume(numbers)
    inside, name = data.draw(st.sampled_from(numbers))
    inside[name] = str(inside[name])

    assert expected(case) == outcome(case, with_body(case, body))


@pytest.mark.parametrize("name", SOURCES)
def test_a_tool_has_recordings_of_what_it_declares(name: str) -> None:
    """Each kind and each label that routes may use occurs in a fixture."""
    told = [report for case in REPORTED if case.startswith(f"{name}/") for report in expected(case)["reports"]]

    assert told, NO_RECORDING
    assert set() == set(SOURCES[name].kinds) - {report["kind"] for report in told}
    assert set() == set(SOURCES[name].labels) - {label for report in told for label in report.get("labels", {})}


@pytest.mark.parametrize("name", SOURCES)
def test_what_heals_is_called_as_it_was_when_it_broke(name: str) -> None:
    """Each recovery that was recorded finds, by kind and key, a problem that was."""
    told = [report for case in REPORTED if case.startswith(f"{name}/") for report in expected(case)["reports"]]
    broke, healed = ({(r["kind"], r["key"]) for r in told if r["status"] == status} for status in ENDS)

    assert set() == healed - broke


@pytest.mark.parametrize("name", SOURCES)
def test_a_tool_without_a_secret_takes_nothing(name: str) -> None:
    """A source fails closed, also where nothing was set."""
    source = SOURCES[name].source
    assert source is not None
    case = next((case for case in REPORTED if case.startswith(f"{name}/")), None)
    assert case is not None, NO_RECORDING
    request = read_fixture(CASES[case])
    naked = WebhookRequest(source=request.source, body=request.body, received_at=request.received_at)

    for asked, secrets in ((request, ()), (naked, ())):
        with pytest.raises(Unauthenticated):
            source.verify(asked, secrets)


def test_nothing_stands_beside_no_recording() -> None:
    """A misspelt name would never be compared with anything."""
    beside = {path for path in FOLDER.glob("*/fixtures/*") if path.suffix != ".http"}
    known = {path.with_suffix(f".{kind}.json") for path in CASES.values() for kind in (*EXPECTED, "options")}

    assert set() == beside - known
