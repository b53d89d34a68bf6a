"""A chat that fails as it is told to, and a tool whose control answers as it is told to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

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
    Result,
    Room,
    Target,
    Tools,
    Verb,
)
from hub.core.notification import Message, MessageRef
from hub.errors import TocsinError
from integrations.nagios import control, source


@dataclass
class FakeChat:
    """Keeps what it was told. `failures` are raised first, one a message; an edit counts as a message."""

    repeat: Repeat = Repeat.TWICE
    failures: list[TocsinError] = field(default_factory=list)
    posted: list[tuple[str, Message]] = field(default_factory=list)
    edited: list[tuple[str, Message]] = field(default_factory=list)

    @property
    def traits(self) -> ChatTraits:
        return ChatTraits(dialect="plain", longest=4_000, threads=True, buttons=True, repeat=self.repeat, pace=0)

    async def post(
        self, room: Room, message: Message, key: PostKey, *, under: MessageRef | None = None, loud: bool = False
    ) -> MessageRef:
        self._fail()
        self.posted.append((under or "", message))
        return MessageRef(f"m{len(self.posted)}")

    async def edit(self, ref: MessageRef, message: Message, key: PostKey) -> None:
        self._fail()
        self.edited.append((ref, message))

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def integration(self) -> Integration:
        @asynccontextmanager
        async def open_chat(_tools: ChatTools) -> AsyncIterator[FakeChat]:
            yield self

        return Integration(title="Pager", homepage="https://example.com", chat=ChatDriver(open=open_chat))


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
