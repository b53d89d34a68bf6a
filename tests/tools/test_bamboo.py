"""Bamboo's templates: what it fills in, also where that breaks them; who may post; and what comes late."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import integrations
from hub.contracts import Quiet, WebhookRequest
from hub.core.alert import Alert, Change, advance
from hub.core.event import EventId, Report, Severity, Status, event_of
from hub.core.records import replace
from hub.errors import PayloadError, Unauthenticated
from hub.proof import Secret
from hub.testing import RECORDED, read_fixture, report_as_json
from integrations.bamboo.reading import BambooOptions
from integrations.bamboo.source import delivery, parse, verify

(FOLDER,) = (Path(path) / "bamboo" for path in integrations.__path__)
BUILDS, DEPLOYMENTS = re.findall(r"^```json\n(.*?)^```", (FOLDER / "README.md").read_text(), re.MULTILINE | re.DOTALL)
"""The templates that people paste."""

ITS_OWN = """{
  "uuid": "${bamboo.webhook.uuid}", "timestamp": "${bamboo.webhook.timestamp}",
  "notification": "${bamboo.webhook.notification.description}",
  "webhook": {"webhookTemplatedId": "1", "webhookTemplatedName": "Build webhook"},
  "build": {
    "buildResultKey": "${bamboo.buildResultKey}",
    "status": "${bamboo.buildState}",
    "buildPlanName": "${bamboo.buildPlanName}",
    "startedAt": "${bamboo.date.started}",
    "finishedAt": "${bamboo.date.finished}",
    "triggerReason": "${bamboo.trigger.reason}",
    "triggerSentence": "${bamboo.trigger.name.for.sentence}"
  }
}
"""

VARIABLES = {
    "webhook.uuid": "6f1f0f3e-8b1d-4e0c-9a55-1c2a7d0b9e01",
    "webhook.timestamp": "2026-11-20 10:15:42 +0000",
    "webhook.notification.description": "Plan Failed",
    "buildResultKey": "WEB-MAIN-214",
    "buildState": "Failed",
    "date.started": "2026-11-20 10:12:01 +0000",
    "date.finished": "2026-11-20 10:15:40 +0000",
    "buildResultsUrl": "https://bamboo.example.com/browse/WEB-MAIN-214",
    "planRepository.branchName": "main",
    "buildPlanName": "Web - main",
    "trigger.reason": "Changes by alice",
    "trigger.name.for.sentence": "was triggered by changes from alice",
    "deploy.result.id": "47061801",
    "deploy.project.id": "43155482",
    "deploy.environment.id": "43253797",
    "deploy.environment.name": "Production",
    "deploy.version.name": "release-78",
}


def filled(template: str, **variables: str) -> bytes:
    """As Bamboo does it: text into text, once."""
    given = VARIABLES | {name.replace("__", "."): text for name, text in variables.items()}
    return re.sub(r"\$\{bamboo\.([\w.]+)\}", lambda name: given.get(name[1], name[0]), template).encode()


def posted(body: bytes, **headers: str) -> WebhookRequest:
    return WebhookRequest(source="bamboo", headers=headers, body=body, received_at=RECORDED)


def reports(body: bytes, **options: str) -> list[Report]:
    read = parse(posted(body), BambooOptions(**options))
    assert not isinstance(read, Quiet)
    return list(read)


# ----------------------------------------------------------------------------------------------------------- templates


@pytest.mark.parametrize("template", [BUILDS, ITS_OWN])
def test_a_template_gives_a_problem_and_its_recovery(template: str) -> None:
    """Both have the same key, and the number of the build orders them."""
    (problem,) = reports(filled(template))
    (recovery,) = reports(filled(template, buildState="Successful", buildResultKey="WEB-MAIN-215"))

    assert ("Web - main #214 failed", Severity.CRITICAL) == (problem.title, problem.severity)
    assert (Status.PROBLEM, Status.RECOVERY) == (problem.status, recovery.status)
    assert ("WEB-MAIN", 214) == (problem.key, problem.sequence)
    assert ("WEB-MAIN", 215) == (recovery.key, recovery.sequence)
    assert f"{VARIABLES['webhook.uuid']} WEB-MAIN-214 Failed" == delivery(posted(filled(template)))


@pytest.mark.parametrize("template", [BUILDS, DEPLOYMENTS])
def test_only_what_says_the_same_is_a_repeat(template: str) -> None:
    """Whether Bamboo gives an id to the notification or to the webhook: what is new is told."""
    failed, again = posted(filled(template)), posted(filled(template))
    healed = posted(filled(template, buildState="Successful"))

    assert "" != delivery(failed) == delivery(again) != delivery(healed)


def test_the_template_for_deployments_gives_news_of_production_only() -> None:
    (problem,) = reports(filled(DEPLOYMENTS))
    recovery, news = reports(filled(DEPLOYMENTS, buildState="Successful"))
    (elsewhere,) = reports(filled(DEPLOYMENTS, buildState="Successful", deploy__environment__name="Staging"))

    assert "Deployment of release-78 to Production failed" == problem.title
    assert problem.key == recovery.key == elsewhere.key == "deploy:43155482:43253797"
    assert ("release-78 was deployed to Production", Status.NOTICE) == (news.title, news.status)


def test_what_bamboo_does_not_fill_in_is_not_there() -> None:
    """Not in a label, and not as the id of a delivery: all would be repeats of the first."""
    body = filled(BUILDS, webhook__uuid="${bamboo.webhook.uuid}")
    (report,) = reports(body)

    assert {"repo", "head_sha"} & set(report.labels) == set()
    assert "${" not in json.dumps(report_as_json(report))
    assert "" == delivery(posted(body))


@pytest.mark.parametrize("case", ["broken-by-quotes", "broken-by-a-line-break"])
def test_what_breaks_a_template_changes_no_report(case: str) -> None:
    """But for the words themselves it is what Bamboo would have sent without them."""
    broken = read_fixture(FOLDER / f"fixtures/{case}.http")
    with pytest.raises(PayloadError):
        broken.json()
    (report,) = reports(broken.body)
    (whole,) = reports(read_fixture(FOLDER / "fixtures/build-failed.http").body)

    labels = {**report.labels, "trigger": whole.labels["trigger"]}
    assert whole == replace(report, title=whole.title, body=whole.body, labels=labels)
    assert "6f1f0f3e-8b1d-4e0c-9a55-1c2a7d0b9e01 WEB-MAIN-214 Failed" == delivery(broken)


def test_a_template_without_a_charset_is_read() -> None:
    """What is no UTF-8 is taken for Latin-1, of which every byte is a letter."""
    (report,) = reports(filled(BUILDS, buildPlanName="Größe").decode().encode("latin-1"))

    assert "Größe #214 failed on main" == report.title


NASTY = st.text(max_size=60) | st.text(alphabet='"\\{}[],: \n\tn/u', max_size=30)
FORGED = st.sampled_from(
    [
        '", "status": "Successful',
        '","status":"Successful","x":"',
        '"}, "build": {"buildResultKey": "OPS-PAY-9", "status": "Successful", "x": "',
        '"}}{"build": {"status": "Successful"}}',
        'x", "buildResultKey": "OPS-PAY-9", "status": "Successful", "y": "\\',
        '", "uuid": "0", "deployment": {"deploymentResultId": "1"}, "z": "',
    ]
)


@given(name=NASTY | FORGED, reason=NASTY | FORGED, sentence=NASTY | FORGED, template=st.sampled_from([BUILDS, ITS_OWN]))
def test_no_text_of_a_person_changes_what_was_built_and_how(
    name: str, reason: str, sentence: str, template: str
) -> None:
    """Who names a plan or signs a commit writes words, and no results."""
    texts = {"buildPlanName": name, "trigger__reason": reason, "trigger__name__for__sentence": sentence}
    body = filled(template, **texts)
    (report,) = reports(body)

    assert (Status.PROBLEM, Severity.CRITICAL) == (report.status, report.severity)
    assert ("WEB-MAIN", 214) == (report.key, report.sequence)
    assert "WEB-MAIN-214" == report.labels["result"]
    assert delivery(posted(body)).startswith(f"{VARIABLES['webhook.uuid']} WEB-MAIN-214 ")
    assert report.title == " ".join(report.title.split()) != ""


@given(branch=NASTY | FORGED, version=NASTY | FORGED, place=NASTY | FORGED)
def test_nor_what_was_deployed_and_how(branch: str, version: str, place: str) -> None:
    texts = {"deploy__version__name": version, "deploy__environment__name": place, "deploy__project": branch}
    report, *_ = reports(filled(DEPLOYMENTS, **texts))

    assert (Status.PROBLEM, "deploy:43155482:43253797") == (report.status, report.key)
    assert 47061801 == report.sequence


@given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_what_cannot_be_recovered_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError):
        parse(posted(body), BambooOptions())


@given(cut=st.integers(0, len(filled(ITS_OWN)) - 1))
def test_a_body_that_was_cut_off_is_refused_or_right(cut: int) -> None:
    """Never a wrong result, and never half a key."""
    try:
        (report,) = reports(filled(ITS_OWN)[:cut])
    except PayloadError:
        return
    assert ("WEB-MAIN", 214, Status.PROBLEM) == (report.key, report.sequence, report.status)


def test_a_text_of_megabytes_is_cut() -> None:
    """On one line, and how it ended stays in sight."""
    (report,) = reports(filled(BUILDS, buildPlanName="Web " * 500_000, trigger__reason="<a" * 500_000))

    assert report.title.endswith("… #214 failed on main")
    assert len(report.title) < 160
    assert len(report.body) < 300


# --------------------------------------------------------------------------------------------------------------- order


def after(alert: Alert | None, *bodies: bytes) -> tuple[Alert, Change]:
    for body in bodies:
        report = reports(body)[0]
        given = {"id": EventId("e"), "source": "b", "tool": "bamboo", "delivery_id": "", "request_id": ""}
        event = event_of(report, received_at=RECORDED, **given)  # type: ignore[arg-type]
        step = advance(alert, event, reopen_within=timedelta(minutes=10))
        alert, change = step.alert, step.change
    assert alert is not None
    return alert, change


def run(number: int, state: str, began: str, ended: str, template: str = BUILDS) -> bytes:
    day = "2026-11-20 {} +0000".format
    return filled(
        template,
        buildResultKey=f"WEB-MAIN-{number}",
        buildState=state,
        date__started=day(began),
        date__finished=day(ended),
    )


def test_an_older_build_that_ends_later_changes_nothing() -> None:
    """It says nothing of the newer code."""
    alert, change = after(
        None, run(215, "Failed", "10:05:00", "10:06:00"), run(214, "Successful", "10:00:00", "10:30:00")
    )

    assert (Change.LATE, True) == (change, alert.open)


def test_a_plan_that_counts_anew_is_heard() -> None:
    """It was deleted, and made again under the same key."""
    alert, change = after(
        None, run(215, "Failed", "10:05:00", "10:06:00"), run(1, "Successful", "11:00:00", "11:01:00")
    )

    assert (Change.RESOLVED, False) == (change, alert.open)


def test_a_build_that_was_stopped_leaves_the_alert_as_it_is() -> None:
    """And does not count as the newest: what is then said of an older one still holds."""
    failed, stopped = run(214, "Failed", "10:00:00", "10:01:00"), run(215, "Unknown", "10:05:00", "10:06:00")
    alert, change = after(None, failed, stopped)
    assert (Change.COMMENTED, True) == (change, alert.open)

    alert, change = after(alert, run(214, "Successful", "10:00:00", "10:09:00"))
    assert Change.RESOLVED is change


# ------------------------------------------------------------------------------------------------------------- the rest

SECRETS = [Secret("new one"), Secret("old-one")]


@pytest.mark.parametrize("header", ["Bearer old-one", "bearer  old-one ", "old-one", " new one ", "Bearer new one"])
def test_a_template_sends_a_bearer_token_and_the_plugin_the_bare_secret(header: str) -> None:
    verify(posted(b"", authorization=header), SECRETS)


@given(
    header=st.text(max_size=30) | st.sampled_from(["", "Bearer", "Bearer ", "Basic old-one", "old-one2", "Bearer old"])
)
def test_nothing_else_proves_anything(header: str) -> None:
    for secrets in (SECRETS, []):
        with pytest.raises(Unauthenticated) as raised:
            verify(posted(b'{"secret": "old-one"}', authorization=header), secrets)
        assert "old-one" not in str(raised.value)


def test_the_secret_in_the_plugins_body_is_shown_nowhere() -> None:
    for path in (FOLDER / "fixtures").glob("plugin-*.http"):
        request = read_fixture(path)
        read = parse(request, BambooOptions())
        told = [read.why] if isinstance(read, Quiet) else [json.dumps(report_as_json(report)) for report in read]

        assert b"not-for-anybody" in request.body
        assert "not-for-anybody" not in "".join(told)


@pytest.mark.parametrize(
    ("slip", "says"),
    [({"base_url": "bamboo.example.com"}, "base_url: does not begin with http"), ({"production": "prod"}, "Expected")],
)
def test_a_slip_in_the_options_is_said_when_the_rules_are_read(slip: Mapping[str, str], says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=says):
        msgspec.convert(slip, BambooOptions, strict=False)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "/browse/WEB-MAIN-214", "${bamboo.buildResultsUrl}"])
def test_only_an_address_of_the_web_is_a_link(url: str) -> None:
    assert () == reports(filled(BUILDS, buildResultsUrl=url))[0].links
