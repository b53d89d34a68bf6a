"""Who may call: whose Host and Origin, which token, which cookie. Decisions are pure; the middleware carries them out.

| area    | paths                                | Host | Origin           | must bear                     |
|---------|--------------------------------------|------|------------------|-------------------------------|
| machine | `/in/*`, `/chat/*`                   | any  | ours on loopback | the source's own proof        |
| health  | `/healthz`, `/readyz`                | any  | any              | nothing                       |
| door    | `/login`, `/logout`, `/static/*`     | ours | ours             | nothing                       |
| api     | `/api/*`, `/metrics`                 | ours | ours             | the API token                 |
| pages   | everything else                      | ours | ours             | the cookie that `/login` gave |
| passed  | what another replica answers         | any  | any              | nothing: that one looks       |

A hub on loopback without an API token is open: whoever sits there is trusted. A foreign Host is a name that somebody
points at our address to make a browser take their page for ours (DNS rebinding); a foreign Origin is another site
posting through the operator's browser. Both are refused on an open hub too, since there they are the only lock.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from urllib.parse import quote, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from hub.now import utc_now
from hub.proof import Secret, any_same, relayed, same
from hub.settings import is_loopback

log = logging.getLogger("tocsin.web.gate")

COOKIE = "tocsin"
STAYS = timedelta(days=30)
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
BODIED = frozenset({"POST", "PUT", "PATCH"})
PORTS = {"http": 80, "https": 443}
PASSED_ON = "/{passed_on}"
"""The route of what another replica answers."""

# "same-origin", since under "no-referrer" browsers post our own login form with "Origin: null".
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


ResponseT = TypeVar("ResponseT", bound=web.StreamResponse)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """What the gate must know. `host` is the address that the hub is bound to."""

    host: str = "127.0.0.1"
    api_tokens: tuple[Secret, ...] = ()
    """Any of them opens; several, while rotating."""
    secret_key: Secret | None = None
    public_url: str = ""
    allowed_hosts: frozenset[str] = frozenset()
    """Further names by which the hub may be called, without port."""
    now: Callable[[], datetime] = utc_now
    rest: Callable[[float], Awaitable[None]] = asyncio.sleep
    """What passes before a wrong token is answered, where there were too many."""

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def open(self) -> bool:
        """Whether whoever sits at it may do everything."""
        return self.loopback and not self.api_tokens

    @property
    def secure(self) -> bool:
        return urlsplit(self.public_url).scheme == "https"


class Area(StrEnum):
    MACHINE = "machine"
    HEALTH = "health"
    DOOR = "door"
    API = "api"
    PAGES = "pages"
    PASSED = "passed"


AREAS = {
    "in": Area.MACHINE,
    "chat": Area.MACHINE,
    "healthz": Area.HEALTH,
    "readyz": Area.HEALTH,
    "login": Area.DOOR,
    "logout": Area.DOOR,
    "static": Area.DOOR,
    "favicon.ico": Area.DOOR,
    "api": Area.API,
    "metrics": Area.API,
    PASSED_ON[1:]: Area.PASSED,
}
"""By the first part of the path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, as far as the gate can know."""

    trusted: bool = False
    """Sits at an open hub."""
    token: bool = False
    """Bears the API token, or a cookie that was given for it."""
    person: str | None = None
    """Whom the cookie names. Whoever has the token may claim any name."""

    @property
    def admitted(self) -> bool:
        return self.trusted or self.token


NOBODY = Caller()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    status: int
    error: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """What the gate looks at in a request. Headers are asked for by lower case names."""

    method: str
    path: str
    headers: Mapping[str, str]
    cookie: str = ""
    answered: bool = True
    """Something answers there by that method."""

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


# ------------------------------------------------------------------------------------------------------ the decisions


def area_of(path: str) -> Area:
    """Whatever is not known is a page, which is the area that needs most."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    return AREAS.get(first, Area.PAGES)


def look(knock: Knock, settings: GateSettings) -> tuple[Caller, Refusal | None]:
    """Who it is, and why they may not, if so."""
    if area_of(knock.path) is Area.MACHINE:  # which asks who posts by proofs of its own
        return NOBODY, stranger(knock, settings)
    caller = who(knock, settings)
    return caller, stranger(knock, settings) or stopped(knock, caller, settings)


def stranger(knock: Knock, settings: GateSettings) -> Refusal | None:
    """Whether the browser of a friend is being used by a foe."""
    area = area_of(knock.path)
    if area in (Area.HEALTH, Area.PASSED):
        return None
    if area is Area.MACHINE:
        # A tool may know us by any name, and proves itself; on loopback the source may be without a secret.
        return _foreign_origin(knock, settings) if settings.loopback else None
    return _foreign_host(knock, settings) or _foreign_origin(knock, settings)


def stopped(knock: Knock, caller: Caller, settings: GateSettings) -> Refusal | None:
    area = area_of(knock.path)
    if area in (Area.MACHINE, Area.HEALTH, Area.DOOR, Area.PASSED):
        return None
    if not caller.admitted:
        return _unproven(area, settings)
    if area is Area.API and knock.method in BODIED and knock.answered and not _no_form(knock):
        return Refusal(status=415, error="content type", detail="send the header 'Content-Type: application/json'")
    return None


def who(knock: Knock, settings: GateSettings) -> Caller:
    person = signed_person(knock.cookie, settings, settings.now())
    if not settings.api_tokens:
        return Caller(trusted=settings.open and not _through_proxy(knock, settings), person=person)
    if token_shown(_shown_token(knock), settings):
        return Caller(token=True)
    by_cookie = person is not None and area_of(knock.path) is not Area.API
    return Caller(token=by_cookie, person=person if by_cookie else None)


def _unproven(area: Area, settings: GateSettings) -> Refusal:
    if not settings.api_tokens:
        missing = "this hub can be reached from elsewhere, so that it needs a token: set TOCSIN_API_TOKEN"
        return Refusal(status=401, error="unauthenticated", detail=missing)
    if area is Area.API:
        return Refusal(status=401, error="unauthenticated", detail="send the header 'Authorization: Bearer TOKEN'")
    return Refusal(status=401, error="unauthenticated", detail="log in at /login")


def guessed(knock: Knock, known: Caller, settings: GateSettings) -> bool:
    """Whether a token was shown that is not ours, where it would have opened something."""
    if not settings.api_tokens or known.token or area_of(knock.path) in (Area.MACHINE, Area.PASSED):
        return False
    return bool(_shown_token(knock))


def token_shown(shown: str, settings: GateSettings) -> Secret | None:
    """Which of ours it is. Each is looked at, so that the time taken does not tell which."""
    ours = [token for token in settings.api_tokens if same(token.reveal(), shown)]
    return ours[0] if ours else None


def _shown_token(knock: Knock) -> str:
    scheme, _, shown = knock.header("authorization").partition(" ")
    return shown.strip() if scheme.lower() == "bearer" else ""


def _no_form(knock: Knock) -> bool:
    """A form always names a type, and can name no JSON. What takes no body needs no type, as by `curl -X POST`."""
    if "content-type" not in knock.headers:
        return knock.path.endswith("/replay")
    return knock.header("content-type").partition(";")[0].strip().lower() == "application/json"


def _foreign_host(knock: Knock, settings: GateSettings) -> Refusal | None:
    name = _name_of(knock.header("host"))
    if _is_ours(name, settings):
        return None
    detail = f"this hub is not called '{name[:80]}'; if it should be, set TOCSIN_PUBLIC_URL"
    return Refusal(status=421, error="foreign host", detail=detail)


def _foreign_origin(knock: Knock, settings: GateSettings) -> Refusal | None:
    origin, site = knock.header("origin"), knock.header("sec-fetch-site")
    crossed = knock.method in UNSAFE and site in ("cross-site", "same-site")
    if (not origin or _is_our_origin(origin, knock, settings)) and not crossed:
        return None
    return Refusal(status=403, error="foreign origin", detail="this was sent by the page of another site")


def _is_our_origin(origin: str, knock: Knock, settings: GateSettings) -> bool:
    """Ours is the address that was called, port and all, or the public one. Behind a proxy that ends TLS the scheme
    of the two differs, hence only host and port are compared."""
    place = _place_of(origin)
    if place is None or not _is_ours(place[0], settings):
        return False
    scheme = urlsplit(origin).scheme
    return place in (_place_of(f"{scheme}://{knock.header('host')}"), _place_of(settings.public_url))


def _is_ours(name: str, settings: GateSettings) -> bool:
    if not name:
        return False
    if name in ("localhost", "127.0.0.1", "::1", settings.host.lower(), _name_of(urlsplit(settings.public_url).netloc)):
        return True
    # Who binds to all addresses is called by any of them; rebinding needs a name, never an address.
    return name in settings.allowed_hosts or (settings.host in ("0.0.0.0", "::", "") and _is_address(name))  # noqa: S104


def _through_proxy(knock: Knock, settings: GateSettings) -> bool:
    """An open hub trusts whoever sits at it. Who comes through a proxy in front of it sits elsewhere."""
    return relayed(knock.headers) or not is_loopback(_name_of(knock.header("host")) or settings.host)


def _name_of(netloc: str) -> str:
    """Host name of a Host header or URL, without port and brackets."""
    place = _place_of(f"http://{netloc}")
    return place[0] if place else ""


def _place_of(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and parts.scheme in PORTS else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


# ---------------------------------------------------------------------------------------------------------- the cookie


def sign_person(person: str, token: Secret | None, settings: GateSettings, now: datetime) -> str:
    """The value of the cookie that says who somebody is, until when, for the token that they showed."""
    claim = f"{_pack(person.encode())}.{int((now + STAYS).timestamp())}"
    return f"{claim}.{_mac(claim, token, settings)}"


def signed_person(cookie: str, settings: GateSettings, now: datetime) -> str | None:
    """Whom the cookie names, if it is one of ours and not over."""
    claim, _, mac = cookie.rpartition(".")
    name, _, until = claim.partition(".")
    if not claim or not any_same((_mac(claim, token, settings) for token in settings.api_tokens or (None,)), mac):
        return None
    if int(until) < now.timestamp():
        return None
    return _unpack(name)


def _mac(claim: str, token: Secret | None, settings: GateSettings) -> str:
    return _pack(hmac.digest(_cookie_key(token, settings), claim.encode(errors="surrogatepass"), hashlib.sha256))


def _cookie_key(token: Secret | None, settings: GateSettings) -> bytes:
    """Made of both secrets: when a token goes, so does whoever logged in by it. On an open hub there is none, and the
    cookie proves nothing, it names."""
    key = settings.secret_key.reveal() if settings.secret_key else ""
    shown = token.reveal() if token else ""
    return hmac.digest(key.encode() or b"tocsin", b"login\0" + shown.encode(), hashlib.sha256)


def _pack(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _unpack(text: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return None


# ----------------------------------------------------------------------------------------------------------- the login


def address_of(request: web.Request) -> str:
    """Of who knocks."""
    return knocker(request.remote or "unknown", request.headers.getall("X-Forwarded-For", []))


def knocker(peer: str, forwarded: Sequence[str]) -> str:
    """The address of who knocks; `forwarded` are the values of `X-Forwarded-For`.

    A peer in a private network may be a proxy, which names last whom it saw. A liar there wins only that a wrong token
    is counted for another: how many there are in all is bounded, too.
    """
    if not forwarded or not _is_private(peer):
        return peer
    seen = forwarded[-1].rpartition(",")[2].strip()
    return seen if _is_address(seen) else peer


def _is_private(address: str) -> bool:
    return _is_address(address) and ipaddress.ip_address(address).is_private


@dataclass(slots=True)
class Throttle:
    """Counts wrong tokens, per caller and over all, in a sliding window. In memory: a restart forgives."""

    each: int = 10
    all: int = 100
    window: timedelta = timedelta(minutes=1)
    failures: dict[str, list[datetime]] = field(default_factory=dict)

    def wait(self, caller: str, now: datetime) -> int:
        """Seconds to wait before the next try; 0 if it may be made now."""
        self._forget(now)
        own, every = self.failures.get(caller, []), [at for ats in self.failures.values() for at in ats]
        if len(own) < self.each and len(every) < self.all:
            return 0
        oldest = min(own if len(own) >= self.each else every)
        return max(1, int((oldest + self.window - now).total_seconds()) + 1)

    def failed(self, caller: str, now: datetime) -> None:
        self.failures.setdefault(caller, []).append(now)

    def _forget(self, now: datetime) -> None:
        recent = {who: [at for at in ats if at > now - self.window] for who, ats in self.failures.items()}
        self.failures = {who: ats for who, ats in recent.items() if ats}


LATE = 2.0
"""Seconds after which a wrong token is answered, where there were too many."""
MOST_LATE = 100
"""Answers that wait at once: each holds a connection, of which there are so many."""


@dataclass(slots=True)
class Guesses:
    """Wrong tokens of the API. Who shows too many is answered late, and nobody is refused for them: the right token may
    come from the same address, through a proxy that does not say for whom. It opens at once, always; so against who
    guesses on many connections only a long token helps."""

    settings: GateSettings
    throttle: Throttle = field(default_factory=Throttle)
    late: int = 0

    async def slow_down(self, address: str) -> None:
        now = self.settings.now()
        if not self.throttle.wait(address, now):
            self.throttle.failed(address, now)
            if self.throttle.wait(address, now):
                log.warning("too many wrong API tokens, the last from %s; more are answered late", address)
        elif self.late < MOST_LATE:
            self.late += 1
            try:
                await self.settings.rest(LATE)
            finally:
                self.late -= 1


def give_cookie(response: web.StreamResponse, person: str, token: Secret | None, settings: GateSettings) -> None:
    response.set_cookie(
        COOKIE,
        sign_person(person, token, settings, settings.now()),
        max_age=int(STAYS.total_seconds()),
        httponly=True,
        samesite="Strict",
        secure=settings.secure,
        path="/",
    )


def take_cookie(response: web.StreamResponse, settings: GateSettings) -> None:
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=settings.secure)


# ------------------------------------------------------------------------------------------------------ the middleware

CALLER = web.RequestKey("caller", Caller)


def caller(request: web.Request) -> Caller:
    """Who sent this request. Fails where the gate is not in front."""
    return request[CALLER]


def gate(settings: GateSettings) -> Middleware:
    """Stands before every handler; the first of the middlewares."""
    guesses = Guesses(settings)

    @web.middleware
    async def stand(request: web.Request, handler: Handler) -> web.StreamResponse:
        knock = knock_of(request)
        known, refusal = look(knock, settings)
        request[CALLER] = known
        if guessed(knock, known, settings):
            await guesses.slow_down(address_of(request))
        if refusal is not None:
            return guarded(_refused(request, refusal))
        return await _guarded(request, handler)

    return stand


def knock_of(request: web.Request) -> Knock:
    """By the route that will answer, not by the path as it was spelled: `//api` and `/%61pi` change nothing."""
    resource = request.match_info.route.resource
    return Knock(
        method=request.method,
        path=resource.canonical if resource else request.path,
        headers=request.headers,  # to which case is one
        cookie=request.cookies.get(COOKIE, "") if "cookie" in request.headers else "",
        answered=resource is not None,
    )


def guarded(response: ResponseT) -> ResponseT:
    """With the headers that every answer bears. A stream calls it before it begins."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _guarded(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as stop:
        guarded(stop)
        raise
    return response if response.prepared else guarded(response)


def _refused(request: web.Request, refusal: Refusal) -> web.StreamResponse:
    if refusal.status == 401 and _wants_page(request):
        login = f"/login?next={quote(request.path_qs, safe='')}"
        return web.Response(status=303, headers={"Location": login})
    response = web.json_response({"error": refusal.error, "detail": refusal.detail}, status=refusal.status)
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _wants_page(request: web.Request) -> bool:
    return request.method == "GET" and for_eyes(request) and area_of(request.path) is Area.PAGES


def for_eyes(request: web.Request) -> bool:
    """Whether a browser asks for something to show: neither a script of a page nor a tool."""
    asks_html = "text/html" in request.headers.get("Accept", "")
    return asks_html and area_of(request.path) in (Area.PAGES, Area.DOOR)
