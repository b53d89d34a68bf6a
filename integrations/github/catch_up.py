"""Deliveries that never reached us. GitHub tries once and keeps for three days what it sent: we ask for what failed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, urlsplit

import aiohttp
import msgspec

from hub.contracts import Fetching, FetchTools, Setting, WebhookRequest
from hub.errors import PayloadError, SettingsError, Unreachable
from hub.payload import Field, decode_json

API = "https://api.github.com"
KEPT = timedelta(days=3)
PAGE = 100
MOST_PAGES = 50
"""The newest 5,000 deliveries of a webhook: where more came in three days, the rest is left."""
PATIENCE = aiohttp.ClientTimeout(total=30, sock_connect=10)
SLOW_DOWN = 60.0
"""Seconds, where GitHub asks us to wait and does not say for how long."""
LONGEST_WAIT = 3600.0
NOT_UNDERSTOOD = 400
"""How the hub answers what it cannot read. It has that, in its quarantine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A delivery that failed, and that no redelivery made good."""

    guid: str
    event: str
    at: datetime
    path: str


async def catch_up(tools: FetchTools) -> AsyncIterator[WebhookRequest]:
    """Raises Unreachable at once, and SettingsError in the end: a hook that cannot be read hides no other."""
    if not tools.options.hooks:
        raise SettingsError(f"the source {tools.source} has an API_KEY; say where to look, such as hooks: [acme/web]")
    api, faults = _Api(tools), list[str]()
    missed: dict[str, Missed] = {}
    for name in tools.options.hooks:
        try:
            # An event has one id, whether the webhook of its repository or of its organisation tells it.
            missed |= await _missed(api, name, tools)
        except SettingsError as fault:
            faults.append(str(fault))
    for one in sorted(missed.values(), key=lambda one: one.at):
        if not await tools.accepted(one.guid) and (request := await _fetched(api, one, tools)) is not None:
            yield request
    if faults:
        raise SettingsError("; ".join(faults))


async def _missed(api: "_Api", name: str, tools: FetchTools) -> Mapping[str, Missed]:
    """By id, what the webhooks of a repository or organisation failed to bring to this source."""
    base = f"/repos/{quote(name)}/hooks" if "/" in name else f"/orgs/{quote(name)}/hooks"
    hooks = [hook async for hook in api.listed(base, name)]
    ours = [hook["id"].text() for hook in hooks if _posts_to(tools.source, hook["config"]["url"].text(""))]
    if not ours:
        raise SettingsError(f"no webhook of {name} posts to /in/{tools.source}; correct its address, or the hooks here")
    missed: dict[str, Missed] = {}
    for id in ours:
        missed |= await _failed(api, f"{base}/{id}/deliveries", name, since=tools.now - KEPT)
    return missed


def _posts_to(source: str, url: str) -> bool:
    return url.partition("?")[0].rstrip("/").endswith(f"/in/{source}")


async def _failed(api: "_Api", base: str, name: str, *, since: datetime) -> Mapping[str, Missed]:
    """A redelivery is an entry of its own with the id of the first: one that arrived is enough. Newest come first."""
    arrived, failed = set[str](), dict[str, Missed]()
    async for entry in api.listed(base, name):
        guid, code, at = entry["guid"].text(), entry["status_code"].integer(0), entry["delivered_at"].time()
        if at is None or at < since:
            break
        if 200 <= code < 300 or code == NOT_UNDERSTOOD:
            arrived.add(guid)
        else:
            failed[guid] = Missed(guid=guid, event=entry["event"].text(), at=at, path=f"{base}/{entry['id'].text()}")
    return {guid: missed for guid, missed in failed.items() if guid not in arrived}


async def _fetched(api: "_Api", missed: Missed, tools: FetchTools) -> WebhookRequest | None:
    """The delivery as it was posted; None if GitHub keeps it no longer."""
    found, _ = await api.get(missed.path, missing_is_fine=True)
    payload = found["request"]["payload"].value
    if not isinstance(payload, dict):
        return None
    return WebhookRequest(
        source=tools.source,
        headers={
            "content-type": "application/json",
            "x-github-event": missed.event,
            "x-github-delivery": missed.guid,
        },
        body=msgspec.json.encode(payload),
        received_at=tools.now,
        fetched="catch-up",
    )


# ------------------------------------------------------------------------------------------------------------- the API


class _Api:
    """GitHub's REST interface, one question at a time."""

    def __init__(self, tools: FetchTools) -> None:
        key, url = tools.setting("API_KEY"), tools.setting("API_URL")
        self._source, self._http, self._now = tools.source, tools.http, tools.now
        self._url = url.reveal().rstrip("/") if url else API
        self._headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {key.reveal() if key else ''}",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "tocsin",
        }
        if not _is_private(self._url):
            raise SettingsError(f"API_URL of {tools.source} must begin with https://, since the API_KEY is sent there")

    async def listed(self, path: str, name: str) -> AsyncIterator[Field]:
        """The entries of a list, page by page. The next page is asked of the same address, wherever the link leads."""
        query = {"per_page": str(PAGE)}
        for _ in range(MOST_PAGES):
            page, following = await self.get(path, query, name=name)
            for entry in page.items():
                yield entry
            if not following:
                return
            query = dict(following)

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, name: str = "", missing_is_fine: bool = False
    ) -> tuple[Field, Mapping[str, str]]:
        """What is there, and the query of the next page."""
        try:
            async with self._http.get(
                self._url + path, params=query, headers=self._headers, timeout=PATIENCE
            ) as answer:
                if answer.status == 404 and missing_is_fine:
                    return Field(None), {}
                body = await answer.read()
                self._complain(answer, body, name)
                return decode_json(body), _next(answer)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"the API of GitHub does not answer: {type(error).__name__}") from error
        except PayloadError as error:
            raise Unreachable(f"the API of GitHub answers what cannot be read: {error}") from error

    def _complain(self, answer: aiohttp.ClientResponse, body: bytes, name: str) -> None:
        status, whose = answer.status, f"the API_KEY of {self._source}"
        if status < 400:
            return
        if (wait := _asked_to_wait(answer, body, self._now)) is not None:
            raise Unreachable(f"GitHub asks to wait ({status}); the rest is fetched later", retry_after=wait)
        if status == 401:
            raise SettingsError(f"GitHub does not know {whose} (401): it is wrong, or has expired; make a new one")
        if status in (403, 404):
            raise SettingsError(
                f"GitHub does not show {whose} the webhooks of {name} ({status}): "
                "correct the name, or let the token read them (permission 'Webhooks: read')"
            )
        raise Unreachable(f"the API of GitHub answers {status}")


def _next(answer: aiohttp.ClientResponse) -> Mapping[str, str]:
    following = answer.links.get("next")
    return dict(parse_qsl(urlsplit(str(following["url"])).query)) if following else {}


def _asked_to_wait(answer: aiohttp.ClientResponse, body: bytes, now: datetime) -> float | None:
    """Seconds, if it is a limit that was reached: GitHub says so in one of four ways."""
    if answer.status not in (403, 429):
        return None
    wait, reset = answer.headers.get("Retry-After", ""), answer.headers.get("X-RateLimit-Reset", "")
    if wait.isdecimal():
        return min(float(wait), LONGEST_WAIT)
    if answer.headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
        return min(max(float(reset) - now.timestamp(), SLOW_DOWN), LONGEST_WAIT)
    return SLOW_DOWN if answer.status == 429 or b"rate limit" in body.lower() else None


def _is_private(url: str) -> bool:
    """Whether nobody on the way can read the token: TLS, or it never leaves this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    with suppress(ValueError):
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    return False


def _ready(setting: Setting) -> bool:
    return setting("API_KEY") is not None


FETCHING = Fetching(ready=_ready, missing="TOCSIN_<SOURCE>_API_KEY", catch_up=catch_up)
