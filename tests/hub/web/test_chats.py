"""Where chats post: proved, heard once, and answered in the chat's time whatever it takes."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hub.contracts import ChatDriver, Reply, Utterance, WebhookRequest, WebhookResponse
from hub.errors import Overloaded, Unauthenticated
from hub.hearing.utterances import Hearing
from hub.proof import Secret, bearer
from hub.web.chats import Chats

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
SIGNED = {"Authorization": "Bearer s3cret"}


@dataclass
class Ear:
    """Hears `{"id": …, "text": …}`; `answers` says whether a reply goes into the answer."""

    parts: Sequence[str] = ("events", "")
    within: float = 0.2
    answers: bool = True

    def verify(self, request: WebhookRequest, secrets: Sequence[Secret]) -> None:
        bearer(request, secrets)

    def hear(self, request: WebhookRequest) -> Utterance | WebhookResponse:
        body = request.json()
        if body["challenge"].present:
            return WebhookResponse(body=body["challenge"].text().encode())
        return Utterance(id=body["id"].text(), user="U1", room="C1", text=body["text"].text())

    def answer(self, utterance: Utterance, reply: Reply | None) -> WebhookResponse:
        return WebhookResponse(body=reply.text.encode() if reply and self.answers else b"")


@dataclass
class Hears:
    """A hearing that takes its time, and counts."""

    takes: float = 0
    fails: Exception | None = None
    heard: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    async def hear(self, chat: str, utterance: Utterance) -> Reply | None:
        await asyncio.sleep(self.takes)
        if self.fails:
            raise self.fails
        again = utterance.id in self.heard
        self.heard.append(utterance.id)
        return None if again else Reply(text=f"did {utterance.text}")

    async def say_back(self, chat: str, utterance: Utterance, reply: Reply) -> None:
        self.said.append(reply.text)


def no_chat(_tools: Any) -> Any:
    raise NotImplementedError


@asynccontextmanager
async def served(
    hearing: Hears, ear: Ear | None = None, secrets: Mapping[str, str] = {"pager": "s3cret"}
) -> AsyncIterator[TestClient[Any, Any]]:
    chats = Chats(
        drivers={
            "pager": ChatDriver(open=no_chat, ear=ear or Ear(), ear_secret="SECRET"),
            "room": ChatDriver(open=no_chat),
        },
        secrets=lambda chat, _name: [Secret(secrets[chat])] if chat in secrets else [],
        hearing=cast(Hearing, hearing),
        now=lambda: NOW,
    )
    app = web.Application()
    app.add_routes(chats.routes())
    async with TestClient(TestServer(app)) as client:
        yield client
        await chats.close()


async def post(
    client: TestClient[Any, Any], body: Any = None, path: str = "/chat/pager", **headers: str
) -> tuple[int, str]:
    said = json.dumps({"id": "1", "text": "status"} if body is None else body)
    answer = await client.post(path, data=said, headers=headers or SIGNED)
    return answer.status, await answer.text()


async def test_what_is_said_is_answered_with_the_reply() -> None:
    async with served(Hears()) as client:
        assert (200, "did status") == await post(client)


async def test_a_repeat_is_answered_and_not_done() -> None:
    hearing = Hears()
    async with served(hearing) as client:
        await post(client)
        assert (200, "") == await post(client)


async def test_a_reply_that_does_not_fit_into_the_answer_is_said_in_the_chat() -> None:
    hearing = Hears()
    async with served(hearing, Ear(answers=False)) as client:
        assert (200, "") == await post(client)
        await asyncio.sleep(0.01)

    assert ["did status"] == hearing.said


async def test_the_chat_does_not_wait_for_what_takes_long() -> None:
    """It has its answer in its time; the reply follows, and is said once."""
    hearing = Hears(takes=0.4)
    async with served(hearing) as client:
        assert (200, "") == await post(client)
        assert [] == hearing.said
        await asyncio.sleep(0.5)

    assert (["did status"], ["1"]) == (hearing.said, hearing.heard)


async def test_a_hub_that_cannot_write_asks_the_chat_to_come_again() -> None:
    async with served(Hears(fails=Overloaded("the disk is full"))) as client:
        answer = await client.post("/chat/pager", data='{"id": "1", "text": "x"}', headers=SIGNED)

        assert (503, "5") == (answer.status, answer.headers["Retry-After"])


async def test_what_the_chat_asks_of_us_is_answered() -> None:
    async with served(Hears()) as client:
        assert (200, "abc") == await post(client, {"challenge": "abc"})


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/chat/pager", {}, {"Authorization": "Bearer wrong"}, 401),
        ("/chat/pager", {}, {"X": "none"}, 401),
        ("/chat/pager", {"text": "no id"}, SIGNED, 400),
        ("/chat/pager/events", {"id": "1", "text": "x"}, SIGNED, 200),
        ("/chat/pager/elsewhere", {}, SIGNED, 404),
        ("/chat/nobody", {}, SIGNED, 404),
        ("/chat/room", {}, SIGNED, 404),
    ],
)
async def test_doors_fail_closed(path: str, body: Any, headers: Mapping[str, str], status: int) -> None:
    async with served(Hears()) as client:
        assert status == (await post(client, body, path, **headers))[0]


async def test_without_a_secret_nobody_is_heard() -> None:
    """Not on loopback either: a command is more than an alarm."""
    async with served(Hears(), secrets={}) as client:
        status, said = await post(client)

    assert 401 == status
    assert "TOCSIN_PAGER_SECRET" in said


async def test_nobody_speaks_a_megabyte() -> None:
    async with served(Hears()) as client:
        body = io.BytesIO(json.dumps({"id": "1", "text": "x" * 2_000_000}).encode())
        answer = await client.post("/chat/pager", data=body, headers=SIGNED)

        assert 413 == answer.status


async def test_an_ear_never_learns_what_it_should_not() -> None:
    """Its answer to a stranger does not show the secret."""

    class Loud(Ear):
        def verify(self, request: WebhookRequest, secrets: Sequence[Secret]) -> None:
            raise Unauthenticated(f"not {secrets}")

    async with served(Hears(), Loud()) as client:
        assert "s3cret" not in (await post(client))[1]
