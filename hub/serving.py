"""Running a hub as a process: it listens, loads anew what changed, and stops when it is told to."""

import asyncio
import errno
import gc
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from aiohttp import web

from hub.app import build, stopped
from hub.care.supervisor import keep_alive, notify
from hub.core.rules import OWN
from hub.current import Current, Marks, marks_of
from hub.errors import Overloaded, SettingsError
from hub.replicas.replica import replica
from hub.routes_file.reading import Ahead
from hub.settings import Settings, variable
from hub.store.opening import is_shared
from hub.web.doorway import Doorway
from hub.web.inbound import Inbound

log = logging.getLogger("tocsin")

LOOK_EVERY = 1.0
"""Seconds after which it is noticed that rules or templates changed."""

COLLECT_EVERY = (5_000, 20, 50)
"""How many objects more than before let the cycle collector look through the youngest; and after how many such rounds
it looks through the older, and after how many of those through the oldest."""

CANNOT_LISTEN: Mapping[int, str] = {
    errno.EADDRNOTAVAIL: "--host names no address of this machine; 127.0.0.1 and 0.0.0.0 are",
    errno.EACCES: "ports below 1024 take a right of their own; try --port 8080, behind a proxy",
}
"""What to do about it, where another port is not all."""


class Reloads(Protocol):
    async def reload(self) -> None: ...


class Running(Reloads, Protocol):
    """A hub, alone or one of several."""

    @property
    def settings(self) -> Settings: ...
    @property
    def current(self) -> Current: ...
    @property
    def app(self) -> web.Application: ...
    @property
    def inbound(self) -> Inbound: ...
    @property
    def doorway(self) -> Doorway: ...
    def let_go(self) -> None: ...


def running(settings: Settings, ahead: Ahead | None = None) -> AbstractAsyncContextManager[Running]:
    return replica(settings, ahead) if is_shared(settings.database) else build(settings, ahead=ahead)


async def serve(settings: Settings, ahead: Ahead | None = None) -> None:
    """Run until told to stop. SIGHUP and a change of the rules file, or of the templates beside it, load both anew."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(settings, ahead) as hub:
        reload = asyncio.Event()
        loop.add_signal_handler(signal.SIGHUP, reload.set)
        tasks = [
            asyncio.create_task(reload_when_told(hub, reload)),
            asyncio.create_task(watch(hub.current.look, reload)),
            asyncio.create_task(watch(partial(_templates, settings.routes.parent / "templates"), reload)),
            asyncio.create_task(keep_alive()),
        ]
        spare_the_collector()
        try:
            async with _listening(hub) as port:
                _say_where(hub, port)
                notify("READY=1")
                await stop.wait()
                log.info("stopping")
                notify("STOPPING=1")
                hub.let_go()
        finally:
            for task in tasks:
                await stopped(task)


def spare_the_collector() -> None:
    """What was built stays to the end and need not be looked through again and again. Of what an event makes hardly
    anything is in a cycle, so that it is enough to look seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_EVERY)


@asynccontextmanager
async def _listening(hub: Running) -> AsyncIterator[int]:
    """Gives the port, which the system chooses where 0 was asked for."""
    host, port = hub.settings.host, hub.settings.port
    async with AsyncExitStack() as stack:
        try:
            port = await stack.enter_async_context(hub.doorway.open(hub.app, host, port, lambda: hub.inbound))
        except OSError as error:
            raise SettingsError(f"cannot listen on {host}:{port}: {_why_not(error)}") from error
        yield port


def _why_not(error: OSError) -> str:
    """And what to do about it."""
    if isinstance(error, socket.gaierror):
        return f"{error.strerror}; {CANNOT_LISTEN[errno.EADDRNOTAVAIL]}"
    code = error.errno or errno.EADDRNOTAVAIL  # which asyncio of Python 3.13 says in words alone
    return f"{os.strerror(code)}; {CANNOT_LISTEN.get(code, 'stop what listens there, or take another --port')}"


def _say_where(hub: Running, port: int) -> None:
    settings = hub.settings
    whence = "the last good ones" if hub.current.refused else f"from {settings.routes}"
    log.info("rules %s, %s", hub.current().hash, whence)
    for source in hub.current().sources:
        if source == OWN:  # nobody may post as the hub
            continue
        if not settings.loopback and not settings.environment.source_secrets(source):
            log.warning("source %s has no secret and will be refused; set %s", source, variable(source, "SECRET"))
    if not settings.loopback and not settings.api_tokens:
        log.warning("pages and API are closed: the hub can be reached from elsewhere and TOCSIN_API_TOKEN is not set")
    log.info("Tocsin is at %s", replace(settings, port=port).address)


async def reload_when_told(hub: Reloads, reload: asyncio.Event) -> None:
    """And again, until the database takes it: nobody would ask for it a second time."""
    waits = ""
    while True:
        await reload.wait()
        reload.clear()
        try:
            await hub.reload()
            waits = ""
        except Overloaded as error:
            if str(error) != waits:
                log.warning("rules and templates wait to be loaded anew: %s", error)
            waits = str(error)
            await asyncio.sleep(error.retry_after)
            reload.set()
        except Exception:
            log.exception("rules and templates could not be loaded anew; those of before stay")


async def watch(look: Callable[[], Marks], reload: asyncio.Event, every: float = LOOK_EVERY) -> None:
    """Ask for a reload when one of the files changes, comes or goes, and once at the beginning. They are looked at: the
    kernel would tell of each write of a database beside them, and nothing of a folder that takes another's place."""
    known = None
    while True:
        with suppress(OSError):  # a folder that is just being replaced is looked at again
            before, known = known, await asyncio.to_thread(look)
            if known != before:
                reload.set()
        await asyncio.sleep(every)


def _templates(folder: Path) -> Marks:
    return marks_of(folder.rglob("*.j2"))
