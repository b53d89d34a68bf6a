"""Core types to rows and back: the only place that sees both.

Rows are plain mappings for bulk statements: to build a SQLModel object per row costs more than to write it. A record
is written as JSON of its own shape; so a field with a default can be added to a core type without touching a table.
"""

import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from hub.contracts import RoomMessage
from hub.core.alert import Alert, Phase
from hub.core.grouping import Group
from hub.core.notification import DeliveryState, Line, Post
from hub.core.silence import Silence
from hub.store import Audit, Linked, StoredAsk, StoredCalendar, StoredEvent, StoredRequest, Timer
from hub.store.tables import micros

Values = dict[str, Any]  # what a driver binds
RecordT = TypeVar("RecordT")

PENDING = frozenset({DeliveryState.OWED, DeliveryState.HELD})
UNLISTED = frozenset({DeliveryState.HELD, DeliveryState.DROPPED})
ASKS_PENDING = frozenset({"queued", "asking", "sent"})


def _plain_mapping(value: Any) -> Any:  # msgspec asks it about whatever it does not know
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in a record")


_encoder = msgspec.json.Encoder(enc_hook=_plain_mapping)


def storable(text: str) -> str:
    """The text; halves of characters and NUL, which a header may carry and not every database takes, become question
    marks."""
    mended = text if text.isascii() else text.encode("utf-8", "replace").decode()
    return mended.replace("\0", "?")


def _mended(value: Any) -> Any:  # any JSON
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {_mended(name): _mended(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(inner) for inner in value]
    return value


def written(record: Any) -> str:  # any core type
    """The record as JSON."""
    try:
        return _encoder.encode(record).decode()
    except UnicodeEncodeError:
        return _encoder.encode(_mended(msgspec.to_builtins(record, enc_hook=_plain_mapping))).decode()


def _reader(shape: type[RecordT]) -> Callable[[str], RecordT]:
    return msgspec.json.Decoder(shape).decode


def _moment(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


# ------------------------------------------------------------------------------------------------------ what came in


def request_row(request: StoredRequest) -> Values:
    return {
        "id": request.id,
        "source": request.source,
        "delivery_id": storable(request.delivery_id),
        "received_at": micros(request.received_at),
        "verdict": request.verdict,
        # What we fetched ourselves and did not understand is not fetched again and again; it waits for its replay.
        "accepted": bool(request.delivery_id) and (request.verdict != "quarantined" or bool(request.fetched)),
        "quarantined": request.waits,
        "record": written(_without_body(request)),
        "body": request.body if request.body[:1] != PACKED else AS_IT_IS + request.body,
    }


def _without_body(request: StoredRequest) -> Values:
    return {name: getattr(request, name) for name in _REQUEST_FIELDS}


_REQUEST_FIELDS = tuple(name for name in StoredRequest.__struct_fields__ if name != "body")
_read_request = _reader(StoredRequest)


# A body is stored as it came, and packed later. What no tool's body begins with tells which it is.
PACKED, AS_IT_IS, BY_ZLIB = b"\0", b"\0=", b"\0z"


def packed(body: bytes) -> bytes:
    """A stored body made small; what does not get smaller stays, marked as done."""
    if body[:1] == PACKED:
        return body
    small = BY_ZLIB + zlib.compress(body)
    return small if len(small) < len(body) else AS_IT_IS + body


def unpacked(body: bytes, unzip: Callable[[bytes], bytes] = zlib.decompress) -> bytes:
    if body[:2] == BY_ZLIB:
        return unzip(body[2:])
    return body[2:] if body[:2] == AS_IT_IS else body


def beginning(body: bytes, most: int) -> bytes:
    """So much of a stored body of which no more was read."""
    return unpacked(body, lambda small: zlib.decompressobj().decompress(small, most))


def request_of(record: str, body: bytes, unpack: Callable[[bytes], bytes] = unpacked) -> StoredRequest:
    head = _read_request(record)
    return StoredRequest(**_without_body(head), body=unpack(body))


def event_row(stored: StoredEvent) -> Values:
    event, decision = stored.event, stored.decision
    return {
        "id": event.id,
        "request_id": event.request_id,
        "received_at": micros(event.received_at),
        "routed_at": _moment(stored.routed_at),
        "alert": decision.alert or None if decision is not None else None,
        "waiting": decision is None and not stored.failure,
        "failed": decision is None and bool(stored.failure),
        "record": written(stored),
    }


event_of = _reader(StoredEvent)

# ------------------------------------------------------------------------------------------------ alerts and messages


def alert_row(alert: Alert) -> Values:
    phase = alert.phase
    return {
        "id": alert.id,
        "source": alert.source,
        "key": storable(alert.key),
        "opened_at": micros(alert.opened_at),
        "updated_at": micros(alert.updated_at),
        "open": phase is Phase.OPEN,
        "resolved": phase is Phase.RESOLVED,
        "notice": phase is Phase.NOTICE,
        "life": phase is not Phase.NOTICE,
        "acked": alert.ack is not None,
        "record": written(alert),
    }


alert_of = _reader(Alert)


def post_row(post: Post) -> Values:
    return {
        "id": post.id,
        "group": post.group,
        "channel": post.channel,
        "ref": None if post.ref is None else storable(post.ref),
        "order": post.order,
        "state": post.sending.state.value,
        "pending": post.sending.state in PENDING,
        "created_at": micros(post.created_at),
        "record": written(post),
    }


post_of = _reader(Post)


def line_row(line: Line) -> Values:
    return {
        "id": line.id,
        "post": line.post,
        "event": line.event,
        "order": line.order,
        "state": line.sending.state.value,
        "pending": line.sending.state in PENDING,
        "created_at": micros(line.created_at),
        "record": written(line),
    }


line_of = _reader(Line)

# --------------------------------------------------------------------------------------------------------- the others


def timer_row(timer: Timer) -> Values:
    return {"kind": timer.kind, "subject": timer.subject, "due_at": micros(timer.due_at)}


def timer_of(kind: str, subject: str, due_at: datetime) -> Timer:
    return Timer(kind=kind, subject=subject, due_at=due_at)


def silence_row(silence: Silence) -> Values:
    return {
        "id": silence.id,
        "starts_at": micros(silence.starts_at),
        "standing": silence.ended_at is None,
        "record": written(silence),
    }


silence_of = _reader(Silence)


def ask_row(ask: StoredAsk) -> Values:
    return {
        "id": ask.id,
        "asked_at": micros(ask.asked_at),
        "state": ask.state,
        "pending": ask.state in ASKS_PENDING,
        "record": written(ask),
    }


ask_of = _reader(StoredAsk)


def audit_row(audit: Audit) -> Values:
    return {"id": audit.id, "at": micros(audit.at), "record": written(audit)}


audit_of = _reader(Audit)


def group_row(group: Group) -> Values:
    return {
        "id": group.id,
        "firing": group.healed_at is None,
        "healed_at": _moment(group.healed_at),
        "record": written(group),
    }


group_of = _reader(Group)


def link_row(link: Linked) -> Values:
    return {"account": storable(link.account), "record": written(link)}


link_of = _reader(Linked)


def calendar_row(calendar: StoredCalendar) -> Values:
    return {"schedule": storable(calendar.schedule), "record": written(calendar)}


calendar_of = _reader(StoredCalendar)


def room_row(message: RoomMessage) -> Values:
    return {
        "id": message.id,
        "room": message.room,
        "thread": message.thread,
        "head": message.thread is None,
        "posted_at": micros(message.posted_at),
        "record": written(message),
    }


room_of = _reader(RoomMessage)
