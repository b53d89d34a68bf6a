"""What Bamboo says of a failed build when asked: its templates know no failing tests and no changes."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import aiohttp

from hub.contracts import Fetching, FetchTools, Quiet, Setting, WebhookRequest
from hub.core.event import Event, Report, Severity, Status
from hub.errors import PayloadError, SettingsError, Unreachable
from hub.payload import Field, decode_json
from hub.proof import Secret
from integrations.bamboo.reading import (
    SHOWN,
    BambooOptions,
    Build,
    build_link,
    build_of,
    first_few,
    line,
    number,
    paragraph,
    plain,
    test_name,
    words,
)

FETCHED = "follow-up"
EXPAND = "changes.change,vcsRevisions.vcsRevision,stages.stage.results.result.testResults.failedTests.testResult"
"""What Bamboo leaves out unless it is asked for."""
PATIENCE = aiohttp.ClientTimeout(total=20, sock_connect=5)
LARGEST = 8 * 1024 * 1024
"""Bytes of an answer: some ten thousand failing tests."""
BRANCH = "chain_branch"
"""The type of a plan that builds another branch than the plan it comes from."""
FAILED = "Failed"
RESULT = re.compile(r"[A-Z][A-Z0-9_]*(-[A-Z0-9_]+)+-[0-9]+", re.ASCII | re.IGNORECASE)
"""The key of a result: `WEB-MAIN-214`, of a job `WEB-MAIN-JOB1-214`. What else a body may hold must lead nowhere."""

# ------------------------------------------------------------------------------------------------------------ to ask


async def follow_up(event: Event, tools: FetchTools) -> WebhookRequest | None:
    """The result of a build that failed. Raises SettingsError and Unreachable."""
    result = event.labels.get("result", "")
    if event.kind != "build" or event.status is not Status.PROBLEM or not RESULT.fullmatch(result):
        return None
    return WebhookRequest(
        source=tools.source,
        headers={"content-type": "application/json"},
        body=await _get(tools, f"result/{quote(result, safe='')}", result),
        received_at=tools.now,
        fetched=FETCHED,
    )


async def examine(tools: FetchTools) -> None:
    """Ask whom the token is of."""
    await _get(tools, "currentUser", "its user")


async def _get(tools: FetchTools, path: str, what: str) -> bytes:
    key, url = tools.setting("API_KEY"), f"{_address(tools)}/rest/api/latest/{path}"
    headers = {"Accept": "application/json", "Authorization": f"Bearer {key.reveal() if key else ''}"}
    try:
        # A redirect is not followed: where it leads to, nobody has trusted with the token.
        async with tools.http.get(
            url, params={"expand": EXPAND}, headers=headers, timeout=PATIENCE, allow_redirects=False
        ) as answer:
            _complain(answer.status, tools.source, what)
            body = await _read(answer)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unreachable(f"Bamboo does not answer: {type(error).__name__}") from error
    _check(body, tools.source)
    return body


def _address(tools: FetchTools) -> str:
    set_apart: Secret | None = tools.setting("API_URL")
    address: str = set_apart.reveal() if set_apart else tools.options.base_url
    if not address.startswith(("http://", "https://")):
        raise SettingsError(
            f"the source {tools.source} has an API_KEY; say where Bamboo is: base_url: https://bamboo.example.com"
        )
    return address.rstrip("/")


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in answer.content.iter_chunked(64 * 1024):
        body += part
        if len(body) > LARGEST:
            raise Unreachable(f"Bamboo answers with more than {LARGEST >> 20} MiB, of which nothing was read")
    return bytes(body)


def _complain(status: int, source: str, what: str) -> None:
    whose = f"the API_KEY of {source}"
    if status == 200:
        return
    if status == 401:
        raise SettingsError(f"Bamboo does not know {whose} (401): it is wrong, or has expired; make a new one")
    if status == 403:
        raise SettingsError(f"Bamboo does not show {what} to {whose} (403): let its user view the plan")
    if status == 404:
        raise SettingsError(
            f"Bamboo knows no {what}, or does not show it to {whose} (404): let its user view the plan, or correct "
            f"base_url of {source}"
        )
    if 300 <= status < 400:
        raise SettingsError(
            f"Bamboo answers with a redirect ({status}), which is not followed: is base_url of {source} its final "
            "address, with https:// and its path?"
        )
    raise Unreachable(f"Bamboo answers {status}")


def _check(body: bytes, source: str) -> None:
    try:
        decode_json(body).object()
    except PayloadError as error:
        raise SettingsError(
            f"what answers at base_url of {source} is not the REST interface of Bamboo: it is a page, or not JSON"
        ) from error


def _ready(setting: Setting) -> bool:
    return setting("API_KEY") is not None


FETCHING = Fetching(ready=_ready, missing="TOCSIN_<SOURCE>_API_KEY", examine=examine, follow_up=follow_up)

# ----------------------------------------------------------------------------------------------------------- to read


def parse(result: Field, options: BambooOptions) -> Sequence[Report] | Quiet:
    """What `GET /rest/api/latest/result/WEB-MAIN-214` answered, as an addition to the alert of that plan."""
    build = build_of(result["buildResultKey"] if result["buildResultKey"].present else result["key"])
    branch = line(words(result["plan"]["shortName"])) if words(result["plan"]["type"]) == BRANCH else ""
    tests, jobs, changes = _tests(result), _jobs(result), _changes(result)
    most = next(filter(None, (*tests[:1], jobs, *changes[:1], branch and f"on {branch}")), "")
    if not most:
        return Quiet(why=f"Bamboo knows nothing more of {build.result}")
    repos = [words(revision["repositoryName"]) for revision in result["vcsRevisions"]["vcsRevision"].items()]
    return [
        Report(
            status=Status.UPDATE,
            kind="build",
            key=build.plan,
            title=f"{build.called(words(result['plan']['name']))}: {most}",
            severity=Severity.INFO,
            body=paragraph(*(said for said in (branch and f"Branch {branch}", jobs, *tests, *changes) if said != most)),
            links=build_link(options, build, _page(words(result["link"]["href"]), build)),
            labels=build.labels(
                branch=branch,
                trigger=plain(words(result["buildReason"])),
                repo=line(repos[0]) if len(repos) == 1 else "",
                head_sha=line(words(result["vcsRevisionKey"])),
            ),
        )
    ]


def _each_job(result: Field) -> Iterator[Field]:
    for stage in result["stages"]["stage"].items():
        yield from stage["results"]["result"].items()


def _tests(result: Field) -> list[str]:
    """`3 tests fail, 1 of them newly`, and the first of them."""
    total = number(result["failedTestCount"])
    if not total:
        return []
    new = sum(number(job["testResults"]["newFailed"]) for job in _each_job(result))
    names = [
        test_name(words(test["className"]), words(test["methodName"]))
        for job in _each_job(result)
        for test in job["testResults"]["failedTests"]["testResult"].items()
    ]
    newly = f", {new} of them newly" if 0 < new < total else ""
    return [f"{total} tests fail{newly}" if total > 1 else "1 test fails", *first_few(names, total)]


def _jobs(result: Field) -> str:
    names = [words(job["plan"]["shortName"]) for job in _each_job(result) if words(job["state"]) == FAILED]
    named = [line(name) for name in names if name]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return f"failed in {', '.join(named[:SHOWN])}{more}" if named else ""


def _changes(result: Field) -> list[str]:
    """`2 changes by Alice and Bob`, and each of them."""
    changes = list(result["changes"]["change"].items())
    if not changes:
        return []
    total = max(number(result["changes"]["size"]), len(changes))
    authors = dict.fromkeys(filter(None, map(_author, changes)))
    by = f" by {line(', '.join(authors))}" if authors else ""
    return [f"{total} change{'s' if total > 1 else ''}{by}", *first_few([_change(change) for change in changes], total)]


def _author(change: Field) -> str:
    return words(change["fullName"]) or words(change["userName"]) or words(change["author"])


def _change(change: Field) -> str:
    subject = words(change["comment"]).partition("\n")[0]
    return f"{words(change['changesetId'])[:7]} {subject} ({_author(change) or 'somebody'})"


def _page(rest: str, build: Build) -> str:
    """The page of a result that people see, beside the address by which it was asked for."""
    base, api, _ = rest.partition("/rest/api/")
    return f"{base}/browse/{build.result}" if api else ""
