"""What an integration and a command promise, and the records they exchange with the hub.

An integration is a folder that exports `INTEGRATION`. It translates one vendor; it never sees the store, the router
or the clock. Abilities are small protocols: a chat that can edit has `edit`; one that cannot has nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType, Protocol, TypeVar, runtime_checkable

from hub.core.alert import Alert
from hub.core.effect import Effect
from hub.core.event import Event, Labels, Report
from hub.core.holds import Pause
from hub.core.notification import Message, MessageRef
from hub.core.oncall import Schedule
from hub.core.past import Act
from hub.core.records import Record
from hub.core.records import field as struct_field
from hub.core.silence import Overlap, Silence, SilencePolicy
from hub.payload import Field, decode_form, decode_json
from hub.proof import Secret

IntentT = TypeVar("IntentT")

Match = Mapping[str, Any]
"""What a silence matches, written as in a route: values are texts, lists, or mappings."""

Setting = Callable[[str], Secret | None]
"""A setting of a source or chat by its short name: `API_URL` reads `TOCSIN_SENSU_API_URL`."""

# ---------------------------------------------------------------------------------------------------------- sources

FORM = "application/x-www-form-urlencoded"


class WebhookRequest(Record, frozen=True, kw_only=True, dict=True, gc=True):
    """What came over HTTP, once, as it came. Header names are lower case."""

    source: str
    """The source that it was posted to; of what a chat posts, the chat."""
    part: str = ""
    """Of what a chat posts, what follows its name in the path: `events`."""
    method: str = "POST"
    headers: Mapping[str, str] = struct_field(default_factory=dict)
    query: Mapping[str, str] = struct_field(default_factory=dict)
    body: bytes = b""
    received_at: datetime
    fetched: str = ""
    """Empty for what was posted; else the way in which the hub itself got it: `catch-up` or `follow-up`."""

    def header(self, name: str) -> str:
        """The header, or an empty text."""
        return self.headers.get(name, "")

    @property
    def content_type(self) -> str:
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def is_form(self) -> bool:
        """Whether the body is a form. curl calls everything one unless it is told otherwise."""
        return self.content_type == FORM and not self.body.lstrip().startswith((b"{", b"["))

    def json(self) -> Field:
        """The body as JSON, decoded once. Raises PayloadError."""
        known: Field | None = self.__dict__.get("decoded")  # a `cached_property` takes a lock
        if known is None:
            known = self.__dict__["decoded"] = decode_json(self.body)
        return known

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


@runtime_checkable
class NamesDeliveries(Protocol):
    """A source whose tool gives each delivery an id that a repeat keeps."""

    def delivery(self, request: WebhookRequest) -> str:
        """The id, or an empty text: then nothing is taken for a repeat. Asked after `verify`, of what was understood or
        fetched; may raise PayloadError."""


@runtime_checkable
class Signs(Protocol):
    """A source that can be posted to as its tool would: for `tocsin send` and for tests."""

    def sign(self, request: WebhookRequest, secret: Secret) -> Mapping[str, str]:
        """The headers that prove the request, for `request.received_at`."""


@dataclass(frozen=True, slots=True)
class NoOptions:
    """Nothing to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchTools:
    """What fetching is given to work with."""

    source: str
    options: Any
    setting: Setting
    http: Any  # an aiohttp.ClientSession; the contracts do not import aiohttp
    now: datetime
    accepted: Callable[[str], Awaitable[bool]]
    """Whether a delivery of this id is in the hub already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """What the hub gets by asking the tool, beside what the tool posts. An answer becomes a request like any other: it
    goes through the same parser and is stored, so that it can be replayed; only it need not prove itself again. Failing
    is harmless: TocsinError is logged, and tried again where that has a time."""

    ready: Callable[[Setting], bool]
    missing: str
    """What to set to have it: `TOCSIN_<SOURCE>_API_KEY`."""
    examine: Callable[[FetchTools], Awaitable[None]] | None = None
    """See whether the tool would answer, by a question that costs it nothing. Raises SettingsError or Unreachable."""
    catch_up: Callable[[FetchTools], AsyncIterator[WebhookRequest]] | None = None
    """Deliveries that never reached us, oldest first; asked at start and `every` so often."""
    every: timedelta = timedelta(minutes=15)
    follow_up: Callable[[Event, FetchTools], Awaitable[WebhookRequest | None]] | None = None
    """More about an event that was just accepted; what comes back adds to its alert and never delays it. None: nothing
    more to know. Not asked about events that were themselves fetched."""


# ---------------------------------------------------------------------------------------------------- reviewed rules


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesPlace:
    """Where rules are reviewed: a repository of a source, the path of the rules in it, and the branch that counts."""

    source: str
    repo: str
    path: str
    branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A pull request. `base` and `head` are commits; `title` and `by` are a stranger's words."""

    id: str
    title: str = ""
    by: str = ""
    url: str = ""
    base: str = ""
    head: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The newest commit of the branch, and the proposal that it came by, if it came by one."""

    commit: str
    by: str = ""
    title: str = ""
    url: str = ""
    proposal: Proposal | None = None


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    """The rules are wrong, or one of their tests failed."""
    BROKEN = "broken"
    """They could not be looked at."""


class Forge(Protocol):
    """Where rules are reviewed. All may raise Unreachable, with when to come again, or SettingsError."""

    async def proposals(self) -> Sequence[Proposal]:
        """Those that are open, and want to be merged into the branch."""

    async def judged(self, proposal: Proposal) -> bool:
        """Whether its newest commit bears a verdict of ours."""

    async def changed(self, proposal: Proposal) -> tuple[str, frozenset[str] | None]:
        """The commit that it began from, and the paths that it changes; None of these: too many to be listed."""

    async def files(self, commit: str) -> Mapping[str, bytes]:
        """By path from the folder of the rules, the files there that may be of them. Raises Unsupported of too many."""

    async def judge(self, proposal: Proposal, verdict: Verdict, words: str) -> None: ...
    async def comment(self, proposal: Proposal, text: str) -> None:
        """Say it, in Markdown, in the place of what was said before."""

    async def merged(self) -> Merged: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewing:
    """Pull requests of rules, which the hub judges. What a stranger proposes is data: nothing of it is run."""

    ready: Callable[[Setting], bool]
    missing: str
    """What to set to have it: `TOCSIN_<SOURCE>_API_KEY`."""
    open: Callable[[RulesPlace, FetchTools], Forge]
    concerns: Callable[[WebhookRequest, RulesPlace], bool]
    """Whether a request says that there may be something new to look at there."""


# ------------------------------------------------------------------------------------------------------------ chats

PostKey = NewType("PostKey", str)
"""Names one delivery to a chat: the same key is the same message, however often it is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A place in a chat: `room:ops` is the room `ops` of the chat `room`."""

    chat: str
    name: str
    options: Any = None
    """What the channel sets beside `to`, as the chat's own `ChatDriver.options`; None where no channel names it."""

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


class Kept(Chat, Protocol):
    """A chat whose messages lie in the hub's own store: a new one is written together with the record that it was."""

    def written(
        self, room: Room, message: Message, key: PostKey, *, under: MessageRef | None = None, loud: bool = False
    ) -> "RoomMessage":
        """What `post` would write. Nothing of that key has been written before."""


@runtime_checkable
class Edits(Protocol):
    async def edit(self, ref: MessageRef, message: Message, key: PostKey) -> None:
        """Bring a posted message to what it should say now. Raises Refused, Unreachable or Uncertain."""


@runtime_checkable
class Finds(Protocol):
    async def find(self, room: Room, key: PostKey, *, under: MessageRef | None = None) -> MessageRef | None:
        """Read back whether a post arrived, in the thread of `under` if given. Settles an Uncertain."""


class Grade(StrEnum):
    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How a part of an installation is, and what would make it well. It shows no secret."""

    grade: Grade
    about: str
    what: str
    cure: str = ""


@runtime_checkable
class Checks(Protocol):
    """A chat that can say, without posting anything, whether its credentials and rights would do."""

    async def check(self, rooms: Sequence[Room]) -> Sequence[Finding]:
        """What is found of the credentials, and of these rooms. Raises Refused, Unreachable or Uncertain."""


# What a chat hears.


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookResponse:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """Somebody spoke to the hub in a chat, or pressed a button there, in the chat's own terms."""

    id: str
    """The chat's own, or one that a repeat of the same request would have again. It is done once."""
    user: str
    """Who: the chat's immutable id, never a name that can be changed."""
    user_name: str = ""
    """As the chat shows them. It proves nothing."""
    room: str
    """Where, as the chat calls it: an id, or the name if that is all it has."""
    private: bool = False
    """Between this user and the hub alone."""
    text: str = ""
    button: str = ""
    """The value of the button that was pressed, instead of a text."""
    message: "MessageRef | None" = None
    """The message in whose thread it was said, or whose button was pressed."""
    answer_to: str = ""
    """The chat's own note of how to reply: a thread, a URL. Opaque to the hub, never stored or logged."""
    aside: bool = False
    """The reply is for this user's eyes alone, though others are in the room."""


class Ear(Protocol):
    """Hears what a chat posts over HTTP. Pure, and raises nothing else, whatever is posted."""

    @property
    def parts(self) -> Sequence[str]:
        """What may follow `/chat/<chat>/`; an empty text is nothing."""

    @property
    def within(self) -> float:
        """Seconds in which the chat wants its answer, with some to spare."""

    def verify(self, request: WebhookRequest, secrets: Sequence[Secret]) -> None:
        """Return, or raise Unauthenticated. Age is reckoned from `request.received_at`."""

    def hear(self, request: WebhookRequest) -> Utterance | WebhookResponse:
        """What was said; or what to answer where nobody said anything to us. Raises PayloadError."""

    def answer(self, utterance: Utterance, reply: "Reply | None") -> WebhookResponse:
        """How to answer the request, where the reply is there in time. Without one (it takes longer, or was a repeat)
        whatever keeps the chat from asking again."""


@runtime_checkable
class Replies(Protocol):
    """A chat that can say something to one who spoke, after the request has been answered."""

    async def reply(self, utterance: Utterance, reply: "Reply") -> None:
        """Raises Refused, Unreachable or Uncertain."""


@runtime_checkable
class Locates(Protocol):
    """A chat whose requests name rooms otherwise than addresses do."""

    async def locate(self, room: str) -> str:
        """The room's name as an address has it; the given one where it cannot be found out."""


Hear = Callable[[Utterance], Awaitable["Reply | None"]]
"""Performs what was said, once and on record. None: it was a repeat. The chat sends the reply as it likes."""


@runtime_checkable
class Listens(Protocol):
    """A chat that holds a connection of its own to hear by: Socket Mode, a sync loop, IRC."""

    async def listen(self, hear: Hear) -> None:
        """Until cancelled; connects anew by itself."""


class RoomMessage(Record, frozen=True, kw_only=True):
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

    setting: Setting
    """A setting of this chat by name: `BOT_TOKEN` reads `TOCSIN_SLACK_BOT_TOKEN`."""
    now: Callable[[], datetime]
    room_log: RoomLog
    http: Any  # an aiohttp.ClientSession, shared and without cookies; the contracts do not import aiohttp


def _always(_: Setting) -> bool:
    return True


def _flawless(_: Room, __: Setting) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDriver:
    """How to open a chat. Give it a constant of its own in the folder, so that the type checker sees through it.

    A vendor's library is imported when the chat is opened, and not before: most hubs use one or two chats."""

    open: Callable[[ChatTools], AbstractAsyncContextManager[Chat]]
    ready: Callable[[Setting], bool] = _always
    """Whether its settings suffice to open it."""
    missing: str = ""
    """What to set where they do not: `TOCSIN_SLACK_BOT_TOKEN`."""
    options: type = NoOptions
    """A frozen dataclass with defaults; an entry of `channels:` may set its fields beside `to`."""
    fault: Callable[[Room, Setting], str] = _flawless
    """What is wrong with an address, or with what a setting of it leads to, and the cure, in a line; empty: nothing. It
    names settings and never shows what is in them."""
    lacks: Callable[[Room, Setting], str] = _flawless
    """What must be set for this one address and is not: `TOCSIN_TEAMS_URL_MANAGERS`. Empty: nothing."""
    person: Callable[[str], str] | None = None
    """The room in which one person hears alone, by their id: `@U024BE7LH`. None: there is none such."""
    pings: Callable[[str], bool] | None = None
    """Whether it can ping somebody by this id or, by `here`, all who are there. None: it shows names alone."""
    ear: Ear | None = None
    ear_secret: str = ""
    """The setting that proves what the ear hears, several secrets separated by commas. Without it: 401."""


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

    setting: Setting
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
    ready: Callable[[Setting], bool]
    """Whether the settings of a source give a way to the tool."""
    missing: str
    """What to set when they do not: `TOCSIN_<SOURCE>_COMMAND_FILE or …`."""
    aim: Callable[[str, Sequence[Labels]], tuple[Target, str]]
    """The target that begins a text, and the words behind it, given the labels of the source's known alerts.
    Raises UsageError."""
    target_of: Callable[[Labels], Target | None]
    """The target that an alert with these labels is about; None if it names none."""
    names: frozenset[str] = frozenset({"host", "service"})
    """The labels that `target_of` goes by: only the tool itself may say them."""
    confirm: Callable[[Target, Ask, Tools], Awaitable[Outcome | None]] | None = None
    """Ask the tool whether it did it. None as an answer: it cannot tell (yet)."""
    examine: Callable[[Tools], Awaitable[str]] | None = None
    """What is wrong with the way to the tool, and what would mend it; empty: nothing that can be seen without doing
    anything."""


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
    fetching: Fetching | None = None
    reviewing: Reviewing | None = None
    chat: ChatDriver | None = None
    commands: "tuple[Command[Any], ...]" = ()
    papers: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    """Texts to paste on the vendor's side, by name, made from the hub's address: `tocsin slack manifest`."""


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
    account: str = ""
    """The account in a connected chat by which they spoke: `slack:U024BE7LH`. Empty on pages and over HTTP."""


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
    back: str = ""
    """The address at which the asker hears later what comes of it: the place or, of what was said in private, that of
    the asker alone. Empty: nowhere."""
    aside: bool = False
    """The reply is for the asker's eyes alone: the others in that place know nothing of it."""
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
    act: Act | None = None
    """What the hub itself does to an alert by it, where no tool is asked."""


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


@runtime_checkable
class OpenToAll(Protocol):
    """A command that changes something and needs no right for it, unless the rules name it."""

    open_to_all: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    """A silence that was asked for, what it hides, and which others hold the same or some of it."""

    silence: Silence
    effect: Effect
    beside: Sequence[tuple[Silence, Overlap]] = ()


@runtime_checkable
class JudgedAs(Protocol):
    """A command that is another one in other words: rules of access speak of that one."""

    judged_as: str


class DrillResult(StrEnum):
    """What came of a drill in a channel."""

    DELIVERED = "delivered"
    SHADOW = "shadow"
    PAUSED = "paused"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    LATE = "late"
    """Not taken while we waited; it is not tried any more."""
    NOT_SET_UP = "not set up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """A channel that was tried. `channel` are its names, `detail` says why it is so."""

    channel: str
    address: str
    result: DrillResult
    took: timedelta | None = None
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is as the rules and people want it."""
        return self.result in (DrillResult.DELIVERED, DrillResult.SHADOW, DrillResult.PAUSED)

    @property
    def milliseconds(self) -> int | None:
        return None if self.took is None else round(self.took / timedelta(milliseconds=1))


class Actions(Protocol):
    """What a command may see and make the hub do. Everything that it does is on record."""

    def now(self) -> datetime: ...
    def here(self) -> datetime:
        """The same, in the zone in which people are told times, and say them."""

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
    async def preview(self, matchers: Match) -> Effect:
        """What a silence would hide. Raises UsageError."""

    async def silence(self, matchers: Match, seconds: float, reason: str, heard: Heard) -> Silenced:
        """Raises UsageError where there can be no such silence."""

    def waiting(self) -> Sequence[Silence]:
        """Silences that wait for a second person to agree."""

    def scheduled(self) -> Sequence[Silence]:
        """The silences of the rules file that are to come, the next first; of each its next time."""

    def silence_policy(self) -> SilencePolicy: ...
    async def approve(self, silence: Silence, heard: Heard) -> Silence:
        """Let a silence begin that waits for it. Raises UsageError."""

    async def extend(self, silence: Silence, ends_at: datetime, heard: Heard) -> Silence:
        """Let it last until then. Raises UsageError."""

    async def unsilence(self, ids: Sequence[str], heard: Heard) -> Sequence[Silence]: ...
    async def ack(self, alert: Alert, reason: str, seconds: float | None, heard: Heard) -> datetime | None:
        """Take it on for so long, or as long as the rules say; gives until when, if it ends."""

    async def unack(self, alert: Alert, heard: Heard) -> None: ...
    async def resolve(self, alert: Alert, reason: str, heard: Heard) -> None: ...
    async def ask(
        self, source: str, ask_verb: str, target: Target, reason: str, seconds: float | None, heard: Heard
    ) -> str:
        """Queue a request to a tool, durably; gives the ask's short id."""

    def channels(self) -> Mapping[str, str]:
        """The channels of the rules and their addresses."""

    def routes(self) -> Sequence[str]:
        """The names of all routes."""

    async def pause(self, what: str, name: str, seconds: float, reason: str, heard: Heard) -> Pause:
        """Let the channel of an address, or a route, say nothing new for so long. Raises UsageError."""

    async def resume(self, what: str, name: str, heard: Heard) -> bool:
        """Let it go on, and tell what it missed. False: it was not paused."""

    async def drill(self, channel: str, heard: Heard) -> Sequence[Drilled]:
        """Try the channel of an address, or whoever is on call (`oncall:web`), or, if empty, every channel."""

    def schedules(self) -> Mapping[str, Schedule]:
        """Who is on call for what, as it is now."""

    async def take(self, schedule: str, seconds: float, heard: Heard) -> datetime:
        """Let the asker be on call from now on; gives until when. Raises UsageError."""

    async def offer_link(self, heard: Heard) -> str:
        """A code by which somebody can let the asker's account count as them, for ten minutes and once."""

    async def link(self, code: str, heard: Heard) -> str:
        """Let the account that was given this code count as the asker from now on; gives the account. Raises
        UsageError."""

    async def unlink(self, heard: Heard) -> bool:
        """Let the asker's account count as nobody again. False: it was not linked."""

    def commands(self) -> "Sequence[Command[Any]]": ...
    async def explain(self, event: str, channel: str = "") -> str:
        """Who heard of it, and why; or why a channel did not. Raises UsageError where no channel is called so."""

    def status(self) -> Sequence[str]:
        """Lines on how the hub itself is doing."""
