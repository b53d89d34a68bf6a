"""The composition root: builds each part once, and owns start and stop. A long straight line, on purpose."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Middleware

from hub import outward
from hub.alerting.duty import Duties
from hub.alerting.inhibiting import Inhibiting
from hub.calendars.keeping import Calendars
from hub.care.clock import Clock
from hub.care.drill import Drill
from hub.care.schedule import Schedule
from hub.care.status import status_of
from hub.care.switch import Switch
from hub.care.upkeep import Upkeep
from hub.contracts import Chat, ChatTools, Finding, Integration, Listens
from hub.current import Current
from hub.delivering.attempts import Attempts
from hub.delivering.outbox import Outbox
from hub.delivering.settling import Settling
from hub.errors import SettingsError
from hub.explain import Explainer
from hub.fetches import Fetches
from hub.hearing.actions import HubActions
from hub.hearing.askers import Askers
from hub.hearing.asks import Asks
from hub.hearing.conversation import Conversation
from hub.hearing.effects import Effects
from hub.hearing.listening import can_say, desk, listen_to, missing, rooms_in
from hub.hearing.performing import Performing
from hub.hearing.utterances import Hearing, Threads
from hub.ingest import Ingest
from hub.memory.state import State
from hub.memory.writer import Writer
from hub.now import utc_now
from hub.operations import Operations
from hub.redaction import Redactor
from hub.registry import all_commands, controls_of, installed
from hub.rooms import StoredRoomLog
from hub.router import Router
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.reading import Ahead
from hub.saying.posts import Saying
from hub.saying.templates import Templates
from hub.saying.wording import Wording
from hub.settings import Settings, variable
from hub.store import Changes, Store
from hub.store.known import Known
from hub.store.opening import care_of, open_store
from hub.telemetry import tracing
from hub.telemetry.metrics import Metrics
from hub.web.api import Api
from hub.web.chats import Chats
from hub.web.doorway import DOOR, LARGEST_BODY, DoorLimits, Doorway
from hub.web.failing import plain_errors
from hub.web.failing_pages import failing_pages
from hub.web.gate import GateSettings, gate
from hub.web.health import Health
from hub.web.inbound import Inbound
from hub.web.pages import page_routes

if TYPE_CHECKING:
    from hub.rehearsals.reviews import Reviews

log = logging.getLogger("tocsin")
StoreT = TypeVar("StoreT", bound=Store)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """The parts, for those who serve it and for tests."""

    settings: Settings
    current: Current
    store: Store
    state: State
    writer: Writer
    known: Known
    outbox: Outbox
    asks: Asks
    fetches: Fetches
    calendars: Calendars
    reviews: "Reviews | None"
    drill: Drill
    switch: Switch
    upkeep: Upkeep
    clock: Clock
    ingest: Ingest
    actions: HubActions
    hearing: Hearing
    operations: Operations
    app: web.Application
    inbound: Inbound
    doorway: Doorway

    async def reload(self) -> None:
        """Take in rules and templates as they are now."""
        await self.current.reload(self.writer, self.operations.now())
        await self.upkeep.read_templates()

    def let_go(self) -> None:
        """End what would go on for as long as somebody looks."""
        self.operations.room_log.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground(Generic[StoreT]):
    """What a hub stands on, whether it leads or not."""

    settings: Settings
    tools: Mapping[str, Integration]
    now: Callable[[], datetime]
    ticks: Callable[[], float]
    metrics: Metrics
    redactor: Redactor
    http: aiohttp.ClientSession
    store: StoreT
    current: Current
    doorway: Doorway
    middlewares: Sequence[Middleware]


@asynccontextmanager
async def build(
    settings: Settings,
    *,
    now: Callable[[], datetime] = utc_now,
    tools: Mapping[str, Integration] | None = None,
    background: bool = True,
    ticks: Callable[[], float] = time.monotonic,
    door: DoorLimits = DOOR,
    ahead: Ahead | None = None,
) -> AsyncIterator[Hub]:
    """The hub, running but not yet listening. Without `background` nothing moves unless it is told to: for tests."""
    opened = open_store(settings.database)
    async with (
        ground(settings, opened, now=now, tools=tools, ticks=ticks, door=door, ahead=ahead) as given,
        leading(given, given.store, leads=lambda: True, background=background) as hub,
    ):
        yield hub


@asynccontextmanager
async def ground(
    settings: Settings,
    opened: AbstractAsyncContextManager[StoreT],
    *,
    now: Callable[[], datetime] = utc_now,
    tools: Mapping[str, Integration] | None = None,
    ticks: Callable[[], float] = time.monotonic,
    door: DoorLimits = DOOR,
    ahead: Ahead | None = None,
) -> AsyncIterator[Ground[StoreT]]:
    tools = installed() if tools is None else tools
    doorway = Doorway(limits=door)
    shown, guarding = failing_pages(settings.template_folders), gate(_gate_settings(settings, now))
    async with outward.session() as http, opened as store:
        redactor = Redactor(settings.environment.known_secrets())
        catalogue = catalogue_of(tools, settings.environment, now)
        current = Current(settings.routes, catalogue, redactor.text, pulled=settings.pulls)
        await current.begin(store, now(), ahead)
        yield Ground(
            settings=settings,
            tools=tools,
            now=now,
            ticks=ticks,
            metrics=Metrics(partial(_counted_as, current)),
            redactor=redactor,
            http=http,
            store=store,
            current=current,
            doorway=doorway,
            middlewares=[shown, guarding, plain_errors, doorway.admit()],
        )


@asynccontextmanager
async def leading(
    given: Ground[Any], store: Store, *, leads: Callable[[], bool], background: bool = True
) -> AsyncIterator[Hub]:
    """The parts of the one that leads, or that is alone. `leads` says whether it still does, as far as is known."""
    settings, tools, now, ticks = given.settings, given.tools, given.now, given.ticks
    environment, metrics, redactor = settings.environment, given.metrics, given.redactor
    http, current, schedule = given.http, given.current, Schedule()
    async with AsyncExitStack() as stack:
        snapshot = await store.load(since=now() - current().rest)
        state = State.of(snapshot)
        known = Known(store, now)
        writer = Writer(store, state, known, now, monotonic=ticks)
        writing = asyncio.create_task(writer.serve())
        stack.push_async_callback(stopped, writing)
        inhibiting = Inhibiting(current, state)
        writer.listen(inhibiting.note)
        duties = Duties(current, state)
        router = Router(current, inhibiting, duties, settings.zone, redactor.text)
        calendars = Calendars(
            rules=current,
            private=partial(environment.secret, "CALENDAR_URL"),
            folder=settings.routes.parent,
            state=state,
            writer=writer,
            report=router.report,
            get=partial(outward.get, http),
            now=now,
        )
        current.on_change(router.adopt, calendars.adopt, tell=router.report)
        await current.begin_again(store)
        await current.keep(writer)
        ingest = Ingest(
            rules=current,
            tools=tools,
            secrets=environment.source_secrets,
            open_without_secret=settings.loopback,
            router=router,
            writer=writer,
            store=store,
            now=now,
            count=metrics.count_request,
            redact=redactor.request,
        )
        room_log = StoredRoomLog(store, writer, now)
        folders = settings.template_folders
        templates = Templates(folders, count=lambda name: metrics.failures.labels(name).inc())
        titles = {name: tool.title for name, tool in tools.items()}
        wording = Wording(
            templates,
            zone=settings.zone,
            titles=titles,
            opens=lambda window, at: current().opens(window, at),
        )
        chats = await _open_chats(stack, tools, settings, current, room_log, http, now)
        attempts = Attempts(
            state=state,
            saying=Saying(wording, inhibiting.over),
            mentioned=duties.mentioned,
            missing=partial(missing, tools),
            shadows=lambda: current().shadows,
            leads=leads,
            now=now,
        )
        outbox = Outbox(
            state=state,
            writer=writer,
            chats=chats,
            options=lambda address: current().channel_options.get(address),
            attempts=attempts,
            settling=Settling(chats=chats, report=router.report, fallbacks=router.fallbacks, redact=redactor.text),
            templates=templates,
            report=router.report,
            fallbacks=router.fallbacks,
            now=now,
            count=metrics.count_delivery,
            observe=metrics.observe,
            leads=leads,
        )
        asks = Asks(
            state=state,
            writer=writer,
            router=router,
            rules=current,
            controls=controls_of(tools),
            setting=lambda source, name: environment.secret(source, name),
            http=http,
            now=now,
            redact=redactor.text,
        )
        fetches = Fetches(
            ingest=ingest,
            store=store,
            rules=current,
            tools=tools,
            setting=lambda source: partial(environment.secret, source),
            http=http,
            now=now,
        )
        reviews = _reviews(given, fetches, ingest, store=store, writer=writer, router=router)
        drill = Drill(
            writer=writer,
            rules=current,
            duties=duties,
            missing=lambda chat: "" if chat in chats else missing(tools, chat),
            now=now,
        )
        explainer = Explainer(store, current, current.read)

        async def status() -> Sequence[str]:
            return await status_of(current, state, duties, outbox, writer, now().astimezone(settings.zone))

        askers = Askers(current, state)
        conversation = Conversation(all_commands(tools))
        actions = HubActions(
            state=state,
            writer=writer,
            router=router,
            asks=asks,
            rules=current,
            askers=askers,
            commands=conversation.commands,
            duties=duties,
            drill=drill,
            effects=Effects(state, store, now),
            controls=controls_of(tools),
            labels=frozenset(label for tool in tools.values() for label in tool.labels),
            explainer=explainer,
            status=status,
            zone=settings.zone,
            now=now,
        )
        performing = Performing(
            actions=actions, conversation=conversation, rules=current, writer=writer, redact=redactor.text
        )
        threads = Threads(state, store)
        hearing = Hearing(
            performing=performing,
            askers=askers,
            threads=threads,
            chats=chats,
            desk=partial(desk, tools),
            can_say=partial(can_say, tools, environment),
            rules=current,
            now=now,
        )
        operations = Operations(
            store=store,
            state=state,
            writer=writer,
            threads=threads,
            ingest=ingest,
            actions=actions,
            performing=performing,
            askers=askers,
            explainer=explainer,
            room_log=room_log,
            rules=current,
            chats=chats,
            status=status,
            report=router.report,
            now=now,
            redact=redactor.text,
        )

        async def clock_was_set(by: timedelta) -> None:
            await outbox.clock_was_set(by)
            await upkeep.ripen()

        clock = Clock(now=now, was_set=clock_was_set, monotonic=ticks)
        upkeep = Upkeep(
            state=state,
            writer=writer,
            store=store,
            router=router,
            rules=current,
            ingest=ingest,
            templates=templates,
            schedule=schedule,
            trusted=clock.trusted,
            now=now,
        )
        writer.listen(_counter(metrics))
        if settings.traces:
            traces = stack.enter_context(tracing.begun())
            writer.listen(lambda changes: traces.written(changes, now()))
            outbox.listen(lambda tried, seconds: traces.tried(tried, seconds, now()))
        await upkeep.route_leftovers(snapshot.unrouted)
        await upkeep.tell_of_templates()
        health = Health(current=current, writer=writer, outbox=outbox, store=store, metrics=metrics, ready=lambda: "")
        switch = Switch(
            address=settings.dead_mans_switch,
            get=partial(outward.get, http),
            writer=writer,
            report=router.report,
            ready=health.unready,
            now=now,
        )
        await switch.begin()
        app = web.Application(middlewares=given.middlewares, client_max_size=LARGEST_BODY)
        inbound = Inbound(ingest, now, metrics.observe)
        app.add_routes(inbound.routes())
        app.add_routes(_hear_chats(stack, tools, settings, hearing, now).routes())
        app.add_routes(Api(operations).routes())
        app.add_routes(health.routes())
        app.add_routes(page_routes(operations, _gate_settings(settings, now), folders))
        if background:
            await _start_background(stack, clock, known, outbox, asks, fetches, calendars, switch, schedule, upkeep)
            if reviews is not None:
                stack.push_async_callback(stopped, asyncio.create_task(reviews.serve()))
            for name, chat in chats.items():
                if isinstance(chat, Listens):
                    stack.push_async_callback(stopped, asyncio.create_task(listen_to(name, chat, hearing)))
            stack.callback(room_log.close)
        yield Hub(
            settings=settings,
            current=current,
            store=store,
            state=state,
            writer=writer,
            known=known,
            outbox=outbox,
            asks=asks,
            fetches=fetches,
            calendars=calendars,
            reviews=reviews,
            drill=drill,
            switch=switch,
            upkeep=upkeep,
            clock=clock,
            ingest=ingest,
            actions=actions,
            hearing=hearing,
            operations=operations,
            app=app,
            inbound=inbound,
            doorway=given.doorway,
        )
        room_log.close()


def _reviews(
    given: Ground[Any], fetches: Fetches, ingest: Ingest, *, store: Store, writer: Writer, router: Router
) -> "Reviews | None":
    """Of the repository that the settings name, if its source is there and set up. Raises SettingsError."""
    place, current = given.settings.rules_from, given.current
    if place is None:
        return None
    source = current().source(place.source)
    reviewing = given.tools[source.tool].reviewing if source else None
    if source is None or reviewing is None:
        raise SettingsError(f"TOCSIN_RULES_FROM: source {place.source} is none whose pull requests can be judged")
    if not reviewing.ready(partial(given.settings.environment.secret, source.name)):
        raise SettingsError(f"TOCSIN_RULES_FROM: set {variable(source.name, 'API_KEY')}, by which the hub asks")
    from hub.rehearsals.reviews import Reviews  # with all that replays the past

    reviews = Reviews(
        place=place,
        reviewing=reviewing,
        tools=lambda: fetches.given(current().source(place.source) or source),
        pulls=given.settings.pulls,
        rights=given.settings.rules_pull == "with-rights",
        current=current,
        store=store,
        writer=writer,
        report=router.report,
        now=given.now,
    )
    ingest.heed(reviews.heed)
    return reviews


async def _start_background(
    stack: AsyncExitStack,
    clock: Clock,
    known: Known,
    outbox: Outbox,
    asks: Asks,
    fetches: Fetches,
    calendars: Calendars,
    switch: Switch,
    schedule: Schedule,
    upkeep: Upkeep,
) -> None:
    for part in (clock, known, outbox, asks, fetches, calendars, switch):
        stack.push_async_callback(stopped, asyncio.create_task(part.serve()))
    schedule.start()
    stack.callback(schedule.stop)
    upkeep.start()
    fetches.start(schedule)


async def stopped(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _open_chats(
    stack: AsyncExitStack,
    tools: Mapping[str, Integration],
    settings: Settings,
    current: Current,
    room_log: StoredRoomLog,
    http: aiohttp.ClientSession,
    now: Callable[[], datetime],
) -> Mapping[str, Chat]:
    """The chats that are set up. What is owed to another is refused, by the name of what to set."""
    chats: dict[str, Chat] = {}
    for name, tool in tools.items():
        setting = partial(settings.environment.secret, name)
        if tool.chat is not None and tool.chat.ready(setting):
            rooms = partial(rooms_in, name, current)
            given = ChatTools(setting=setting, now=now, room_log=room_log, http=http, rooms=rooms)
            chats[name] = await stack.enter_async_context(tool.chat.open(given))
    return chats


def _hear_chats(
    stack: AsyncExitStack,
    tools: Mapping[str, Integration],
    settings: Settings,
    hearing: Hearing,
    now: Callable[[], datetime],
) -> Chats:
    drivers = {name: tool.chat for name, tool in tools.items() if tool.chat}
    chats = Chats(drivers=drivers, secrets=settings.environment.secrets, hearing=hearing, now=now)
    stack.push_async_callback(chats.close)
    return chats


def _gate_settings(settings: Settings, now: Callable[[], datetime]) -> GateSettings:
    return GateSettings(
        host=settings.host,
        api_tokens=settings.api_tokens,
        secret_key=settings.secret_key,
        public_url=settings.public_url,
        now=now,
    )


def _counted_as(current: Current, address: str) -> str:
    """A channel of the rules by its address; any other place by its chat alone."""
    return address if current().address(address) else address.partition(":")[0]


def _counter(metrics: Metrics) -> Callable[[Changes], None]:
    def count(changes: Changes) -> None:
        for stored in changes.events:
            metrics.count_event(stored.event.source, stored.event.status)

    return count


async def examine(settings: Settings) -> Sequence[Finding]:
    """How this installation is, part by part."""
    from hub.care.doctor import Doctor  # which a hub that runs does not need

    tools = installed()
    async with outward.session() as http:
        doctor = Doctor(
            settings,
            tools=tools,
            catalogue=catalogue_of(tools),
            http=http,
            now=utc_now,
            status=lambda: care_of(settings.database).status(),
        )
        found = await doctor.findings()
    redact = Redactor(settings.environment.known_secrets()).text
    return [replace(one, what=redact(one.what), cure=redact(one.cure)) for one in found]
