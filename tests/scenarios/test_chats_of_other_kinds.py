"""What chats need that are not like those that are there: to be in their rooms, one pace for all of them."""

from itertools import pairwise

from chat import FakeChat
from scenario import Scenario

from hub.registry import installed

RULES = """\
version: 1
storm: never
channels: {ops: room:ops, web: "pager:web", db: "pager:db"}
routes:
  - {name: web, match: {host: "web*"}, to: web}
  - {name: db, match: {host: "db*"}, to: db}
everything_else: {to: ops}
"""


async def told(hub: Scenario, chat: FakeChat) -> list[str]:
    await hub.settle()
    return [message.title for _, message in chat.posted]


async def test_a_chat_knows_in_which_rooms_it_must_be(begin, chat: FakeChat) -> None:
    """From its start, since it hears only where it is; and after a reload."""
    hub = await begin(RULES, {**installed(), "pager": chat.integration()})
    before = [room.address for room in chat.named()]
    await hub.reloads(RULES.replace('"pager:db"', '"pager:night"'))

    assert ["pager:web", "pager:db"] == before
    assert ["pager:web", "pager:night"] == [room.address for room in chat.named()]


async def test_a_pace_that_is_shared_is_that_of_all_channels_together(begin, chat: FakeChat) -> None:
    """One connection says all: a channel more is no message more a second. None of them is left to wait for long."""
    chat.pace, chat.pace_is_shared = 2.0, True
    hub = await begin(RULES, {**installed(), "pager": chat.integration()})
    for n in range(3):
        await hub.nagios(f"web{n}")
        await hub.nagios(f"db{n}")
    seen = [await told(hub, chat)]
    for _ in range(7):
        await hub.later("2s")
        seen.append(await told(hub, chat))

    counts = [len(titles) for titles in seen]
    assert [1, 6] == [counts[0], counts[-1]]
    assert all(after - before <= 1 for before, after in pairwise(counts))
    assert {"web0 is DOWN", "db0 is DOWN"} <= {*seen[2]}


async def test_a_pace_of_its_own_keeps_no_other_channel_waiting(begin, chat: FakeChat) -> None:
    chat.pace = 2.0
    hub = await begin(RULES, {**installed(), "pager": chat.integration()})
    for host in ("web0", "web1", "db0"):
        await hub.nagios(host)

    assert ["web0 is DOWN", "db0 is DOWN"] == await told(hub, chat)
