"""Posting to workflows: what an answer means, what is wrong with a URL, and that the URL is never said."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from hub.contracts import ChatTools, Edits, Finds, PostKey, Repeat, Room
from hub.core.event import Severity
from hub.core.notification import Message, MessageKind, MessageRef, MessageState, Occasion
from hub.errors import DeliveryError, Refused, Uncertain, Unreachable
from hub.proof import Secret
from integrations.teams import CHAT, chat
from integrations.teams.chat import BURST, Options, TeamsChat, open_chat
from tests.fakes.loopback import Nowhere
from tests.fakes.teams import CHANNEL, SIGNATURE, TOKEN, Answer, Teams, teams

MANAGERS = Room(chat="teams", name="managers")
DOWN = Message(
    kind=MessageKind.ALERT,
    title="web301 is DOWN",
    state=MessageState.OPEN,
    severity=Severity.CRITICAL,
    occasion=Occasion.OPENED,
    facts=(("host", "web301"),),
)
NAME = "TOCSIN_TEAMS_URL_MANAGERS"


@dataclass
class Desk:
    """A hub's chat with its settings, at a time that moves when told."""

    teams: Teams
    http: aiohttp.ClientSession
    settings: dict[str, str] = field(default_factory=dict)
    now: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.settings["URL_MANAGERS"] = self.teams.url("managers")
        self._chat: TeamsChat | None = None

    def setting(self, name: str) -> Secret | None:
        return Secret(self.settings[name]) if name in self.settings else None

    async def chat(self) -> TeamsChat:
        if self._chat is None:
            room_log: Any = None
            tools = ChatTools(setting=self.setting, now=lambda: self.now, room_log=room_log, http=self.http)
            async with open_chat(tools) as self._chat:
                pass
        return self._chat

    async def post(self, message: Message = DOWN, room: Room = MANAGERS, key: str = "p1") -> MessageRef:
        return await (await self.chat()).post(room, message, PostKey(key))

    async def refusal(self, *answers: Answer) -> DeliveryError:
        """What comes of posting, given these answers; asserts that nothing secret is in it."""
        self.teams.answers += answers
        with pytest.raises(DeliveryError) as caught:
            await self.post()
        assert SIGNATURE not in repr(caught.value)
        assert self.teams.base.removeprefix("http://") not in repr(caught.value)
        assert caught.value.__cause__ is None
        return caught.value


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with teams() as fake, aiohttp.ClientSession() as http:
        yield Desk(fake, http)

        assert [] == fake.complaints


# ------------------------------------------------------------------------------------------------------------ posting


async def test_a_message_stands_in_the_channel(desk: Desk) -> None:
    """Accepted is accepted; the reference is ours, since Teams gives none, and says nothing of the URL."""
    ref = await desk.post()

    (shown,) = desk.teams.seen("managers")
    assert ("✖ OPEN · CRITICAL", "web301 is DOWN", "host", "web301") == shown.texts
    assert await desk.post() == ref
    assert await desk.post(key="p2") != ref
    assert SIGNATURE not in ref


async def test_the_url_is_used_as_it_was_given(desk: Desk) -> None:
    """A signature that was written otherwise would not be the same."""
    desk.settings["URL_MANAGERS"] = f"  {desk.teams.url('managers')}\n"

    await desk.post()

    assert desk.teams.seen("managers")


async def test_each_channel_has_its_own_url(desk: Desk) -> None:
    desk.settings["URL_ON_CALL"] = desk.teams.url("night")

    await desk.post(room=Room(chat="teams", name="on-call"))

    assert desk.teams.seen("night")
    assert not desk.teams.seen("managers")


async def test_a_channel_may_ask_for_a_message_card(desk: Desk) -> None:
    await desk.post(room=Room(chat="teams", name="managers", options=Options(card="messagecard")))

    ((_, body),) = desk.teams.posted
    assert "MessageCard" == body["@type"]
    assert "web301 is DOWN" in desk.teams.seen("managers")[0].text


async def test_where_people_are_heard_they_are_told_how_to_answer(desk: Desk) -> None:
    desk.settings["OUTGOING_SECRET"] = TOKEN

    await desk.post()

    assert "@tocsin ack web301" in desk.teams.seen("managers")[0].text


def test_what_teams_cannot_do_is_not_claimed() -> None:
    """No edits, nothing to read back, no threads, no buttons; what is posted twice is there twice."""
    assert not isinstance(TeamsChat, Edits | Finds)
    assert (False, Repeat.TWICE) == (chat.TRAITS.threads, chat.TRAITS.repeat)


# -------------------------------------------------------------------------------------------------------- refusals

RETIRED = (
    "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {} with ContextId x."
)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Answer(status=401), Refused, f"Anyone start it, and {NAME}"),
        (Answer(status=403), Refused, "Anyone"),
        (Answer(status=404), Refused, "gone or turned off"),
        (Answer(status=410), Refused, "gone or turned off"),
        (Answer(status=413), Refused, "too large"),
        (Answer(status=302, headers={"Location": "https://login.example.com"}), Refused, "elsewhere"),
        (
            Answer(status=400, body='{"error": {"code": "InvalidTemplate", "message": "x"}}'),
            Refused,
            "400, InvalidTemplate",
        ),
        (Answer(status=400, body='{"error": {"code": "https://secret"}}'), Refused, r"\(400\)"),
        (Answer(status=400, body="\udcff".encode(errors="replace").decode()), Refused, r"\(400\)"),
        (Answer(status=429), Unreachable, "asks us to wait"),
        (Answer(status=500), Unreachable, "unwell"),
        (Answer(status=503), Unreachable, "unwell"),
        (Answer(status=200, body=RETIRED.format(429)), Unreachable, "asks us to wait"),
        (Answer(status=200, body=RETIRED.format(413)), Refused, "too large"),
        (Answer(drops=True), Uncertain, "hung up"),
    ],
)
async def test_what_an_answer_means(desk: Desk, answer: Answer, kind: type, words: str) -> None:
    """Whether to try again, to give up with the cure in hand, or to know that nobody knows."""
    refusal = await desk.refusal(answer)

    assert type(refusal) is kind
    with pytest.raises(kind, match=words):
        raise refusal


async def test_an_old_answer_of_yes_counts(desk: Desk) -> None:
    """Connectors said 200 and a 1."""
    desk.teams.answers.append(Answer(status=200, body="1"))

    assert await desk.post()


@pytest.mark.parametrize(
    ("header", "expected"),
    [("17", 17.0), ("2.5", 2.5), ("Sat, 21 Nov 2026 12:01:00 GMT", 60.0), ("soon", None), ("-4", None), ("", None)],
)
async def test_how_long_teams_asks_us_to_wait(desk: Desk, header: str, expected: float | None) -> None:
    refusal = await desk.refusal(Answer(status=429, headers={"Retry-After": header}))

    assert isinstance(refusal, Unreachable)
    assert expected == refusal.retry_after


async def test_a_workflow_that_was_deleted_and_a_signature_that_was_lost(desk: Desk) -> None:
    """As the workflow itself says it."""
    desk.teams.gone.add("managers")
    assert "(404, WorkflowNotFound)" in str(await desk.refusal())
    desk.teams.gone.clear()
    desk.settings["URL_MANAGERS"] = desk.teams.url("managers").replace(SIGNATURE, "x")
    assert "(401, DirectApiAuthorizationRequired)" in str(await desk.refusal())


async def test_who_does_not_answer_leaves_us_in_doubt(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been posted."""
    monkeypatch.setattr(chat, "WITHIN", aiohttp.ClientTimeout(total=0.05))

    assert isinstance(await desk.refusal(Answer(after=5)), Uncertain)


async def test_nobody_at_home_is_no_doubt(desk: Desk) -> None:
    """What never left us can be sent again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        desk.settings["URL_MANAGERS"] = f"http://127.0.0.1:{taken.getsockname()[1]}/?sig={SIGNATURE}"

        assert isinstance(await desk.refusal(), Unreachable)


async def test_a_name_that_is_not_found_may_be_later(desk: Desk) -> None:
    desk.settings["URL_MANAGERS"] = f"https://teams.example.com/?sig={SIGNATURE}"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Nowhere())) as desk.http:
        refusal = await desk.refusal()

    assert isinstance(refusal, Unreachable)
    assert "name is not found" in str(refusal)


async def test_without_a_url_it_says_what_to_set(desk: Desk) -> None:
    del desk.settings["URL_MANAGERS"]

    refusal = await desk.refusal()

    assert isinstance(refusal, Refused)
    assert str(refusal).startswith(f"set {NAME}: make a workflow")


async def test_a_burst_goes_and_what_is_beyond_it_waits_here(desk: Desk) -> None:
    """The workflow would accept it, and lose it."""
    for number in range(BURST):
        await desk.post(key=str(number))
        desk.now += timedelta(seconds=1)

    refusal = await desk.refusal()

    assert isinstance(refusal, Unreachable)
    assert 300.0 - BURST == refusal.retry_after
    desk.now += timedelta(seconds=refusal.retry_after)
    await desk.post(key="later")
    assert BURST + 1 == len(desk.teams.seen("managers"))


async def test_what_may_have_been_posted_counts_in_a_burst(desk: Desk) -> None:
    """Whichever of its names a workflow is called by."""
    desk.teams.answers.extend(Answer(drops=True) for _ in range(BURST))
    for number in range(BURST):
        assert isinstance(await desk.refusal(), Uncertain), number

    with pytest.raises(Unreachable, match="in five minutes"):
        await desk.post(room=Room(chat="teams", name="Managers"))


async def test_cancelling_passes_through(desk: Desk) -> None:
    desk.teams.answers.append(Answer(after=5))
    task = asyncio.create_task(desk.post())
    await asyncio.sleep(0.05)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


# ----------------------------------------------------------------------------------------------------------- faults

GOOD = "https://prod-11.westeurope.logic.azure.com:443/workflows/0123/triggers/manual/paths/invoke?sv=1.0&sig=s3cret"


def faulty(url: str | None, name: str = "managers") -> tuple[str, str]:
    def setting(asked: str) -> Secret | None:
        return Secret(url) if url is not None and asked == "URL_MANAGERS" else None

    room = Room(chat="teams", name=name)
    return CHAT.fault(room, setting), CHAT.lacks(room, setting)


@pytest.mark.parametrize(
    "url",
    [
        GOOD,
        "https://default0123.aa.environment.api.powerplatform.com/powerautomate/automations/direct/x?api-version=1&sig=s3cret",
        "http://127.0.0.1:9000/workflows/x?sig=s3cret",
        "https://relay.example.com/teams",
    ],
)
def test_a_url_of_a_workflow_has_no_fault(url: str) -> None:
    assert ("", "") == faulty(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "https://acme.webhook.office.com/webhookb2/s3cret@0/IncomingWebhook/s3cret/0",
            "Microsoft has switched these off",
        ),
        ("https://outlook.office.com/webhook/s3cret", "Microsoft has switched these off"),
        ("https://OUTLOOK.office365.com/webhook/s3cret", "Microsoft has switched these off"),
        ("http://prod-11.westeurope.logic.azure.com/workflows/s3cret", "https"),
        ("s3cret", "https"),
        ("https://", "not a URL"),
        ("https://[s3cret", "not a URL"),
        ("https://example.com:s3cret/", "not a URL"),
        (GOOD.partition("&")[0], "cut off"),
    ],
)
def test_what_is_wrong_with_a_url_is_said_with_its_cure(url: str, words: str) -> None:
    """And without a piece of it."""
    fault, _ = faulty(url)

    assert words in fault
    assert NAME in fault
    assert "s3cret" not in fault
    assert "0123" not in fault


def test_what_is_not_set_is_named() -> None:
    assert ("", NAME) == faulty(None)


@pytest.mark.parametrize("name", [GOOD, "//x?sig=s3cret"])
def test_a_url_has_no_place_in_the_rules(name: str) -> None:
    fault, _ = faulty(None, name)

    assert "does not belong in the rules" in fault
    assert "s3cret" not in fault


@pytest.mark.parametrize(
    ("name", "expected"),
    [("managers", "URL_MANAGERS"), ("#managers", "URL_MANAGERS"), ("on-call EU", "URL_ON_CALL_EU"), ("ünï", "URL__N_")],
)
def test_the_setting_of_a_channel(name: str, expected: str) -> None:
    assert expected == chat.variable(Room(chat="teams", name=name))


def test_a_card_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="card: 'fancy' is none of adaptive, messagecard"):
        Options(card="fancy")


@pytest.mark.parametrize("setting", [f"managers={CHANNEL}, ops=19:b", f" managers = {CHANNEL} ,,x"])
async def test_places_are_called_as_the_rules_call_them(desk: Desk, setting: str) -> None:
    """Where the operator says which channel is which; an unknown one keeps its id."""
    desk.settings["CHANNELS"] = setting

    talking = await desk.chat()

    assert "managers" == await talking.locate(CHANNEL)
    assert "19:z" == await talking.locate("19:z")
