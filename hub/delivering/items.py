"""What is delivered: posts and lines, and what is asked of both."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import TypeGuard

from hub.contracts import Chat, Edits, Kept, PostKey
from hub.core.notification import Line, MessageRef, Post
from hub.memory.draft import Draft

Item = Post | Line


def current_of(draft: Draft, item: Item) -> Item | None:
    """The same, as the draft has it."""
    return draft.post(item.id) if isinstance(item, Post) else draft.line(item.id)


def put(draft: Draft, item: Item) -> None:
    if isinstance(item, Post):
        draft.put(posts=[item])
    else:
        draft.put(lines=[item])


def over(draft: Draft, item: Item) -> MessageRef | None:
    """In whose thread it stands; of a post, none."""
    post = draft.post_of(item) if isinstance(item, Line) else None
    return post.ref if post else None


def key_of(item: Item) -> PostKey:
    """What a chat cannot edit is told again under another key: it is another message."""
    return PostKey(f"{item.id}.{item.wanted}" if isinstance(item, Post) and item.ref is not None else item.id)


def version_of(item: Item) -> int:
    return item.wanted if isinstance(item, Post) else 0


def is_loud(item: Item) -> bool:
    return isinstance(item, Line) and item.loud


def owed_at(item: Item) -> datetime:
    return item.sending.since or item.created_at


def about(item: Item) -> Mapping[str, str]:
    """What a line of the log says of it."""
    said = {"channel": item.channel, "delivery_id": item.id}
    return said | ({"alert_id": item.group} if isinstance(item, Post) else {"event_id": item.event})


def edits(chat: Chat) -> TypeGuard[Edits]:
    return _can_edit(type(chat))


@cache
def _can_edit(kind: type) -> bool:
    # To ask a protocol takes longer than to render a message.
    return issubclass(kind, Edits)


def keeps(chat: Chat) -> TypeGuard[Kept]:
    return hasattr(chat, "written")


def is_edit(chat: Chat, item: Item) -> bool:
    return isinstance(item, Post) and item.ref is not None and edits(chat)
