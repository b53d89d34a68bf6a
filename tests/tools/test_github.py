"""GitHub beyond its recordings: signatures, what must not be told, and how builds stand over time."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import integrations.github
from hub.contracts import NamesDeliveries, Quiet, Signs, WebhookRequest
from hub.core.alert import Alert, Change, advance
from hub.core.event import Event, EventId, Report, Status, event_of
from hub.core.records import replace
from hub.errors import PayloadError, Unauthenticated, Unsupported
from hub.proof import Secret
from hub.testing import RECORDED, read_fixture
from integrations.github import source
from integrations.github.reading import LONGEST_BODY, LONGEST_TITLE, GitHubOptions

FIXTURES = Path(integrations.github.__path__[0]) / "fixtures"
SECRET, OTHER = Secret("correct horse"), Secret("battery staple")
REOPEN_WITHIN = timedelta(minutes=10)


def fixture(name: str) -> WebhookRequest:
    return read_fixture(FIXTURES / f"{name}.http")


def signed(request: WebhookRequest, secret: Secret = SECRET) -> WebhookRequest:
    return replace(request, headers={**request.headers, **source.sign(request, secret)})


def changed(name: str, **fields: Any) -> WebhookRequest:
    """A recording with other values at dotted paths (`workflow_run__run_number=7`)."""
    request = fixture(name)
    body = json.loads(request.body)
    for path, value in fields.items():
        *steps, last = path.split("__")
        here = body
        for step in steps:
            here = here[step]
        here[last] = value
    return replace(request, body=json.dumps(body).encode())


def reports(request: WebhookRequest) -> Sequence[Report]:
    said = source.parse(request, GitHubOptions())
    assert not isinstance(said, Quiet), said.why
    return said


# --------------------------------------------------------------------------------------------------------------- proofs


@given(body=st.binary(max_size=200), secret=st.text(min_size=1, max_size=40).map(Secret))
def test_what_we_sign_we_take(body: bytes, secret: Secret) -> None:
    """Over the bytes as they came, JSON or form; any of the secrets will do, while they are changed."""
    request = signed(WebhookRequest(source="github", body=body, received_at=RECORDED), secret)

    source.verify(request, [secret])
    source.verify(request, [Secret("the new one"), secret])


def test_the_signature_is_that_of_github() -> None:
    """The example of GitHub's own documentation of how to validate deliveries."""
    request = WebhookRequest(source="github", body=b"Hello, World!", received_at=RECORDED)
    secret = Secret("It's a Secret to Everybody")
    known = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    assert {"x-hub-signature-256": known} == source.sign(request, secret)


@given(
    header=st.one_of(
        st.text(max_size=90),
        st.sampled_from(["", "sha256=", "sha256", "sha1=" + "0" * 40, "sha256=" + "0" * 64, "sha256=" + "\udcff" * 64]),
    )
)
def test_any_other_signature_is_refused(header: str) -> None:
    """And with nothing but a refusal, whatever bytes come."""
    request = replace(fixture("push-commit"), headers={"x-hub-signature-256": header})

    with pytest.raises(Unauthenticated):
        source.verify(request, [SECRET, OTHER])


def test_what_was_changed_on_the_way_is_refused() -> None:
    """A byte, or the secret; and the header with SHA-1 proves nothing."""
    request = signed(fixture("push-commit"))

    for wrong in (replace(request, body=request.body + b" "), signed(request, OTHER)):
        with pytest.raises(Unauthenticated, match="not made with the secret"):
            source.verify(wrong, [SECRET])
    old = replace(request, headers={"x-hub-signature": source.sign(request, SECRET)["x-hub-signature-256"]})
    with pytest.raises(Unauthenticated, match="no X-Hub-Signature-256"):
        source.verify(old, [SECRET])


def test_a_redelivery_is_known_by_its_id() -> None:
    """The source says which header it is, and can be posted to for a try."""
    assert isinstance(source, NamesDeliveries)
    assert isinstance(source, Signs)
    assert fixture("push-commit").header("x-github-delivery") == source.delivery(fixture("push-commit"))
    assert "" == source.delivery(WebhookRequest(source="github", received_at=RECORDED))


def test_a_form_says_what_json_says() -> None:
    """GitHub can send both."""
    form = fixture("workflow-run-form")

    assert form.content_type == "application/x-www-form-urlencoded"
    payload = replace(
        form, headers={**form.headers, "content-type": "application/json"}, body=form.form()["payload"].text().encode()
    )
    assert reports(payload) == reports(form)


# ----------------------------------------------------------------------------------------------------- what is not told


def test_a_leaked_secret_leaks_no_further() -> None:
    """GitHub puts the secret itself into the payload."""
    for name in ("secret-created", "secret-public", "secret-resolved", "secret-validated"):
        secret = json.loads(fixture(name).body)["alert"]["secret"]

        assert secret
        assert secret not in str(reports(fixture(name)))


def test_no_title_has_a_whole_commit() -> None:
    """Forty characters of it say less than seven, and fill a phone."""
    titles = [report["title"] for path in FIXTURES.glob("*.reports.json") for report in json.loads(path.read_text())]

    assert any("f409496" in title for title in titles)
    assert [] == [title for title in titles if re.search(r"[0-9a-f]{40}", title)]


def test_a_huge_text_is_cut() -> None:
    """A payload may have 25 MB, and in it one title of one line without a space."""
    for text in ("x" * 3_000_000, "a b\n" * 700_000, "<!--" * 700_000, "0123456789abcdef" * 200_000):
        (opened,) = reports(changed("pull-request-opened", pull_request__title=text, pull_request__body=text))
        (pushed,) = reports(
            changed("push-commit", commits=[{"id": "1" * 40, "message": text}], ref=f"refs/heads/{text}")
        )

        for report in (opened, pushed):
            assert len(report.title) <= LONGEST_TITLE
            assert len(report.body) <= LONGEST_BODY
            assert report.title == " ".join(report.title.split())


@pytest.mark.parametrize("url", ["javascript:alert(1)", "/acme/web", "", 7, None, {"href": "https://example.com"}])
def test_only_an_address_of_the_web_is_a_link(url: object) -> None:
    (report,) = reports(changed("workflow-run-failure", workflow_run__html_url=url))

    assert () == report.links


# ----------------------------------------------------------------------------------------------------- strange payloads

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
CASES = sorted(
    path.stem for path in FIXTURES.glob("*.http") if not path.stem.startswith("bad-") and "form" not in path.stem
)


def _places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where in a payload there is a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))]


@given(data=st.data())
def test_anything_anywhere_is_a_complaint_and_no_more(data: st.DataObject) -> None:
    """However deep the wrong value is: reports of one line each, or an error of ours."""
    request = fixture(data.draw(st.sampled_from(CASES)))
    body = json.loads(request.body)
    *steps, last = data.draw(st.sampled_from(_places(body)[1:]))
    here = body
    for step in steps:
        here = here[step]
    here[last] = data.draw(ANYTHING)

    try:
        said = source.parse(replace(request, body=msgspec.json.encode(body)), GitHubOptions())
    except (PayloadError, Unsupported):
        return
    for report in () if isinstance(said, Quiet) else said:
        assert report.title == " ".join(report.title.split()) != ""
        assert report.key
        assert all(isinstance(text, str) and text for text in report.labels.values())


@pytest.mark.parametrize("strange", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", 10**30, -(10**30), "soon", 1e300])
def test_a_strange_time_or_number_only_orders_nothing(strange: object) -> None:
    """For want of an order no alert is refused, and none is too large for a database."""
    (report,) = reports(
        changed(
            "workflow-run-timed-out",
            workflow_run__created_at=strange,
            workflow_run__updated_at=strange,
            workflow_run__run_number=strange,
            workflow_run__run_attempt=strange,
        )
    )

    assert (None, None, None) == (report.occurred_at, report.ends_at, report.sequence)


@given(action=st.text(max_size=30), case=st.sampled_from(CASES))
def test_an_action_of_tomorrow_is_no_error(action: str, case: str) -> None:
    """GitHub adds actions to its events: what it means is then quiet, or news, and breaks and heals nothing."""
    request = fixture(case)
    body = json.loads(request.body)
    event = request.header("x-github-event")
    if "action" not in body or event == "teleport":
        return

    said = source.parse(replace(request, body=json.dumps(body | {"action": f"x{action}"}).encode()), GitHubOptions())

    if not isinstance(said, Quiet) and event != "deployment_status":
        assert {Status.UPDATE} >= {report.status for report in said}


@pytest.mark.parametrize("name", ["acme/web/x", "acme web", "", "https://github.com/acme"])
def test_a_hook_that_is_no_name_is_said_when_the_rules_are_read(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=f"hooks: '{name}' is neither a repository"):
        msgspec.convert({"hooks": [name]}, GitHubOptions)


def test_an_option_that_is_none_is_said_with_the_choices() -> None:
    with pytest.raises(msgspec.ValidationError, match="actions: 'jobs' is none of workflow_run, workflow_job"):
        msgspec.convert({"actions": "jobs"}, GitHubOptions)


# ------------------------------------------------------------------------------------------------------- builds in time


def run(number: int, conclusion: str, *, began: str, attempt: int = 1, **more: Any) -> Event:
    """A run of CI on main, as an event; `began` is a time of that night."""
    request = changed(
        "workflow-run-failure",
        workflow_run__run_number=number,
        workflow_run__run_attempt=attempt,
        workflow_run__conclusion=conclusion,
        workflow_run__created_at=f"2026-11-21T{began}:00Z",
        **more,
    )
    return told(request, EventId(f"{number}.{attempt}"))


def told(request: WebhookRequest, id: EventId) -> Event:
    (report,) = reports(request)
    return event_of(report, id=id, source="github", tool="github", received_at=RECORDED, delivery_id="", request_id="")


def story(*events: Event) -> tuple[list[Change], Alert | None]:
    changes, alert = list[Change](), None
    for event in events:
        step = advance(alert, event, reopen_within=REOPEN_WITHIN)
        alert = step.alert
        changes.append(step.change)
    return changes, alert


def test_the_second_attempt_heals_what_the_first_broke() -> None:
    changes, alert = story(
        run(412, "failure", began="02:50"),
        run(412, "success", began="02:50", attempt=2),
    )

    assert [Change.OPENED, Change.RESOLVED] == changes
    assert alert
    assert "acme/web: CI passed on main" == alert.title


def test_an_older_run_that_ends_later_changes_nothing() -> None:
    """Run 413 found main broken, and 412, which was slow, knows nothing of that; nor does 411, run once more."""
    changes, alert = story(
        run(413, "failure", began="02:55"),
        run(412, "success", began="02:50"),
        run(411, "success", began="02:40", attempt=2),
        run(414, "success", began="03:05"),
    )

    assert [Change.OPENED, Change.LATE, Change.LATE, Change.RESOLVED] == changes
    assert alert


def test_a_cancelled_run_neither_breaks_nor_heals_nor_hides_the_next() -> None:
    changes, alert = story(
        run(412, "failure", began="02:50"),
        run(413, "cancelled", began="02:55"),
        run(412, "success", began="02:50", attempt=2),
    )

    assert [Change.OPENED, Change.COMMENTED, Change.RESOLVED] == changes
    assert alert


def test_main_of_a_fork_is_not_our_main() -> None:
    """A stranger's pull request from a branch called main must neither alarm nor calm us."""
    ours = run(412, "failure", began="02:50")
    theirs = run(413, "success", began="02:55", workflow_run__head_repository={"full_name": "mallory/web"})

    assert ours.key != theirs.key
    assert ("main", "mallory:main") == (ours.labels["branch"], theirs.labels["branch"])


def test_main_of_a_fork_that_is_gone_is_not_our_main() -> None:
    """GitHub says null for its repository, and a stranger's build neither breaks nor heals ours."""
    (gone,) = reports(fixture("workflow-run-fork-is-gone"))
    (ours,) = reports(fixture("workflow-run-failure"))

    assert (gone.key, gone.severity) != (ours.key, ours.severity)


def test_what_adds_to_a_leaked_secret_does_not_make_its_end_late() -> None:
    """That it was resolved is brought by the catch-up, behind the look at its validity which came after it."""
    changes, alert = story(
        told(fixture("secret-created"), EventId("created")),
        told(changed("secret-validated", alert__updated_at="2026-11-21T03:30:00Z"), EventId("validated")),
        told(changed("secret-resolved", alert__updated_at="2026-11-21T03:20:00Z"), EventId("resolved")),
    )

    assert [Change.OPENED, Change.COMMENTED, Change.RESOLVED] == changes
    assert alert is not None and not alert.open


def test_both_tellings_of_a_vulnerability_are_one_alert() -> None:
    """The event that `dependabot_alert` replaced may still be sent beside it."""
    (new,), (old,) = reports(fixture("dependabot-created")), reports(fixture("vulnerability-create"))

    assert new.key == old.key
    assert new.severity is old.severity


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("push-new-tag", "create-tag"),
        ("push-new-branch", "create-branch"),
        ("push-deleted-branch", "delete-branch"),
        ("public", "repository-publicized"),
        ("package-published", "registry-package-published"),
        ("pull-request-dequeued", "merge-group-dequeued"),
    ],
)
def test_what_github_tells_twice_is_one_message(one: str, other: str) -> None:
    """The same key and kind: the second goes under the first."""
    (first,), (second,) = reports(fixture(one)), reports(fixture(other))

    assert (first.key, first.kind) == (second.key, second.kind)


def test_one_broken_build_is_told_once() -> None:
    """Of all that GitHub posts of a failure in Actions, whatever speaks for it."""
    names = ("workflow-run-failure", "workflow-job-failure", "check-run-of-actions", "check-suite-of-actions")
    told: Mapping[str, list[str]] = {
        speaker: [
            name for name in names if not isinstance(source.parse(fixture(name), GitHubOptions(actions=speaker)), Quiet)
        ]
        for speaker in ("workflow_run", "workflow_job")
    }

    assert {"workflow_run": ["workflow-run-failure"], "workflow_job": ["workflow-job-failure"]} == told


def test_a_broken_side_branch_ends_by_itself() -> None:
    """It may be merged or dropped, and is then never built again; the default branch is built until it heals."""
    side, main = reports(fixture("workflow-run-timed-out"))[0], reports(fixture("workflow-run-failure"))[0]

    assert side.occurred_at is not None
    assert main.ends_at is None
    assert isinstance(side.ends_at, datetime)
    assert timedelta(days=7) < side.ends_at - side.occurred_at < timedelta(days=8)
