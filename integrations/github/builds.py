"""Builds and deployments: what breaks, and heals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.contracts import Quiet
from hub.core.event import Link, Report, Severity, Status
from hub.core.records import Record, replace
from hub.payload import Field
from integrations.github.reading import (
    LONGEST_TITLE,
    Delivery,
    Reader,
    line,
    link,
    number,
    of_fork,
    quoted,
    shown_branch,
    subject,
    when,
)

ACTIONS = "github-actions"
"""The app that GitHub's own builds run as."""
SIDE_BRANCH_ENDS = timedelta(days=7)
"""A branch that is merged or dropped is never built again: what broke on it ends by itself."""
ATTEMPTS = 1000
"""More than anybody runs one run again."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a conclusion is to us. Without a severity it depends on the branch."""

    words: str
    status: Status
    severity: Severity | None = None


VERDICTS = {
    "success": Verdict("passed", Status.RECOVERY),
    "failure": Verdict("failed", Status.PROBLEM),
    "error": Verdict("ended with an error", Status.PROBLEM),
    "timed_out": Verdict("timed out", Status.PROBLEM),
    "startup_failure": Verdict("could not start", Status.PROBLEM),
    "action_required": Verdict("needs attention", Status.NOTICE, Severity.WARNING),
    "cancelled": Verdict("was cancelled", Status.UPDATE, Severity.INFO),
}
SAYS_NOTHING = frozenset({"neutral", "skipped", "stale"})


class Build(Record, frozen=True, kw_only=True):
    """What was built, wherever GitHub tells it."""

    name: str
    key: str
    """Which build of which branch, without the repository."""
    branch: str
    sha: str
    body: str = ""
    links: tuple[Link, ...] = ()
    labels: Mapping[str, str] = {}
    actor: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    sequence: int | None = None


def _workflow_run(given: Delivery) -> Report | Quiet:
    if given.options.actions != "workflow_run":
        return given.quiet(f"the option 'actions' has {given.options.actions} speak for it")
    if given.action != "completed":
        return given.quiet("how it ends is told")
    run, repo = given.body["workflow_run"], given.place
    branch = of_fork(run["head_branch"].words(), run.first("head_repository.full_name"), repo)
    name = given.body.first("workflow.name", "workflow_run.name", "workflow_run.path") or "a workflow"
    actor = run.first("triggering_actor.login", "actor.login")
    counted, attempt = number(run["run_number"]), number(run["run_attempt"]) or 1
    build = Build(
        name=name,
        key=run["workflow_id"].text(),
        branch=branch,
        sha=run["head_sha"].words(),
        body=f"{subject(run.first('display_title', 'head_commit.message'))}\n{_run_line(run, actor)}",
        links=link("Run", run["html_url"]),
        labels={"workflow": name, "number": run["run_number"].words(), "trigger": run["event"].words()},
        actor=actor,
        # That of the run and not of its attempt: an old run that is run again says nothing of what was pushed since.
        started=when(run["created_at"]),
        ended=when(run["updated_at"]),
        sequence=counted * ATTEMPTS + min(attempt, ATTEMPTS - 1) if counted is not None else None,
    )
    return _judged(given, build, run["conclusion"])


def _run_line(run: Field, actor: str) -> str:
    attempt = run["run_attempt"].words()
    parts = (
        f"run #{run['run_number'].words()}",
        f"attempt {attempt}" if attempt not in ("", "1") else "",
        f"of {run['head_sha'].words()[:7]}",
        f"by {actor}" if actor else "",
    )
    return " ".join(filter(None, parts))


def _workflow_job(given: Delivery) -> Report | Quiet:
    if given.options.actions != "workflow_job":
        return given.quiet("its workflow_run is told")
    if given.action != "completed":
        return given.quiet("how it ends is told")
    job = given.body["workflow_job"]
    name, workflow = job["name"].text(), job["workflow_name"].words()
    failed = [quoted(step["name"].words()) for step in job["steps"].items() if step["conclusion"].words() == "failure"]
    build = Build(
        name=f"{workflow} / {name}" if workflow else name,
        key=f"{workflow}/{name}",
        branch=job["head_branch"].words(),
        sha=job["head_sha"].words(),
        body=f"failed at {failed[0]}" if failed else "",
        links=link("Job", job["html_url"]),
        labels={"workflow": workflow, "check": name},
        started=when(job["started_at"]),
        ended=when(job["completed_at"]),
        sequence=number(job["id"]),
    )
    return _judged(given, build, job["conclusion"])


def _check_run(given: Delivery) -> Report | Quiet:
    run = given.body["check_run"]
    app = run.first("app.slug")
    if (why := _not_told(given, app)) is not None:
        return why
    name = run["name"].text()
    build = Build(
        name=name,
        key=f"{app}/{name}",
        branch=run.first("check_suite.head_branch"),
        sha=run.first("head_sha"),
        body=run.first("output.title", "output.summary"),
        links=link("Check", run["details_url"], run["html_url"]),
        labels={"check": name, "app": app},
        actor=run.first("app.name"),
        started=when(run["started_at"]),
        ended=when(run["completed_at"]),
        sequence=number(run["id"]),
    )
    return _judged(given, build, run["conclusion"])


def _check_suite(given: Delivery) -> Report | Quiet:
    suite = given.body["check_suite"]
    app, name = suite["app"]["slug"].words(), suite.first("app.name", "app.slug") or "checks"
    if (why := _not_told(given, app)) is not None:
        return why
    build = Build(
        name=name,
        key=app or name,
        branch=suite["head_branch"].words(),
        sha=suite["head_sha"].words(),
        body=subject(suite["head_commit"]["message"].words()),
        links=link("Repository", given.body["repository"]["html_url"]),
        labels={"check": name, "app": app},
        actor=name,
        started=when(suite["created_at"]),
        ended=when(suite["updated_at"]),
        sequence=number(suite["id"]),
    )
    return _judged(given, build, suite["conclusion"])


def _not_told(given: Delivery, app: str) -> Quiet | None:
    """Checks come twice, and those of GitHub Actions three times: one of them is told."""
    if app == ACTIONS:
        return given.quiet(f"its {given.options.actions} is told")
    if given.event != given.options.checks:
        return given.quiet(f"its {given.options.checks} is told")
    return given.quiet("how it ends is told") if given.action != "completed" else None


def _status(given: Delivery) -> Report | Quiet:
    body = given.body
    state, context = body["state"], body.first("context") or "default"
    if state.words() == "pending":
        return given.quiet("how it ends is told")
    build = Build(
        name=context,
        key=context,
        branch=_status_branch(given),
        sha=body["sha"].words(),
        body=body["description"].words(),
        links=link("Details", body["target_url"], body["commit"]["html_url"]),
        labels={"check": context},
        # That of the commit: a slow build of an old one says nothing of the new one.
        started=when(body["commit"]["commit"]["committer"]["date"]),
        ended=when(body["updated_at"]),
    )
    return _judged(given, build, state)


def _status_branch(given: Delivery) -> str:
    """The branches are those that have the commit, and not only those that it is the head of."""
    branches = list(given.body["branches"].items())
    sha = given.body["sha"].words()
    heads = [branch for branch in branches if branch["commit"]["sha"].words() == sha]
    names = [name for branch in heads or branches if (name := branch["name"].words())]
    return next((name for name in names if given.is_default(name)), next(iter(names), ""))


def _judged(given: Delivery, build: Build, conclusion: Field) -> Report | Quiet:
    word, repo = conclusion.text(), given.place
    default = given.is_default(build.branch) if build.branch else False
    if word in SAYS_NOTHING:
        return given.quiet(f"'{word}' says neither good nor bad")
    if word == "cancelled" and not default:
        return given.quiet("it was cancelled, which a newer push does, too")
    verdict = VERDICTS.get(word) or Verdict(f"ended as '{line(word, 40)}'", Status.UPDATE, Severity.WARNING)
    # What says nothing of the state must not count as the newest that is known of it.
    orders = verdict.status not in (Status.NOTICE, Status.UPDATE)
    where = build.branch or build.sha[:7]
    return given.report(
        kind="build",
        key=f"{repo}:{build.key}:{build.branch or build.sha}",
        title=f"{repo}: {line(build.name)} {verdict.words} on {shown_branch(where)}",
        status=verdict.status,
        severity=verdict.severity or (Severity.CRITICAL if default else Severity.ERROR),
        body=build.body,
        links=build.links,
        labels={"branch": build.branch, "head_sha": build.sha, "conclusion": word, **build.labels},
        actor=build.actor,
        at=build.started if orders else None,
        ends_at=_ends(build) if verdict.status is Status.PROBLEM and not default else None,
        sequence=build.sequence if orders else None,
    )


def _ends(build: Build) -> datetime | None:
    return build.ended + SIDE_BRANCH_ENDS if build.ended else None


# ---------------------------------------------------------------------------------------------------------- deployments

DEPLOYMENTS = {
    "success": Verdict("succeeded", Status.RECOVERY),
    "failure": Verdict("failed", Status.PROBLEM),
    "error": Verdict("ended with an error", Status.PROBLEM),
}
PAGES = "github-pages"


def _deployment_status(given: Delivery) -> Sequence[Report] | Quiet:
    status, deployment, repo = given.body["deployment_status"], given.body["deployment"], given.place
    state = status["state"].text()
    if state not in DEPLOYMENTS:
        return given.quiet(f"'{line(state, 40)}' is not how it ends")
    environment = given.body.first("deployment_status.environment", "deployment.environment") or "production"
    production = deployment["production_environment"].value is True or given.options.is_production(environment)
    ref, actor = deployment["ref"].words(), deployment.first("creator.login") or given.actor
    branch = ref if ref != deployment["sha"].words() else ""
    # What is made for a branch has often one name for all of them, and goes away unsaid.
    passing, verdict = deployment["transient_environment"].value is True, DEPLOYMENTS[state]
    ended = when(status["updated_at"]) or when(status["created_at"])
    told = given.report(
        kind="deploy",
        key=f"{repo}:{environment}:{branch}" if passing and branch else f"{repo}:{environment}",
        title=f"{repo}: deployment to {line(environment)} {verdict.words}",
        status=verdict.status,
        severity=Severity.CRITICAL if production else Severity.ERROR,
        body=f"{line(ref)}, deployed by {actor}\n{status.first('description') or deployment['description'].words()}",
        links=link("Log", status["log_url"], status["target_url"]) + link("Environment", status["environment_url"])
        or link("Repository", given.body["repository"]["html_url"]),
        labels={
            "environment": environment,
            "branch": branch,
            "head_sha": deployment["sha"].words(),
            "conclusion": state,
        },
        actor=actor,
        # Those of the deployment: an old one that ends late says nothing of the new one.
        at=when(deployment["created_at"]),
        ends_at=ended + SIDE_BRANCH_ENDS if ended and passing and verdict.status is Status.PROBLEM else None,
        sequence=number(deployment["id"]),
    )
    return [told, *_deployed(given, told, ref, production)]


def _deployed(given: Delivery, told: Report, ref: str, production: bool) -> Sequence[Report]:
    """That something new runs in production is news, also where nothing was broken."""
    if told.status is not Status.RECOVERY or not production:
        return []
    title = f"{given.place}: {told.actor} deployed {line(ref)} to {line(told.labels['environment'])}"
    alone = f"{told.key}@{told.sequence}"
    told = replace(told, title=line(title, LONGEST_TITLE), key=alone, status=Status.NOTICE, severity=Severity.INFO)
    return [told]


REVIEWS = {"approved": "approved", "rejected": "rejected"}


def _deployment_review(given: Delivery) -> Report | Quiet:
    run, repo = given.body["workflow_run"], given.place
    environment = given.body.first("environment", "workflow_job_run.environment") or _environments(given)
    waits = given.action == "requested"
    if not waits and given.action not in REVIEWS:
        return given.quiet("nobody is told of that")
    who = given.body.first("approver.login") or given.actor
    asked = [one.first("reviewer.login", "reviewer.name") for one in given.body["reviewers"].items()]
    title = (
        f"{repo}: deployment to {environment} waits for approval"
        if waits
        else f"{repo}: {who} {REVIEWS[given.action]} the deployment to {environment}"
    )
    return given.report(
        kind="deploy",
        key=f"{repo}:{environment}@{run['id'].words()}",
        title=title,
        severity=Severity.WARNING if waits else Severity.INFO,
        body=f"Reviewers: {', '.join(filter(None, asked))}" if waits and any(asked) else given.body["comment"].words(),
        links=link("Run", run["html_url"]),
        labels={
            "environment": environment,
            "branch": run["head_branch"].words(),
            "head_sha": run["head_sha"].words(),
        },
        actor=given.body.first("requestor.login") if waits else who,
        at=when(given.body["since"]),
    )


def _environments(given: Delivery) -> str:
    names = [job["environment"].words() for job in given.body["workflow_job_runs"].items()]
    return ", ".join(dict.fromkeys(filter(None, names))) or "an environment"


def _page_build(given: Delivery) -> Report | Quiet:
    """Pages are an environment like others; where they are deployed by Actions, that is the same alert."""
    build, repo = given.body["build"], given.place
    status = build["status"].text()
    if status not in ("built", "errored"):
        return given.quiet("how it ends is told")
    good = status == "built"
    return given.report(
        kind="deploy",
        key=f"{repo}:{PAGES}",
        title=f"{repo}: the pages were built" if good else f"{repo}: the pages could not be built",
        status=Status.RECOVERY if good else Status.PROBLEM,
        severity=Severity.ERROR,
        body=build["error"]["message"].words(),
        links=link("Repository", given.body["repository"]["html_url"]),
        labels={"environment": PAGES, "head_sha": build["commit"].words(), "conclusion": status},
        actor=build.first("pusher.login"),
        at=when(build["created_at"]),
    )


READERS: Mapping[str, Reader] = {
    "workflow_run": _workflow_run,
    "workflow_job": _workflow_job,
    "check_run": _check_run,
    "check_suite": _check_suite,
    "status": _status,
    "deployment_status": _deployment_status,
    "deployment_review": _deployment_review,
    "page_build": _page_build,
}
