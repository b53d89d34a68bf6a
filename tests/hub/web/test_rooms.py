"""Rooms as scripts read them."""

from pathlib import Path

import aiohttp
from live import live_hub, until

RULES = """\
version: 1
channels: {ops: "room:ops", web: "room:web"}
routes:
  - {name: web, match: {host: "web*"}, to: web}
everything_else: {to: ops}
"""
LATER = """\
version: 1
channels: {ops: "room:ops"}
everything_else: {to: ops}
"""


async def test_who_was_told_in_a_room_that_the_rules_let_go_of_reads_there_that_it_is_over(tmp_path: Path) -> None:
    async with live_hub(tmp_path, RULES, {}) as live, aiohttp.ClientSession() as http:

        async def states() -> list[str]:
            async with http.get(f"{live.url}/api/v1/rooms/web/messages") as answer:
                assert 200 == answer.status
                return [one["state"] for one in (await answer.json())["messages"] if one["kind"] == "alert"]

        await live.nagios("web301", n=1)
        (tmp_path / "routes.yaml").write_text(LATER)
        await live.hub.reload()
        await live.nagios("web301", "UP", "RECOVERY", n=2)

        async def over() -> bool:
            return await states() == ["resolved"]

        await until("resolved in the room", over)
        async with http.get(f"{live.url}/api/v1/rooms/never/messages") as answer:
            assert 404 == answer.status
