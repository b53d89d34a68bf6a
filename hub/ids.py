"""New ids: UUIDv7, so that they sort by time; and short ones, for people to read aloud."""

import secrets

from uuid_utils import uuid7

from hub.core.event import EventId

LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""No 0, 1, I, O: nobody has to ask which it is."""


def new_id() -> str:
    return str(uuid7())


def new_event_id() -> EventId:
    return EventId(new_id())


def short_id(length: int = 4) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(length))
