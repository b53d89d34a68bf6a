"""Code on its way: pushes, branches and tags, pull requests, reviews, releases. All of it is news; nothing breaks."""

from collections.abc import Callable, Mapping, Sequence

from hub.contracts import Quiet
from hub.core.event import Report, Severity
from hub.payload import Field
from hub.prose import say_count
from integrations.github.reading import (
    QUEUED,
    Delivery,
    Reader,
    branch_of,
    line,
    link,
    listed,
    logins,
    of_fork,
    quoted,
    shown_branch,
    subject,
    when,
)

COMMITS_SHOWN = 10

# -------------------------------------------------------------------------------------------- pushes, branches and tags


def _push(given: Delivery) -> Report | Quiet:
    ref = given.body["ref"].text()
    branch, tag = branch_of(ref), ref.removeprefix("refs/tags/") if ref.startswith("refs/tags/") else ""
    if QUEUED.fullmatch(branch):
        return given.quiet("a branch of the merge queue")
    made, deleted = given.body["created"].value is True, given.body["deleted"].value is True
    if not (branch or tag):
        return given.quiet(f"{line(ref)} is neither a branch nor a tag")
    if made or deleted or tag:
        return _ref(
            given, "tag" if tag else "branch", tag or branch, "deleted" if deleted else "created" if made else "moved"
        )
    return _pushed(given, branch)


def _pushed(given: Delivery, branch: str) -> Report:
    commits, after = list(given.body["commits"].items()), given.body["after"].words()
    forced = given.body["forced"].value is True
    what = quoted(subject(commits[0]["message"].words())) if len(commits) == 1 else say_count(len(commits), "commit")
    title = f"{'force-pushed' if forced else 'pushed'} {what} to {shown_branch(branch)}"
    if not commits:
        title = f"{'reset' if forced else 'moved'} {shown_branch(branch)} to {after[:7]}"
    return given.report(
        kind="push",
        key=f"{given.place}:{branch}@{after}",
        title=f"{given.place}: {given.actor} {title}",
        severity=Severity.WARNING if forced and given.is_default(branch) else Severity.INFO,
        body=_commits(commits),
        links=link("Changes", given.body["compare"]),
        labels={"branch": branch, "head_sha": after, "forced": "true" if forced else ""},
        at=when(given.body["repository"]["pushed_at"]),
    )


def _commits(commits: Sequence[Field]) -> str:
    """The last of them, one a line."""
    shown = [_commit(commit) for commit in commits[-COMMITS_SHOWN:]]
    earlier = len(commits) - len(shown)
    return "\n".join([f"… {say_count(earlier, 'earlier commit')}"] * (earlier > 0) + shown)


def _commit(commit: Field) -> str:
    author = commit.first("author.username", "author.name") or "nobody"
    return f"{commit['id'].words()[:7]} {subject(commit['message'].words())} ({line(author, 40)})"


def _created_or_deleted(given: Delivery) -> Report | Quiet:
    """`create` and `delete`, which GitHub sends beside the push that did it."""
    kind, name = given.body["ref_type"].words(), given.body["ref"].words()
    if kind not in ("branch", "tag"):
        return given.quiet("neither a branch nor a tag")
    if QUEUED.fullmatch(name):
        return given.quiet("a branch of the merge queue")
    return _ref(given, kind, name, "created" if given.event == "create" else "deleted")


def _ref(given: Delivery, kind: str, name: str, done: str) -> Report:
    """One key for the push and for `create` or `delete`: where both are sent, the later is a line under the first."""
    commits = list(given.body["commits"].items())
    repo, after = given.place, given.body["after"].words()
    to = f" to {after[:7]}" if done == "moved" else ""
    having = f" with {say_count(len(commits), 'commit')}" if commits and done == "created" and kind == "branch" else ""
    return given.report(
        kind=kind,
        key=f"{repo}:{kind}:{name}",
        title=f"{repo}: {given.actor} {done} the {kind} {line(name)}{to}{having}",
        severity=Severity.WARNING if done == "moved" else Severity.INFO,
        body=_commits(commits) if having else "",
        links=link(
            "GitHub",
            *([given.body["compare"]] if after.strip("0") else []),
            given.body["repository"]["html_url"],
        ),
        labels={kind: name, "head_sha": after if after.strip("0") else ""},
        at=when(given.body["repository"]["pushed_at"]),
    )


# -------------------------------------------------------------------------------------------------------- pull requests


def _opened(given: Delivery, name: str) -> str:
    return f"opened the {'draft' if given.body['pull_request']['draft'].value is True else 'pull request'} {name}"


def _closed(given: Delivery, name: str) -> str:
    pull = given.body["pull_request"]
    return (
        f"merged {name} into {shown_branch(pull['base']['ref'].words())}"
        if _merged(pull)
        else f"closed {name} unmerged"
    )


def _merged(pull: Field) -> bool:
    return pull["merged"].value is True or (not pull["merged"].present and pull["merged_at"].present)


def _requested(given: Delivery, name: str) -> str:
    return f"asked {_reviewer(given) or 'somebody'} to review {name}"


def _assigned(given: Delivery, name: str) -> str:
    return f"assigned {name} to {given.body.first('assignee.login', 'pull_request.assignee.login') or 'somebody'}"


def _dequeued(given: Delivery, name: str) -> str:
    reason = given.body["reason"].words().replace("_", " ").lower()
    return f"took {name} out of the merge queue" + (f" ({line(reason, 40)})" if reason else "")


PULLS: Mapping[str, Callable[[Delivery, str], str]] = {
    "opened": _opened,
    "closed": _closed,
    "reopened": lambda _, name: f"reopened {name}",
    "ready_for_review": lambda _, name: f"wants {name} to be reviewed",
    "converted_to_draft": lambda _, name: f"made {name} a draft again",
    "review_requested": _requested,
    "assigned": _assigned,
    "dequeued": _dequeued,
}
"""What is told of a pull request; all else, such as labels and edits, is not."""


def _pull_request(given: Delivery) -> Report | Quiet:
    pull = given.body["pull_request"]
    if given.action not in PULLS:
        return given.quiet("nobody is told of that")
    said = PULLS[given.action](given, quoted(pull["title"].words()))
    if given.action == "dequeued" and given.body["reason"].words().upper() == "MERGE":
        return given.quiet("it was merged, which is told")
    return given.report(
        kind="pull_request",
        key=pull_key(given, pull),
        title=f"{pull_key(given, pull)}: {given.actor} {said}",
        body=pull["body"].words() if given.action == "opened" else "",
        links=link("Pull request", pull["html_url"]),
        labels=pull_labels(given, pull) | {"reviewer": _reviewer(given)},
        at=when(pull["updated_at"]),
    )


def _reviewer(given: Delivery) -> str:
    return given.body.first("requested_reviewer.login", "requested_team.name")


def pull_key(given: Delivery, pull: Field) -> str:
    """`acme/web#12`: pull requests and issues are numbered together."""
    return f"{given.place}#{pull['number'].text()}"


def pull_labels(given: Delivery, pull: Field) -> dict[str, str]:
    head = pull["head"]["ref"].words()
    return {
        "number": pull["number"].words(),
        "author": pull["user"]["login"].words(),
        "assignee": ",".join(logins(pull["assignees"])),
        "issue_labels": ",".join(one["name"].words() for one in pull["labels"].items()),
        "branch": of_fork(head, pull.first("head.repo.full_name"), given.place),
        "base": pull["base"]["ref"].words(),
        "head_sha": pull["head"]["sha"].words(),
        "draft": "true" if pull["draft"].value is True else "",
        "merged": "true" if _merged(pull) else "",
    }


REVIEWS = {
    "approved": "approved",
    "changes_requested": "asked for changes to",
    "commented": "reviewed",
    "dismissed": "dismissed a review of",
}


def _review(given: Delivery) -> Report | Quiet:
    pull, review = given.body["pull_request"], given.body["review"]
    state, text = review["state"].words().lower(), review["body"].words()
    if given.action not in ("submitted", "dismissed"):
        return given.quiet("nobody is told of that")
    if state == "commented" and not text:
        return given.quiet("its comments are told one by one")
    key, done = pull_key(given, pull), REVIEWS.get(state, "reviewed")
    return given.report(
        kind="review",
        key=key,
        title=f"{key}: {given.actor} {done} {quoted(pull['title'].words())}",
        body=text,
        links=link("Review", review["html_url"]),
        labels=pull_labels(given, pull) | {"conclusion": state},
        at=when(review["submitted_at"]),
    )


def _review_comment(given: Delivery) -> Report | Quiet:
    if given.action != "created":
        return given.quiet("nobody is told of that")
    pull, comment = given.body["pull_request"], given.body["comment"]
    key, path, about = pull_key(given, pull), comment["path"].words(), pull["title"].words()
    return given.report(
        kind="comment",
        key=key,
        title=f"{key}: {given.actor} commented on {line(path) or 'the code'} in {quoted(about)}",
        body=comment["body"].words(),
        links=link("Comment", comment["html_url"]),
        labels=pull_labels(given, pull),
        at=when(comment["created_at"]),
    )


def _merge_group(given: Delivery) -> Report | Quiet:
    group, reason = given.body["merge_group"], given.body["reason"].words()
    head, base = branch_of(group["head_ref"].words()), branch_of(group["base_ref"].words())
    if given.action != "destroyed" or reason == "merged":
        return given.quiet("what comes of it is told")
    queued = QUEUED.fullmatch(head)
    which = f"#{queued['number']}" if queued else line(head)
    return given.report(
        kind="pull_request",
        key=f"{given.place}{which}" if queued else f"{given.place}:{head}",
        title=f"{given.place}{which if queued else ': ' + which} left the merge queue of {shown_branch(base)}: "
        f"{line(reason, 40) or 'no reason given'}",
        links=link("Repository", given.body["repository"]["html_url"]),
        labels={
            "number": queued["number"] if queued else "",
            "base": base,
            "head_sha": group["head_sha"].words(),
        },
    )


# ------------------------------------------------------------------------------------------------ releases and packages

DIGEST = "sha256:"
RELEASES = {"published": "published", "unpublished": "withdrew", "deleted": "deleted"}


def _release(given: Delivery) -> Report | Quiet:
    release = given.body["release"]
    if given.action not in RELEASES:
        # GitHub says created, published and released (or prereleased) of the same release.
        return given.quiet("that it is published is told")
    tag, name = release["tag_name"].words(), release["name"].words()
    early = "pre-release" if release["prerelease"].value is True else "release"
    known_as = f"{line(tag)} ({line(name)})" if name and name != tag else line(tag or name)
    return given.report(
        kind="release",
        key=f"{given.place}:release:{tag}",
        title=f"{given.place}: {given.actor} {RELEASES[given.action]} the {early} {known_as}",
        body=release["body"].words(),
        links=link("Release", release["html_url"]),
        labels={
            "tag": tag,
            "branch": release["target_commitish"].words(),
            "author": release["author"]["login"].words(),
            "prerelease": "true" if early == "pre-release" else "",
        },
        at=when(release["published_at"]),
    )


def _package(given: Delivery) -> Report | Quiet:
    """`package` and `registry_package` tell the same, and have one key."""
    package = given.body["package"] if given.event == "package" else given.body["registry_package"]
    if given.action not in ("published", "updated"):
        return given.quiet("nobody is told of that")
    name, version = package["name"].text(), package.first("package_version.version", "package_version.name")
    tag = package.first("package_version.container_metadata.tag.name")
    if version.startswith(DIGEST) and not tag:
        # An image for several platforms comes as a manifest for each, and one with a tag for them all.
        return given.quiet("an image without a tag")
    named = f"{line(name)} {line(tag or version, 60)}".strip()
    return given.report(
        kind="package",
        key=f"{given.place}:package:{name}@{version}",
        title=f"{given.place}: {given.actor} {given.action} the package {named}",
        links=link("Package", package["package_version"]["html_url"], package["html_url"]),
        labels={"package": name, "tag": tag},
        at=when(package["updated_at"]),
    )


def _commit_comment(given: Delivery) -> Report | Quiet:
    comment = given.body["comment"]
    if given.action != "created":
        return given.quiet("nobody is told of that")
    sha = comment["commit_id"].words()
    return given.report(
        kind="comment",
        key=f"{given.place}@{sha}",
        title=f"{given.place}: {given.actor} commented on the commit {sha[:7]}",
        body=comment["body"].words(),
        links=link("Comment", comment["html_url"]),
        labels={"head_sha": sha, "author": comment["user"]["login"].words()},
        at=when(comment["created_at"]),
    )


def _wiki(given: Delivery) -> Report:
    pages = list(given.body["pages"].items())
    titles = [line(page.first("title", "page_name")) for page in pages]
    done = "created" if pages and all(page["action"].words() == "created" for page in pages) else "edited"
    return given.report(
        kind="wiki",
        key=f"{given.place}:wiki",
        title=f"{given.place}: {given.actor} {done} {listed(titles) or 'pages'} in the wiki",
        links=link("Wiki", *(page["html_url"] for page in pages)),
    )


READERS: Mapping[str, Reader] = {
    "push": _push,
    "create": _created_or_deleted,
    "delete": _created_or_deleted,
    "pull_request": _pull_request,
    "pull_request_review": _review,
    "pull_request_review_comment": _review_comment,
    "merge_group": _merge_group,
    "release": _release,
    "package": _package,
    "registry_package": _package,
    "commit_comment": _commit_comment,
    "gollum": _wiki,
}
