"""What changes around the code, in one line each: repositories, access, teams, the webhook itself. And what is known,
and not told at all."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.contracts import Quiet
from hub.core.event import Report, Severity
from hub.payload import Field
from integrations.github.reading import Delivery, Reader, Said, first, line, link, listed, report, words

PLACE = re.compile(r"\{([\w.|]+)\}")


@dataclass(frozen=True, slots=True)
class News:
    """A sentence on one action. `{a.b|c}` is the first of these texts of the payload that is there."""

    kind: str
    sentence: str
    about: str = ""
    """What the key is made of beside the place and the kind."""
    severity: Severity = Severity.INFO


_WARN = Severity.WARNING
_RULE, _RULESET = "{rule.name}", "{repository_ruleset.name}"
_TEAM, _MEMBER, _USER = "{team.name}", "{member.login}", "{membership.user.login|invitation.login}"
_APP, _TOKEN = "{installation.app_slug|installation.app_id}", "{personal_access_token_request.owner.login}"

NEWS: Mapping[str, Mapping[str, News]] = {
    "repository": {
        "created": News("repository", "{sender.login} created the repository"),
        "deleted": News("repository", "{sender.login} deleted the repository", severity=_WARN),
        "archived": News("repository", "{sender.login} archived the repository"),
        "unarchived": News("repository", "{sender.login} took the repository out of the archive"),
        "publicized": News("repository", "{sender.login} made the repository public", severity=_WARN),
        "privatized": News("repository", "{sender.login} made the repository private"),
        "renamed": News("repository", "{sender.login} renamed the repository, once {changes.repository.name.from}"),
        "transferred": News(
            "repository",
            "{sender.login} took the repository over from "
            "{changes.owner.from.user.login|changes.owner.from.organization.login}",
        ),
    },
    "public": {"": News("repository", "{sender.login} made the repository public", severity=_WARN)},
    "branch_protection_rule": {
        "created": News("repository", f"{{sender.login}} protected the branch {_RULE}", _RULE),
        "edited": News("repository", f"{{sender.login}} changed the protection of the branch {_RULE}", _RULE, _WARN),
        "deleted": News("repository", f"{{sender.login}} removed the protection of the branch {_RULE}", _RULE, _WARN),
    },
    "branch_protection_configuration": {
        "enabled": News("repository", "{sender.login} switched branch protection on"),
        "disabled": News("repository", "{sender.login} switched branch protection off", severity=_WARN),
    },
    "repository_ruleset": {
        "created": News("repository", f"{{sender.login}} created the ruleset {_RULESET}", _RULESET),
        "edited": News("repository", f"{{sender.login}} changed the ruleset {_RULESET}", _RULESET, _WARN),
        "deleted": News("repository", f"{{sender.login}} deleted the ruleset {_RULESET}", _RULESET, _WARN),
    },
    "deploy_key": {
        "created": News("access", "{sender.login} added the deploy key {key.title}", "{key.id}", _WARN),
        "deleted": News("access", "{sender.login} removed the deploy key {key.title}", "{key.id}"),
    },
    "member": {
        "added": News("access", f"{{sender.login}} gave {_MEMBER} access", _MEMBER),
        "edited": News("access", f"{{sender.login}} changed the rights of {_MEMBER}", _MEMBER),
        "removed": News("access", f"{{sender.login}} took access from {_MEMBER}", _MEMBER),
    },
    "membership": {
        "added": News("access", f"{{sender.login}} put {_MEMBER} into the team {_TEAM}", _MEMBER),
        "removed": News("access", f"{{sender.login}} took {_MEMBER} out of the team {_TEAM}", _MEMBER),
    },
    "organization": {
        "member_added": News("access", f"{_USER} joined the organisation", _USER),
        "member_removed": News("access", f"{_USER} is no longer in the organisation", _USER),
        "member_invited": News(
            "access",
            "{sender.login} invited {invitation.login|user.login|invitation.email}",
            "{invitation.login|user.login}",
        ),
        "renamed": News("access", "{sender.login} renamed the organisation, once {changes.login.from}"),
        "deleted": News("access", "{sender.login} deleted the organisation", severity=_WARN),
    },
    "org_block": {
        "blocked": News("access", "{sender.login} blocked {blocked_user.login}", "{blocked_user.login}"),
        "unblocked": News("access", "{sender.login} no longer blocks {blocked_user.login}", "{blocked_user.login}"),
    },
    "team": {
        "created": News("access", f"{{sender.login}} created the team {_TEAM}", _TEAM),
        "edited": News("access", f"{{sender.login}} changed the team {_TEAM}", _TEAM),
        "deleted": News("access", f"{{sender.login}} deleted the team {_TEAM}", _TEAM),
        "added_to_repository": News("access", f"{{sender.login}} gave the team {_TEAM} access", _TEAM),
        "removed_from_repository": News("access", f"{{sender.login}} took access from the team {_TEAM}", _TEAM),
    },
    "team_add": {"": News("access", f"{{sender.login}} gave the team {_TEAM} access", _TEAM)},
    "personal_access_token_request": {
        "created": News("access", f"{_TOKEN} asks to use a personal access token", _TOKEN, _WARN),
        "approved": News("access", f"{{sender.login}} approved a personal access token of {_TOKEN}", _TOKEN),
        "denied": News("access", f"{{sender.login}} denied a personal access token of {_TOKEN}", _TOKEN),
    },
    "installation": {
        "created": News("access", f"{{sender.login}} installed the app {_APP}", _APP),
        "deleted": News("access", f"{{sender.login}} removed the app {_APP}", _APP),
        "suspend": News("access", f"{{sender.login}} suspended the app {_APP}", _APP, _WARN),
        "unsuspend": News("access", f"{{sender.login}} let the app {_APP} in again", _APP),
        "new_permissions_accepted": News("access", f"{{sender.login}} gave the app {_APP} new rights", _APP),
    },
    "installation_repositories": {
        "added": News("access", f"{{sender.login}} gave the app {_APP} more repositories", _APP),
        "removed": News("access", f"{{sender.login}} took repositories from the app {_APP}", _APP),
    },
    "security_and_analysis": {
        "": News("repository", "{sender.login} changed the settings of security analysis", severity=_WARN)
    },
    "repository_import": {"": News("repository", "the import of the repository ended: {status}")},
    "meta": {
        "deleted": News("webhook", "{sender.login} deleted the webhook that posts here", "{hook_id}", Severity.ERROR)
    },
}

ASKED = {
    "bypass_request_push_ruleset": "to push past a ruleset",
    "bypass_request_secret_scanning": "to push what looks like a secret",
    "exemption_request_push_ruleset": "to push past a ruleset",
    "exemption_request_secret_scanning": "to push what looks like a secret",
    "dismissal_request_code_scanning": "to dismiss a finding of code scanning",
    "dismissal_request_dependabot": "to dismiss an alert of Dependabot",
    "dismissal_request_secret_scanning": "to dismiss a leaked secret",
}
"""Somebody needs the leave of another."""

QUIET = {
    "custom_property": "a property is for those who search repositories",
    "custom_property_values": "a property is for those who search repositories",
    "deployment": "its deployment_status is told",
    "deployment_protection_rule": "it is for the app that decides",
    "fork": "nobody waits for it",
    "github_app_authorization": "it is for the app",
    "installation_target": "it is for the app",
    "integration_installation": "its installation is told",
    "integration_installation_repositories": "its installation_repositories is told",
    "issue_dependencies": "how issues are ordered is not told",
    "label": "how issues are ordered is not told",
    "marketplace_purchase": "it is for the app's owner",
    "milestone": "how issues are ordered is not told",
    "project": "how issues are ordered is not told",
    "project_card": "how issues are ordered is not told",
    "project_column": "how issues are ordered is not told",
    "projects_v2": "how issues are ordered is not told",
    "projects_v2_item": "how issues are ordered is not told",
    "projects_v2_status_update": "how issues are ordered is not told",
    "pull_request_review_thread": "its comments are told",
    "repository_dispatch": "the runs that it starts are told",
    "secret_scanning_alert_location": "its secret_scanning_alert is told",
    "secret_scanning_scan": "what it finds is told",
    "sponsorship": "nobody waits for it",
    "star": "nobody waits for it",
    "sub_issues": "how issues are ordered is not told",
    "watch": "nobody waits for it",
    "workflow_dispatch": "the run that it starts is told",
}


def _news(given: Delivery) -> Sequence[Report] | Quiet:
    told = NEWS[given.event]
    news = told.get(given.action) or told.get("")
    if news is None:
        return given.quiet("nobody is told of that")
    about = _filled(news.about, given.body)
    return [
        report(
            given,
            Said(
                kind=news.kind,
                key=":".join(filter(None, (given.place, news.kind, about))),
                title=f"{given.place}: {_filled(news.sentence, given.body)}",
                severity=news.severity,
                links=link(
                    "GitHub", *(given.body.at(f"{one}.html_url") for one in ("repository", "team", "installation"))
                ),
            ),
        )
    ]


def _filled(sentence: str, body: Field) -> str:
    return PLACE.sub(lambda place: line(first(body, *place[1].split("|")), 60) or "somebody", sentence)


def _asked(given: Delivery) -> Sequence[Report] | Quiet:
    if given.action != "created":
        return given.quiet("nobody is told of that")
    return [
        report(
            given,
            Said(
                kind="security",
                key=f"{given.place}:{given.event}",
                title=f"{given.place}: {given.actor} asks {ASKED[given.event]}",
                severity=_WARN,
                links=link("Repository", given.body["repository"]["html_url"]),
            ),
        )
    ]


def _ping(given: Delivery) -> Sequence[Report]:
    """GitHub posts it when the webhook is made: the proof that it works."""
    hook = given.body["hook"]
    events = sorted(words(event) for event in hook["events"].items())
    sends = "everything" if events == ["*"] else listed(events, 8) or "what it was asked for"
    place = given.place if given.place != "somebody" else first(hook, "name") or "a webhook"
    return [
        report(
            given,
            Said(
                kind="webhook",
                key=f"ping:{first(given.body, 'hook_id', 'hook.id')}",
                title=f"GitHub is connected: {place} sends {sends}",
                body=words(given.body["zen"]),
                links=link("GitHub", given.body["repository"]["html_url"], given.body["organization"]["html_url"]),
            ),
        )
    ]


def _nothing(given: Delivery) -> Quiet:
    return given.quiet(QUIET[given.event])


READERS: Mapping[str, Reader] = {
    **dict.fromkeys(NEWS, _news),
    **dict.fromkeys(ASKED, _asked),
    **dict.fromkeys(QUIET, _nothing),
    "ping": _ping,
}
