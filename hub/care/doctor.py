"""What is wrong with an installation, and what to do about it: `tocsin doctor`. It posts nothing and changes nothing,
whether a hub runs or not."""

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from hub.authoring.lints import BEGINS, calendar_fault
from hub.contracts import (
    ChatDriver,
    ChatTools,
    Checks,
    FetchTools,
    Finding,
    Grade,
    Integration,
    Room,
    RoomMessage,
    RulesPlace,
    Tools,
)
from hub.core.calendar import PRIVATE, lies_beside, over_http
from hub.core.notification import Message
from hub.core.rules import Rules, SourceRule
from hub.errors import Overloaded, RulesError, SettingsError, TocsinError
from hub.outward import NotAnswered, Question, get
from hub.proof import Secret
from hub.routes_file.catalogue import Catalogue
from hub.routes_file.reading import read_rules
from hub.saying.templates import Templates
from hub.settings import OWN, Settings, variable
from hub.store.checkup import ServerCheckup, look_at, look_at_server, sqlite_file

LITTLE = 256 << 20
"""Bytes of free disk below which somebody should look."""
MIB = 1 << 20
FOREIGN = "name another in TOCSIN_DATABASE, or run the version of the hub that wrote it"
SHORT = 16
"""Characters of a secret that somebody could try out: nothing slows down who asks the API."""
LONG_ENOUGH = "32 random characters or more"
SLIP = 0.8
"""How alike a name must be to one that could be meant."""
WITHIN = 30.0
"""Seconds that a chat may take for all that it is asked."""
APART = 5.0
"""Seconds by which two clocks may differ."""
OLDEST_SERVER = 13
CALENDAR = Question(largest=4 << 20, within=10.0)
PING = Question(largest=1 << 20, within=10.0)


class Doctor:
    """`catalogue` is without the settings of this machine: of these it speaks itself. `status` looks at the tables of a
    file of SQLite, and raises SettingsError where no hub of this version could use them."""

    def __init__(
        self,
        settings: Settings,
        *,
        tools: Mapping[str, Integration],
        catalogue: Catalogue,
        http: Any,
        now: Callable[[], datetime],
        status: Callable[[], object],
    ) -> None:
        self._status = status
        self._settings = settings
        self._tools = tools
        self._catalogue = catalogue
        self._http = http
        self._now = now

    async def findings(self) -> Sequence[Finding]:
        """What there is to say of each part, whether it is well or not."""
        found = [*self._of_settings(), *await self._of_database()]
        try:
            rules = read_rules(self._settings.routes, self._catalogue)
        except (RulesError, SettingsError) as error:
            wrong = [_wrong("rules", line, "correct the file") for line in str(error).splitlines()]
            return [*found, *wrong, *await self._of_switch()]
        found.append(_well("rules", f"{self._settings.routes}, {rules.hash}"))
        found += [_warning("rules", str(one)) for one in rules.warnings]
        found += [*self._of_strange_names(rules), *self._of_sources(rules)]
        found += [one async for one in self._of_ways(rules)]
        found += [one async for one in self._of_fetching(rules)]
        found += [one async for one in self._of_calendars(rules)]
        found += [await self._of_reviews(rules, self._settings.rules_from)] if self._settings.rules_from else []
        found += self._of_templates()
        return [*found, *[one async for one in self._of_chats(rules)], *await self._of_switch()]

    def _of_settings(self) -> Iterator[Finding]:
        settings = self._settings
        yield _well("settings", f"people reach the hub at {settings.address}")
        if not settings.loopback and not settings.api_tokens:
            cure = f"set TOCSIN_API_TOKEN, to {LONG_ENOUGH}"
            yield _wrong("settings", "the hub can be reached from elsewhere, and pages and API are closed", cure)
        elif not settings.loopback and any(map(_is_short, settings.api_tokens)):
            cure = f"make it {LONG_ENOUGH}"
            yield _warning("settings", "TOCSIN_API_TOKEN is so short that somebody may guess it", cure)
        if not settings.loopback and not settings.public_url.startswith("https://"):
            cure = "set TOCSIN_PUBLIC_URL to the https:// address of the proxy before it"
            yield _warning("settings", "what people and tools send to the hub is not encrypted", cure)

    def _of_strange_names(self, rules: Rules) -> Iterator[Finding]:
        """Variables that nobody reads: slips, mostly, so that what somebody meant to set is not."""
        environment, known = self._settings.environment, self._names_read(rules)
        begins = tuple(name for name in known if name.endswith("_"))
        for name in sorted(environment.names() - known):
            if not name.startswith(begins):
                near, spelled = get_close_matches(name, sorted(known), 1, SLIP), environment.spelled(name)
                meant = "".join(f"{one}<NAME>" if one.endswith("_") else one for one in near)
                file = spelled.removeprefix(name)
                cure = f"did you mean {meant}{file}?" if near else "correct its name, or take it away"
                yield _warning("settings", f"{spelled} is set, and nothing reads it", cure)

    def _names_read(self, rules: Rules) -> frozenset[str]:
        """All variables that this hub reads with these rules; what ends with `_` stands for all that begin so."""
        read = {variable(name) for name in OWN} | {variable("CALENDAR_URL", name) for name in rules.schedules}
        sources = ((one.name, self._tools[one.tool]) for one in rules.sources.values())
        for name, tool in (*self._tools.items(), *sources):
            read |= {variable(name, short) for short in _settings_of(tool)}
        return frozenset(read)

    async def _of_database(self) -> Sequence[Finding]:
        file = sqlite_file(self._settings.database)
        if file is not None:
            return [*_of_file(file, self._status)]
        if self._settings.database.startswith("sqlite:"):
            return [_warning("database", "it is in memory, and gone when the hub stops", "set TOCSIN_DATABASE")]
        try:
            met = await look_at_server(self._settings.database)
        except (Overloaded, SettingsError) as error:
            return [_wrong("database", str(error), "correct TOCSIN_DATABASE, or see why the server does not answer")]
        return [*_of_server(met)] or [_well("database", f"PostgreSQL {met.server // 10_000}, {met.size // MIB} MiB")]

    async def _of_ways(self, rules: Rules) -> AsyncIterator[Finding]:
        """Of the ways back into tools, by what they can be asked without doing anything."""
        for name, source in rules.sources.items():
            control, setting = self._tools[source.tool].control, partial(self._settings.environment.secret, name)
            if control is None or control.examine is None or not control.ready(setting):
                continue
            wrong = await self._answers(control.examine(Tools(setting=setting, http=self._http, now=self._now())))
            what, cure = _parted(wrong, "")
            yield (
                _wrong(f"source {name}", what, cure) if wrong else _well(f"source {name}", "can be commanded from here")
            )

    async def _of_fetching(self, rules: Rules) -> AsyncIterator[Finding]:
        """Of the tools that are asked, too, whether they would answer. What they post comes in without that."""
        for name, source in rules.sources.items():
            fetching = self._tools[source.tool].fetching
            if fetching is None or fetching.examine is None:
                continue
            if fetching.ready(partial(self._settings.environment.secret, name)):
                wrong = await self._answers(fetching.examine(self._fetch_tools(source)))
                about, what, cure = f"source {name}", *_parted(wrong, f"correct {variable(name, 'API_KEY')}")
                yield _warning(about, what, cure) if wrong else _well(about, "answers what it is asked")

    async def _answers(self, asking: Awaitable[str | None]) -> str:
        """What is wrong, as it says or raises; empty: nothing."""
        try:
            async with asyncio.timeout(WITHIN):
                return await asking or ""
        except TimeoutError:
            return f"it did not answer within {WITHIN:.0f} seconds; see whether this machine reaches it"
        except TocsinError as error:
            return str(error)

    def _fetch_tools(self, source: SourceRule) -> FetchTools:
        return FetchTools(
            source=source.name,
            options=source.options,
            setting=partial(self._settings.environment.secret, source.name),
            http=self._http,
            now=self._now(),
            accepted=_never_accepted,
        )

    async def _of_reviews(self, rules: Rules, place: RulesPlace) -> Finding:
        """Whether what is merged can be read where the rules are reviewed."""
        about, source = f"reviews at {place.repo}", rules.source(place.source)
        reviewing = self._tools[source.tool].reviewing if source else None
        setting = partial(self._settings.environment.secret, place.source)
        if source is None or reviewing is None:
            what = f"{place.source} is no source whose pull requests can be judged"
            return _wrong(about, what, "correct TOCSIN_RULES_FROM")
        if not reviewing.ready(setting):
            return _wrong(about, "the hub may not ask there", f"set {variable(source.name, 'API_KEY')}")
        try:
            async with asyncio.timeout(WITHIN):
                merged = await reviewing.open(place, self._fetch_tools(source)).merged()
        except TimeoutError:
            return _wrong(about, f"did not answer within {WITHIN:.0f} seconds", "see whether this machine reaches it")
        except TocsinError as error:
            return _wrong(about, str(error), f"correct TOCSIN_RULES_FROM or {variable(source.name, 'API_KEY')}")
        return _well(about, f"{place.branch} is at {merged.commit[:10]}")

    async def _of_calendars(self, rules: Rules) -> AsyncIterator[Finding]:
        for name, schedule in rules.schedules.items():
            private = self._settings.environment.secret("CALENDAR_URL", name)
            about, setting = f"calendar of {name}", variable("CALENDAR_URL", name)
            address = private if schedule.calendar == PRIVATE else Secret(schedule.calendar)
            if address is None:
                yield _wrong(about, "its URL is not known, so that nobody is on call", f"set {setting}")
            elif lies_beside(schedule.calendar):
                fault = calendar_fault(self._settings.routes.parent / schedule.calendar)
                named = schedule.calendar
                yield _wrong(about, f"{named} {fault[0]}", fault[1]) if fault else _well(about, f"{named} can be read")
            elif schedule.calendar:
                yield await self._of_calendar(about, Secret(over_http(address.reveal())))

    async def _of_calendar(self, about: str, address: Secret) -> Finding:
        try:
            answer = await get(self._http, address, CALENDAR)
        except NotAnswered as error:
            return _wrong(about, str(error), "correct its URL, or see whether this machine reaches it")
        if answer.status != 200 or BEGINS not in answer.body:
            what = (
                "its server answers with no calendar"
                if answer.status == 200
                else f"its server answered {answer.status}"
            )
            return _wrong(about, what, "take the URL of the iCalendar feed, not that of its page")
        return _well(about, "can be read")

    def _of_templates(self) -> Iterator[Finding]:
        faults = Templates(self._settings.template_folders).faults
        yield from [_wrong("templates", str(fault), "correct it; plain words are used until then") for fault in faults]
        if not faults:
            yield _well("templates", "all can be used")

    def _of_sources(self, rules: Rules) -> Iterator[Finding]:
        environment = self._settings.environment
        for name, source in rules.sources.items():
            secret = variable(name, "SECRET")
            if secrets := environment.source_secrets(name):
                yield _well(f"source {name}", f"proves itself by {secret}")
                if not self._settings.loopback and any(map(_is_short, secrets)):
                    yield _warning(f"source {name}", f"{secret} may be guessed", f"make it {LONG_ENOUGH}")
            elif not self._settings.loopback:
                yield _wrong(f"source {name}", "has no secret and is refused", f"set {secret}")
            control = self._tools[source.tool].control
            if control is not None and not control.ready(partial(environment.secret, name)):
                missing = control.missing.replace("TOCSIN_<SOURCE>", variable(name))
                yield _well(f"source {name}", f"is not commanded from here; to do so: {missing}")

    async def _of_chats(self, rules: Rules) -> AsyncIterator[Finding]:
        for chat in dict.fromkeys(address.partition(":")[0] for address in rules.channels.values()):
            driver = self._tools[chat].chat
            if driver is None:
                continue
            rooms = [Room(chat=chat, name=name, options=options) for name, options in rules.names_in(chat).items()]
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
        given = ChatTools(setting=setting, now=self._now, room_log=_NoLog(), http=self._http, rooms=lambda: rooms)
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


def _settings_of(tool: Integration) -> Iterator[str]:
    """By short names. One that does not say is asked for all that begins with its name."""
    if tool.source is not None:
        yield "SECRET"
    if tool.chat is not None and tool.chat.ear_secret:
        yield tool.chat.ear_secret
    yield from ("",) if tool.settings is None else tool.settings


def _is_short(secret: Secret) -> bool:
    return len(secret.reveal()) < SHORT


def _of_file(file: Path, status: Callable[[], object]) -> Iterator[Finding]:
    met = look_at(file)
    if met.fault:
        yield _wrong("database", f"{file}: {met.fault}", "restore a backup, or see that the hub may read the file")
        return
    try:
        if not met.new:
            status()
    except SettingsError as error:
        yield _wrong("database", f"{file}: {error}", FOREIGN)
        return
    yield _well("database", f"{file} is not there yet" if met.new else f"{file}, {met.size // MIB} MiB, is sound")
    if met.network:
        what = f"it lies on {met.network}, where SQLite cannot know that what was accepted is kept"
        yield _warning("database", what, "give it a disk of this machine, or take PostgreSQL")
    if not met.new and file.stat().st_mode & stat.S_IROTH:
        yield _warning("database", f"{file} can be read by everybody on this machine", f"chmod o-rwx {file}*")
    if met.free < LITTLE:
        yield _wrong("database", f"{met.free // MIB} MiB are free on its disk", "make room, or give it another disk")


def _of_server(met: ServerCheckup) -> Iterator[Finding]:
    if met.server < OLDEST_SERVER * 10_000:
        yield _wrong("database", f"its server is PostgreSQL {met.server // 10_000}", f"take {OLDEST_SERVER} or newer")
    if met.tables != met.needed:
        found = f"its tables are of version {met.tables}, not {met.needed}" if met.tables else "it has no tables yet"
        yield _wrong("database", found, FOREIGN if met.tables > met.needed else "run: tocsin database migrate")
    if met.closed:
        whose = f"its user may not read and write {', '.join(met.closed)}"
        yield _wrong("database", whose, "let the user of TOCSIN_DATABASE own the tables, or grant it all on them")
    if not met.syncs:
        what = "its server has fsync or full_page_writes off, so that what was accepted is lost with the power"
        yield _wrong("database", what, "set both to on")
    if met.alone:
        what = "what it confirms may be lost where another one has to lead in its place"
        yield _warning("database", what, "set synchronous_standby_names there")
    if abs(met.ahead) > APART:
        what = f"its clock is {abs(met.ahead):.0f} s {'ahead of' if met.ahead > 0 else 'behind'} this machine's"
        yield _warning("clock", what, "let a time server set both")


async def _never_accepted(_: str) -> bool:
    return False


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


def _parted(wrong: str, cure: str) -> tuple[str, str]:
    """What is wrong and what to do about it, which is the given cure where the words have none."""
    what, _, own = wrong.partition("; ")
    return what, own or cure


def _well(about: str, what: str) -> Finding:
    return Finding(grade=Grade.OK, about=about, what=what)


def _warning(about: str, what: str, cure: str = "") -> Finding:
    return Finding(grade=Grade.WARNING, about=about, what=what, cure=cure)


def _wrong(about: str, what: str, cure: str = "") -> Finding:
    return Finding(grade=Grade.WRONG, about=about, what=what, cure=cure)
