"""What people talk about: issues, discussions and their comments. Later words on the same go under the first."""

from collections.abc import Callable, Mapping

from hub.contracts import Quiet
from hub.core.event import Report
from hub.payload import Field
from integrations.github.reading import Delivery, Reader, link, logins, quoted, when


def _closed(given: Delivery, name: str) -> str:
    reason = given.body["issue"]["state_reason"].words()
    return f"closed {name}" + (f" as {reason.replace('_', ' ')}" if reason not in ("", "completed") else "")


def _transferred(given: Delivery, name: str) -> str:
    return f"moved {name} to {given.body.first('changes.new_repository.full_name') or 'another repository'}"


ISSUES: Mapping[str, Callable[[Delivery, str], str]] = {
    "opened": lambda _, name: f"opened the issue {name}",
    "closed": _closed,
    "reopened": lambda _, name: f"reopened {name}",
    "assigned": lambda given, name: f"assigned {name} to {given.body['assignee']['login'].words() or 'somebody'}",
    "transferred": _transferred,
    "deleted": lambda _, name: f"deleted {name}",
}
DISCUSSIONS: Mapping[str, Callable[[Delivery, str], str]] = {
    "created": lambda _, name: f"began the discussion {name}",
    "answered": lambda _, name: f"marked an answer to {name}",
    "unanswered": lambda _, name: f"took the mark from the answer to {name}",
    "closed": lambda _, name: f"closed the discussion {name}",
    "reopened": lambda _, name: f"reopened the discussion {name}",
    "transferred": _transferred,
    "deleted": lambda _, name: f"deleted the discussion {name}",
}
"""What is told of each; all else, such as labels and edits, is not."""


def _issue(given: Delivery) -> Report | Quiet:
    return _of(given, "issue", given.body["issue"], ISSUES)


def _discussion(given: Delivery) -> Report | Quiet:
    return _of(given, "discussion", given.body["discussion"], DISCUSSIONS)


def _of(given: Delivery, kind: str, thing: Field, told: Mapping[str, Callable[[Delivery, str], str]]) -> Report | Quiet:
    if given.action not in told:
        return given.quiet("nobody is told of that")
    key = _key(given, thing)
    return given.report(
        kind=kind,
        key=key,
        title=f"{key}: {given.actor} {told[given.action](given, quoted(thing['title'].words()))}",
        body=thing["body"].words() if given.action in ("opened", "created") else "",
        links=link(kind.capitalize(), thing["html_url"]),
        labels=_labels(thing),
        at=when(thing["updated_at"]),
    )


def _comment(given: Delivery) -> Report | Quiet:
    if given.action != "created":
        return given.quiet("nobody is told of that")
    thing = given.body["discussion"] if given.event == "discussion_comment" else given.body["issue"]
    comment, key = given.body["comment"], _key(given, thing)
    return given.report(
        kind="comment",
        key=key,
        title=f"{key}: {given.actor} commented on {quoted(thing['title'].words())}",
        body=comment["body"].words(),
        links=link("Comment", comment["html_url"]),
        labels=_labels(thing),
        at=when(comment["created_at"]),
    )


def _key(given: Delivery, thing: Field) -> str:
    """`acme/web#12`: issues, discussions and pull requests are numbered together."""
    return f"{given.place}#{thing['number'].text()}"


def _labels(thing: Field) -> Mapping[str, str]:
    return {
        "number": thing["number"].words(),
        "author": thing["user"]["login"].words(),
        "assignee": ",".join(logins(thing["assignees"])),
        "issue_labels": ",".join(one["name"].words() for one in thing["labels"].items()),
        "milestone": thing["milestone"]["title"].words(),
        "category": thing["category"]["name"].words(),
    }


READERS: Mapping[str, Reader] = {
    "issues": _issue,
    "issue_comment": _comment,
    "discussion": _discussion,
    "discussion_comment": _comment,
}
