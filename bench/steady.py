"""An open load: so many webhooks a second, whatever the answers take. usage: python -m bench.steady URL RATE SECONDS"""

import json
import sys
import time
from functools import partial

import aiohttp
import uvloop

from bench.load import at_rate


async def main(url: str, rate: int, seconds: int) -> None:
    took: list[float] = []

    async def post(http: aiohttp.ClientSession, number: int, due: float) -> None:
        body = {"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": f"steady{number}", "HOSTSTATE": "DOWN", "HOSTOUTPUT": "no"}
        async with http.post(f"{url}/in/nagios", json=body) as answer:
            assert answer.status == 202, await answer.text()
        took.append((time.perf_counter() - due) * 1000)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await at_rate((partial(post, http, number) for number in range(rate * seconds)), rate)
    print(json.dumps(took))


uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
