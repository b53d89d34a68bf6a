"""GitHub: builds, deployments, pushes, pull requests, issues and security alerts in; pull requests of rules judged."""

from hub.contracts import Integration
from integrations.github import source
from integrations.github.catch_up import FETCHING
from integrations.github.reading import GitHubOptions
from integrations.github.reviewing import REVIEWING

LABELS = {
    "repo": "the repository: `acme/web`",
    "owner": "whose it is: `acme`",
    "event": "GitHub's name of the event: `workflow_run`, `pull_request`, …",
    "action": "GitHub's name of what was done: `completed`, `opened`, …",
    "branch": "the branch; `mallory:main` if it is a fork's",
    "base": "the branch that a pull request wants to be merged into",
    "tag": "the tag, also a release's",
    "head_sha": "the commit",
    "forced": "`true` if a push rewrote history",
    "conclusion": "how it ended: `failure`, `timed_out`, …; of a review `approved`, `changes_requested`, …",
    "workflow": "the name of the workflow",
    "trigger": "what started the workflow: `push`, `schedule`, `pull_request`, …",
    "check": "the check, job or context of a status",
    "app": "which app a check belongs to",
    "environment": "where it was deployed to",
    "number": "the number of the pull request, issue, discussion, alert or run",
    "author": "who wrote the pull request, issue, discussion or release",
    "assignee": "to whom it is assigned, separated by commas",
    "reviewer": "the person or team whose review was just asked for",
    "draft": "`true` if the pull request is a draft",
    "merged": "`true` if the pull request is merged",
    "prerelease": "`true` if the release is an early one",
    "issue_labels": "the labels of the pull request, issue or discussion, separated by commas",
    "milestone": "the milestone of the issue",
    "category": "the category of the discussion",
    "package": "the package, also a vulnerable one",
    "ecosystem": "where the vulnerable package comes from: `npm`, `pip`, …",
    "advisory": "the number of the advisory: `CVE-…`, else `GHSA-…`",
    "secret_type": "what sort of secret leaked",
    "rule": "which rule of code scanning found it",
    "scanner": "which tool of code scanning found it",
}
KINDS = {
    "build": "a workflow, or another check of the code",
    "deploy": "a deployment to an environment",
    "push": "commits that were pushed to a branch",
    "branch": "a branch that was made or deleted",
    "tag": "a tag that was made, moved or deleted",
    "pull_request": "a pull request",
    "review": "a review of a pull request",
    "comment": "a comment on an issue, a pull request, a discussion or a commit",
    "issue": "an issue",
    "discussion": "a discussion",
    "release": "a release",
    "package": "a published package",
    "wiki": "pages of the wiki",
    "security": "an alert of Dependabot, secret scanning or code scanning, or an advisory",
    "repository": "a repository and its settings",
    "access": "who may do what: people, teams, keys and apps",
    "webhook": "the webhook itself",
}

INTEGRATION = Integration(
    title="GitHub",
    homepage="https://docs.github.com/webhooks",
    source=source,
    options=GitHubOptions,
    settings=("API_KEY", "API_URL"),
    labels=LABELS,
    kinds=KINDS,
    fetching=FETCHING,
    reviewing=REVIEWING,
)
