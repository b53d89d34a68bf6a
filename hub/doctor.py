"""What is wrong with an installation, and what to do about it: `tocsin doctor`. It posts nothing and changes nothing,
whether a hub runs or not."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from hub.contracts import ChatDriver, ChatTools, Checks, Finding, Grade, Integration, Room, RoomMessage
from hub.core.notification import Message
from hub.core.rules import Rules
from hub.errors import RulesError, SettingsError, TocsinError
from hub.outward import NotAnswered, Question, get
from hub.routes_file import Catalogue, read_rules
from hub.settings import Settings, variable
from hub.store.checkup import look_at, sqlite_file

LITTLE = 256 << 20
"""Bytes of free disk below which somebody should look."""
MIB = 1 << 20
WITHIN = 30.0
"""Seconds that a chat may take for all that it is asked."""
PING = Question(largest=1 << 20, within=10.0)


class Doctor:
    """`catalogue` is without the settings of this machine: of these it speaks itself."""

    def __init__(
        self,
        settings: Settings,
        *,
        tools: Mapping[str, Integration],
        catalogue: Catalogue,
        http: Any,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._tools = tools
        self._catalogue = catalogue
        self._http = http
        self._now = now

    async def findings(self) -> Sequence[Finding]:
        """What there is to say of each part, whether it is well or not."""
        found = [*self._of_settings(), *self._of_database()]
        try:
            rules = read_rules(self._settings.routes, self._catalogue)
        except (RulesError, SettingsError) as error:
            wrong = [_wrong("rules", line, "correct the file") for line in str(error).splitlines()]
            return [*found, *wrong, *await self._of_switch()]
        found.append(_well("rules", f"{self._settings.routes}, {rules.hash}"))
        found += [_warning("rules", line) for line in rules.warnings]
        found += self._of_sources(rules)
        return [*found, *[one async for one in self._of_chats(rules)], *await self._of_switch()]

    def _of_settings(self) -> Iterator[Finding]:
        settings = self._settings
        yield _well("settings", f"people reach the hub at {settings.address}")
        if not settings.loopback and settings.api_token is None:
            cure = "set TOCSIN_API_TOKEN, to 32 random characters or more"
            yield _wrong("settings", "the hub can be reached from elsewhere, and pages and API are closed", cure)
        if not settings.loopback and not settings.public_url.startswith("https://"):
            cure = "set TOCSIN_PUBLIC_URL to the https:// address of the proxy before it"
            yield _warning("settings", "what people and tools send to the hub is not encrypted", cure)

    def _of_database(self) -> Iterator[Finding]:
        file = sqlite_file(self._settings.database)
        if file is None:
            return
        met = look_at(file)
        if met.fault:
            yield _wrong("database", f"{file}: {met.fault}", "restore a backup, or see that the hub may read the file")
            return
        yield _well("database", f"{file} is not there yet" if met.new else f"{file}, {met.size // MIB} MiB, is sound")
        if met.free < LITTLE:
            yield _wrong(
                "database", f"{met.free // MIB} MiB are free on its disk", "make room, or give it another disk"
            )

    def _of_sources(self, rules: Rules) -> Iterator[Finding]:
        environment = self._settings.environment
        for name, source in rules.sources.items():
            secret = variable(name, "SECRET")
            if environment.source_secrets(name):
                yield _well(f"source {name}", f"proves itself by {secret}")
            elif not self._settings.loopback:
                yield _wrong(f"source {name}", "has no secret and is refused", f"set {secret}")
            control = self._tools[source.tool].control
            if control is not None and not control.ready(partial(environment.secret, name)):
                yield _well(f"source {name}", f"is not commanded from here; to do so: {control.missing}")

    async def _of_chats(self, rules: Rules) -> AsyncIterator[Finding]:
        addresses: dict[str, list[Room]] = {}
        for address in dict.fromkeys(rules.channels.values()):
            chat, _, name = address.partition(":")
            options = rules.channel_options.get(address)
            addresses.setdefault(chat, []).append(Room(chat=chat, name=name, options=options))
        for chat, rooms in addresses.items():
            driver = self._tools[chat].chat
            if driver is None:
                continue
            for one in await self._of_chat(chat, driver, rooms):
                yield one

    async def _of_chat(self, chat: str, driver: ChatDriver, rooms: Sequence[Room]) -> Sequence[Finding]:
        setting = partial(self._settings.environment.secret, chat)
        if not driver.ready(setting):
            return [_wrong(chat, "is not set up, so that its channels hear nothing", f"set {driver.missing}")]
        faults = [_wrong(chat, fault) for room in rooms if (fault := driver.fault(room, setting))]
        lacking = {room.address: lack for room in rooms if (lack := driver.lacks(room, setting))}
        faults += [_wrong(chat, f"{address} hears nothing", f"set {lack}") for address, lack in lacking.items()]
        if faults:
            return faults
        given = ChatTools(setting=setting, now=self._now, room_log=_NoLog(), http=self._http)
        try:
            async with asyncio.timeout(WITHIN), driver.open(given) as opened:
                met = await opened.check(rooms) if isinstance(opened, Checks) else ()
        except TimeoutError:
            return [_wrong(chat, f"did not answer within {WITHIN:.0f} seconds", "see whether this machine reaches it")]
        except TocsinError as error:
            return [_wrong(chat, str(error))]
        return met or [_well(chat, f"{len(rooms)} of its channels could be told")]

    async def _of_switch(self) -> Sequence[Finding]:
        address = self._settings.dead_mans_switch
        if address is None:
            cure = "set TOCSIN_DEAD_MANS_SWITCH_URL"
            return [_warning("dead man's switch", "nobody would notice if the hub and its machine were gone", cure)]
        try:
            answer = await get(self._http, address, PING)
            if answer.status >= 300:
                raise NotAnswered(f"it answered {answer.status}")
        except NotAnswered as error:
            return [_wrong("dead man's switch", str(error), "correct TOCSIN_DEAD_MANS_SWITCH_URL")]
        return [_well("dead man's switch", "takes pings")]


class _NoLog:
    """Of the built-in rooms, when nobody is told anything."""

    async def put(self, message: RoomMessage) -> RoomMessage:
        return message

    async def edit(self, id: str, message: Message) -> bool:  # noqa: ARG002 - the shape of a log
        return False

    async def read(self, room: str, *, limit: int = 200) -> Sequence[RoomMessage]:  # noqa: ARG002 - the shape of a log
        return []

    async def thread(self, id: str) -> Sequence[RoomMessage]:  # noqa: ARG002 - the shape of a log
        return []


def _well(about: str, what: str) -> Finding:
    return Finding(grade=Grade.OK, about=about, what=what)


def _warning(about: str, what: str, cure: str = "") -> Finding:
    return Finding(grade=Grade.WARNING, about=about, what=what, cure=cure)


def _wrong(about: str, what: str, cure: str = "") -> Finding:
    return Finding(grade=Grade.WRONG, about=about, what=what, cure=cure)
