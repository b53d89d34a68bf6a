"""Running a hub as a process: it listens, loads anew what changed, and stops when it is told to."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from aiohttp import web

from hub.app import build, stopped
from hub.care.supervisor import keep_alive, notify
from hub.current import Current
from hub.errors import SettingsError
from hub.replicas.replica import replica
from hub.settings import Settings, variable
from hub.store.opening import is_shared
from hub.web.doorway import Doorway
from hub.web.inbound import Inbound

log = logging.getLogger("tocsin")

LOOK_EVERY = 1_000
"""Milliseconds after which it is noticed that the rules lie in other folders than before."""


class Running(Protocol):
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
    async def reload(self) -> None: ...
    def let_go(self) -> None: ...


def running(settings: Settings) -> AbstractAsyncContextManager[Running]:
    return replica(settings) if is_shared(settings.database) else build(settings)


async def serve(settings: Settings) -> None:
    """Run until told to stop. SIGHUP and a change of the rules file, or of the templates beside it, load both anew."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as hub:
        reload = asyncio.Event()
        loop.add_signal_handler(signal.SIGHUP, reload.set)
        tasks = [
            asyncio.create_task(_reload_when_told(hub, reload)),
            asyncio.create_task(watch(hub.current, reload)),
            asyncio.create_task(keep_alive()),
            *(asyncio.create_task(_watch_templates(folder, reload)) for folder in _own_templates(settings)),
        ]
        try:
            async with _listening(hub):
                _say_where(hub)
                notify("READY=1")
                await stop.wait()
                log.info("stopping")
                notify("STOPPING=1")
                hub.let_go()
        finally:
            for task in tasks:
                await stopped(task)


@asynccontextmanager
async def _listening(hub: Running) -> AsyncIterator[None]:
    host, port = hub.settings.host, hub.settings.port
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(hub.doorway.open(hub.app, host, port, lambda: hub.inbound))
        except OSError as error:
            why = error.strerror or error
            raise SettingsError(f"cannot listen on {host}:{port}: {why}; try another --port") from error
        yield


def _say_where(hub: Running) -> None:
    settings = hub.settings
    log.info("rules %s from %s", hub.current().hash, settings.routes)
    for source in hub.current().sources:
        if not settings.loopback and not settings.environment.source_secrets(source):
            log.warning("source %s has no secret and will be refused; set %s", source, variable(source, "SECRET"))
    if not settings.loopback and settings.api_token is None:
        log.warning("pages and API are closed: the hub can be reached from elsewhere and TOCSIN_API_TOKEN is not set")
    log.info("Tocsin is at %s", settings.address)


async def _reload_when_told(hub: Running, reload: asyncio.Event) -> None:
    while True:
        await reload.wait()
        reload.clear()
        try:
            await hub.reload()
        except Exception:
            log.exception("rules and templates could not be loaded anew; those of before stay")


async def watch(current: Current, reload: asyncio.Event) -> None:
    """Ask for a reload when one of the files changes. Editors and deployments replace files, so that folders are
    watched, not files; which, the rules say. `..data` is what a mounted configuration swaps."""
    from watchfiles import awatch

    def ours(_: object, at: str) -> bool:
        wanted = [str(path) for file in current.files for path in (_absolute(file), *_absolute(file).parents)]
        return at.endswith(f"{os.sep}..data") or any(at == one or fnmatchcase(at, one) for one in wanted)

    try:
        while True:
            folders, anew = folders_of(current.files), True
            # Looked at now and then: the database may lie beside the rules, and the kernel would tell of each write.
            watching = awatch(
                *folders,
                recursive=False,
                watch_filter=ours,
                rust_timeout=LOOK_EVERY,
                yield_on_timeout=True,
                force_polling=True,
                poll_delay_ms=LOOK_EVERY,
            )
            async for changes in watching:
                if changes or anew:  # what happened before this watch began, nobody was told
                    reload.set()
                anew = False
                if folders_of(current.files) != folders or any(Path(at) in folders for _, at in changes):
                    break
    except (OSError, RuntimeError) as error:
        log.warning("changes of the rules are not noticed (%s); send SIGHUP to load them anew", error)


def folders_of(files: Iterable[Path]) -> frozenset[Path]:
    """Where the files lie; of what is not there, the folder that will be told of it."""
    return frozenset(next(folder for folder in _absolute(file).parents if folder.is_dir()) for file in files)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - a link must stay one: it is what is swapped


def _own_templates(settings: Settings) -> Sequence[Path]:
    folder = settings.routes.parent / "templates"
    return [folder] if folder.is_dir() else []


async def _watch_templates(folder: Path, reload: asyncio.Event) -> None:
    from watchfiles import awatch

    try:
        async for _ in awatch(folder, watch_filter=lambda _, at: at.endswith(".j2")):
            reload.set()
    except (OSError, RuntimeError) as error:
        log.warning("changes in %s are not noticed (%s); send SIGHUP to load them anew", folder, error)
