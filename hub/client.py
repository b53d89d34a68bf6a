"""A hub's API, for the command line. The standard library's client: it starts fast, and a line needs no session."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.parse import quote

from hub.errors import SettingsError, TocsinError
from hub.settings import read_settings, url_fault

TIMEOUT = 30.0
IN_HEADERS = re.compile("[ -~\xa0-\xff]+")


class Unreached(TocsinError):
    """No hub answers."""

    exit_code = 3


class Answered(TocsinError):
    """The hub said no; the text is its detail."""

    exit_code = 1


class NotFound(Answered):
    """The hub has nothing there."""


def segment(id: str) -> str:
    """What somebody typed, as one part of a path."""
    return quote(id, safe="") or "-"


class Client:
    def __init__(self, url: str | None = None) -> None:
        settings = read_settings()
        self._url = (url or settings.environment.get("TOCSIN_URL") or settings.here).rstrip("/")
        if wrong := url_fault(self._url):
            raise SettingsError(f"TOCSIN_URL, or --url, {wrong}".replace("https://", "http:// or https://"))
        self._token = next(iter(settings.api_tokens), None)
        if self._token is not None and not IN_HEADERS.fullmatch(self._token.reveal()):
            raise SettingsError("TOCSIN_API_TOKEN holds what no header can, such as a line feed; use letters")
        # An open hub on loopback is reached directly, whatever proxy the environment names.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._ask("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def post_raw(self, path: str, body: bytes, headers: Mapping[str, str]) -> Any:
        return self._ask("POST", path, body, dict(headers), token=False)

    def first_of(self, paths: Sequence[str]) -> Any:
        """Post to the first path that is there. Raises NotFound if none is."""
        for path in paths:
            try:
                return self.post(path, {})
            except NotFound:
                continue
        raise NotFound("not found")

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str], *, token: bool = True) -> Any:
        if self._token is not None and token:
            headers["Authorization"] = f"Bearer {self._token.reveal()}"
        request = urllib.request.Request(self._url + path, body, headers, method=method)  # noqa: S310 - the user's own URL
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            raise self._refusal(error, token=token) from None
        except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
            reason = " ".join(str(getattr(error, "reason", error)).split()) or type(error).__name__
            raise Unreached(
                f"no hub answers at {self._url}: {reason}; is it running, and is TOCSIN_URL right?"
            ) from None

    def _refusal(self, error: urllib.error.HTTPError, *, token: bool) -> Answered:
        try:
            detail = json.loads(error.read())["detail"]
        except (ValueError, KeyError, TypeError):
            detail = f"the hub answered {error.code}"
        if error.code == 401 and token:  # in the words of whoever sits at a command line
            wrong = "TOCSIN_API_TOKEN is not its token" if self._token else "set TOCSIN_API_TOKEN as for the hub"
            detail = f"the hub at {self._url} lets you in by its API token only; {wrong}"
        return NotFound(detail) if error.code == 404 else Answered(detail)
