"""Stories with virtual time: the real hub on a real database, with a clock that moves when the story says so."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hub.app import Hub, build
from hub.contracts import Integration, Reply, RoomMessage, Via, WebhookRequest
from hub.core.durations import parse_duration
from hub.errors import Overloaded
from hub.ingest import Accepted
from hub.registry import installed
from hub.settings import Settings, read_settings
from hub.store import Changes

RULES = """\
version: 1
sources:
  twitter: {tool: json}
channels:
  ops: room:ops
  web: room:web
everything_else: {to: ops}
"""
START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


class Scenario:
    """A hub, a clock, and the people in its rooms."""

    def __init__(
        self,
        folder: Path,
        rules: str = RULES,
        tools: Mapping[str, Integration] | None = None,
        *,
        database: str | None = None,
    ) -> None:
        self.folder = folder
        self.database = database or f"sqlite:///{folder}/tocsin.db"
        self.routes = folder / "routes.yaml"
        self.routes.write_text(rules)
        self.clock = START
        self.set_by = timedelta(0)
        """How far somebody set the clock forward."""
        self.hub: Hub
        self.variables: dict[str, str] = {}
        self._tools = tools
        self._stack = AsyncExitStack()

    @property
    def settings(self) -> Settings:
        return read_settings(routes=str(self.routes), database=self.database, variables=self.variables)

    async def start(self) -> None:
        self._stack = AsyncExitStack()
        tools = self._tools or installed()
        self.hub = await self._stack.enter_async_context(
            build(
                self.settings,
                now=lambda: self.clock,
                tools=tools,
                background=False,
                ticks=lambda: (self.clock - self.set_by - START).total_seconds(),
            )
        )
        await self.hub.known.fill()
        await self.settle()

    async def stop(self) -> None:
        await self._stack.aclose()

    async def restarts(self) -> None:
        await self.stop()
        await self.start()

    # ------------------------------------------------------------------------------------------------------- it happens

    async def receives(self, source: str, body: Mapping[str, Any], *, delivery: str = "") -> Accepted:
        accepted = await self.hub.ingest.accept(self.request(source, body, delivery=delivery))
        await self.settle()
        return accepted

    def request(self, source: str, body: Mapping[str, Any], *, delivery: str = "") -> WebhookRequest:
        headers = {"content-type": "application/json"} | ({"idempotency-key": delivery} if delivery else {})
        return WebhookRequest(source=source, headers=headers, body=json.dumps(body).encode(), received_at=self.clock)

    async def nagios(
        self,
        host: str = "web301",
        state: str = "DOWN",
        kind: str = "PROBLEM",
        *,
        service: str = "",
        number: int | None = None,
        at: datetime | None = None,
        source: str = "nagios",
        **more: str,
    ) -> Accepted:
        """A notification of Nagios about a host or service."""
        what = {"SERVICEDESC": service, "SERVICESTATE": state} if service else {"HOSTSTATE": state}
        output = {("SERVICEOUTPUT" if service else "HOSTOUTPUT"): f"{state} it is"}
        which = {("SERVICENOTIFICATIONID" if service else "HOSTNOTIFICATIONID"): str(number)} if number else {}
        body = {
            "NOTIFICATIONTYPE": kind,
            "HOSTNAME": host,
            "TIMET": str(int((at or self.clock).timestamp())),
            **what,
            **output,
            **which,
            **more,
        }
        return await self.receives(source, body)

    async def tweets(self, text: str) -> Accepted:
        return await self.receives("twitter", {"title": text, "id": text})

    async def says(self, text: str, *, by: str = "alice", in_: str = "ops", under: RoomMessage | None = None) -> Reply:
        asker = self.hub.operations.asker(by, trusted=True, token=False)
        reply = await self.hub.operations.say(
            text, asker=asker, place=f"room:{in_}", thread=under.id if under else None, via=Via.CHAT
        )
        await self.settle()
        return reply

    async def drills(self, text: str = "drill", *, by: str = "alice") -> Reply:
        """Say it, and let the channels take meanwhile what it sends."""
        asker = self.hub.operations.asker(by, trusted=True, token=False)
        saying = asyncio.create_task(self.hub.operations.say(text, asker=asker, place="room:ops"))
        while not saying.done():
            await self.settle()
            await asyncio.sleep(0)
        return saying.result()

    async def presses(self, label: str, message: RoomMessage, *, by: str = "alice") -> Reply:
        value = next(button.value for button in message.message.buttons if button.label == label)
        asker = self.hub.operations.asker(by, trusted=True, token=False)
        reply = await self.hub.operations.press(value, asker=asker, place=f"room:{message.room}")
        await self.settle()
        return reply

    async def later(self, length: str) -> None:
        """Let time pass, stopping wherever something is due."""
        end = self.clock + parse_duration(length)
        while (due := self.next_due()) is not None and due <= end:
            self.clock = max(self.clock, due)
            await self.hub.upkeep.ripen()
            await self.settle()
        self.clock = end
        await self.settle()

    async def sets_the_clock(self, by: timedelta) -> None:
        """No time passes; the clock only says so."""
        self.clock += by
        self.set_by += by
        await self.hub.clock.look()
        await self.settle()

    def fails_to_write(self, when: Callable[[Changes], bool] = lambda _: True) -> None:
        """The database refuses one transaction: the first of which that is so."""
        store, failures = self.hub.store, [Overloaded("the disk is full")]
        commit = store.commit

        async def fails_once(changes: Changes) -> None:
            if failures and when(changes):
                raise failures.pop()
            await commit(changes)

        store.commit = fails_once  # type: ignore[method-assign]

    def next_due(self) -> datetime | None:
        timers = self.hub.state.next_due()
        owed = [
            item.sending.due_at
            for item in [*self.hub.state.posts.values(), *self.hub.state.lines.values()]
            if item.sending.state == "owed" and item.sending.due_at and item.sending.due_at > self.clock
        ]
        return min([at for at in [timers, *owed] if at is not None], default=None)

    async def settle(self) -> None:
        await self.hub.switch.ping()
        await self.hub.outbox.deliver_due()

    async def reloads(self, rules: str) -> bool:
        self.routes.write_text(rules)
        return await self.hub.current.reload(self.hub.writer, self.clock)

    # --------------------------------------------------------------------------------------------------- it is seen

    async def room(self, name: str = "ops") -> list[RoomMessage]:
        """The messages of a room that are no entries of a thread."""
        return [m for m in await self.hub.operations.room_log.read(name) if m.thread is None]

    async def told(self, name: str = "ops") -> list[RoomMessage]:
        """What the hub posted by itself: alerts, notices, announcements."""
        return [m for m in await self.room(name) if m.message.kind in ("alert", "notice", "line")]

    async def latest(self, name: str = "ops") -> RoomMessage:
        return (await self.told(name))[-1]

    async def thread(self, message: RoomMessage) -> list[RoomMessage]:
        return [m for m in await self.hub.operations.room_log.thread(message.id) if m.thread is not None]
