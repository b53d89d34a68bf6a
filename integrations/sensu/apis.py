"""The APIs of Sensu Go and Sensu Core, as far as a chat has a use for them. A refusal changed nothing; where no answer
came, it may have been done or not."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp

from hub.contracts import Outcome, Result, Tools
from hub.payload import Field
from hub.proof import Secret
from integrations.sensu.targets import DEFAULT, Thing

WITHIN = 8.0
"""Seconds for one request. A verb makes three at most, and has 30 s."""
LONGEST_SAID = 120


class Refusal(Exception):
    """Nothing was changed; the text says why."""


class NoAnswer(Exception):
    """It was sent, and nobody knows what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """`until_well` ends it by itself when the check is well; without `seconds` nothing else does."""

    creator: str
    reason: str
    until_well: bool = False
    seconds: int | None = None


class Api(Protocol):
    """What both have. All raise Refusal, what changes something also NoAnswer; PayloadError where an answer is none."""

    async def examine(self) -> None:
        """Ask what anybody with our rights may know. Raises Refusal."""

    async def status(self, thing: Thing) -> int | None:
        """The last exit status of a check; None of a whole entity. Raises Refusal if there is no such thing."""

    async def find(self, thing: Thing) -> Silence | None:
        """The silence of just this thing. A wider one that covers it is another."""

    async def silence(self, thing: Thing, silence: Silence) -> bool:
        """False if there is one already."""

    async def clear(self, thing: Thing) -> bool:
        """False if there was none."""

    async def resolve(self, thing: Thing, said: str, now: datetime) -> Outcome: ...


def api_of(tools: Tools) -> Api:
    """With an API key it is Sensu Go, without one Sensu Core. Raises Refusal without any address."""
    url, key = tools.setting("API_URL"), tools.setting("API_KEY")
    if url is None:
        raise Refusal("the settings of this source give no way into Sensu")
    if key is not None:
        namespace = tools.setting("NAMESPACE")
        http = Http(tools.http, url.reveal(), f"Key {key.reveal()}")
        return SensuGo(http, namespace.reveal() if namespace else DEFAULT)
    return SensuCore(Http(tools.http, url.reveal(), _basic(tools.setting("API_USER"), tools.setting("API_PASSWORD"))))


def _basic(user: Secret | None, password: Secret | None) -> str:
    return aiohttp.encode_basic_auth(user.reveal(), password.reveal() if password else "") if user else ""


class Http:
    """Requests with our login, and what their answers mean."""

    def __init__(self, session: Any, url: str, authorization: str) -> None:
        self._session: aiohttp.ClientSession = session
        self._base = url.rstrip("/")
        self._headers = {"Authorization": authorization} if authorization else {}

    async def get(self, *path: str) -> Field | None:
        """What is there; None if nothing is."""
        try:
            status, text = await self._call("GET", path, None)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Refusal(f"its API cannot be reached: {type(error).__name__}") from error
        if status == HTTPStatus.NOT_FOUND:
            return None
        if status != HTTPStatus.OK:
            raise _refusal(status, text)
        try:
            return Field(json.loads(text))
        except ValueError as error:
            raise Refusal("its API did not answer with JSON; is API_URL right?") from error

    async def change(self, method: str, *path: str, body: Any = None) -> int:
        """The status: a success, 404, or 409."""
        try:
            status, text = await self._call(method, path, body)
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise Refusal(f"its API cannot be reached: {type(error).__name__}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswer(f"its API did not answer: {type(error).__name__}") from error
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NoAnswer(f"its API answered {status}")
        if _succeeded(status) or status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            return status
        raise _refusal(status, text)

    async def _call(self, method: str, path: tuple[str, ...], body: Any) -> tuple[int, str]:
        url = "/".join([self._base, *(quote(part, safe="") for part in path)])
        given: Mapping[str, Any] = {"headers": self._headers, "json": body, "allow_redirects": False}
        async with asyncio.timeout(WITHIN), self._session.request(method, url, **given) as answer:
            return answer.status, await answer.text(errors="replace")


def _succeeded(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _refusal(status: int, text: str) -> Refusal:
    if status == HTTPStatus.UNAUTHORIZED:
        return Refusal("its API does not accept the hub's key or password")
    if status == HTTPStatus.FORBIDDEN:
        return Refusal("the hub's key may not do that: its role lacks the permission")
    if status == HTTPStatus.BAD_REQUEST:
        return Refusal(f"its API finds that wrong: {' '.join(text.split())[:LONGEST_SAID]}")
    hint = "" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "; is API_URL right?"
    return Refusal(f"its API answered {status}{hint}")


# ------------------------------------------------------------------------------------------------------------ Sensu Go


class SensuGo:
    def __init__(self, http: Http, namespace: str) -> None:
        self._http = http
        self._default = namespace

    def _in(self, thing: Thing) -> tuple[str, ...]:
        return "api", "core", "v2", "namespaces", thing.namespace or self._default

    async def examine(self) -> None:
        listed = "api", "core", "v2", "namespaces", self._default, "silenced"
        if await self._http.get(*listed) is None:
            raise Refusal(f"it knows no namespace {self._default}, or is no Sensu Go")

    async def status(self, thing: Thing) -> int | None:
        if thing.check:
            return (await self._event(thing))["check"]["status"].integer()
        if await self._http.get(*self._in(thing), "entities", thing.host) is None:
            raise Refusal(f"it knows no entity '{thing.host}' in the namespace {thing.namespace or self._default}")
        return None

    async def _event(self, thing: Thing) -> Field:
        event = await self._http.get(*self._in(thing), "events", thing.host, thing.check)
        if event is None:
            where = f"in the namespace {thing.namespace or self._default}"
            raise Refusal(f"it knows no check '{thing.check}' of '{thing.host}' {where}")
        return event.object()

    async def find(self, thing: Thing) -> Silence | None:
        entry = await self._http.get(*self._in(thing), "silenced", _silence_name("entity", thing))
        return _silence(entry) if entry is not None else None

    async def silence(self, thing: Thing, silence: Silence) -> bool:
        metadata = {"name": _silence_name("entity", thing), "namespace": thing.namespace or self._default}
        # Without `begin` it begins by Sensu's own clock.
        body = {"metadata": metadata, "expire": -1, **_body("entity", thing, silence)}
        status = await self._http.change("POST", *self._in(thing), "silenced", body=body)
        return _done(status, HTTPStatus.CONFLICT)

    async def clear(self, thing: Thing) -> bool:
        status = await self._http.change("DELETE", *self._in(thing), "silenced", _silence_name("entity", thing))
        return _done(status, HTTPStatus.NOT_FOUND)

    async def resolve(self, thing: Thing, said: str, now: datetime) -> Outcome:
        """As `sensuctl event resolve` does it: the stored event with status 0, until the check runs again."""
        event, at = await self._event(thing), int(now.timestamp())
        check = event["check"].object().value
        resolved = {**check, "status": 0, "output": f"Resolved by hand: {said}", "executed": at}
        body = {**event.value, "check": resolved, "timestamp": at}
        status = await self._http.change("PUT", *self._in(thing), "events", thing.host, thing.check, body=body)
        if not _succeeded(status):
            raise _refusal(status, "")
        return Outcome(result=Result.DONE, detail="until it is checked again")


# ---------------------------------------------------------------------------------------------------------- Sensu Core


class SensuCore:
    def __init__(self, http: Http) -> None:
        self._http = http

    async def examine(self) -> None:
        if await self._http.get("info") is None:
            raise Refusal("it is no API of Sensu Core; for Sensu Go an API_KEY is needed")

    async def status(self, thing: Thing) -> int | None:
        if thing.namespace:
            raise Refusal(f"Sensu Core has no namespaces; say {thing.host}/{thing.check or '*'}")
        path = ("results", thing.host, thing.check) if thing.check else ("clients", thing.host)
        found = await self._http.get(*path)
        if found is not None:
            return found["check"]["status"].integer() if thing.check else None
        if await self._http.get("info") is None:
            raise Refusal("at API_URL there is no Sensu Core; for Sensu Go set API_KEY, too")
        if thing.check:
            raise Refusal(f"it knows no check '{thing.check}' of '{thing.host}'")
        raise Refusal(f"it knows no client '{thing.host}'")

    async def find(self, thing: Thing) -> Silence | None:
        name = _silence_name("client", thing)
        entry = await self._http.get("silenced", "ids", name)
        # Sensu Core gives the last whose id ends so, with each dot standing for anything.
        return _silence(entry) if entry is not None and entry["id"].text("") == name else None

    async def silence(self, thing: Thing, silence: Silence) -> bool:
        # It would replace one that is there without a word; who asks has looked.
        status = await self._http.change("POST", "silenced", body=_body("client", thing, silence))
        return _done(status, HTTPStatus.CONFLICT)

    async def clear(self, thing: Thing) -> bool:
        status = await self._http.change("POST", "silenced", "clear", body={"id": _silence_name("client", thing)})
        return _done(status, HTTPStatus.NOT_FOUND)

    async def resolve(self, thing: Thing, said: str, now: datetime) -> Outcome:  # noqa: ARG002 - it takes no words
        status = await self._http.change("POST", "resolve", body={"client": thing.host, "check": thing.check})
        if status == HTTPStatus.NOT_FOUND:
            return Outcome(result=Result.ALREADY, detail="it has no open event of that")
        return Outcome(result=Result.SENT)


# ------------------------------------------------------------------------------------------------------------ silences


def _silence_name(kind: str, thing: Thing) -> str:
    """Silences have no other name than what they cover, and so there is one of each at most."""
    return f"{kind}:{thing.host}:{thing.check or '*'}"


def _body(kind: str, thing: Thing, silence: Silence) -> Mapping[str, Any]:
    return {
        "subscription": f"{kind}:{thing.host}",
        **({"check": thing.check} if thing.check else {}),
        "creator": silence.creator,
        "reason": silence.reason,
        "expire_on_resolve": silence.until_well,
        **({"expire": silence.seconds} if silence.seconds else {}),
    }


def _silence(entry: Field) -> Silence:
    return Silence(
        creator=entry["creator"].text(""),
        reason=entry["reason"].text(""),
        until_well=entry["expire_on_resolve"].flag(),
    )


def _done(status: int, otherwise: int) -> bool:
    """Whether it was done; `otherwise` says that there was nothing to do."""
    if _succeeded(status) or status == otherwise:
        return status != otherwise
    raise _refusal(status, "")
