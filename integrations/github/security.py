"""What could be broken into: Dependabot, secret scanning, code scanning, advisories. An alert lives until it is fixed,
or until somebody in GitHub says that it is none."""

from collections.abc import Mapping

from hub.contracts import Quiet
from hub.core.event import Report, Severity, Status
from integrations.github.reading import (
    Delivery,
    Reader,
    branch_of,
    line,
    link,
    when,
)

SEVERITIES = {
    "critical": Severity.CRITICAL,
    "high": Severity.ERROR,
    "error": Severity.ERROR,
    "medium": Severity.WARNING,
    "moderate": Severity.WARNING,
    "warning": Severity.WARNING,
    "low": Severity.INFO,
    "note": Severity.INFO,
    "none": Severity.INFO,
}

OPENS = frozenset(
    {
        "created",
        "create",
        "reopened",
        "reopen",
        "reopened_by_user",
        "reintroduced",
        "auto_reopened",
        "publicly_leaked",
    }
)
CLOSES = {
    "fixed": "fixed",
    "resolve": "fixed",
    "resolved": "closed",
    "revoked": "closed",
    "dismissed": "dismissed",
    "dismiss": "dismissed",
    "auto_dismissed": "dismissed by a rule",
    "closed_by_user": "dismissed",
}
OVER = {
    "dismissed": "dismissed",
    "auto_dismissed": "dismissed by a rule",
    "fixed": "fixed",
    "resolved": "closed",
}
"""By the state of an alert, how it ended. GitHub tells of some as new that are over: such was dismissed before, or
who pushed a secret said that it is none; nothing ends them later."""
UNHEARD = frozenset({"assigned", "unassigned", "assignees_changed", "edited"})
ADDS = {
    "validated": "validity was checked",
    "appeared_in_branch": "found on another branch",
}
"""What adds to an alert and changes nothing of how it stands."""


def severity_of(*grades: str) -> Severity:
    """Of the first grade that is one; a grade that we do not know is not taken lightly."""
    return next((SEVERITIES[grade.lower()] for grade in grades if grade.lower() in SEVERITIES), Severity.WARNING)


def _dependabot(given: Delivery) -> Report | Quiet:
    alert = given.body["alert"]
    advisory, grade = (
        alert["security_advisory"],
        alert.first("security_vulnerability.severity", "security_advisory.severity"),
    )
    package = alert.first("dependency.package.name", "security_vulnerability.package.name") or "a dependency"
    where, fixed_in = (
        alert["dependency"]["manifest_path"].words(),
        alert.first("security_vulnerability.first_patched_version.identifier"),
    )
    return _alert(
        given,
        key=f"dependabot:{alert['number'].text()}",
        what=_named(line(package), line(advisory["summary"].words())),
        severity=severity_of(grade),
        body="\n".join(
            (
                f"{grade or 'unknown'} severity, in {where or 'a manifest'}",
                f"fixed in {fixed_in}" if fixed_in else "no fixed version yet",
                advisory.first("cve_id", "ghsa_id"),
                alert.first("dismissed_comment"),
            )
        ),
        labels={
            "package": package,
            "advisory": advisory.first("cve_id", "ghsa_id"),
            "ecosystem": alert.first("dependency.package.ecosystem", "security_vulnerability.package.ecosystem"),
        },
        reason=alert.first("dismissed_reason"),
    )


def _named(package: str, summary: str) -> str:
    """Most summaries name the package."""
    return summary if package.lower() in summary.lower() else f"{package}: {summary or 'a vulnerability'}"


def _vulnerability(given: Delivery) -> Report | Quiet:
    """The event that `dependabot_alert` replaces. Where both are sent they are the same alert."""
    alert = given.body["alert"]
    package = alert["affected_package_name"].words() or "a dependency"
    advisory, fixed_in = alert.first("external_identifier", "ghsa_id"), alert["fixed_in"].words()
    return _alert(
        given,
        key=f"dependabot:{alert.first('number') or alert['id'].text()}",
        what=_named(line(package), advisory and f"{line(advisory)} in {line(package)}"),
        severity=severity_of(alert["severity"].words()),
        body=f"affected: {alert['affected_range'].words() or 'unknown'}\n"
        + (f"fixed in {fixed_in}" if fixed_in else "no fixed version yet"),
        labels={"package": package, "advisory": advisory},
        reason=alert["dismiss_reason"].words(),
    )


def _secret(given: Delivery) -> Report | Quiet:
    """The secret itself is in the payload, and nowhere in what is told."""
    alert = given.body["alert"]
    kind = alert.first("secret_type_display_name", "secret_type") or "secret"
    public = given.action == "publicly_leaked" or alert["publicly_leaked"].value is True
    validity = alert["validity"].words()
    return _alert(
        given,
        key=f"secret:{alert['number'].text()}",
        what=f"{line(kind)} {'leaked in public' if public else 'leaked'}",
        severity=Severity.CRITICAL,
        body=f"validity: {validity}" if validity else "",
        labels={"secret_type": alert.first("secret_type")},
        reason=alert["resolution"].words(),
    )


def _code(given: Delivery) -> Report | Quiet:
    alert, rule = given.body["alert"], given.body["alert"]["rule"]
    instance = alert["most_recent_instance"] if alert["most_recent_instance"].present else alert["instances"][0]
    scanner = alert["tool"]["name"].words() or "code scanning"
    path, at_line = instance.first("location.path"), instance.first("location.start_line")
    return _alert(
        given,
        key=f"code:{alert['number'].text()}",
        what=f"{line(scanner, 40)}: {line(rule.first('description', 'name', 'id') or 'a finding')}",
        severity=severity_of(rule["security_severity_level"].words(), rule["severity"].words()),
        body="\n".join(
            (
                instance.first("message.text"),
                f"{path}:{at_line}" if path else "",
            )
        ),
        labels={
            "branch": branch_of(given.body.first("ref") or instance["ref"].words()),
            "head_sha": given.body["commit_oid"].words(),
            "rule": rule["id"].words(),
            "scanner": alert["tool"]["name"].words(),
        },
        reason=alert["dismissed_reason"].words(),
    )


def _alert(
    given: Delivery, *, key: str, what: str, severity: Severity, body: str, labels: Mapping[str, str], reason: str
) -> Report | Quiet:
    alert, action = given.body["alert"], given.action
    if action in UNHEARD:
        return given.quiet("nobody is told of that")
    status = _status(action, alert["state"].words())
    return given.report(
        kind="security",
        key=f"{given.place}:{key}",
        title=f"{given.place}: {what}" + ("" if status is Status.PROBLEM else f" ({_done(given, reason)})"),
        status=status,
        severity=Severity.INFO if action in ADDS else severity,
        body=body,
        links=link("Alert", alert["html_url"], alert["external_reference"], given.body["repository"]["html_url"]),
        labels={"number": alert["number"].words()} | dict(labels),
        # What says nothing of how it stands must not count as the newest that is known of it.
        at=None if status is Status.UPDATE else when(alert["updated_at"]) or when(alert["created_at"]),
    )


def _status(action: str, state: str) -> Status:
    """What is new and over already is told, and never open."""
    if action in OPENS:
        return Status.UPDATE if state in OVER else Status.PROBLEM
    return Status.RECOVERY if action in CLOSES else Status.UPDATE


def _done(given: Delivery, reason: str) -> str:
    """`fixed`, `dismissed by alice: tolerable risk`."""
    action, state = given.action, given.body["alert"]["state"].words()
    known = OVER.get(state) if action in OPENS else CLOSES.get(action) or ADDS.get(action)
    done = known or line(action.replace("_", " "), 40) or "changed"
    who = given.body["alert"].first("dismissed_by.login", "resolved_by.login", "dismisser.login") or given.actor
    by = f" by {who}" if done in ("closed", "dismissed") else ""
    return f"{done}{by}" + (f": {line(reason.replace('_', ' '), 60)}" if reason and done != "fixed" else "")


# ----------------------------------------------------------------------------------------------------------- advisories

ADVISORIES = {
    "published": "published",
    "updated": "updated",
    "withdrawn": "withdrawn",
    "reported": "reported privately",
}


def _advisory(given: Delivery) -> Report | Quiet:
    """`security_advisory` is about the world's packages, `repository_advisory` about what the repository makes."""
    own = given.event == "repository_advisory"
    advisory = given.body[given.event]
    if given.action not in ADVISORIES:
        return given.quiet("nobody is told of that")
    name = advisory.first("cve_id", "ghsa_id") or "an advisory"
    packages = [one.first("package.name") for one in advisory["vulnerabilities"].items()]
    place = f"{given.place}: " if own else ""
    return given.report(
        kind="security",
        key=f"{given.place}:{name}" if own else name,
        title=f"{place}{name} was {ADVISORIES[given.action]}: {line(advisory['summary'].words())}",
        severity=severity_of(advisory["severity"].words())
        if given.action in ("published", "reported")
        else Severity.INFO,
        body=advisory["description"].words(),
        links=link("Advisory", advisory["html_url"], advisory["references"][0]["url"]),
        labels={"advisory": name, "package": next(filter(None, packages), "")},
        at=when(advisory["updated_at"]),
    )


READERS: Mapping[str, Reader] = {
    "dependabot_alert": _dependabot,
    "repository_vulnerability_alert": _vulnerability,
    "secret_scanning_alert": _secret,
    "code_scanning_alert": _code,
    "security_advisory": _advisory,
    "repository_advisory": _advisory,
}
