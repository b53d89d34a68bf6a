"""A server on a free port of loopback, on which every fake that speaks HTTP stands; and a network without names."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NoReturn

from aiohttp import web
from aiohttp.abc import AbstractResolver


@asynccontextmanager
async def serving(app: web.Application, **settings: Any) -> AsyncIterator[str]:
    """Its address, without a slash at the end. `settings` are those of aiohttp's runner."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, **settings)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Nowhere(AbstractResolver):
    """Knows no name."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> NoReturn:
        raise OSError("no such name")

    async def close(self) -> None:
        pass
