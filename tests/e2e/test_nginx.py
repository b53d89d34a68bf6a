"""Behind a proxy as `deploy/nginx.conf` has it nothing is refused, held up or counted for somebody else."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from peers.hub import BURST, HubProcess
from peers.nginx import NAME, Nginx, nginx

pytestmark = pytest.mark.e2e("nginx", "openssl")
TOKEN = "correct-horse-battery"
SECRET = "staple-of-the-burst"
ROUTES = (
    BURST
    + """\
channels: {ops: room:ops}
routes: []
everything_else: {to: ops}
"""
)
HOME = f"https://{NAME}"


@pytest.fixture
def hub(tmp_path: Path) -> HubProcess:
    env = {"TOCSIN_PUBLIC_URL": HOME, "TOCSIN_API_TOKEN": TOKEN, "TOCSIN_BURST_SECRET": SECRET}
    return HubProcess(tmp_path, routes=ROUTES, env=env)


@asynccontextmanager
async def somebody(front: Nginx, address: str = "127.0.0.1") -> AsyncIterator[aiohttp.ClientSession]:
    """A browser or a tool at that address, to which NAME is where nginx listens."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    jar = aiohttp.CookieJar(unsafe=True)
    base = f"https://127.0.0.1:{front.port}"
    async with aiohttp.ClientSession(base, connector=connector, cookie_jar=jar, headers={"Host": NAME}) as http:
        yield http


async def login(http: aiohttp.ClientSession, front: Nginx, token: str) -> int:
    fields = {"person": "alice", "token": token, "next": "/"}
    tls = {"ssl": front.trust, "server_hostname": NAME}
    async with http.post("/login", data=fields, headers={"Origin": HOME}, allow_redirects=False, **tls) as answer:
        return answer.status


async def post(http: aiohttp.ClientSession, front: Nginx, key: str, padding: int = 0) -> int:
    body = io.BytesIO(json.dumps({"key": key, "padding": "x" * padding}).encode())
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"}
    tls = {"ssl": front.trust, "server_hostname": NAME}
    async with http.post("/in/burst", data=body, headers=headers, **tls) as answer:
        return answer.status


async def test_what_comes_through_nginx_is_as_if_it_came_itself(hub: HubProcess) -> None:
    """A webhook larger than nginx takes by itself, a message on an open page, a lock for the one who guesses."""
    await asyncio.to_thread(hub.start)
    with nginx(hub) as front:
        async with somebody(front) as alice, somebody(front, "127.0.0.2") as stranger:
            tls = {"ssl": front.trust, "server_hostname": NAME}
            guesses = [await login(stranger, front, "guess") for _ in range(12)]
            entered = await login(alice, front, TOKEN)
            async with alice.get("/room/ops/live", **tls) as page:
                large = await post(stranger, front, "web1", padding=3 * 2**20)
                async with asyncio.timeout(20):
                    heard = [line async for line in _until(page, b"web1 is broken")]
    code = await asyncio.to_thread(hub.stop)

    assert [401] * 10 + [429] * 2 == guesses
    assert [303, 202] == [entered, large]
    assert heard
    assert (0, "") == (code, hub.complaints())


async def _until(page: aiohttp.ClientResponse, said: bytes) -> AsyncIterator[bytes]:
    async for line in page.content:
        yield line
        if said in line:
            return
