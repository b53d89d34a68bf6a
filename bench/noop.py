"""The reference: an aiohttp handler that reads the body and says 202."""

import argparse
import asyncio

import uvloop
from aiohttp import web


async def answer(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(status=202, body=b'{"accepted":1}', content_type="application/json")


async def serve(port: int) -> None:
    app = web.Application()
    app.add_routes([web.post("/in/{source}", answer), web.get("/", answer)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    uvloop.run(serve(options.parse_args().port))
