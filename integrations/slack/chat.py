"""Talks in Slack by its Web API. Here slack-sdk is used, and imported: not before Slack is opened."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import msgspec
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from yarl import URL

from hub.contracts import ChatTools, ChatTraits, Finding, Grade, PostKey, Repeat, Reply, Room, Setting, Utterance
from hub.core.notification import Message, MessageRef
from hub.errors import DeliveryError, PayloadError, Refused, Uncertain, Unreachable
from hub.payload import Field
from integrations.slack.address import API, fault, is_channel, is_user, target
from integrations.slack.compose import compose, compose_reply
from integrations.slack.manifest import SCOPES
from integrations.slack.refusals import refusal

log = logging.getLogger("tocsin.slack")

TRAITS = ChatTraits(dialect="slack", threads=True, repeat=Repeat.TWICE, pace=1.0)
"""Slack takes a message a second in a channel, and no key by which it could tell a repeat."""

WITHIN = aiohttp.ClientTimeout(total=15, sock_connect=8)
DELIVERY = "tocsin_delivery"
"""The type of the metadata by which a message is found again."""
SETTLING = 1.0
"""Seconds before it is looked for: what was on its way when the connection broke may not be there yet."""
PAGE, PAGES = 200, 5
"""How far back it is looked for."""
NAMES, NAMES_FOR = 1_000, timedelta(minutes=10)
"""How many names of channels are kept, and how long: a name may be given to another channel."""
APART = timedelta(minutes=2)
"""How far our clock may be from Slack's before it is told: what is five minutes old is taken for a replay."""
READ = 2_000
"""Bytes of an answer to an answer that are read: it is a word or two."""

# At DEBUG the SDK writes down all that it sends, and whether to it decides by the level of its own logger alone.
QUIET = logging.getLogger("tocsin.slack.sdk")
QUIET.setLevel(logging.WARNING)

JSON = {"Content-Type": "application/json; charset=utf-8"}

Method = Callable[..., Awaitable[AsyncSlackResponse]]


class SlackChat:
    """A message is called by its channel and time, `C024BE91L:1795262400.000100`: both are needed to change it."""

    def __init__(self, tools: ChatTools, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.web = _web_client(tools.setting, http)
        self._setting = tools.setting
        self._now = tools.now
        self._ids: dict[str, str] = {}
        self._names: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    @property
    def traits(self) -> ChatTraits:
        return TRAITS

    async def post(
        self, room: Room, message: Message, key: PostKey, *, under: MessageRef | None = None, loud: bool = False
    ) -> MessageRef:
        if wrong := fault(room, self._setting):
            raise Refused(wrong)
        place: dict[str, Any] = {"channel": target(room)}
        if under is not None:
            place = _place(under, "thread_ts")
            # Who took no part in a thread is not told of it; what is loud stands in the channel, too.
            place["reply_broadcast"] = loud
        answer = await self.call(
            self.web.chat_postMessage,
            **compose(message),
            **place,
            mrkdwn=False,
            unfurl_links=False,
            unfurl_media=False,
            metadata={"event_type": DELIVERY, "event_payload": {"key": key}},
            room=room.name,
        )
        try:
            channel, at = answer["channel"].text(), answer["ts"].text()
        except PayloadError:
            raise Uncertain("Slack took it, and did not say where it is") from None
        self._ids[room.name] = channel
        return MessageRef(f"{channel}:{at}")

    async def edit(self, ref: MessageRef, message: Message, key: PostKey) -> None:  # noqa: ARG002  it keeps its first one
        # Unlike a post, an edit is by default read as if a person had typed it: names of channels become links.
        await self.call(self.web.chat_update, **compose(message), **_place(ref, "ts"), parse="none", link_names=False)

    async def permalink(self, ref: MessageRef) -> str:
        answer = await self.call(self.web.chat_getPermalink, **_place(ref, "message_ts"))
        try:
            return str(self._of_slack(answer["permalink"].text()))
        except PayloadError:
            raise Uncertain("Slack did not say where it is") from None

    # --------------------------------------------------------------------------------------------------- reading back

    async def find(self, room: Room, key: PostKey, *, under: MessageRef | None = None) -> MessageRef | None:
        """Slack lets the app read where it is a member; elsewhere it stays uncertain."""
        await asyncio.sleep(SETTLING)
        place = _place(under, "ts") if under else {"channel": await self._id(room)}
        async for message in self._messages(place, room):
            metadata = message["metadata"]
            if metadata["event_type"].text("") == DELIVERY and metadata["event_payload"]["key"].text("") == key:
                return MessageRef(f"{place['channel']}:{message['ts'].text()}")
        return None

    async def _messages(self, place: dict[str, Any], room: Room) -> AsyncIterator[Field]:
        """The messages of a channel, or of a thread in it. Raises Uncertain where they are too many to look through."""
        read = self.web.conversations_replies if "ts" in place else self.web.conversations_history
        cursor: str | None = None
        for _ in range(PAGES):
            page = await self.call(read, **place, include_all_metadata=True, limit=PAGE, cursor=cursor, room=room.name)
            for message in page["messages"].items():
                yield message
            cursor = page["response_metadata"]["next_cursor"].text("")
            if not cursor:
                return
        raise Uncertain("there is more in the channel than is looked through")

    async def _id(self, room: Room) -> str:
        """The id that reading wants, where writing takes a name."""
        if is_channel(room):
            return room.name
        if room.name not in self._ids:
            self._ids[room.name] = await (self._id_of_direct(room) if is_user(room) else self._id_of_name(room))
        return self._ids[room.name]

    async def _id_of_direct(self, room: Room) -> str:
        answer = await self.call(self.web.conversations_open, users=target(room), room=room.name)
        return answer["channel"]["id"].text()

    async def _id_of_name(self, room: Room) -> str:
        cursor: str | None = None
        for _ in range(PAGES):
            page = await self.call(
                self.web.users_conversations,
                types="public_channel,private_channel",
                exclude_archived=True,
                limit=PAGE,
                cursor=cursor,
            )
            for channel in page["channels"].items():
                if f"#{channel['name'].text('')}" == room.name:
                    return channel["id"].text()
            cursor = page["response_metadata"]["next_cursor"].text("")
            if not cursor:
                break
        raise Refused(f"the app cannot look into {room.name}, since it is no member: /invite @tocsin there")

    # ------------------------------------------------------------------------------------------------------ checking

    async def check(self, rooms: Sequence[Room]) -> Sequence[Finding]:
        """The token, its scopes, our clock beside Slack's, and whether the app is in the channels."""
        met: dict[str, str] = {}

        async def ask(**_: Any) -> AsyncSlackResponse:
            answer = await self.web.auth_test()
            met.update((name.lower(), value) for name, value in answer.headers.items())
            return answer

        said = await self.call(ask)
        team = said["team"].text("a workspace")
        found = [Finding(grade=Grade.OK, about="slack", what=f"the token is one of {team}")]
        found += self._doubts(met)
        for room in rooms:
            found += await self._reaches(room)
        return found

    def _doubts(self, headers: Mapping[str, str]) -> Iterator[Finding]:
        if "x-oauth-scopes" in headers:
            given = {scope.strip() for scope in headers["x-oauth-scopes"].split(",")}
            if lacking := sorted(set(SCOPES) - given):
                cure = "give it those of `tocsin slack manifest`, and install it again"
                yield Finding(grade=Grade.WARNING, about="slack", what=f"the app lacks {', '.join(lacking)}", cure=cure)
        with suppress(KeyError, ValueError, TypeError):
            apart = abs(self._now() - parsedate_to_datetime(headers["date"]))
            if apart > APART:
                what = f"the clock of this machine is {apart.total_seconds():.0f} seconds from Slack's"
                cure = "set it by NTP: what Slack posts is refused when it is five minutes old"
                yield Finding(grade=Grade.WRONG, about="clock", what=what, cure=cure)

    async def _reaches(self, room: Room) -> Sequence[Finding]:
        if is_user(room):
            return []
        try:
            if is_channel(room):
                await self.call(self.web.conversations_info, channel=room.name, room=room.name)
            else:
                await self._id(room)
        except Refused as error:
            # A public channel can be told without being in it.
            grade = Grade.WRONG if is_channel(room) else Grade.WARNING
            return [Finding(grade=grade, about=room.address, what=str(error))]
        return []

    # ------------------------------------------------------------------------------------------------------- hearing

    async def reply(self, utterance: Utterance, reply: Reply) -> None:
        """Where it was said: to a command or button for the eyes of that person, to a mention in its thread."""
        to = utterance.answer_to
        if "://" in to:
            await self._answer(
                to, {"response_type": "ephemeral", "replace_original": False, **compose_reply(reply.text)}
            )
            return
        channel, _, thread = to.partition(":")
        await self.call(
            self.web.chat_postMessage,
            **compose_reply(reply.text),
            channel=channel,
            thread_ts=thread or None,
            mrkdwn=False,
            unfurl_links=False,
            unfurl_media=False,
        )

    async def locate(self, room: str) -> str:
        """`#ops`, as addresses have it; `dm` for what is said to the app alone."""
        if room.startswith("D"):
            return "dm"
        name, until = self._names.get(room, ("", self._now()))
        if self._now() < until:
            return name
        try:
            name = await self._name(room)
        except (DeliveryError, PayloadError) as error:
            log.warning("the name of a channel cannot be found out, so that its id stands for it: %s", error)
            return room
        self._names[room] = (name, self._now() + NAMES_FOR)
        while len(self._names) > NAMES:
            self._names.popitem(last=False)
        return name

    async def _name(self, room: str) -> str:
        channel = (await self.call(self.web.conversations_info, channel=room))["channel"]
        several = channel["is_mpim"].flag()
        return room if several else f"#{channel['name'].text()}"

    # ------------------------------------------------------------------------------------------------------- requests

    async def call(self, method: Method, /, *, room: str = "", by: str = "BOT_TOKEN", **arguments: Any) -> Field:
        """Call the Web API, `by` the setting of that name. Raises Refused, Unreachable or Uncertain, in words that hold
        nothing of what was sent."""
        try:
            answer = Field((await method(**arguments)).data)
        except SlackApiError as error:
            raise _refusal(error, room=room, token=f"TOCSIN_SLACK_{by}") from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unreachable(f"Slack cannot be reached: {_cause(error)}") from None
        except TimeoutError:
            raise Uncertain("Slack did not answer in time") from None
        except aiohttp.ClientError:
            raise Uncertain("Slack hung up before it answered") from None
        except (AttributeError, ValueError):
            # How the SDK takes an answer that is text or a list: some other server's, between us and Slack.
            raise Unreachable("what answered is not Slack; is TOCSIN_SLACK_API_URL right?") from None
        return answer

    async def _answer(self, to: str, said: dict[str, Any]) -> None:
        """Post to the URL that came with a command or button. Errors of aiohttp speak of it, so none is passed on."""
        url = self._of_slack(to)
        body = msgspec.json.encode(said)
        try:
            async with self.http.post(url, data=body, headers=JSON, allow_redirects=False) as response:
                answer, status = await response.content.read(READ), response.status
                wait = response.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError):
            raise Unreachable("Slack took no answer") from None
        if status != 200:
            raise refusal(status, _decoded(answer), wait, token="")

    def _of_slack(self, to: str) -> URL:
        """The URL, if it leads to Slack or to what stands for it. Raises Refused."""
        api = URL(self.web.base_url)
        with suppress(ValueError):
            url = URL(to)
            ours = url.scheme == "https" and (url.host or "").endswith((".slack.com", ".slack-gov.com"))
            if ours or (url.scheme, url.authority) == (api.scheme, api.authority):
                return url
        raise Refused("that leads elsewhere than to Slack")


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _place(ref: MessageRef, name: str) -> dict[str, Any]:
    channel, _, at = ref.partition(":")
    return {"channel": channel, name: at}


def _refusal(error: SlackApiError, *, room: str, token: str) -> DeliveryError:
    answer = error.response
    # Of an answer that is no JSON the SDK gives aiohttp's own response.
    status: int = answer.status_code if isinstance(answer, AsyncSlackResponse) else answer.status
    said = answer.data if isinstance(answer, AsyncSlackResponse) else None
    return refusal(status, said, answer.headers.get("Retry-After", ""), room=room, token=token)


def _cause(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "its certificate cannot be trusted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not found"
    return "the connection was not answered"


# ------------------------------------------------------------------------------------------------------------- opening


def _web_client(setting: Setting, http: aiohttp.ClientSession) -> AsyncWebClient:
    token, url = setting("BOT_TOKEN"), setting("API_URL")
    web = AsyncWebClient(
        token=token.reveal().strip() if token else None,
        base_url=url.reveal().strip() if url else API,
        session=http,
        logger=QUIET,
        # By default it posts once more when the connection broke, whether or not the first one arrived.
        retry_handlers=[],
    )
    # It takes one from the environment, and does not heed NO_PROXY. Of proxies the session knows.
    web.proxy = None
    return web


@asynccontextmanager
async def session(tools: ChatTools) -> AsyncIterator[aiohttp.ClientSession]:
    """A session over the connections of the hub's own: the SDK leaves no other way to say how long to wait."""
    hub: aiohttp.ClientSession = tools.http
    async with aiohttp.ClientSession(
        connector=hub.connector,
        connector_owner=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=WITHIN,
        trust_env=hub.trust_env,
        trace_configs=hub.trace_configs,  # which hold it back from where another host sends it
    ) as http:
        yield http


@asynccontextmanager
async def open_chat(tools: ChatTools) -> AsyncIterator[SlackChat]:
    async with session(tools) as http:
        yield SlackChat(tools, http)
