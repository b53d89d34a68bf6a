"""Requests made and signed beforehand: to make them takes longer than to answer them."""

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

SECRET = "bench-secret"
_numbers = itertools.count()


def repo(number: int) -> str:
    return f"acme/r{number}"


def failed_check(number: int, routes: int) -> bytes:
    """A check of GitHub that failed, as GitHub posts it, with a key of its own."""
    name, sha = repo(number % routes), hashlib.sha1(str(number).encode()).hexdigest()
    run = {
        "id": number,
        "name": f"check {number}",
        "head_sha": sha,
        "status": "completed",
        "conclusion": "failure",
        "started_at": "2026-11-21T02:51:00Z",
        "completed_at": "2026-11-21T02:52:30Z",
        "details_url": f"https://ci.example.com/{name}/{number}",
        "html_url": f"https://github.com/{name}/runs/{number}",
        "output": {"title": "3 complaints", "summary": "lint found 3 complaints in 2 files"},
        "check_suite": {"id": number, "head_branch": "main", "head_sha": sha},
        "app": {"id": 8, "slug": "acme-ci", "name": "Acme CI"},
        "pull_requests": [],
    }
    repository = {
        "id": number % routes,
        "name": name.partition("/")[2],
        "full_name": name,
        "private": True,
        "owner": {"login": "acme", "type": "Organization"},
        "html_url": f"https://github.com/{name}",
        "default_branch": "main",
        "pushed_at": 1795229460,
    }
    sender = {"login": "alice", "id": 105, "html_url": "https://github.com/alice", "type": "User"}
    return json.dumps({"action": "completed", "check_run": run, "repository": repository, "sender": sender}).encode()


def to_hub(number: int, routes: int) -> tuple[dict[str, str], bytes]:
    body = failed_check(number, routes)
    signature = hmac.digest(SECRET.encode(), body, hashlib.sha256).hex()
    return {
        "X-GitHub-Event": "check_run",
        "X-GitHub-Delivery": f"bench-{number}",
        "X-Hub-Signature-256": f"sha256={signature}",
    }, body


def to_alertmanager(number: int, routes: int) -> tuple[dict[str, str], bytes]:
    """The same, as Alertmanager takes it."""
    labels = {"alertname": "check", "check": f"check {number}", "repo": repo(number % routes), "severity": "critical"}
    annotations = {"summary": f"check {number} failed on main", "link": f"https://ci.example.com/{number}"}
    return {}, json.dumps([{"labels": labels, "annotations": annotations}]).encode()


MAKERS = {"hub": to_hub, "alertmanager": to_alertmanager}


def numbers(count: int) -> Iterator[int]:
    """None of which was given before."""
    return itertools.islice(_numbers, count)


def write(file: Path, count: int, routes: int, of: str) -> None:
    with file.open("wb") as lines:
        for number in numbers(count):
            headers, body = MAKERS[of](number, routes)
            parts = [f"{name}={value}".encode() for name, value in headers.items()]
            lines.write(b"\t".join([*parts, body]) + b"\n")
