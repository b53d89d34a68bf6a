"""Talking in Slack: what its answers mean, reading back, hearing over HTTP and Socket Mode, and what is never said."""

import asyncio
import json
import logging
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from hub.contracts import (
    ChatTools,
    Edits,
    Finds,
    Listens,
    Locates,
    Permalinks,
    PostKey,
    Repeat,
    Replies,
    Reply,
    Room,
    Utterance,
)
from hub.core.event import Severity
from hub.core.notification import Button, Message, MessageKind, MessageRef, MessageState, Occasion
from hub.errors import DeliveryError, Overloaded, Refused, Uncertain, Unreachable
from hub.hearing.utterances import Hearing
from hub.proof import Secret
from hub.web.chats import Chats
from integrations.slack import CHAT, chat, ear, open_chat
from integrations.slack import socket as socket_mode
from integrations.slack.chat import SlackChat
from integrations.slack.manifest import manifest, socket_manifest
from tests.fakes.loopback import Nowhere, serving
from tests.fakes.slack import (
    ALICE,
    APP_TOKEN,
    BOB,
    BOT_TOKEN,
    DEV,
    OPS,
    SECRET,
    SECRETS,
    Answer,
    Channel,
    Posted,
    Slack,
    settings,
    slack,
)

DOWN = Message(
    kind=MessageKind.ALERT,
    title="web301 is DOWN",
    state=MessageState.OPEN,
    severity=Severity.CRITICAL,
    occasion=Occasion.OPENED,
    facts=(("host", "web301"),),
    buttons=(Button(label="Ack", value="p1:1:ack", primary=True),),
)
ACKED = Message(kind=MessageKind.ALERT, title="web301 is DOWN", state=MessageState.ACKED, standing="acked by alice")
WORSE = Message(kind=MessageKind.LINE, title="Worse: web301 is DOWN", severity=Severity.CRITICAL)


@dataclass
class Desk:
    """A hub's Slack with its settings, at a time that moves when told."""

    slack: Slack
    chat: SlackChat
    settings: dict[str, str]
    now: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    async def post(self, message: Message = DOWN, room: str = "#ops", key: str = "p1", **how: Any) -> MessageRef:
        return await self.chat.post(Room(chat="slack", name=room), message, PostKey(key), **how)

    async def find(self, key: str, room: str = "#ops", **how: Any) -> MessageRef | None:
        return await self.chat.find(Room(chat="slack", name=room), PostKey(key), **how)

    async def refusal(self, *answers: Answer, room: str = "#ops", **how: Any) -> DeliveryError:
        """What comes of posting, given these answers; asserts that nothing secret is in it."""
        self.slack.answers["chat.postMessage"] += answers
        with pytest.raises(DeliveryError) as caught:
            await self.post(room=room, **how)
        assert not any(secret in repr(caught.value) for secret in (BOT_TOKEN, APP_TOKEN, SECRET))
        assert caught.value.__cause__ is None
        return caught.value


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "SETTLING", 0)
    monkeypatch.setattr(socket_mode, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(socket_mode, "WAITS", (0.0, 0.01, 0.01))


@asynccontextmanager
async def seated(fake: Slack, **more: str) -> AsyncIterator[Desk]:
    known = settings(fake) | more

    def setting(name: str) -> Secret | None:
        return Secret(known[name]) if name in known else None

    desk: Desk
    room_log: Any = None
    async with aiohttp.ClientSession() as http:
        tools = ChatTools(setting=setting, now=lambda: desk.now, room_log=room_log, http=http)
        async with open_chat(tools) as opened:
            desk = Desk(slack=fake, chat=cast(SlackChat, opened), settings=known)
            yield desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with slack() as fake, seated(fake) as desk:
        yield desk

        assert [] == fake.complaints


# ------------------------------------------------------------------------------------------------------------ messages


async def test_a_message_stands_in_the_channel(desk: Desk) -> None:
    ref = await desk.post()

    (shown,) = desk.slack.seen("#ops")
    assert ":rotating_light: web301 is DOWN" == shown.texts[0]
    assert desk.slack.posted("#ops")[0].ref == ref


async def test_a_message_is_brought_up_to_date_where_it_stands(desk: Desk) -> None:
    """And nothing is left of what it said before."""
    ref = await desk.post()
    await desk.chat.edit(ref, ACKED, PostKey("p1.2"))

    (shown,) = desk.slack.seen("#ops")
    assert "acked by alice" in shown.text
    assert {} == shown.buttons


async def test_a_message_has_an_address_in_slack(desk: Desk) -> None:
    """And none that leads elsewhere is believed."""
    ref = await desk.post()
    channel, _, ts = ref.partition(":")

    assert f"https://example.slack.com/archives/{channel}/p{ts.replace('.', '')}" == await desk.chat.permalink(ref)
    with pytest.raises(Refused, match="message_not_found"):
        await desk.chat.permalink(MessageRef(f"{channel}:1.0"))
    elsewhere = '{"ok": true, "permalink": "https://evil.example/"}'
    desk.slack.answers["chat.getPermalink"] = [Answer(text=elsewhere, content_type="application/json")]
    with pytest.raises(Refused, match="elsewhere than to Slack"):
        await desk.chat.permalink(ref)


async def test_an_edit_that_leaves_nothing_at_the_edge_clears_it(desk: Desk) -> None:
    """What is not sent Slack keeps."""
    ref = await desk.post()
    await desk.chat.edit(ref, Message(kind=MessageKind.ALERT, title="x", state=MessageState.OPEN), PostKey("p1.2"))

    assert [] == desk.slack.calls[-1][1]["attachments"]


async def test_an_edit_is_no_more_read_than_a_post(desk: Desk) -> None:
    """By default names of channels in it would become links."""
    ref = await desk.post()
    await desk.chat.edit(
        ref, Message(kind=MessageKind.ALERT, title="@channel #dev", state=MessageState.OPEN), PostKey("p")
    )

    assert ((), ()) == (desk.slack.seen("#ops")[0].pings, desk.slack.seen("#ops")[0].links)


async def test_what_happened_stands_in_the_thread(desk: Desk) -> None:
    """What must wake somebody shows in the channel, too: who took no part in a thread is not told of it."""
    ref = await desk.post()
    await desk.post(WORSE, key="l1", under=ref, loud=True)
    await desk.post(WORSE, key="l2", under=ref)

    assert [True, False] == [line.broadcast for line in desk.slack.thread(ref)]


@pytest.mark.parametrize(
    ("room", "id"), [("#ops", OPS), (OPS, OPS), ("#dev", DEV), (f"@{ALICE}", f"D{ALICE[1:]}"), (f"D{BOB[1:]}", None)]
)
async def test_the_ways_to_name_a_place(desk: Desk, room: str, id: str | None) -> None:
    if id is None:
        desk.slack._add(Channel(room, "", user=BOB))
    ref = await desk.post(room=room)
    await desk.chat.edit(ref, ACKED, PostKey("p1.2"))

    assert (id or room) == ref.partition(":")[0]


async def test_nothing_is_unfurled_or_linked(desk: Desk) -> None:
    await desk.post()
    (_, sent) = desk.slack.calls[-1]

    assert (False, False, False) == (sent["unfurl_links"], sent["unfurl_media"], sent["mrkdwn"])


async def test_what_slack_can_do_is_claimed(desk: Desk) -> None:
    """What is posted twice is there twice; it listens only where there is a token for it."""
    traits = desk.chat.traits

    assert (True, Repeat.TWICE, 1.0) == (traits.threads, traits.repeat, traits.pace)
    assert all(isinstance(desk.chat, ability) for ability in (Edits, Finds, Permalinks, Replies, Locates))
    assert not isinstance(desk.chat, Listens)


# ------------------------------------------------------------------------------------------------------------ refusals

WRONG_TOKEN = "TOCSIN_SLACK_BOT_TOKEN"


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(error="channel_not_found"), Refused, r"there is no #ops.*/invite @tocsin"),
        (Answer(error="not_in_channel"), Refused, "/invite @tocsin in #ops"),
        (Answer(error="is_archived"), Refused, "#ops is archived"),
        (Answer(error="invalid_auth"), Refused, WRONG_TOKEN),
        (Answer(error="account_inactive"), Refused, WRONG_TOKEN),
        (Answer(error="token_revoked"), Refused, WRONG_TOKEN),
        (
            Answer(error="missing_scope", more={"needed": "chat:write"}),
            Refused,
            "lacks a scope, chat:write: .*manifest",
        ),
        (Answer(error="missing_scope", more={"needed": "<!channel>"}), Refused, "lacks a scope: "),
        (Answer(error="restricted_action_read_only_channel"), Refused, "administrator"),
        (Answer(error="msg_too_long"), Refused, "please report"),
        (Answer(error="something_new"), Refused, r"\(something_new\)"),
        (Answer(error="xoxb leaked!"), Refused, r"\(200\)"),
        (Answer(error="ratelimited", status=429, headers={"Retry-After": "17"}), Unreachable, "asks us to wait"),
        (Answer(error="ratelimited"), Unreachable, "asks us to wait"),
        (Answer(error="service_unavailable"), Unreachable, "asks us to wait"),
        (Answer(status=503, text="<html>away"), Unreachable, "503"),
        (Answer(status=429, text=""), Unreachable, "429"),
        (Answer(error="internal_error"), Uncertain, "perhaps after"),
        (Answer(error="fatal_error", status=500), Uncertain, "perhaps after"),
        (Answer(status=502, text="<html>bad"), Uncertain, "502"),
        (Answer(status=504, text="{", content_type="application/json"), Uncertain, "504"),
        (Answer(status=404, text="<html>not here"), Refused, "404.*TOCSIN_SLACK_API_URL"),
        (Answer(text="<html>welcome to the hotel"), Refused, "TOCSIN_SLACK_API_URL"),
        (Answer(text="hello", content_type="text/plain"), Unreachable, "TOCSIN_SLACK_API_URL"),
        (Answer(text="[1]", content_type="application/json"), Unreachable, "TOCSIN_SLACK_API_URL"),
        (Answer(text="{", content_type="application/json"), Refused, "TOCSIN_SLACK_API_URL"),
        (Answer(text='{"ok": true}', content_type="application/json"), Uncertain, "where it is"),
        (Answer(drops="lost"), Uncertain, "hung up"),
        (Answer(drops="kept"), Uncertain, "hung up"),
    ],
)
async def test_what_an_answer_means(desk: Desk, answer: Answer, kind: type[Exception], words: str) -> None:
    """Whether to try again, to look whether it is there, or to give up with the cure in hand."""
    refusal = await desk.refusal(answer)

    assert type(refusal) is kind
    with pytest.raises(kind, match=words):
        raise refusal


@pytest.mark.parametrize(
    ("header", "expected"), [("17", 17.0), ("2.5", 2.5), ("soon", None), ("-4", None), ("9" * 9, None), ("", None)]
)
async def test_how_long_slack_asks_us_to_wait(desk: Desk, header: str, expected: float | None) -> None:
    refusal = await desk.refusal(Answer(status=429, error="ratelimited", headers={"Retry-After": header}))

    assert isinstance(refusal, Unreachable)
    assert expected == refusal.retry_after


async def test_slack_takes_a_message_a_second(desk: Desk) -> None:
    desk.slack.throttles = True
    await desk.post()

    refusal = await desk.refusal(key="p2")

    assert isinstance(refusal, Unreachable)
    assert 1.0 == refusal.retry_after


async def test_a_message_whose_answer_was_lost_is_posted_once(desk: Desk) -> None:
    """The SDK itself would post it once more."""
    await desk.refusal(Answer(drops="kept"))

    assert 1 == len(desk.slack.posted("#ops"))


async def test_who_does_not_answer_leaves_us_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "WITHIN", aiohttp.ClientTimeout(total=0.05))
    async with slack() as fake, seated(fake) as desk:
        assert isinstance(await desk.refusal(Answer(after=5)), Uncertain)


async def test_nobody_at_home_is_no_doubt() -> None:
    """What never left us can be sent again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/api/"
        async with slack() as fake, seated(fake, API_URL=url) as desk:
            assert isinstance(await desk.refusal(), Unreachable)


async def test_a_name_that_is_not_found_may_be_later() -> None:
    def setting(name: str) -> Secret | None:
        return Secret(BOT_TOKEN) if name == "BOT_TOKEN" else None

    room_log: Any = None
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Nowhere())) as http:
        tools = ChatTools(setting=setting, now=lambda: datetime.now(UTC), room_log=room_log, http=http)
        async with open_chat(tools) as opened:
            with pytest.raises(Unreachable, match="name is not found"):
                await opened.post(Room(chat="slack", name="#ops"), DOWN, PostKey("p1"))


async def test_a_proxy_of_the_environment_is_the_hubs_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK would take it for everything, also for what is not to go there."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    async with slack() as fake, seated(fake) as desk:
        assert await desk.post()


async def test_places_that_are_not_there_or_not_ours(desk: Desk) -> None:
    assert "archived" in str(await desk.refusal(room="#old"))
    assert "/invite" in str(await desk.refusal(room="#secrets"))
    assert "there is no #nowhere" in str(await desk.refusal(room="#nowhere"))
    assert "member ID" in str(await desk.refusal(room="@alice"))


async def test_a_message_that_is_gone_or_not_ours_is_not_edited(desk: Desk) -> None:
    ref = await desk.post()
    theirs = desk.slack._put(desk.slack.channels[OPS], ALICE, {"text": "hello"})
    desk.slack.delete(ref)

    with pytest.raises(Refused, match="deleted"):
        await desk.chat.edit(ref, ACKED, PostKey("p1.2"))
    with pytest.raises(Refused, match="not the app's own"):
        await desk.chat.edit(MessageRef(theirs.ref), ACKED, PostKey("p1.2"))


async def test_what_is_sent_is_never_in_a_log(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The SDK would write down everything at DEBUG, tokens of the app among it."""
    caplog.set_level(logging.DEBUG)
    await desk.post()
    await desk.refusal(Answer(error="invalid_auth"))

    assert BOT_TOKEN not in caplog.text
    assert "web301" not in caplog.text


async def test_cancelling_passes_through(desk: Desk) -> None:
    desk.slack.answers["chat.postMessage"] = [Answer(after=5)]
    task = asyncio.create_task(desk.post())
    await asyncio.sleep(0.05)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


# ------------------------------------------------------------------------------------------------------- reading back


@pytest.mark.parametrize("room", ["#ops", OPS, f"@{ALICE}"])
async def test_a_message_that_arrived_is_found_again(desk: Desk, room: str) -> None:
    """By its key, whether or not Slack told that it took it, and also by a hub that was started anew."""
    await desk.post(room=room, key="another")
    await desk.refusal(Answer(drops="kept"), room=room, key="p1")

    async with seated(desk.slack) as started_anew:
        ref = await started_anew.find("p1", room)

    assert desk.slack.posted(room)[-1].ref == ref


async def test_a_message_that_did_not_arrive_is_not_found(desk: Desk) -> None:
    await desk.refusal(Answer(drops="lost"))

    assert await desk.find("p1") is None


async def test_an_edited_message_keeps_its_key(desk: Desk) -> None:
    ref = await desk.post(key="p1")
    await desk.chat.edit(ref, ACKED, PostKey("p1.2"))

    assert ref == await desk.find("p1")


async def test_an_entry_of_a_thread_is_found_in_its_thread(desk: Desk) -> None:
    ref = await desk.post()
    await desk.refusal(Answer(drops="kept"), message=WORSE, key="l1", under=ref)
    await desk.refusal(Answer(drops="lost"), message=WORSE, key="l2", under=ref)

    assert desk.slack.thread(ref)[0].ref == await desk.find("l1", under=ref)
    assert await desk.find("l2", under=ref) is None


async def test_a_busy_channel_is_looked_through_in_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """And where there is too much it stays uncertain, rather than to be told again."""
    monkeypatch.setattr(chat, "PAGE", 2)
    monkeypatch.setattr(chat, "PAGES", 3)
    for number in range(7):
        await desk.post(key=f"p{number}")

    assert await desk.find("p1")
    with pytest.raises(Uncertain):
        await desk.find("p0")


async def test_where_the_app_is_no_member_it_cannot_look(desk: Desk) -> None:
    """It may post there all the same."""
    await desk.post(room="#dev")
    for room in (DEV, "#dev"):
        with pytest.raises(Refused, match="/invite @tocsin"):
            await desk.find("p1", room)


async def test_a_channel_is_found_by_its_name_among_many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "PAGE", 2)
    desk.slack._add(*(Channel(f"C0MANY{n:03}", f"many-{n}") for n in range(5)))
    desk.slack.channels.update({OPS: desk.slack.channels.pop(OPS)})
    await desk.refusal(Answer(drops="lost"))

    assert await desk.find("p1") is None


# ------------------------------------------------------------------------------------------------------------- hearing


@dataclass
class Hears:
    """What a hub would do: takes its time, fails, does each thing once."""

    takes: float = 0
    fails: list[Exception] = field(default_factory=list)
    heard: list[Utterance] = field(default_factory=list)
    chat: SlackChat | None = None

    async def hear(self, _chat: str, utterance: Utterance) -> Reply | None:
        await asyncio.sleep(self.takes)
        if self.fails:
            raise self.fails.pop(0)
        if utterance.id in {known.id for known in self.heard}:
            return None
        self.heard.append(utterance)
        return Reply(text=f"did {utterance.text or utterance.button}")

    async def say_back(self, _chat: str, utterance: Utterance, reply: Reply) -> None:
        assert self.chat is not None
        await self.chat.reply(utterance, reply)

    async def by_connection(self, utterance: Utterance) -> Reply | None:
        return await self.hear("slack", utterance)


@asynccontextmanager
async def heard_over_http(hears: Hears) -> AsyncIterator[Desk]:
    """Slack posts to the hub's own door."""
    async with slack(retries=(0.0, 0.01, 0.01)) as fake, seated(fake) as desk:
        hears.chat = desk.chat
        chats = Chats(
            drivers={"slack": CHAT},
            secrets=lambda _chat, name: [Secret(desk.settings[name])],
            hearing=cast(Hearing, hears),
            now=lambda: datetime.now(UTC),
        )
        app = web.Application()
        app.add_routes(chats.routes())
        async with serving(app) as fake.hub:
            try:
                yield desk
            finally:
                await chats.close()

        assert [] == fake.complaints


@asynccontextmanager
async def heard_by_connection(hears: Hears, **how: Any) -> AsyncIterator[Desk]:
    """The hub holds a connection; leaving asserts that it lets go of everything."""
    async with slack(retries=(0.01, 0.01), **how) as fake, seated(fake, APP_TOKEN=APP_TOKEN) as desk:
        hears.chat = desk.chat
        assert isinstance(desk.chat, Listens)
        before = asyncio.all_tasks()
        listening = asyncio.create_task(desk.chat.listen(hears.by_connection))
        await fake.connected()
        try:
            yield desk
        finally:
            listening.cancel()
            await asyncio.wait({listening})

        assert listening.cancelled()
        assert before == {task for task in asyncio.all_tasks() if "listen" not in repr(task)} & before
        assert [] == fake.complaints


BOTH = pytest.mark.parametrize("way", [heard_over_http, heard_by_connection], ids=["http", "socket"])
Way = Callable[..., Any]


async def until(look: Callable[[], Any]) -> Any:
    async with asyncio.timeout(5):
        while not (found := look()):
            await asyncio.sleep(0.005)
    return found


@BOTH
async def test_a_mention_is_answered_in_its_thread(way: Way) -> None:
    hears = Hears()
    async with way(hears) as desk:
        said = await desk.slack.say("#ops", "@tocsin ack web301.example.com")
        (answer,) = await until(lambda: desk.slack.thread(said.ref))

    assert ("did ack web301.example.com",) == answer.seen.texts
    assert (ALICE, OPS) == (hears.heard[0].user, hears.heard[0].room)


@BOTH
async def test_a_mention_under_an_alert_is_about_it(way: Way) -> None:
    hears = Hears()
    async with way(hears) as desk:
        ref = await desk.post()
        await desk.slack.say("#ops", "@tocsin ack", thread=ref)
        (_, answer) = await until(lambda: desk.slack.thread(ref)[1:] and desk.slack.thread(ref))

    assert ref == hears.heard[0].message
    assert ("did ack",) == answer.seen.texts


@BOTH
async def test_a_direct_message_is_answered_where_it_stands(way: Way) -> None:
    hears = Hears()
    async with way(hears) as desk:
        await desk.slack.say(f"@{ALICE}", "status")
        (shown,) = await until(lambda: desk.slack.seen(f"@{ALICE}"))

    assert ("did status",) == shown.texts
    assert hears.heard[0].private


@BOTH
async def test_a_command_is_answered_at_once(way: Way) -> None:
    """For the eyes of who gave it, and once."""
    async with way(Hears()) as desk:
        assert "did silence nagios for 1h" == await desk.slack.command("silence nagios for 1h")
        await asyncio.sleep(0.02)

        (said,) = desk.slack.posted("#ops")
        assert ALICE == said.only_for


@BOTH
async def test_a_button_is_answered_to_who_pressed_it(way: Way) -> None:
    hears = Hears()
    async with way(hears) as desk:
        ref = await desk.post()
        await desk.slack.press(ref, "Ack", user=BOB)
        answer: Posted = await until(lambda: desk.slack.posted("#ops")[1:] and desk.slack.posted("#ops")[1])

    assert (BOB, ("did p1:1:ack",)) == (answer.only_for, answer.seen.texts)
    assert ("p1:1:ack", ref) == (hears.heard[0].button, hears.heard[0].message)


@BOTH
async def test_what_takes_long_is_answered_later(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack has its acknowledgement in its time, and brings nothing again."""
    monkeypatch.setattr(ear, "within", 0.05)
    async with way(Hears(takes=0.15)) as desk:
        assert "" == await desk.slack.command("status")
        await desk.slack.say("#ops", "@tocsin status")
        shown = await until(lambda: desk.slack.seen("#ops")[1:] and desk.slack.seen("#ops"))

    assert ["did status", "did status"] == [one.text for one in shown]


@BOTH
async def test_a_strangers_words_in_a_reply_mean_nothing(way: Way) -> None:
    async with way(Hears()) as desk:
        text = "why *x* <!channel> <https://evil.example|y>"
        await desk.slack.command(text)
        await desk.slack.say("#ops", f"@tocsin {text}")
        shown = await until(lambda: desk.slack.seen("#ops")[1:] and desk.slack.seen("#ops"))

    for one in shown:
        assert ((), (), ()) == (one.pings, one.links, one.formatted)
        assert f"did {text}" == one.text


@BOTH
async def test_a_hub_that_cannot_write_is_asked_again(way: Way) -> None:
    hears = Hears(fails=[Overloaded("the disk is full"), Overloaded("the disk is full")])
    async with way(hears, **({"patience": 0.1} if way is heard_by_connection else {})) as desk:
        await desk.slack.say("#ops", "@tocsin ack web301")

    assert ["ack web301"] == [said.text for said in hears.heard]


async def test_what_nobody_signed_is_not_heard() -> None:
    hears = Hears()
    async with heard_over_http(hears) as desk:
        desk.slack.now = lambda: datetime.now(UTC).timestamp() - 400
        assert "failed with the error 401" == await desk.slack.command("ack web301")

    assert [] == hears.heard


async def test_a_reply_waits_for_slack_and_gives_up_with_a_word(desk: Desk) -> None:
    said = Utterance(id="x", user=ALICE, room=OPS, answer_to=f"{desk.slack.base}/respond/none")
    for answer, kind in [
        (Answer(status=429, headers={"Retry-After": "3"}), Unreachable),
        (Answer(status=503), Unreachable),
        (Answer(status=500, text="x"), Uncertain),
    ]:
        desk.slack.answers["respond"] = [answer]
        with pytest.raises(kind):
            await desk.chat.reply(said, Reply(text="x"))
    with pytest.raises(Refused, match="the time to answer is over"):
        await desk.chat.reply(said, Reply(text="x"))


async def test_nobody_can_be_answered_too_often(desk: Desk) -> None:
    url = desk.slack._response_url(desk.slack.channels[OPS], ALICE)
    said = Utterance(id="x", user=ALICE, room=OPS, answer_to=url)
    for _ in range(5):
        await desk.chat.reply(said, Reply(text="x"))

    with pytest.raises(Refused, match="too often") as refusal:
        await desk.chat.reply(said, Reply(text="x"))
    assert url not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.slack.com/x",
        "https://hooks.slack.com.evil.example/x",
        "https://evil.example/hooks.slack.com",
        "https://evilslack.com/",
        "http://169.254.169.254/latest/meta-data",
        "file://hooks.slack.com/etc/passwd",
        "https://[x",
    ],
)
async def test_an_answer_goes_to_slack_and_nowhere_else(desk: Desk, url: str) -> None:
    said = Utterance(id="x", user=ALICE, room=OPS, answer_to=url)

    with pytest.raises(Refused, match="elsewhere"):
        await desk.chat.reply(said, Reply(text="x"))


@pytest.mark.parametrize("url", ["https://hooks.slack.com/x", "https://hooks.slack-gov.com/x"])
async def test_slacks_own_addresses_are_known(desk: Desk, url: str) -> None:
    assert url == str(desk.chat._of_slack(url))


# ------------------------------------------------------------------------------------------------------- Socket Mode


async def test_the_next_connection_is_there_before_the_old_one_goes() -> None:
    """What the old one still brings is heard."""
    hears = Hears()
    async with heard_by_connection(hears) as desk:
        (old,) = desk.slack.sockets
        await desk.slack.disconnect()
        await desk.slack.connected(2)
        desk.slack.sockets.reverse()
        await desk.slack.say("#ops", "@tocsin one")
        await desk.slack.let_go(old)
        await desk.slack.say("#ops", "@tocsin two")

    assert ["one", "two"] == [said.text for said in hears.heard]


async def test_an_old_connection_that_stays_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_mode, "LINGER", 0.05)
    async with heard_by_connection(Hears()) as desk:
        (old,) = desk.slack.sockets
        await desk.slack.disconnect()
        await desk.slack.connected(2)

        await until(lambda: old.closed)


async def test_a_broken_connection_is_made_anew() -> None:
    hears = Hears()
    async with heard_by_connection(hears) as desk:
        await desk.slack.let_go()
        await desk.slack.connected(2)
        await desk.slack.say("#ops", "@tocsin ack web301")

    assert ["ack web301"] == [said.text for said in hears.heard]


async def test_a_connection_outlasts_the_time_for_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is opened by a request, over a session whose requests have their limit."""
    monkeypatch.setattr(chat, "WITHIN", aiohttp.ClientTimeout(total=0.1))
    hears = Hears()
    async with heard_by_connection(hears) as desk:
        await asyncio.sleep(0.3)
        await desk.slack.say("#ops", "@tocsin status")

        assert 1 == desk.slack.opened
    assert ["status"] == [said.text for said in hears.heard]


async def test_what_takes_long_keeps_no_next_connection_waiting() -> None:
    hears = Hears(takes=0.5)
    async with heard_by_connection(hears, patience=0.01) as desk:
        desk.slack.retries = ()
        await desk.slack.say("#ops", "@tocsin one")
        await desk.slack.let_go()
        await desk.slack.connected(2)

        assert [] == hears.heard
        await until(lambda: hears.heard)


async def test_what_slack_brings_twice_is_told_apart_by_nobody_but_the_hub() -> None:
    """Each envelope is acknowledged; the thing is done once."""
    hears = Hears()
    async with heard_by_connection(hears) as desk:
        await desk.slack.say("#ops", "@tocsin ack web301")
        await desk.slack.again()

    assert 1 == len(hears.heard)
    assert 2 == len(desk.slack.acknowledged)


async def test_an_envelope_is_acknowledged_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ear, "within", 0.05)
    async with heard_by_connection(Hears(takes=0.3)) as desk:
        await desk.slack.say("#ops", "@tocsin ack web301")

        (acknowledged,) = desk.slack.acknowledged
        assert 0.05 <= acknowledged.seconds < 0.25
        await until(lambda: desk.slack.seen("#ops"))


async def test_a_hub_that_is_busy_too_late_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack does not bring again what was acknowledged."""
    monkeypatch.setattr(ear, "within", 0.05)
    async with heard_by_connection(Hears(takes=0.1, fails=[Overloaded("the disk is full")])) as desk:
        await desk.slack.say("#ops", "@tocsin ack web301")
        (shown,) = await until(lambda: desk.slack.seen("#ops"))

    assert "nothing was done" in shown.text


async def test_one_that_fails_stops_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    hears = Hears(fails=[RuntimeError("a bug")])
    async with heard_by_connection(hears, patience=0.05) as desk:
        desk.slack.retries = ()
        await desk.slack.say("#ops", "@tocsin one")
        await desk.slack.say("#ops", "@tocsin two")

    assert ["two"] == [said.text for said in hears.heard]
    assert "a bug" in caplog.text


async def test_what_is_not_understood_is_acknowledged(caplog: pytest.LogCaptureFixture) -> None:
    """And not brought again."""
    hears = Hears()
    async with heard_by_connection(hears) as desk:
        for socket_ in desk.slack.sockets:
            await socket_.send_str("{")
            await socket_.send_str("[]")
            await socket_.send_bytes(b"\xff")
        await desk.slack._envelope(
            "events_api", {"type": "event_callback", "event": {"type": "app_mention", "user": 1}}
        )
        await desk.slack._envelope("interactive", {"type": "view_submission"})
        await desk.slack._envelope("something_new", {})

    assert 3 == len(desk.slack.acknowledged)
    assert [] == hears.heard
    assert "not understood" in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        Answer(error="ratelimited", status=429, headers={"Retry-After": "0"}),
        Answer(status=503, text="away"),
        Answer(text='{"ok": true, "url": "ws://127.0.0.1:9/?ticket=s3cret"}', content_type="application/json"),
        Answer(text='{"ok": true, "url": "nonsense s3cret"}', content_type="application/json"),
        Answer(text='{"ok": true}', content_type="application/json"),
        Answer(drops="lost"),
    ],
)
async def test_it_goes_on_trying_to_hear(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    """With a word to the operator, that shows no ticket and no token."""
    hears = Hears()
    async with heard_by_connection(hears) as desk:
        desk.slack.answers["apps.connections.open"] = [answer]
        await desk.slack.let_go()
        await desk.slack.connected(2)
        await desk.slack.say("#ops", "@tocsin ack web301")

    assert ["ack web301"] == [said.text for said in hears.heard]
    assert "Slack cannot be heard" in caplog.text
    assert "s3cret" not in caplog.text


async def test_a_wrong_token_is_named(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """And tried again at leisure: it may be that Socket Mode is only off."""
    monkeypatch.setattr(socket_mode, "REFUSED_WAIT", 0.02)
    async with slack() as fake, seated(fake, APP_TOKEN="xapp-wrong") as desk:
        assert isinstance(desk.chat, Listens)
        listening = asyncio.create_task(desk.chat.listen(Hears().by_connection))
        await until(lambda: len(fake.calls) > 1)
        listening.cancel()
        await asyncio.wait({listening})

    assert "TOCSIN_SLACK_APP_TOKEN" in caplog.text
    assert "xapp-wrong" not in caplog.text


async def test_a_reply_that_slack_refuses_is_logged_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    async with heard_by_connection(Hears()) as desk:
        desk.slack.answers["chat.postMessage"] = [Answer(error="is_archived"), *[Answer(status=503, text="away")] * 3]
        await desk.slack.say("#ops", "@tocsin one")
        await until(lambda: "is archived" in caplog.text)
        await desk.slack.say("#ops", "@tocsin two")
        await until(lambda: "Slack took none" in caplog.text)
        await desk.slack.say("#ops", "@tocsin three")
        await until(lambda: desk.slack.seen("#ops"))


# -------------------------------------------------------------------------------------------------------------- places


async def test_places_are_called_as_the_rules_call_them(desk: Desk) -> None:
    assert "#ops" == await desk.chat.locate(OPS)
    assert "dm" == await desk.chat.locate("D0ALICE01")


async def test_a_place_that_cannot_be_looked_up_keeps_its_id(desk: Desk) -> None:
    assert SECRETS == await desk.chat.locate(SECRETS)
    desk.slack.answers["conversations.info"] = [Answer(text='{"ok": true}', content_type="application/json")]
    assert "C0OTHER01" == await desk.chat.locate("C0OTHER01")
    desk.slack.answers["conversations.info"] = [Answer(status=503, text="away")]
    assert [OPS, "#ops"] == [await desk.chat.locate(OPS), await desk.chat.locate(OPS)]


async def test_a_talk_of_several_has_no_name(desk: Desk) -> None:
    """It has one that nobody ever sees."""
    answer = '{"ok": true, "channel": {"name": "mpdm-alice--bob-1", "is_mpim": true}}'
    desk.slack.answers["conversations.info"] = [Answer(text=answer, content_type="application/json")]

    assert "G0SEVERAL" == await desk.chat.locate("G0SEVERAL")


async def test_a_name_is_looked_up_again_after_a_while(desk: Desk) -> None:
    """It may be given to another channel."""
    await desk.chat.locate(OPS)
    desk.slack.channels[OPS].name = "operations"
    assert "#ops" == await desk.chat.locate(OPS)
    desk.now += timedelta(minutes=10)

    assert "#operations" == await desk.chat.locate(OPS)


async def test_names_are_not_kept_without_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "NAMES", 2)
    for number in range(5):
        desk.slack._add(Channel(f"C0MANY{number:03}", f"many-{number}"))
        await desk.chat.locate(f"C0MANY{number:03}")

    assert 2 == len(desk.chat._names)


def faulty(name: str = "#ops", **known: str) -> str:
    def setting(asked: str) -> Secret | None:
        return Secret(known[asked]) if asked in known else None

    return CHAT.fault(Room(chat="slack", name=name), setting)


@pytest.mark.parametrize(
    "name", ["#ops", "#web-oncall_2", "#日本語", "C024BE91L", "G0G9QF9C6", "D024BE91L", "@U024BE7LH", "@W012A3CDE"]
)
def test_an_address_without_fault(name: str) -> None:
    assert "" == faulty(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ops", "slack:#ops"),
        ("#Ops", "slack:#ops"),
        ("#C024BE91L", "slack:C024BE91L"),
        ("@alice", "member ID"),
        ("U024BE7LH", "slack:@U024BE7LH"),
        ("#web oncall", "slack:#its-name"),
        ("", "slack:#its-name"),
        ("https://hooks.slack.com/services/T0/B0/s3cret", "a URL of Slack is a secret"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_with_its_cure(name: str, words: str) -> None:
    assert words in faulty(name)
    assert "s3cret" not in faulty(name)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"BOT_TOKEN": "xapp-s3cret"}, "TOCSIN_SLACK_BOT_TOKEN is another kind"),
        ({"APP_TOKEN": "xoxb-s3cret"}, "TOCSIN_SLACK_APP_TOKEN is another kind"),
        ({"API_URL": "http://slack.example.com/s3cret"}, "https"),
        ({"API_URL": "s3cret"}, "not a URL"),
        ({"API_URL": "https://[s3cret"}, "not a URL"),
    ],
)
def test_what_is_set_wrongly_is_named_and_not_shown(known: dict[str, str], words: str) -> None:
    assert words in faulty(**known)
    assert "s3cret" not in faulty(**known)


def test_what_is_set_rightly_has_no_fault() -> None:
    assert "" == faulty(BOT_TOKEN=BOT_TOKEN, APP_TOKEN=APP_TOKEN, API_URL="https://slack-gov.com/api/")
    assert "" == faulty(API_URL="http://127.0.0.1:9/api/")


# ------------------------------------------------------------------------------------------------------------ the app


def test_a_manifest_leads_to_the_hubs_doors() -> None:
    """Each of them is one that the ear listens at."""
    app = json.loads(manifest("https://hub.example.com"))
    (slash,) = app["features"]["slash_commands"]
    urls = [app["settings"]["event_subscriptions"]["request_url"], slash["url"]]
    urls.append(app["settings"]["interactivity"]["request_url"])

    assert [f"https://hub.example.com/chat/slack/{part}" for part in ear.parts] == urls
    assert slash["should_escape"]
    assert ["app_mention", "message.im"] == app["settings"]["event_subscriptions"]["bot_events"]
    assert not app["settings"]["socket_mode_enabled"]
    assert app["features"]["app_home"]["messages_tab_enabled"]


def test_a_manifest_for_socket_mode_leads_nowhere() -> None:
    text = socket_manifest()

    assert "url" not in text
    assert json.loads(text)["settings"]["socket_mode_enabled"]


@pytest.mark.parametrize("scope", json.loads(manifest("x"))["oauth_config"]["scopes"]["bot"])
def test_every_scope_has_its_reason(scope: str) -> None:
    """In the README, for whoever has to allow it."""
    from pathlib import Path

    import integrations.slack

    assert f"`{scope}`" in (Path(integrations.slack.__file__).parent / "README.md").read_text()


def test_slacks_library_is_loaded_only_where_slack_is_used() -> None:
    """It takes as much memory as half of the hub."""
    look = "import sys, integrations.slack; sys.exit(any(name.startswith('slack_sdk') for name in sys.modules))"

    assert 0 == subprocess.run([sys.executable, "-c", look], check=False).returncode


def test_without_a_token_there_is_no_slack() -> None:
    assert not CHAT.ready(lambda _name: None)
    assert CHAT.ready(lambda name: Secret(BOT_TOKEN) if name == "BOT_TOKEN" else None)
