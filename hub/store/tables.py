"""The tables, as a new SQLite file has them. What is asked for, filtered or sorted has a column; the rest of a record
is its JSON text.

A partial index over a true-or-false column keeps the few rows that wait for something apart from the many that are
done: a million settled events cost `load()` nothing. Such a column is compared by `is_(true())`, because SQLite
takes a partial index only where it sees the value itself, not a parameter.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Boolean, DateTime, Dialect, Index, Integer, column, true
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

VERSION = 5
"""Of these tables: the number of the newest file in `migrations/versions`."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(at: datetime) -> int:
    """A time as it is stored: microseconds since 1970, which sort and compare as the times do."""
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone")
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers the rows of a table by itself only where the key is an INTEGER and nothing else."""


class Utc(TypeDecorator[datetime]):
    """A time in UTC. SQLite has no type for times, and drops the zone of one."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else EPOCH + timedelta(microseconds=value)


def few(name: str, *columns: str, flag: str) -> Index:
    """An index over those rows only for which `flag` is true. Of PostgreSQL the migrations say so: to do it here, too,
    would load its dialect into every hub."""
    return Index(name, *columns, sqlite_where=column(flag, Boolean).is_(true()))


class Row(SQLModel, registry=registry()):
    """The ground of all rows. Its registry is its own, so that nobody else's models are created with ours."""


class RequestRow(Row, table=True):
    __tablename__ = "request"
    __table_args__ = (
        Index("request_by_age", "received_at"),
        few("request_by_delivery", "source", "delivery_id", "received_at", flag="accepted"),  # in PostgreSQL: unique
        few("request_in_quarantine", "received_at", flag="quarantined"),
    )

    id: str = Field(primary_key=True)
    source: str
    delivery_id: str
    received_at: datetime = Field(sa_type=Utc)
    verdict: str
    accepted: bool
    """With a delivery id, and understood or fetched: what a repeated delivery is compared with."""
    quarantined: bool
    """Not understood, and not replayed yet."""
    record: str
    body: bytes


class EventRow(Row, table=True):
    __tablename__ = "event"
    __table_args__ = (
        Index("event_by_age", "received_at"),
        Index("event_by_alert", "alert", "received_at"),
        Index("event_by_request", "request_id"),
        few("event_waiting", "received_at", flag="waiting"),
        few("event_failed", "received_at", flag="failed"),
    )

    id: str = Field(primary_key=True)
    request_id: str
    received_at: datetime = Field(sa_type=Utc)
    routed_at: datetime | None = Field(sa_type=Utc)
    alert: str | None
    """The alert that the decision names."""
    waiting: bool
    """Neither decided nor failed."""
    failed: bool
    """A rule raised, and nobody has replayed it."""
    record: str


class AlertRow(Row, table=True):
    __tablename__ = "alert"
    __table_args__ = (
        Index("alert_by_key", "source", "key", "notice", "opened_at", "id"),
        Index("alert_by_change", "updated_at"),
        few("alert_alive", "opened_at", "id", flag="life"),
        few("alert_open", "opened_at", "id", flag="open"),
        few("alert_resolved", "opened_at", "id", flag="resolved"),
    )

    id: str = Field(primary_key=True)
    source: str
    key: str
    opened_at: datetime = Field(sa_type=Utc)
    updated_at: datetime = Field(sa_type=Utc)
    open: bool
    resolved: bool
    notice: bool
    life: bool
    """No notice."""
    acked: bool
    record: str


class PostRow(Row, table=True):
    __tablename__ = "post"
    __table_args__ = (
        Index("post_by_group", "group", "order"),
        Index("post_by_state", "state", "order"),
        Index("post_by_order", "order"),
        Index("post_by_ref", "ref", "channel"),
        Index("post_by_age", "created_at"),
        few("post_pending", "group", flag="pending"),
    )

    id: str = Field(primary_key=True)
    group: str
    channel: str
    ref: str | None
    order: int = Field(sa_type=NUMBER)
    state: str
    pending: bool
    """Owed or held."""
    created_at: datetime = Field(sa_type=Utc)
    record: str


class LineRow(Row, table=True):
    __tablename__ = "line"
    __table_args__ = (
        Index("line_by_post", "post"),
        Index("line_by_state", "state", "order"),
        Index("line_by_order", "order"),
        Index("line_by_age", "created_at"),
        few("line_pending", "post", flag="pending"),
        few("line_pending_by_event", "event", flag="pending"),
    )

    id: str = Field(primary_key=True)
    post: str | None
    event: str
    order: int = Field(sa_type=NUMBER)
    state: str
    pending: bool
    """Owed or held."""
    created_at: datetime = Field(sa_type=Utc)
    record: str


class TimerRow(Row, table=True):
    __tablename__ = "timer"

    kind: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    due_at: datetime = Field(sa_type=Utc)


class SilenceRow(Row, table=True):
    __tablename__ = "silence"
    __table_args__ = (few("silence_standing", "starts_at", flag="standing"),)

    id: str = Field(primary_key=True)
    starts_at: datetime = Field(sa_type=Utc)
    standing: bool
    """Not ended yet."""
    record: str


class AskRow(Row, table=True):
    __tablename__ = "ask"
    __table_args__ = (few("ask_pending", "asked_at", flag="pending"),)

    id: str = Field(primary_key=True)
    asked_at: datetime = Field(sa_type=Utc)
    state: str
    pending: bool
    """Queued, asking or sent."""
    record: str


class AuditRow(Row, table=True):
    __tablename__ = "audit"
    __table_args__ = (Index("audit_by_time", "at"),)

    id: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Utc)
    record: str


class GroupRow(Row, table=True):
    """A generation of a group of several. Whose members they are, alerts say."""

    __tablename__ = "group"
    __table_args__ = (Index("group_by_end", "healed_at"), few("group_firing", "id", flag="firing"))

    id: str = Field(primary_key=True)
    firing: bool
    healed_at: datetime | None = Field(sa_type=Utc)
    record: str


class LinkRow(Row, table=True):
    __tablename__ = "link"

    account: str = Field(primary_key=True)
    record: str


class CalendarRow(Row, table=True):
    __tablename__ = "calendar"

    schedule: str = Field(primary_key=True)
    record: str


class RoomMessageRow(Row, table=True):
    """`number` keeps what came at the same instant in the order in which it came; ids of messages need not rise."""

    __tablename__ = "room_message"
    __table_args__ = (
        few("room_message_heads", "room", "posted_at", "number", flag="head"),
        few("room_message_heads_by_age", "posted_at", flag="head"),
        Index("room_message_by_thread", "thread", "posted_at", "number"),
    )

    number: int | None = Field(default=None, primary_key=True, sa_type=NUMBER)
    id: str = Field(unique=True)
    room: str
    thread: str | None
    head: bool
    posted_at: datetime = Field(sa_type=Utc)
    record: str


class LeaseRow(Row, table=True):
    """Which of the replicas on one PostgreSQL leads. Nobody asks for it in SQLite."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    owner: str
    epoch: int = Field(sa_type=BigInteger)
    address: str
    expires_at: datetime = Field(sa_type=DateTime(timezone=True))
    """By the clock of the database."""


class ConfigRow(Row, table=True):
    """`number` rises with each time that a text is stored, though it be an old one again."""

    __tablename__ = "config"

    number: int | None = Field(default=None, primary_key=True, sa_type=NUMBER)
    hash: str = Field(unique=True)
    text: str
