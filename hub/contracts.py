"""What an integration and a command promise, and the records they exchange with the hub.

An integration is a folder that exports `INTEGRATION`. It translates one vendor; it never sees the store, the router
or the clock. Abilities are small protocols: a chat that can edit has `edit`; one that cannot has nothing.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, NewType, Protocol, TypeVar, runtime_checkable

from hub.core.alert import Alert
from hub.core.event import Labels, Report
from hub.core.notification import Message, MessageRef
from hub.core.silence import Silence
from hub.payload import Field, decode_form, decode_json
from hub.proof import Secret

IntentT = TypeVar("IntentT")

# ---------------------------------------------------------------------------------------------------------- sources


@dataclass(frozen=True, kw_only=True)
class WebhookRequest:
    """What came over HTTP, once, as it came. Header names are lower case."""

    source: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    received_at: datetime

    def header(self, name: str) -> str:
        """The header, or an empty text."""
        return self.headers.get(name, "")

    @property
    def content_type(self) -> str:
        return self.header("content-type").partition(";")[0].strip().lower()

    @cached_property
    def _json(self) -> Field:
        return decode_json(self.body)

    def json(self) -> Field:
        """The body as JSON, decoded once. Raises PayloadError."""
        return self._json

    def form(self) -> Field:
        """The body as a form. Raises PayloadError."""
        return decode_form(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Known, and nothing to say of it."""

    why: str


class Source(Protocol):
    """A module satisfies it. `parse` is pure: the same request gives the same reports."""

    def verify(self, request: WebhookRequest, secrets: Sequence[Secret]) -> None:
        """Return, or raise Unauthenticated."""

    def parse(self, request: WebhookRequest, options: Any, /) -> Sequence[Report] | Quiet:  # each tool its own options
        """Reports in the order they happened; raises PayloadError or Unsupported."""


@dataclass(frozen=True, slots=True)
class NoOptions:
    """A tool with nothing to set in `sources:`."""


# ------------------------------------------------------------------------------------------------------------ chats

PostKey = NewType("PostKey", str)
"""Names one delivery to a chat: the same key is the same message, however often it is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A place in a chat: `room:ops` is the room `ops` of the chat `room`."""

    chat: str
    name: str

    @property
    def address(self) -> str:
        return f"{self.chat}:{self.name}"


class Repeat(StrEnum):
    """What comes of posting the same key twice."""

    ONCE = "once"
    """The chat itself keeps it one message."""
    TWICE = "twice"
    """The reader sees it twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTraits:
    dialect: str
    """Which templates speak for it: `plain`, `slack`, …"""
    longest: int
    """How many characters a body may have."""
    threads: bool
    buttons: bool
    repeat: Repeat
    pace: float
    """Seconds between two posts to one channel."""


class Chat(Protocol):
    @property
    def traits(self) -> ChatTraits: ...

    async def post(
        self, room: Room, message: Message, key: PostKey, *, under: MessageRef | None = None, loud: bool = False
    ) -> MessageRef:
        """Post, in the thread of `under` if given. Raises Refused, Unreachable or Uncertain."""


@runtime_checkable
class Edits(Protocol):
    async def edit(self, ref: MessageRef, message: Message, key: PostKey) -> None:
        """Bring a posted message to what it should say now. Raises Refused, Unreachable or Uncertain."""


@runtime_checkable
class Finds(Protocol):
    async def find(self, room: Room, key: PostKey) -> MessageRef | None:
        """Read back whether a post arrived. Settles an Uncertain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomMessage:
    """A message of the built-in chat as it is stored and shown."""

    id: str
    room: str
    thread: str | None
    message: Message
    posted_at: datetime
    edited_at: datetime | None = None
    loud: bool = False


class RoomLog(Protocol):
    """Where the built-in chat writes: durable when it returns, live on every open page at once."""

    async def put(self, message: RoomMessage) -> RoomMessage:
        """Write it or, where the id is there already, bring it to this state; its first `posted_at` stays."""

    async def edit(self, id: str, message: Message) -> bool:
        """Bring a message that is there to what it should say now; False if it is not there."""

    async def read(self, room: str, *, limit: int = 200) -> Sequence[RoomMessage]:
        """The newest `limit` threads, oldest first, each with its entries right behind it."""

    async def thread(self, id: str) -> Sequence[RoomMessage]:
        """A message and the entries of its thread, oldest first; empty if there is none such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTools:
    """What a chat is given to work with when it is opened."""

    setting: Callable[[str], Secret | None]
    """A setting of this chat by name: `BOT_TOKEN` reads `TOCSIN_SLACK_BOT_TOKEN`."""
    now: Callable[[], datetime]
    room_log: RoomLog


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDriver:
    """How to open a chat. Give it a constant of its own in the folder, so that the type checker sees through it."""

    open: Callable[[ChatTools], AbstractAsyncContextManager[Chat]]


# --------------------------------------------------------------------------------------------------- control of tools


class Result(StrEnum):
    DONE = "done"
    ALREADY = "already"
    REFUSED = "refused"
    SENT = "sent"
    """The tool took the words; whether it did it must show."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an ask, in words for the person who asked."""

    result: Result
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a verb is to be done to. `labels` are the tool's own names for it, such as host and service."""

    name: str
    """As people say it: `web301`, `db1:Disk /var`."""
    labels: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request to a tool. `id` is short and travels in the comment, so that the tool's answer can be told apart."""

    id: str
    verb: str
    asker: str
    reason: str = ""
    duration: float | None = None
    """Seconds, where the verb takes a duration."""
    asked_at: datetime

    @property
    def comment(self) -> str:
        """`(alice) disk swap [8QK2]`: the tool's own author field may be overwritten by its login."""
        return f"({self.asker}) {self.reason or self.verb} [{self.id}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a control is given to work with."""

    setting: Callable[[str], Secret | None]
    """A setting of this source by name: `CGI_URL` reads `TOCSIN_NAGIOS_EU_CGI_URL`."""
    http: Any  # an aiohttp.ClientSession; the contracts do not import aiohttp
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Something that a tool lets us do. `usage` and `summary` are shown by `help`."""

    run: Callable[[Target, Ask, Tools], Awaitable[Outcome]]
    usage: str
    summary: str
    takes_duration: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What a tool lets us do to it. `ack`, `unack`, `quiet`, `resolve` and `comment` mean the same in all tools."""

    verbs: Mapping[str, Verb]
    ready: Callable[[Callable[[str], Secret | None]], bool]
    """Whether the settings of a source give a way to the tool."""
    missing: str
    """What to set when they do not: `TOCSIN_<SOURCE>_COMMAND_FILE or …`."""
    aim: Callable[[str, Sequence[Labels]], tuple[Target, str]]
    """The target that begins a text, and the words behind it, given the labels of the source's known alerts.
    Raises UsageError."""
    target_of: Callable[[Labels], Target | None]
    """The target that an alert with these labels is about; None if it names none."""
    confirm: Callable[[Target, Ask, Tools], Awaitable[Outcome | None]] | None = None
    """Ask the tool whether it did it. None as an answer: it cannot tell (yet)."""


# --------------------------------------------------------------------------------------------------------- integrations


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """The record that a tool folder exports as INTEGRATION."""

    title: str
    homepage: str
    source: Source | None = None
    options: type = NoOptions
    """A frozen dataclass with defaults; `sources:` of the rules file may set its fields."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The labels that routes may use, each with a sentence."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """The kinds of its events, each with a sentence."""
    refusal: int = 400
    """How to answer a body that cannot be understood: 400, or 202 where the tool would give up on us."""
    control: Control | None = None
    chat: ChatDriver | None = None
    commands: "tuple[Command[Any], ...]" = ()


# ------------------------------------------------------------------------------------------------------------- commands


class Via(StrEnum):
    """The way by which somebody spoke."""

    CHAT = "chat"
    BUTTON = "button"
    HTTP = "http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks. `person` is a name of `people:` where `known`, else what they call themselves."""

    person: str
    known: bool = False
    groups: frozenset[str] = frozenset()
    trusted: bool = False
    """Sits at an unauthenticated hub on loopback, which is open to whoever sits there."""
    token: bool = False
    """Came with the API token: audited as token + claimed person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A sentence that somebody said to the hub. `place` is an address; `post` is set in an alert's thread."""

    text: str
    asker: Asker
    place: str
    via: Via
    post: str | None = None
    version: int | None = None
    """With a button: the version that the presser saw."""
    heard_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the hub says back. Plain text; a line break begins a new line."""

    text: str
    ok: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A sentence understood: the canonical command, the words for rules of access, what `when:` may bound."""

    name: str
    """`silence`, `nagios ack`: what `allow:` begins with."""
    words: str = ""
    """The canonical arguments, as `allow: "silence twitter"` would have them."""
    arguments: Mapping[str, str | float] = field(default_factory=dict)
    """What `when:` may bound; durations in seconds."""


class Command(Protocol[IntentT]):
    """One word of the language. A module satisfies it."""

    name: str
    aliases: Sequence[str]
    usage: str
    summary: str
    reads: bool
    """Changes nothing: open to everybody in a connected chat unless the rules say otherwise."""

    def parse(self, words: str, heard: Heard, actions: "Actions", /) -> IntentT:
        """What is meant by the words behind the name. Raises UsageError."""

    def calls(self, intent: IntentT, /) -> Sequence[Call]:
        """What rules of access are asked about, one by one."""

    async def run(self, intent: IntentT, heard: Heard, actions: "Actions", /) -> Reply: ...


class Actions(Protocol):
    """What a command may see and make the hub do. Everything that it does is on record."""

    def now(self) -> datetime: ...
    def sources(self) -> Mapping[str, str]:
        """Source names and their tools."""

    def alerts(self) -> Sequence[Alert]:
        """All unresolved alerts, newest first."""

    def alert(self, id: str) -> Alert | None: ...
    def subjects(self, heard: Heard) -> Sequence[Alert]:
        """The alerts that the thread or button is about, at the version shown; empty outside of a thread."""

    def silences(self) -> Sequence[Silence]: ...
    def control(self, source: str) -> Control | None:
        """The source's control, if its settings give a way to the tool."""

    def tool_control(self, tool: str) -> Control | None: ...
    async def silence(self, matchers: Mapping[str, Any], seconds: float, reason: str, heard: Heard) -> Silence: ...
    async def unsilence(self, ids: Sequence[str], heard: Heard) -> Sequence[Silence]: ...
    async def ack(self, alert: Alert, reason: str, heard: Heard) -> None: ...
    async def unack(self, alert: Alert, heard: Heard) -> None: ...
    async def resolve(self, alert: Alert, reason: str, heard: Heard) -> None: ...
    async def ask(
        self, source: str, ask_verb: str, target: Target, reason: str, seconds: float | None, heard: Heard
    ) -> str:
        """Queue a request to a tool, durably; gives the ask's short id."""

    def commands(self) -> "Sequence[Command[Any]]": ...
    async def explain(self, event: str) -> str: ...
    def status(self) -> Sequence[str]:
        """Lines on how the hub itself is doing."""
