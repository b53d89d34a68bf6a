"""Where people talk: what a chat can show, and what is heard in it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType, Protocol, runtime_checkable

from hub.contracts.commands import Reply
from hub.contracts.options import NoOptions, Setting
from hub.contracts.sources import WebhookRequest
from hub.core.notification import Message, MessageRef
from hub.core.records import Record
from hub.proof import Secret

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
    threads: bool
    """Without them, what would stand in one stands alone and says what it is about."""
    repeat: Repeat
    pace: float
    """Seconds between two posts to one channel. Zero, where a repeat is none, lets many go at once."""
    pace_is_shared: bool = False
    """Of all its channels together, where what is limited is a connection or an account."""


class Chat(Protocol):
    @property
    def traits(self) -> ChatTraits: ...

    async def post(
        self, room: Room, message: Message, key: PostKey, *, under: MessageRef | None = None, loud: bool = False
    ) -> MessageRef:
        """Post, in the thread of `under` if given. Raises Refused, Unreachable or Uncertain; what takes more than half
        a minute is cut off, and uncertain. Where the chat does not say what it calls a message, make a name of the
        key."""


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


@runtime_checkable
class Permalinks(Protocol):
    """A chat whose messages have an address on the web."""

    async def permalink(self, ref: MessageRef) -> str:
        """Where people find a message. Raises Refused, Unreachable or Uncertain."""


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
    """The chat's own, or one that a repeat of the same request would have again; of a chat that brings nothing twice,
    any that is new. It is done once."""
    user: str
    """Who: the chat's immutable id, never a name that can be changed. Empty where the chat does not prove who it was:
    a stranger then, whatever they call themselves."""
    user_name: str = ""
    """As the chat shows them. It proves nothing."""
    room: str
    """Where, as the chat calls it: an id, or the name if that is all it has."""
    private: bool = False
    """Between this user and the hub alone."""
    text: str = ""
    button: str = ""
    """The value of the button that was pressed, instead of a text."""
    message: MessageRef | None = None
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

    def answer(self, utterance: Utterance, reply: Reply | None) -> WebhookResponse:
        """How to answer the request, where the reply is there in time. Without one (it takes longer, or was a repeat)
        whatever keeps the chat from asking again."""


@runtime_checkable
class Replies(Protocol):
    """A chat that can say something to one who spoke, after the request has been answered."""

    async def reply(self, utterance: Utterance, reply: Reply) -> None:
        """Raises Refused, Unreachable or Uncertain."""


@runtime_checkable
class Locates(Protocol):
    """A chat whose requests name rooms otherwise than addresses do."""

    async def locate(self, room: str) -> str:
        """The room's name as an address has it; the given one where it cannot be found out."""


Hear = Callable[[Utterance], Awaitable[Reply | None]]
"""Performs what was said, once and on record. None: it was a repeat. The chat sends the reply as it likes. Raises
Overloaded where nothing was done."""


@runtime_checkable
class Listens(Protocol):
    """A chat that holds a connection of its own to hear by: Socket Mode, a sync loop, IRC. It tells what is said to the
    hub from what is not, and from what the hub said itself."""

    async def listen(self, hear: Hear) -> None:
        """Until cancelled; connects anew by itself, ever later where that fails. `post` may use the same connection,
        and may be called before it is there."""


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
    rooms: Callable[[], Sequence[Room]] = tuple
    """The addresses in it that the rules name now: where it must be before it can hear, say. Rules change while it is
    open; a chat that goes by this asks again now and then."""


def _always(_: Setting) -> bool:
    return True


def _flawless(_: Room, __: Setting) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDriver:
    """How to open a chat. Give it a constant of its own in the folder, so that the type checker sees through it.

    A vendor's library is imported when the chat is opened, and not before: most hubs use one or two chats."""

    open: Callable[[ChatTools], AbstractAsyncContextManager[Chat]]
    """Entered where the hub leads, and left when it ends or leads no more: of several replicas one has it open, but the
    one before may hold its connection for some seconds longer. `tocsin doctor` opens it, to `check`, beside a hub that
    runs. Nothing of it outlives that: tasks, connections."""
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
    place: Callable[[Room], str] = lambda room: room.name
    """What two addresses have in common that are one place: a setting with the URL of both, say."""
    person: Callable[[str], str] | None = None
    """The room in which one person hears alone, by their id: `@U024BE7LH`. None: there is none such."""
    pings: Callable[[str], bool] | None = None
    """Whether it can ping somebody by this id or, by `here`, all who are there. None: it shows names alone."""
    ear: Ear | None = None
    ear_secret: str = ""
    """The setting that proves what the ear hears, several secrets separated by commas. Without it: 401."""
