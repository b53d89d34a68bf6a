"""Bamboo: results of builds and deployments, by webhook templates, or by an older plugin that posts to any server.

A webhook template is JSON into which Bamboo puts its values as they are, so that a quote in a plan's name breaks it;
`decode_filled` recovers what was meant. A variable that Bamboo does not know stays as it is: `${bamboo.…}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.contracts import Quiet, WebhookRequest
from hub.core.durations import say_duration
from hub.core.event import Labels, Report, Severity, Status
from hub.core.records import replace
from hub.errors import Unauthenticated
from hub.payload import Field, decode_filled, shown
from hub.proof import Secret, any_same
from integrations.bamboo import follow_up
from integrations.bamboo.reading import (
    BambooOptions,
    build_link,
    build_of,
    first_few,
    labelled,
    line,
    link,
    needed,
    paragraph,
    plain,
    serial,
    test_name,
    when,
    words,
)

__all__ = ["delivery", "parse", "verify"]

NAMES = frozenset(
    {
        "uuid",
        "notification",
        "build",
        "buildResultKey",
        "deployment",
        "deploymentResultId",
        "deploymentProjectId",
        "environmentId",
        "environmentName",
        "status",
        "startedAt",
        "finishedAt",
    }
)
"""What the templates say once, and no plan's name or commit's author may say again."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a result is to us."""

    words: str
    status: Status


PASSED, FAILED = Verdict("succeeded", Status.RECOVERY), Verdict("failed", Status.PROBLEM)
# It was stopped, hangs, or never ran: the last result that there was still holds.
NONE = Verdict("has no result", Status.UPDATE)
RESULTS: Mapping[str, Verdict] = {
    "successful": PASSED,
    "failed": FAILED,
    "unknown": NONE,
    "cancelled": NONE,
    "not built": NONE,
}
ABOUT = {
    "build": "build",
    "buildResultKey": "build",
    "deployment": "deployment",
    "deploymentResultId": "deployment",
}
ABOUT_OR_FLAT = ("build.", "deployment.", "")
RESULT = ("buildResultKey", "deploymentResultId", "status")
SUCCESSFUL = {"true": PASSED, "false": FAILED}
BEGUN = "started"
"""In the name of a notification: how it ends is told by another."""
RESULT_PAGE = "/deploy/viewDeploymentResult.action?deploymentResultId="


def verify(request: WebhookRequest, secrets: Sequence[Secret]) -> None:
    """`Authorization: Bearer SECRET` from a template; the plugin sends the bare secret."""
    given = request.header("authorization").strip()
    scheme, _, token = given.partition(" ")
    proof = token.strip() if scheme.lower() == "bearer" else given
    if not proof:
        raise Unauthenticated("send the header 'Authorization: Bearer SECRET': it stands in the webhook template")
    if not any_same((secret.reveal() for secret in secrets), proof):
        raise Unauthenticated("the token in the header Authorization is not the secret of this source")


def delivery(request: WebhookRequest) -> str:
    """Each notification has an id; the plugin has none. Bamboo does not say what has it: with the result beside it no
    recovery is taken for a repeat, if it is the webhook."""
    body = Field(None) if request.fetched else decode_filled(request.body, NAMES)
    told = [body.first(*(f"{about}{name}" for about in ABOUT_OR_FLAT)) for name in RESULT]
    return " ".join(filter(None, (uuid, *told))) if (uuid := words(body["uuid"])) else ""


def parse(request: WebhookRequest, options: BambooOptions) -> Sequence[Report] | Quiet:
    if request.fetched == follow_up.FETCHED:
        return follow_up.parse(request.json().object(), options)
    body = decode_filled(request.body, NAMES).object()
    # The first counts: what follows may be a text that looks like another.
    about = next((ABOUT[name] for name in body.value if name in ABOUT), "build")
    # What was recovered from a broken template is all on one level.
    part = body[about] if body[about].present else body
    if about == "deployment":
        return _deployment(body, part, options)
    if body["notificationType"].present and not part["buildResultKey"].present:
        return _plugin(body, options)
    return [_build(body, part, options)]


def _verdict(field: Field) -> Verdict:
    word = needed(field)
    verdict = RESULTS.get(word.lower())
    if verdict is None:
        raise field.complain(f"{shown(word)} is none of {', '.join(map(str.capitalize, RESULTS))}")
    return verdict


def _took(part: Field) -> str:
    began, ended = when(part["startedAt"]), when(part["finishedAt"])
    return f"Took {say_duration(ended - began)}" if began and ended and ended > began else ""


def _why(part: Field) -> str:
    return plain(words(part["triggerReason"]) or words(part["triggerSentence"]))


def _report(verdict: Verdict, report: Report) -> Report:
    """With what the verdict makes of it. Without a result it says nothing of the state, so that it must not count as
    the newest that is known of its key."""
    if verdict is NONE:
        return replace(report, status=verdict.status, severity=Severity.INFO, occurred_at=None, sequence=None)
    severity = report.severity if verdict is FAILED else None
    return replace(report, status=verdict.status, severity=severity)


# --------------------------------------------------------------------------------------------------------------- builds


def _build(body: Field, part: Field, options: BambooOptions) -> Report:
    build, verdict = build_of(part["buildResultKey"]), _verdict(part["status"])
    name, branch, reason = words(part["buildPlanName"]), line(words(part["branch"])), _why(part)
    about = line(words(body["notification"])) if verdict is NONE else ""
    return _report(
        verdict,
        Report(
            status=verdict.status,
            kind="build",
            key=build.plan,
            title=f"{build.called(name)} {verdict.words}{_on(branch, name)}",
            severity=Severity.CRITICAL,
            body=paragraph(about, reason, _took(part)),
            links=build_link(options, build, words(part["url"])),
            labels=build.labels(
                state=line(words(part["status"])),
                trigger=reason,
                branch=branch,
                repo=line(words(part["repository"])),
                head_sha=line(words(part["revision"])),
            ),
            # When it began: an older build that ends after a newer one says nothing of the newer code.
            occurred_at=when(part["startedAt"]) or when(part["finishedAt"]) or when(body["timestamp"]),
            sequence=build.number,
        ),
    )


def _on(branch: str, name: str) -> str:
    """A plan's branch has it in its name, and there a slash is a hyphen."""
    return f" on {branch}" if branch and branch.replace("/", "-") not in name else ""


# ---------------------------------------------------------------------------------------------------------- deployments


def _deployment(body: Field, part: Field, options: BambooOptions) -> Sequence[Report] | Quiet:
    verdict, notification = _verdict(part["status"]), line(words(body["notification"]))
    if verdict is NONE and BEGUN in notification.lower():
        return Quiet(why=f"{notification}: how it ends is told")
    project, environment = needed(part["deploymentProjectId"]), needed(part["environmentId"])
    place = line(words(part["environmentName"])) or f"environment {environment}"
    version, whose = line(words(part["deploymentVersionName"])), line(words(part["deploymentProjectName"]))
    number, production, reason = serial(part["deploymentResultId"]), options.is_production(place), _why(part)
    told = _report(
        verdict,
        Report(
            status=verdict.status,
            kind="deploy",
            key=f"deploy:{project}:{environment}",
            title=f"{_deployment_of(version, whose)} to {place} {verdict.words}",
            severity=Severity.CRITICAL if production else Severity.ERROR,
            body=paragraph(notification if verdict is NONE else "", reason, _took(part)),
            links=link("Deployment", options, f"{RESULT_PAGE}{number}", words(part["url"])),
            labels=labelled(
                project=whose or line(project),
                environment=place,
                version=version,
                result=str(number),
                state=line(words(part["status"])),
                trigger=reason,
            ),
            occurred_at=when(part["startedAt"]) or when(part["finishedAt"]) or when(body["timestamp"]),
            sequence=number,
        ),
    )
    if verdict is not PASSED or not production:
        return [told]
    # That something new runs in production is news, also where nothing was broken.
    title, alone = f"{version or 'A new version'} was deployed to {place}", f"{told.key}@{number}"
    return [told, replace(told, status=Status.NOTICE, severity=Severity.INFO, key=alone, title=_of(whose, title))]


def _deployment_of(version: str, project: str) -> str:
    return _of(project, f"Deployment of {version}" if version else "Deployment")


def _of(project: str, title: str) -> str:
    return f"{project}: {title}" if project else title


# ----------------------------------------------------------------------------------------------------------- the plugin


def _plugin(body: Field, options: BambooOptions) -> Sequence[Report] | Quiet:
    """https://github.com/ls1intum/bamboo-server-notification-plugin: proper JSON. Its `secret` is never looked at."""
    notification, result = line(words(body["notificationType"])), body["build"]
    if not result.present or not body["plan"].present:
        return Quiet(why=f"{notification}: the plugin says nothing of a build")
    key = f"{needed(body['plan']['key'])}-{result['number'].integer()}"
    build, verdict = build_of(Field(key, "plan.key")), result["successful"].one_of(SUCCESSFUL)
    built, reason = _built(result), plain(words(result["reason"]))
    return [
        _report(
            verdict,
            Report(
                status=verdict.status,
                kind="build",
                key=build.plan,
                title=f"{build.called('')} {verdict.words}{_on(built.get('branch', ''), '')}",
                severity=Severity.CRITICAL,
                body=paragraph(reason, *_tests(result)),
                links=build_link(options, build),
                labels=build.labels(
                    state="Successful" if verdict is PASSED else "Failed",
                    trigger=reason,
                    **built,
                ),
                # It tells only when it ended. Without it a plan that was made anew, and counts from 1, would stay late.
                occurred_at=when(result["buildCompletedDate"]),
                sequence=build.number,
            ),
        )
    ]


def _built(result: Field) -> Labels:
    """Which branch, and which repository and commit where there is one of them."""
    changes = list(result["vcs"].items())
    branch = line(words(changes[0]["branchName"])) if changes else ""
    if len(changes) != 1:
        return labelled(branch=branch)
    return labelled(
        branch=branch, repo=line(words(changes[0]["repositoryName"])), head_sha=line(words(changes[0]["id"]))
    )


def _tests(result: Field) -> list[str]:
    """`1 of 15 failed`, and the first that did."""
    failed = [
        test_name(words(test["className"]), words(test["name"]))
        for job in result["jobs"].items()
        for test in job["failedTests"].items()
    ]
    return [line(words(result["testSummary"]["description"])), *first_few(failed, len(failed))]
