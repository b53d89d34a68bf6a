"""What we ask of tools: a durable queue, one ask of a source at a time, and the waiting for the tool's answer."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from hub.contracts import Ask, Control, Outcome, Result, Target, Tools
from hub.core.rules import Rules
from hub.errors import Overloaded
from hub.memory.state import State
from hub.memory.writer import Writer
from hub.proof import Secret
from hub.router import Router
from hub.store import Changes, StoredAsk

log = logging.getLogger("tocsin.asks")

ANSWER_WITHIN = 30.0
"""Seconds that a tool may take for one request."""
LOOK_EVERY = (0.5, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 10.0, 10.0)
"""Seconds between looks whether the tool did it; together less than the minute that we wait."""


class Asks:
    def __init__(
        self,
        *,
        state: State,
        writer: Writer,
        router: Router,
        rules: Callable[[], Rules],
        controls: Mapping[str, Control],
        setting: Callable[[str, str], Secret | None],
        http: Any,
        now: Callable[[], datetime],
        redact: Callable[[str], str],
    ) -> None:
        self._state = state
        self._writer = writer
        self._router = router
        self._rules = rules
        self._controls = controls
        self._setting = setting
        self._http = http
        self._now = now
        self._redact = redact
        self._queues: dict[str, asyncio.Queue[str]] = defaultdict(asyncio.Queue)
        self._tasks: asyncio.TaskGroup | None = None
        writer.listen(self._note)

    async def serve(self) -> None:
        """Ask until cancelled. What was under way when the hub stopped may have reached the tool: it is looked for,
        not asked again."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for ask in list(self._state.asks.values()):
                if ask.state == "queued":
                    self._queue(ask)
                else:
                    tasks.create_task(self._resume(ask))
            try:
                await asyncio.Event().wait()
            finally:
                self._tasks = None  # what is asked from now on, the next start finds

    def control(self, source: str) -> Control | None:
        """The control of a source, if its settings give a way to the tool."""
        rule = self._rules().source(source)
        control = self._controls.get(rule.tool) if rule else None
        return control if control and control.ready(lambda name: self._setting(source, name)) else None

    def _note(self, changes: Changes) -> None:
        for ask in changes.asks.values():
            if ask.state == "queued":
                self._queue(ask)

    def _queue(self, ask: StoredAsk) -> None:
        if self._tasks is None:
            return
        if ask.source not in self._queues:
            self._tasks.create_task(self._serve_source(ask.source))
        self._queues[ask.source].put_nowait(ask.id)

    async def _serve_source(self, source: str) -> None:
        queue = self._queues[source]
        while True:
            ask = self._state.asks.get(await queue.get())
            if ask is not None and ask.state == "queued":
                await self._durably(self._run, ask)

    async def _resume(self, ask: StoredAsk) -> None:
        await self._durably(
            self._await_answer, ask, Outcome(result=Result.SENT, detail="the hub was restarted meanwhile")
        )

    async def _durably(self, step: Callable[..., Any], ask: StoredAsk, *arguments: Any) -> None:
        """Run a step; if the database is away, again when it may be back."""
        while True:
            try:
                await step(ask, *arguments)
            except Overloaded as error:
                await asyncio.sleep(error.retry_after)
            except Exception:
                log.exception("asking a tool failed; the ask stays as it is", extra=_about(ask))
                return
            else:
                return

    async def _run(self, ask: StoredAsk) -> None:
        control = self.control(ask.source)
        if control is None or ask.verb not in control.verbs:
            await self._answer(ask, Outcome(result=Result.REFUSED, detail="there is no way to the tool any more"))
            return
        await self._writer.do(lambda draft: self._router.answering.answer(draft, ask.id, "asking", ""))
        outcome = await self._ask(control, ask)
        if outcome.result is Result.SENT:
            assert self._tasks is not None
            self._tasks.create_task(self._durably(self._await_answer, ask, outcome))
        else:
            await self._durably(self._answer, ask, outcome)  # by itself: it was asked, and is not asked again

    async def _ask(self, control: Control, ask: StoredAsk) -> Outcome:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await control.verbs[ask.verb].run(_target(ask), _contract(ask), self._tools(ask.source))
        except TimeoutError:
            return Outcome(result=Result.UNKNOWN, detail=f"no answer within {ANSWER_WITHIN:.0f} s")
        except Exception as error:
            log.exception("the control of source %s failed", ask.source, extra=_about(ask))
            return Outcome(result=Result.UNKNOWN, detail=f"the control failed: {type(error).__name__}")

    async def _await_answer(self, ask: StoredAsk, sent: Outcome) -> None:
        """It was sent: look for what the tool made of it, until an event or the timer settles it."""
        await self._answer(ask, sent)
        control = self.control(ask.source)
        if control is None or control.confirm is None:
            return
        for wait in LOOK_EVERY:
            await asyncio.sleep(wait)
            current = self._state.asks.get(ask.id)
            if current is None or current.state != "sent":
                return
            if (outcome := await self._confirm(control, ask)) is not None:
                await self._answer(ask, outcome)
                return

    async def _confirm(self, control: Control, ask: StoredAsk) -> Outcome | None:
        assert control.confirm is not None
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await control.confirm(_target(ask), _contract(ask), self._tools(ask.source))
        except TimeoutError:
            return None
        except Exception:
            log.exception("asking source %s whether it did it failed", ask.source, extra=_about(ask))
            return None

    async def _answer(self, ask: StoredAsk, outcome: Outcome) -> None:
        detail = self._redact(outcome.detail)
        await self._writer.do(lambda draft: self._router.answering.answer(draft, ask.id, outcome.result.value, detail))

    def _tools(self, source: str) -> Tools:
        return Tools(setting=lambda name: self._setting(source, name), http=self._http, now=self._now())


def _about(ask: StoredAsk) -> Mapping[str, str]:
    about = {"source": ask.source, "ask_id": ask.id}
    return about | {"alert_id": ask.alert} if ask.alert else about


def _target(ask: StoredAsk) -> Target:
    return Target(name=ask.target, labels=ask.labels)


def _contract(ask: StoredAsk) -> Ask:
    return Ask(
        id=ask.id, verb=ask.verb, asker=ask.asker, reason=ask.reason, duration=ask.duration, asked_at=ask.asked_at
    )
