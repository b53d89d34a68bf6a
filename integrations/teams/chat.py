"""Posts cards to the workflows of Teams channels. There is one URL a channel, and it is a secret as a whole."""

import hashlib
import re
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec
from yarl import URL

from hub.contracts import ChatTools, ChatTraits, PostKey, Repeat, Room, Setting
from hub.core.notification import Message, MessageRef
from hub.errors import DeliveryError, Refused, Uncertain, Unreachable
from hub.proof import Secret
from integrations.teams.compose import compose

TRAITS = ChatTraits(dialect="teams", threads=False, repeat=Repeat.TWICE, pace=0.3)
"""Paced for the four requests a second that a workflow takes."""

BURST, WINDOW = 24, timedelta(minutes=5)
"""A workflow posts some 25 messages in five minutes. What is beyond it accepts as well, and may lose unseen; so here it
waits with us."""

WITHIN = aiohttp.ClientTimeout(total=20, sock_connect=8)
READ = 2_000
"""Bytes of an answer that are read: it is a line or two."""

CARDS = ("adaptive", "messagecard")
RETIRED = ("webhook.office.com", "outlook.office.com", "outlook.office365.com")
MAKE_ONE = 'make a workflow with the trigger "When a Teams webhook request is received"'


@dataclass(frozen=True, slots=True)
class Options:
    """What a channel may set beside `to`."""

    card: str = "adaptive"
    """What messages are sent as: `adaptive`, or `messagecard` where a webhook takes nothing else."""

    def __post_init__(self) -> None:
        if self.card not in CARDS:
            raise ValueError(f"card: '{self.card}' is none of {', '.join(CARDS)}")


# ----------------------------------------------------------------------------------------------------------- addresses


def variable(room: Room) -> str:
    """The short name of the setting that holds the room's URL: `URL_MANAGERS` for `teams:managers`."""
    return "URL_" + re.sub(r"[^A-Z0-9]", "_", room.name.lstrip("#").upper())


def whole_variable(room: Room) -> str:
    return f"TOCSIN_TEAMS_{variable(room)}"


def lacks(room: Room, setting: Setting) -> str:
    """What must be set for this room and is not."""
    return "" if setting(variable(room)) else whole_variable(room)


def fault(room: Room, setting: Setting) -> str:
    """What is wrong with the address or with the URL that is set for it. Never shows either of them."""
    if "://" in room.name or "sig=" in room.name:
        return (
            "a URL of Teams is a secret and does not belong in the rules: give the channel a name of your own, such as \
teams:managers, and put the URL into TOCSIN_TEAMS_URL_MANAGERS"
        )
    url = setting(variable(room))
    return _fault_of(url.reveal().strip(), whole_variable(room)) if url else ""


def _fault_of(url: str, name: str) -> str:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        _ = parts.port
    except ValueError:
        return f"{name} is not a URL"
    if any(host == retired or host.endswith(f".{retired}") for retired in RETIRED):
        return f"{name} leads to an Office 365 connector, and Microsoft has switched these off: {MAKE_ONE} in that \
channel, and put its URL there"
    if parts.scheme != "https" and not (parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1")):
        return f"{name} does not begin with https://; copy the whole URL of the workflow"
    if not host:
        return f"{name} is not a URL"
    if host.endswith((".logic.azure.com", ".powerplatform.com")) and "sig" not in parse_qs(parts.query):
        return f"{name} is cut off: the URL of a workflow ends with its signature, &sig=…; put it in quotes"
    return ""


# ------------------------------------------------------------------------------------------------------------- posting


class TeamsChat:
    def __init__(self, tools: ChatTools) -> None:
        self._http: aiohttp.ClientSession = tools.http
        self._setting = tools.setting
        self._now = tools.now
        self._listens = tools.setting("OUTGOING_SECRET") is not None
        self._names = _names(tools.setting("CHANNELS"))
        self._posted: defaultdict[str, deque[datetime]] = defaultdict(deque)
        """By setting, since two addresses may lead to one workflow."""

    @property
    def traits(self) -> ChatTraits:
        return TRAITS

    async def post(
        self,
        room: Room,
        message: Message,
        key: PostKey,
        *,
        under: MessageRef | None = None,  # noqa: ARG002  there are no threads: it stands by itself
        loud: bool = False,  # noqa: ARG002  every message of its own wakes
    ) -> MessageRef:
        url = self._url(room)
        self._hold_back(room)
        options: Options = room.options or Options()
        try:
            await self._send(url, compose(message, card=options.card, listens=self._listens), whole_variable(room))
        except Uncertain:
            self._count(room)  # the workflow may be posting it
            raise
        self._count(room)
        # Teams tells nothing of the message that it made.
        return MessageRef(hashlib.sha256(f"{room.address}\0{key}".encode()).hexdigest()[:32])

    async def locate(self, room: str) -> str:
        """The name that `TOCSIN_TEAMS_CHANNELS` gives to a channel's id."""
        return self._names.get(room, room)

    def _url(self, room: Room) -> Secret:
        if wrong := fault(room, self._setting):
            raise Refused(wrong)
        url = self._setting(variable(room))
        if url is None:
            raise Refused(f"set {whole_variable(room)}: {MAKE_ONE}, and put its URL there")
        return url

    def _count(self, room: Room) -> None:
        self._posted[variable(room)].append(self._now())

    def _hold_back(self, room: Room) -> None:
        """Raises Unreachable where as much was posted as the workflow can post."""
        posted, now = self._posted[variable(room)], self._now()
        while posted and posted[0] <= now - WINDOW:
            posted.popleft()
        if len(posted) >= BURST:
            wait = (posted[0] + WINDOW - now).total_seconds()
            raise Unreachable(f"a workflow posts {BURST} messages in five minutes, and has", retry_after=wait)

    async def _send(self, url: Secret, body: bytes, name: str) -> None:
        # As it was given: its signature must not be written otherwise. The errors of aiohttp speak of the URL, so none
        # of them is passed on.
        try:
            response = await self._http.post(
                URL(url.reveal().strip(), encoded=True),
                data=body,
                headers={"Content-Type": "application/json; charset=utf-8"},
                allow_redirects=False,
                timeout=WITHIN,
            )
            async with response:
                answer = b"" if response.status == 202 else await response.content.read(READ)
                status, asked = response.status, response.headers.get("Retry-After", "")
        except (aiohttp.InvalidURL, ValueError):
            raise Refused(f"{name} is not a URL") from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(f"Teams cannot be reached: {_cause(error)}") from None
        except TimeoutError:
            raise Uncertain("Teams did not answer in time") from None
        except aiohttp.ClientError:
            raise Uncertain("Teams hung up before it answered") from None
        refusal = self._verdict(status, answer.decode(errors="replace"), asked, name)
        if refusal is not None:
            raise refusal

    def _verdict(self, status: int, answer: str, asked: str, name: str) -> DeliveryError | None:
        """What an answer means. None: the message was taken."""
        # What stood behind the old connectors said so in the text of a 200.
        said = re.search(r"HTTP error (\d{3})", answer) if status == 200 else None
        if status in (200, 201, 202, 204) and said is None:
            return None
        status = int(said[1]) if said else status
        if status in (408, 425, 429) or status >= 500:
            return Unreachable(_busy(status), retry_after=_seconds(asked, self._now()))
        return Refused(f"Teams refused it ({status}{_code(answer)}): {_cure(status, name)}")


def _names(setting: Secret | None) -> Mapping[str, str]:
    """Names by id, of `managers=19:4a…@thread.tacv2, ops=19:…`."""
    pairs = [pair.partition("=") for pair in (setting.reveal() if setting else "").split(",")]
    return {id.strip(): name.strip() for name, _, id in pairs if id.strip()}


def _busy(status: int) -> str:
    return "Teams asks us to wait (429)" if status == 429 else f"Teams is unwell ({status})"


def _cure(status: int, name: str) -> str:
    if status in (401, 403):
        return f"the trigger of the workflow must let Anyone start it, and {name} must be its whole URL with &sig=…"
    if status in (404, 410):
        return f"the workflow is gone or turned off; turn it on, or {MAKE_ONE} and put its URL into {name}"
    if status == 413:
        return "it is too large, which should not happen: please report it"
    if 300 <= status < 400:
        return f"it sends us elsewhere; {name} is not the URL of a workflow"
    return "the history of the workflow's runs may say why"


def _code(answer: str) -> str:
    """The name that Power Automate gave to its refusal, if it is a name and nothing else."""
    try:
        error = msgspec.json.decode(answer)
        code = error["error"]["code"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""
    return f", {code}" if isinstance(code, str) and re.fullmatch(r"[A-Za-z]{1,60}", code) else ""


def _cause(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "its certificate cannot be trusted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not found"
    return "the connection was not answered"


def _seconds(asked: str, now: datetime) -> float | None:
    """A `Retry-After`: seconds, or a date."""
    try:
        return (
            float(asked)
            if asked.replace(".", "", 1).isdecimal()
            else (parsedate_to_datetime(asked) - now).total_seconds()
        )
    except (ValueError, TypeError):
        return None


@asynccontextmanager
async def open_chat(tools: ChatTools) -> AsyncIterator[TeamsChat]:
    yield TeamsChat(tools)
