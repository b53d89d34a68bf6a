"""What chats need that are not like those that are there: to be in their rooms."""

from chat import FakeChat

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


async def test_a_chat_knows_in_which_rooms_it_must_be(begin, chat: FakeChat) -> None:
    """From its start, since it hears only where it is; and after a reload."""
    hub = await begin(RULES, {**installed(), "pager": chat.integration()})
    before = [room.address for room in chat.named()]
    await hub.reloads(RULES.replace('"pager:db"', '"pager:night"'))

    assert ["pager:web", "pager:db"] == before
    assert ["pager:web", "pager:night"] == [room.address for room in chat.named()]
