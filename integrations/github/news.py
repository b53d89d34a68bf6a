"""What changes around the code, in one line each: repositories, access, teams, the webhook itself. And what is known,
and not told at all."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hub.contracts import Quiet
from hub.core.event import Report, Severity
from hub.payload import Field
from integrations.github.reading import LONGEST_TITLE, Delivery, Reader, line, link, listed

PLACE = re.compile(r"\{([\w.|]+)\}")


@dataclass(frozen=True, slots=True)
class News:
    """A sentence for each action of an event; `{a.b|c}` is the first of these texts of the payload that is there."""

    kind: str
    sentences: Mapping[str, str]
    """By action; an empty one stands for an event that has no actions."""
    grave: frozenset[str] = frozenset()
    """The actions that open a door, or take away what kept it closed."""


LINKED = ("repository", "team", "installation")
NEWS: Mapping[str, News] = {
    "repository": News(
        "repository",
        {
            "created": "{sender.login} created the repository",
            "deleted": "{sender.login} deleted the repository",
            "archived": "{sender.login} archived the repository",
            "unarchived": "{sender.login} took the repository out of the archive",
            "publicized": "{sender.login} made the repository public",
            "privatized": "{sender.login} made the repository private",
            "renamed": "{sender.login} renamed the repository, once called {changes.repository.name.from}",
            "transferred": "{sender.login} took the repository over from "
            "{changes.owner.from.user.login|changes.owner.from.organization.login}",
        },
        frozenset({"deleted", "publicized"}),
    ),
    "public": News("repository", {"": "{sender.login} made the repository public"}, frozenset({""})),
    "branch_protection_rule": News(
        "repository",
        {
            "created": "{sender.login} protected the branch {rule.name}",
            "edited": "{sender.login} changed the protection of the branch {rule.name}",
            "deleted": "{sender.login} removed the protection of the branch {rule.name}",
        },
        frozenset({"edited", "deleted"}),
    ),
    "branch_protection_configuration": News(
        "repository",
        {
            "enabled": "{sender.login} switched branch protection on",
            "disabled": "{sender.login} switched branch protection off",
        },
        frozenset({"disabled"}),
    ),
    "repository_ruleset": News(
        "repository",
        {
            "created": "{sender.login} created the ruleset {repository_ruleset.name}",
            "edited": "{sender.login} changed the ruleset {repository_ruleset.name}",
            "deleted": "{sender.login} deleted the ruleset {repository_ruleset.name}",
        },
        frozenset({"edited", "deleted"}),
    ),
    "security_and_analysis": News(
        "repository", {"": "{sender.login} changed the settings of security analysis"}, frozenset({""})
    ),
    "repository_import": News("repository", {"": "the import of the repository ended: {status}"}),
    "deploy_key": News(
        "access",
        {
            "created": "{sender.login} added the deploy key {key.title}",
            "deleted": "{sender.login} removed the deploy key {key.title}",
        },
        frozenset({"created"}),
    ),
    "member": News(
        "access",
        {
            "added": "{sender.login} gave {member.login} access",
            "edited": "{sender.login} changed the rights of {member.login}",
            "removed": "{sender.login} took access from {member.login}",
        },
    ),
    "membership": News(
        "access",
        {
            "added": "{sender.login} put {member.login} into the team {team.name}",
            "removed": "{sender.login} took {member.login} out of the team {team.name}",
        },
    ),
    "organization": News(
        "access",
        {
            "member_added": "{membership.user.login} joined the organisation",
            "member_removed": "{membership.user.login} is no longer in the organisation",
            "member_invited": "{sender.login} invited {invitation.login|user.login|invitation.email}",
            "renamed": "{sender.login} renamed the organisation, once called {changes.login.from}",
            "deleted": "{sender.login} deleted the organisation",
        },
        frozenset({"deleted"}),
    ),
    "org_block": News(
        "access",
        {
            "blocked": "{sender.login} blocked {blocked_user.login}",
            "unblocked": "{sender.login} no longer blocks {blocked_user.login}",
        },
    ),
    "team": News(
        "access",
        {
            "created": "{sender.login} created the team {team.name}",
            "edited": "{sender.login} changed the team {team.name}",
            "deleted": "{sender.login} deleted the team {team.name}",
            "added_to_repository": "{sender.login} gave the team {team.name} access",
            "removed_from_repository": "{sender.login} took access from the team {team.name}",
        },
    ),
    "user": News(
        "access",
        {
            "created": "{sender.login} created the account {user.login}",
            "deleted": "{sender.login} deleted the account {user.login}",
        },
    ),
    "enterprise": News(
        "access",
        {
            "anonymous_access_enabled": "{sender.login} let anybody read repositories without an account",
            "anonymous_access_disabled": "{sender.login} let nobody read repositories without an account",
        },
        frozenset({"anonymous_access_enabled"}),
    ),
    "team_add": News("access", {"": "{sender.login} gave the team {team.name} access"}),
    "personal_access_token_request": News(
        "access",
        {
            "created": "{sender.login} asks to use a personal access token",
            "approved": "{sender.login} approved a token of {personal_access_token_request.owner.login}",
            "denied": "{sender.login} denied a token of {personal_access_token_request.owner.login}",
        },
        frozenset({"created"}),
    ),
    "installation": News(
        "access",
        {
            "created": "{sender.login} installed the app {installation.app_slug|installation.app_id}",
            "deleted": "{sender.login} removed the app {installation.app_slug|installation.app_id}",
            "suspend": "{sender.login} suspended the app {installation.app_slug|installation.app_id}",
            "unsuspend": "{sender.login} let the app {installation.app_slug|installation.app_id} in again",
            "new_permissions_accepted": "{sender.login} gave new rights to the app "
            "{installation.app_slug|installation.app_id}",
        },
        frozenset({"suspend"}),
    ),
    "installation_repositories": News(
        "access",
        {
            "added": "{sender.login} gave more repositories to the app {installation.app_slug|installation.app_id}",
            "removed": "{sender.login} took repositories from the app {installation.app_slug|installation.app_id}",
        },
    ),
    "meta": News("webhook", {"deleted": "{sender.login} deleted the webhook that posts here"}, frozenset({"deleted"})),
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
    "cache_sync": "copies of a repository are not told",
    "content_reference": "it is for the app",
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
    "organization_custom_property": "a property is for those who search repositories",
    "organization_custom_property_values": "a property is for those who search repositories",
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


def _news(given: Delivery) -> Report | Quiet:
    news = NEWS[given.event]
    action = given.action if given.action in news.sentences else ""
    if action not in news.sentences:
        return given.quiet("nobody is told of that")
    title = f"{given.place}: {_filled(news.sentences[action], given.body)}"
    return given.report(
        kind=news.kind,
        # Some of it GitHub tells in two ways, and we in one sentence.
        key=line(title, LONGEST_TITLE),
        title=title,
        severity=Severity.WARNING if action in news.grave else Severity.INFO,
        links=link("GitHub", *(given.body.at(f"{one}.html_url") for one in LINKED)),
    )


def _filled(sentence: str, body: Field) -> str:
    return PLACE.sub(lambda place: line(body.first(*place[1].split("|")), 60) or "somebody", sentence)


def _asked(given: Delivery) -> Report | Quiet:
    if given.action != "created":
        return given.quiet("nobody is told of that")
    return given.report(
        kind="security",
        key=f"{given.place}:{given.event}",
        title=f"{given.place}: {given.actor} asks {ASKED[given.event]}",
        severity=Severity.WARNING,
        links=link("Repository", given.body["repository"]["html_url"]),
    )


def _ping(given: Delivery) -> Report:
    """GitHub posts it when the webhook is made: the proof that it works."""
    hook = given.body["hook"]
    events = sorted(event.words() for event in hook["events"].items())
    sends = "everything" if events == ["*"] else listed(events, 8) or "what it was asked for"
    place = "an app" if hook["type"].words() == "App" else given.place
    return given.report(
        kind="webhook",
        key=f"ping:{given.body.first('hook_id', 'hook.id')}",
        title=f"GitHub is connected: {place} sends {sends}",
        body=given.body["zen"].words(),
        links=link("GitHub", given.body["repository"]["html_url"], given.body["organization"]["html_url"]),
    )


def _nothing(given: Delivery) -> Quiet:
    return given.quiet(QUIET[given.event])


READERS: Mapping[str, Reader] = {
    **dict.fromkeys(NEWS, _news),
    **dict.fromkeys(ASKED, _asked),
    **dict.fromkeys(QUIET, _nothing),
    "ping": _ping,
}
