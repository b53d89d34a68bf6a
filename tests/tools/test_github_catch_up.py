"""What GitHub could not deliver is fetched: once, oldest first, with patience, and with no word of the token."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from hub.contracts import FetchTools, WebhookRequest
from hub.errors import SettingsError, TocsinError, Unreachable
from hub.proof import Secret
from integrations.github import INTEGRATION, api, catch_up, source
from integrations.github.reading import GitHubOptions
from tests.fakes.github import KEY, GitHub, Refusal

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OURS = "https://hub.example.com/in/github"
PUSH = {"ref": "refs/heads/main", "after": "1" * 40, "commits": [], "repository": {"full_name": "acme/web"}}


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with GitHub().serves() as fake:
        yield fake


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def tools(
    github: GitHub | str,
    http: aiohttp.ClientSession,
    *hooks: str,
    key: str = KEY,
    known: tuple[str, ...] = (),
    name: str = "github",
) -> FetchTools:
    url = github if isinstance(github, str) else github.url
    settings = {"API_KEY": Secret(key), "API_URL": Secret(url)}

    async def accepted(guid: str) -> bool:
        return guid in known

    return FetchTools(
        source=name,
        options=GitHubOptions(hooks=hooks or ("acme/web",)),
        setting=settings.get,
        http=http,
        now=NOW,
        accepted=accepted,
    )


async def fetched(given: FetchTools, got: list[WebhookRequest] | None = None) -> list[WebhookRequest]:
    """What is fetched; also into `got`, which has it although the rest fails."""
    got = [] if got is None else got
    async for request in catch_up.catch_up(given):
        got.append(request)
    return got


def guids(requests: list[WebhookRequest]) -> list[str]:
    return [request.header("x-github-delivery") for request in requests]


async def refused(given: FetchTools, got: list[WebhookRequest] | None = None) -> TocsinError:
    with pytest.raises(TocsinError) as raised:
        await fetched(given, got)
    assert KEY not in f"{raised.value!r} {raised.value} {raised.value.__cause__}"
    return raised.value


# ------------------------------------------------------------------------------------------------------ what is fetched


async def test_what_failed_comes_as_it_was_posted(github: GitHub, http: aiohttp.ClientSession) -> None:
    """The parser cannot tell it from the delivery itself; and its id is the same, so that a redelivery is a repeat."""
    hook = github.add_hook("acme/web", OURS)
    github.deliver(hook, "g-1", 502, at=ago(2), payload=PUSH)

    (request,) = await fetched(tools(github, http))
    (report,) = source.parse(request, GitHubOptions())  # type: ignore[misc]  # reports, and not Quiet

    assert ("github", "catch-up", NOW) == (request.source, request.fetched, request.received_at)
    assert PUSH == json.loads(request.body)
    assert ("g-1", "push") == (source.delivery(request), request.header("x-github-event"))
    assert "acme/web:main@" + "1" * 40 == report.key


async def test_the_oldest_comes_first_whichever_webhook_missed_it(github: GitHub, http: aiohttp.ClientSession) -> None:
    """A problem and its recovery must not change places."""
    repo, org = github.add_hook("acme/web", OURS), github.add_hook("acme", OURS)
    github.deliver(repo, "second", 504, at=ago(5), payload=PUSH)
    github.deliver(repo, "fourth", 504, at=ago(1), payload=PUSH)
    github.deliver(org, "first", 0, at=ago(6), payload=PUSH)
    github.deliver(org, "third", 401, at=ago(3), payload=PUSH)

    assert ["first", "second", "third", "fourth"] == guids(await fetched(tools(github, http, "acme/web", "acme")))


async def test_what_arrived_is_left_alone(github: GitHub, http: aiohttp.ClientSession) -> None:
    """Delivered at once, by a redelivery, or in the hub however that came; or refused by the hub itself with a 400,
    which has put it into quarantine."""
    hook = github.add_hook("acme/web", OURS)
    github.deliver(hook, "at-once", 202, at=ago(9), payload=PUSH)
    github.deliver(hook, "redelivered", 502, at=ago(8), payload=PUSH)
    github.deliver(hook, "known", 504, at=ago(7), payload=PUSH)
    github.deliver(hook, "not-understood", 400, at=ago(6), payload=PUSH)
    github.deliver(hook, "twice-in-vain", 502, at=ago(5), payload=PUSH)
    github.deliver(hook, "twice-in-vain", 502, at=ago(4), payload=PUSH, again=True)
    github.deliver(hook, "redelivered", 202, at=ago(3), payload=PUSH, again=True)

    assert ["twice-in-vain"] == guids(await fetched(tools(github, http, known=("known",))))


async def test_an_event_of_two_webhooks_is_one(github: GitHub, http: aiohttp.ClientSession) -> None:
    """A repository and its organisation have one id for it."""
    for owner in ("acme/web", "acme"):
        github.deliver(github.add_hook(owner, OURS), "same", 502, at=ago(2), payload=PUSH)

    assert ["same"] == guids(await fetched(tools(github, http, "acme/web", "acme")))


async def test_only_webhooks_that_post_to_this_source_count(github: GitHub, http: aiohttp.ClientSession) -> None:
    """A repository has others, and other sources."""
    for url in (OURS + "-eu", "https://ci.example.com/hook", OURS.replace("github", "not-github"), ""):
        github.deliver(github.add_hook("acme/web", url), url, 502, at=ago(2), payload=PUSH)
    github.deliver(github.add_hook("acme/web", OURS + "/"), "ours", 502, at=ago(2), payload=PUSH)

    assert ["ours"] == guids(await fetched(tools(github, http)))
    assert [OURS + "-eu"] == guids(await fetched(tools(github, http, name="github-eu")))


async def test_all_pages_are_read_and_none_that_is_too_old(github: GitHub, http: aiohttp.ClientSession) -> None:
    """GitHub keeps three days. The link to the next page leads elsewhere, and the token does not go there."""
    github.page = 2
    for _ in range(4):
        github.add_hook("acme/web", "https://ci.example.com/hook")
    hook = github.add_hook("acme/web", OURS)
    for number in range(90, 0, -10):
        github.deliver(hook, f"{number}h", 502, at=ago(number), payload=PUSH)

    found = guids(await fetched(tools(github, http)))

    assert [f"{number}h" for number in range(70, 0, -10)] == found
    assert 3 == sum("/hooks?" in path for path in github.asked)
    assert 4 == sum("/deliveries?" in path for path in github.asked)


async def test_what_github_keeps_no_longer_is_passed_over(github: GitHub, http: aiohttp.ClientSession) -> None:
    hook = github.add_hook("acme/web", OURS)
    github.deliver(hook, "without-payload", 502, at=ago(3))
    github.deliver(hook, "gone", 502, at=ago(2), payload=PUSH)
    github.deliver(hook, "there", 502, at=ago(1), payload=PUSH)
    github.after = 3
    github.refusals = [Refusal(status=404, message="Not Found")]

    assert ["there"] == guids(await fetched(tools(github, http)))


# --------------------------------------------------------------------------------------------------- what is in the way


async def test_a_wrong_token_is_said(github: GitHub, http: aiohttp.ClientSession) -> None:
    said = await refused(tools(github, http, key="expired"))

    assert isinstance(said, SettingsError)
    assert "does not know the API_KEY of github (401)" in str(said)


@pytest.mark.parametrize("status", [403, 404])
async def test_a_missing_right_or_name_is_said_and_hides_no_other(
    github: GitHub, http: aiohttp.ClientSession, status: int
) -> None:
    """GitHub does not say which it is, so both are named; and the other webhooks are caught up with all the same."""
    github.deliver(github.add_hook("acme/web", OURS), "g-1", 502, at=ago(2), payload=PUSH)
    github.refusals = [Refusal(status=status, message="Resource not accessible by personal access token")]
    got: list[WebhookRequest] = []

    said = await refused(tools(github, http, "acme/typo", "acme/web"), got)

    assert isinstance(said, SettingsError)
    assert f"the webhooks of acme/typo ({status}): correct the name, or let the token read them" in str(said)
    assert ["g-1"] == guids(got)


async def test_a_repository_without_a_webhook_to_us_is_said(github: GitHub, http: aiohttp.ClientSession) -> None:
    github.add_hook("acme/web", "https://ci.example.com/hook")

    assert "no webhook of acme/web posts to /in/github" in str(await refused(tools(github, http)))


LIMITS = {
    "as a number": (Refusal(status=429, headers={"Retry-After": "17"}), 17),
    "the secondary limit": (Refusal(status=403, headers={"Retry-After": "60"}), 60),
    "all used up": (
        Refusal(
            status=403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 900)}
        ),
        900,
    ),
    "in words": (Refusal(status=403, message="You have exceeded a secondary rate limit."), 60),
    "and no more": (Refusal(status=429), 60),
    "beyond reason": (Refusal(status=429, headers={"Retry-After": "9" * 20}), 3600),
    "and what is no number": (Refusal(status=429, headers={"Retry-After": "soon"}), 60),
}


@pytest.mark.parametrize("how", LIMITS)
async def test_asked_to_wait_we_wait(github: GitHub, http: aiohttp.ClientSession, how: str) -> None:
    """Nothing more is asked, and what was fetched before counts."""
    hook = github.add_hook("acme/web", OURS)
    for number in (3, 2, 1):
        github.deliver(hook, f"g-{number}", 502, at=ago(number), payload=PUSH)
    refusal, seconds = LIMITS[how]
    github.after, github.refusals = 3, [refusal]
    got: list[WebhookRequest] = []

    said = await refused(tools(github, http), got)

    assert isinstance(said, Unreachable)
    assert "GitHub asks to wait" in str(said)
    assert seconds == said.retry_after
    assert ["g-3"] == guids(got)
    assert 4 == len(github.asked)


async def test_no_answer_is_no_harm(
    github: GitHub, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropped, broken, nobody there, or too slow."""
    github.add_hook("acme/web", OURS)
    github.refusals = [Refusal(status=0), Refusal(status=0)]  # a client may try a dropped GET once more
    assert "does not answer: " in str(await refused(tools(github, http)))

    github.refusals = [Refusal(status=502)]
    assert "the API of GitHub answers 502" == str(await refused(tools(github, http)))

    assert "does not answer: ClientConnectorError" in str(await refused(tools("http://127.0.0.1:9", http)))

    monkeypatch.setattr(api, "PATIENCE", aiohttp.ClientTimeout(total=0.1))
    github.refusals = [Refusal(status=1)]
    assert "does not answer: " in str(await refused(tools(github, http)))


@pytest.mark.parametrize("url", ["http://ghe.example.com/api/v3", "ftp://127.0.0.1", "//", "https://", "http://[::1"])
async def test_the_token_goes_nowhere_in_the_clear(http: aiohttp.ClientSession, url: str) -> None:
    assert "API_URL of github must begin with https://" in str(await refused(tools(url, http)))


async def test_a_token_without_hooks_is_said(github: GitHub, http: aiohttp.ClientSession) -> None:
    given = tools(github, http)
    nowhere = FetchTools(
        source="github",
        options=GitHubOptions(),
        setting=given.setting,
        http=http,
        now=NOW,
        accepted=given.accepted,
    )

    assert "such as hooks: [acme/web]" in str(await refused(nowhere))


def test_without_a_token_nothing_is_fetched() -> None:
    fetching = INTEGRATION.fetching
    assert fetching is not None

    assert not fetching.ready(lambda _: None)
    assert fetching.ready({"API_KEY": Secret(KEY)}.get)
