"""A chat that cannot edit is told of changes in new messages, and of each only once."""

import asyncio

from chat import FakeTool, TellingChat
from scenario import Scenario

from hub.errors import Uncertain
from hub.registry import installed

RULES = """\
version: 1
channels: {ops: room:ops, pager: "pager:night"}
routes: [{name: paged, match: {tool: nagios}, to: pager}]
everything_else: {to: ops}
"""


def told(chat: TellingChat) -> list[tuple[str, str]]:
    """Kind and state of each message."""
    return [(message.kind.value, message.state or "") for _, message in chat.posted]


async def begun(begin, chat: TellingChat, **tools) -> Scenario:
    return await begin(RULES, {**installed(), "pager": chat.integration(), **tools})


async def test_a_change_is_a_new_message_and_has_no_line_beside_it(begin) -> None:
    chat = TellingChat()
    hub = await begun(begin, chat)
    await hub.nagios("db1", "WARNING", service="Disk", number=1)
    await hub.nagios("db1", "CRITICAL", service="Disk", number=2)
    await hub.nagios("db1", "OK", "RECOVERY", service="Disk", number=3)

    assert [("alert", "open"), ("alert", "open"), ("alert", "resolved")] == told(chat)


async def test_a_repeat_is_no_news(begin) -> None:
    chat = TellingChat()
    hub = await begun(begin, chat)
    for number in range(1, 6):
        await hub.nagios("web301", number=number)
        await hub.later("5m")

    assert [("alert", "open")] == told(chat)


async def test_an_ack_is_told_when_it_is_taken_and_when_the_tool_has_answered(begin) -> None:
    """Not in between: `asking…` and `sent` would each be a message."""
    chat, tool = TellingChat(), FakeTool()
    hub = await begun(begin, chat, nagios=tool.integration())
    asking = asyncio.create_task(hub.hub.asks.serve())
    await hub.nagios("web301", number=1)
    await hub.says("nagios ack web301")
    async with asyncio.timeout(10):
        while [ask.state for ask in hub.hub.state.asks.values()] != ["sent"]:
            await asyncio.sleep(0.001)
    await hub.later("5s")
    await hub.nagios("web301", kind="ACKNOWLEDGEMENT", number=2, NOTIFICATIONCOMMENT=tool.asked[0][2])
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert [("alert", "open"), ("alert", "acked"), ("alert", "acked")] == told(chat)
    assert "acknowledged in Nagios" in chat.posted[-1][1].standing


async def test_a_comment_stands_alone_and_says_about_what(begin) -> None:
    chat = TellingChat()
    hub = await begun(begin, chat)
    await hub.nagios("web301", number=1)
    await hub.nagios("web301", "DOWN", "CUSTOM", number=2, NOTIFICATIONCOMMENT="looking")

    assert "about: web301 is DOWN" == chat.posted[-1][1].standing


async def test_a_change_that_may_have_arrived_is_repeated_once_and_says_so(begin) -> None:
    chat = TellingChat()
    hub = await begun(begin, chat)
    await hub.nagios("web301", number=1)
    chat.failures = [Uncertain("dropped"), Uncertain("dropped"), Uncertain("dropped")]
    await hub.nagios("web301", "UP", "RECOVERY", number=2)
    await hub.later("10m")

    assert 1 == len(chat.failures)
