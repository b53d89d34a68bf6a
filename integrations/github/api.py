"""GitHub's REST interface: one question at a time, page by page, and how it says no."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp

from hub.contracts import FetchTools
from hub.errors import PayloadError, SettingsError, Unreachable
from hub.payload import Field, decode_json

API = "https://api.github.com"
PAGE = 100
MOST_PAGES = 50
"""The newest 5,000 of a list, deliveries of a webhook say: the rest is left."""
PATIENCE = aiohttp.ClientTimeout(total=30, sock_connect=10)
SLOW_DOWN = 60.0
"""Seconds, where GitHub asks us to wait and does not say for how long."""
LONGEST_WAIT = 3600.0


class Api:
    """Raises Unreachable of what may be otherwise later, and SettingsError of what somebody must mend."""

    def __init__(self, tools: FetchTools, *, rights: str = "the webhooks of {} (permission 'Webhooks: read')") -> None:
        """`rights` says what is asked for, of which place, and what a token needs for it."""
        key, url = tools.setting("API_KEY"), tools.setting("API_URL")
        self._source, self._http, self._now, self._rights = tools.source, tools.http, tools.now, rights
        self._url = url.reveal().rstrip("/") if url else API
        self._headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {key.reveal() if key else ''}",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "tocsin",
        }
        if not _is_private(self._url):
            raise SettingsError(f"API_URL of {tools.source} must begin with https://, since the API_KEY is sent there")

    async def listed(self, path: str, name: str, query: Mapping[str, str] | None = None) -> AsyncIterator[Field]:
        """The entries of a list, page by page. The next page is asked of the same address, wherever the link leads."""
        asked = {"per_page": str(PAGE), **(query or {})}
        for _ in range(MOST_PAGES):
            page, following = await self.get(path, asked, name=name)
            for entry in page.items():
                yield entry
            if not following:
                return
            asked = dict(following)

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, *, name: str = "", missing_is_fine: bool = False
    ) -> tuple[Field, Mapping[str, str]]:
        """What is there, and the query of the next page."""
        return await self._ask("GET", path, name, params=query, missing_is_fine=missing_is_fine)

    async def send(self, method: str, path: str, body: Mapping[str, Any], *, name: str = "") -> Field:
        return (await self._ask(method, path, name, json=body))[0]

    async def _ask(
        self, method: str, path: str, name: str, *, missing_is_fine: bool = False, **sent: Any
    ) -> tuple[Field, Mapping[str, str]]:
        try:
            async with self._http.request(
                method, self._url + path, headers=self._headers, timeout=PATIENCE, **sent
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
            what, _, right = self._rights.partition(" (")
            raise SettingsError(
                f"GitHub does not show {whose} {what.format(name)} ({status}): "
                f"correct the name, or let the token read them ({right}"
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
