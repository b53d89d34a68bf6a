"""A chat that fails as it is told to, and a tool whose control answers as it is told to."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from hub.contracts import (
    Ask,
    ChatDriver,
    ChatTools,
    ChatTraits,
    Control,
    Integration,
    Outcome,
    PostKey,
    Repeat,
    Reply,
    Result,
    Room,
    Target,
    Tools,
    Utterance,
    Verb,
)
from hub.core.notification import Message, MessageRef
from hub.errors import TocsinError, Uncertain
from integrations.nagios import control, source


@dataclass
class TellingChat:
    """A chat that can post and nothing else, and keeps what it was told. `failures` are raised first, one a message;
    what is Uncertain arrived if `arrives`."""

    repeat: Repeat = Repeat.TWICE
    threads: bool = False
    pace: float = 0
    pace_is_shared: bool = False
    arrives: bool = False
    failures: list[TocsinError] = field(default_factory=list)
    posted: list[tuple[str, Message]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    louds: list[bool] = field(default_factory=list)
    rooms: list[Room] = field(default_factory=list)
    replies: list[tuple[str, Reply]] = field(default_factory=list)
    named: Callable[[], Sequence[Room]] = tuple
    """The rooms that the rules name, once it is open."""

    @property
    def traits(self) -> ChatTraits:
        return ChatTraits(
            dialect="plain",
            threads=self.threads,
            repeat=self.repeat,
            pace=self.pace,
            pace_is_shared=self.pace_is_shared,
        )

    async def post(
        self, room: Room, message: Message, key: PostKey, *, under: MessageRef | None = None, loud: bool = False
    ) -> MessageRef:
        if self.arrives and self.failures and isinstance(self.failures[0], Uncertain):
            self._keep(room, message, key, under, loud)
        self._fail()
        return self._keep(room, message, key, under, loud)

    def _keep(self, room: Room, message: Message, key: PostKey, under: MessageRef | None, loud: bool) -> MessageRef:
        self.posted.append((under or "", message))
        self.keys.append(key)
        self.louds.append(loud)
        self.rooms.append(room)
        return MessageRef(f"m{len(self.posted)}")

    async def reply(self, utterance: Utterance, reply: Reply) -> None:
        self._fail()
        self.replies.append((utterance.id, reply))

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def integration(self, **driver: Any) -> Integration:
        @asynccontextmanager
        async def open_chat(tools: ChatTools) -> AsyncIterator[TellingChat]:
            self.named = tools.rooms
            yield self

        return Integration(title="Pager", homepage="https://example.com", chat=ChatDriver(open=open_chat, **driver))


@dataclass
class FakeChat(TellingChat):
    """One with threads, which can edit; an edit counts as a message."""

    threads: bool = True
    edited: list[tuple[str, Message]] = field(default_factory=list)

    async def edit(self, ref: MessageRef, message: Message, key: PostKey) -> None:
        self._fail()
        self.edited.append((ref, message))


@dataclass
class FindingChat(FakeChat):
    """One that can be asked whether a message arrived."""

    async def find(self, room: Room, key: PostKey, *, under: MessageRef | None = None) -> MessageRef | None:
        return MessageRef(f"m{self.keys.index(key) + 1}") if key in self.keys else None


@dataclass
class FakeTool:
    """A Nagios whose every verb gives this outcome, and which confirms with that one."""

    outcome: Outcome = field(default_factory=lambda: Outcome(result=Result.SENT))
    confirms: Outcome | None = None
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def integration(self) -> Integration:
        async def run(target: Target, ask: Ask, tools: Tools) -> Outcome:
            self.asked.append((ask.verb, target.name, ask.comment))
            return self.outcome

        async def confirm(target: Target, ask: Ask, tools: Tools) -> Outcome | None:
            return self.confirms

        verbs = {
            name: Verb(run=run, usage=verb.usage, summary=verb.summary) for name, verb in control.CONTROL.verbs.items()
        }
        fake = Control(
            verbs=verbs,
            ready=lambda _setting: True,
            missing="",
            aim=control.aim,
            target_of=control.target_of,
            confirm=confirm,
        )
        return Integration(
            title="Nagios",
            homepage="https://example.com",
            source=source,
            labels={"host": "", "service": ""},
            control=fake,
        )
