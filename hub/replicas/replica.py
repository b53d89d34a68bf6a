"""One of several hubs on one PostgreSQL: it takes in what is posted, and while it holds the lease it is the hub.

What every replica has is built once: the door, the rules, the store, a writer for what it takes in. What needs the
memory is built anew each time that it begins to lead, and ended when it leads no more.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from hub import ids
from hub.app import Ground, Hub, ground, leading, stopped
from hub.current import Current
from hub.ingest import Ingest
from hub.memory.state import State
from hub.memory.writer import Writer
from hub.replicas.gathering import Gathering, Leaves
from hub.replicas.leadership import Leadership, ticks
from hub.routes_file.reading import Ahead
from hub.settings import Settings
from hub.store import SharedStore, Term
from hub.store.known import Known
from hub.store.opening import open_shared
from hub.web.doorway import LARGEST_BODY, Doorway
from hub.web.forward import Forward
from hub.web.health import Health
from hub.web.inbound import Inbound
from hub.web.showing import static_files
from hub.web.turns import Turns

log = logging.getLogger("tocsin.replica")


@dataclass(slots=True)
class Led:
    """The hub, while this replica leads."""

    hub: Hub
    term: Term
    gathering: Gathering


class Replica:
    """The parts that each has. `led` is there while it leads."""

    def __init__(self, given: Ground[SharedStore]) -> None:
        self._given = given
        self._led: Led | None = None
        self.settings: Settings = given.settings
        self.current: Current = given.current
        self.doorway: Doorway = given.doorway
        self.leadership = Leadership(
            given.store.desk, name=ids.new_id(), address=given.settings.replica_address, lead=self._lead
        )
        self.forward = Forward(
            lambda: self.leadership.leader,
            self.leadership.another,
            local=given.settings.loopback,
            static=static_files(given.settings.template_folders),
        )
        self.leaves = Leaves(given.store.desk)
        self.known = Known(given.store, given.now)
        self.writer = Writer(given.store, State(), self.known, given.now, monotonic=given.ticks)
        self.writer.listen(self.leaves.note)
        self.app = web.Application(middlewares=given.middlewares, client_max_size=LARGEST_BODY)
        self.app.router.register_resource(Turns(self._router))
        self._inbound = self._own_inbound()
        self._routes = self._own_routes()
        given.store.desk.hear(self._hear)

    async def reload(self) -> None:
        if self._led is not None:
            await self._led.hub.reload()
        else:
            await self.current.reload(None, self._given.now())

    def let_go(self) -> None:
        self.forward.let_go()
        if self._led is not None:
            self._led.hub.let_go()

    def _leads(self) -> Hub | None:
        return self._led.hub if self._led is not None and self._led.term.holds() else None

    def _router(self) -> web.UrlDispatcher:
        hub = self._leads()
        return hub.app.router if hub is not None else self._routes

    @property
    def inbound(self) -> Inbound:
        hub = self._leads()
        return hub.inbound if hub is not None else self._inbound

    def _own_inbound(self) -> Inbound:
        given = self._given
        ingest = Ingest(
            rules=given.current,
            tools=given.tools,
            secrets=given.settings.environment.source_secrets,
            open_without_secret=given.settings.loopback,
            router=self.leaves,
            writer=self.writer,
            store=given.store,
            now=given.now,
            count=given.metrics.count_request,
            redact=given.redactor.request,
        )
        return Inbound(ingest, given.now, given.metrics.observe)

    def _own_routes(self) -> web.UrlDispatcher:
        given = self._given
        health = Health(
            current=given.current,
            writer=self.writer,
            outbox=None,
            store=given.store,
            metrics=given.metrics,
            ready=lambda: self.leadership.failing,
        )
        router = web.UrlDispatcher()
        router.add_routes(self._inbound.accepting())
        router.add_routes(health.routes())
        router.add_routes(self.forward.routes())
        return router

    def _hear(self, words: Sequence[str]) -> None:
        if self._led is not None:
            self._led.gathering.call(words)

    @asynccontextmanager
    async def _lead(self, term: Term) -> AsyncIterator[None]:
        given = self._given
        async with leading(given, given.store.under(term), leads=term.holds) as hub, AsyncExitStack() as stack:
            gathering = Gathering(store=hub.store, route=hub.ingest.route_all, heard=hub.ingest.heard)
            hub.ingest.wait_for(gathering.catch_up)
            stack.push_async_callback(stopped, asyncio.create_task(gathering.serve()))
            self._led = Led(hub, term, gathering)
            log.info("this replica routes and delivers from now on")
            try:
                yield
            finally:
                hub.let_go()
                self._led = None


@asynccontextmanager
async def replica(settings: Settings, ahead: Ahead | None = None) -> AsyncIterator[Replica]:
    """A hub that is ready to take in, and leads as soon as nobody else does."""
    opened = open_shared(settings.database)
    async with ground(settings, opened, ticks=ticks, ahead=ahead) as given, AsyncExitStack() as stack:
        made = Replica(given)
        await stack.enter_async_context(made.forward.open())
        for part in (made.writer, made.known, made.leaves, made.leadership):
            stack.push_async_callback(stopped, asyncio.create_task(part.serve()))
        log.info("this replica is reached by others at %s", settings.replica_address)
        yield made
