"""One night, told in each chat: it breaks, gets worse, somebody takes it on, somebody wants quiet, it heals."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest
from live import LiveHub, live_hub, until
from teams import CHANNEL, TOKEN, Teams, say, teams

from tests.fakes.slack import ALICE, APP_TOKEN, BOT_TOKEN, SECRET, Posted, Slack, slack

RULES = """\
version: 1
channels: {{night: "{address}", ops: room:ops}}
people: {{alice: {{slack: U0ALICE01, teams: "00000000-alice"}}}}
routes: [{{name: disks, match: {{tool: nagios}}, to: night}}]
everything_else: {{to: ops}}
access:
  - {{allow: "ack *", who: alice}}
  - {{allow: "silence *", who: alice, in: [night]}}
"""


class Stage(Protocol):
    """A chat as its people see it."""

    edits: bool

    async def tells(self) -> Sequence[str]:
        """How each message of the channel stands now, oldest first: all its words."""

    async def acks(self) -> None:
        """Somebody acks the alert: by button, where there is one."""

    async def mentions(self, text: str) -> str:
        """Somebody says it to the hub; gives the reply."""


Begun = AbstractAsyncContextManager[tuple[LiveHub, Stage]]


async def test_a_night(chat: Callable[[Path], Begun], tmp_path: Path) -> None:
    """It reads well in each: what is new is new, who has it is named, and what healed says so."""
    async with chat(tmp_path) as (hub, stage):

        async def reads(words: str) -> None:
            async def shown() -> bool:
                told = await stage.tells()
                return bool(told) and words in told[-1]

            await until(f"the last message says '{words}'", shown)

        await hub.nagios("db1", "WARNING", service="Disk", n=1)
        await reads("db1 / Disk is WARNING")
        await hub.nagios("db1", "CRITICAL", service="Disk", n=2)
        await reads("db1 / Disk is CRITICAL")
        await stage.acks()
        await reads("acked by alice")
        reply = await stage.mentions("shut up nagios for 1h because disks")
        await reads("silent until")
        await hub.nagios("db1", "OK", "RECOVERY", service="Disk", n=3)
        await reads("resolved after")

        assert "nagios is quiet until" in reply
        assert (1 if stage.edits else 5) == len(await stage.tells())


# -------------------------------------------------------------------------------------------------------------- stages


class RoomStage:
    edits = True

    def __init__(self, hub: LiveHub) -> None:
        self.hub = hub

    async def _posts(self) -> Sequence[Any]:
        return [one for one in await self.hub.hub.operations.room_log.read("night") if one.message.kind == "alert"]

    async def tells(self) -> Sequence[str]:
        said = [one.message for one in await self._posts()]
        return [f"{message.title}\n{message.text}\n{message.standing}" for message in said]

    async def acks(self) -> None:
        (post,) = await self._posts()
        value = next(button.value for button in post.message.buttons if button.label == "Ack")
        operations = self.hub.hub.operations
        await operations.press(value, asker=operations.asker("alice", trusted=False, token=True), place="room:night")

    async def mentions(self, text: str) -> str:
        body, headers = json.dumps({"text": text, "as": "alice", "in": "night"}), {"Content-Type": "application/json"}
        url = f"{self.hub.url}/api/v1/say"
        async with aiohttp.ClientSession(headers=headers) as http, http.post(url, data=body) as answer:
            return str((await answer.json())["reply"])


class SlackStage:
    edits = True

    def __init__(self, hub: LiveHub, fake: Slack) -> None:
        self.hub, self.fake = hub, fake

    def _alert(self) -> Posted:
        return next(one for one in self.fake.posted("#ops") if one.seen.buttons)

    async def tells(self) -> Sequence[str]:
        return [one.seen.text for one in self.fake.posted("#ops") if one.seen.buttons]

    async def acks(self) -> None:
        await self.fake.press(self._alert().ref, "Ack", user=ALICE)

    async def mentions(self, text: str) -> str:
        said = await self.fake.say("#ops", f"@tocsin {text}", user=ALICE)

        async def replies() -> Sequence[Posted]:
            return self.fake.thread(said.ref)

        return str((await until("there is a reply in the thread", replies))[0].seen.text)


class SocketStage(SlackStage):
    """By Socket Mode, over a connection that Slack closes in between, and with what it brings twice."""

    async def acks(self) -> None:
        await super().acks()
        await self.fake.again()
        before = self.fake.opened
        await self.fake.disconnect()
        await self.fake.let_go()
        await self.fake.connected(before + 1)


class TeamsStage:
    """No buttons, no edits: people type, and each change is a message."""

    edits = False

    def __init__(self, hub: LiveHub, fake: Teams) -> None:
        self.hub, self.fake = hub, fake

    async def tells(self) -> Sequence[str]:
        return [seen.text for seen in self.fake.seen("night")]

    async def acks(self) -> None:
        await say(self.hub.url, "ack db1", id="ack")

    async def mentions(self, text: str) -> str:
        return await say(self.hub.url, text, id=text)


@asynccontextmanager
async def in_the_room(folder: Path) -> AsyncIterator[tuple[LiveHub, Stage]]:
    async with live_hub(folder, RULES.format(address="room:night"), {}) as hub:
        yield hub, RoomStage(hub)


@asynccontextmanager
async def in_slack(folder: Path) -> AsyncIterator[tuple[LiveHub, Stage]]:
    async with slack() as fake:
        variables = {
            "TOCSIN_SLACK_BOT_TOKEN": BOT_TOKEN,
            "TOCSIN_SLACK_SIGNING_SECRET": SECRET,
            "TOCSIN_SLACK_API_URL": f"{fake.base}/api/",
        }
        async with live_hub(folder, RULES.format(address="slack:#ops"), variables) as hub:
            fake.hub = hub.url
            yield hub, SlackStage(hub, fake)


@asynccontextmanager
async def in_slack_by_socket(folder: Path) -> AsyncIterator[tuple[LiveHub, Stage]]:
    async with slack() as fake:
        variables = {
            "TOCSIN_SLACK_BOT_TOKEN": BOT_TOKEN,
            "TOCSIN_SLACK_APP_TOKEN": APP_TOKEN,
            "TOCSIN_SLACK_API_URL": f"{fake.base}/api/",
        }
        async with live_hub(folder, RULES.format(address="slack:#ops"), variables) as hub:
            await fake.connected()
            yield hub, SocketStage(hub, fake)


@asynccontextmanager
async def in_teams(folder: Path) -> AsyncIterator[tuple[LiveHub, Stage]]:
    async with teams() as fake:
        variables = {
            "TOCSIN_TEAMS_URL_NIGHT": fake.url("night"),
            "TOCSIN_TEAMS_OUTGOING_SECRET": TOKEN,
            "TOCSIN_TEAMS_CHANNELS": f"night={CHANNEL}",
        }
        async with live_hub(folder, RULES.format(address="teams:night"), variables) as hub:
            yield hub, TeamsStage(hub, fake)


@pytest.fixture(params=[in_the_room, in_slack, in_slack_by_socket, in_teams], ids=lambda stage: stage.__name__)
def chat(request: pytest.FixtureRequest) -> Any:
    return request.param
