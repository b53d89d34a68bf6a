"""What came in, what became of it, and what was told of it."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, column, true

from hub.store.migrations import TEXT, arrival

revision = "0001"
down_revision = None

NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers the rows of a table by itself only where the key is an INTEGER and nothing else."""


def few(table: str, name: str, *columns: str, flag: str) -> None:
    where = column(flag, Boolean).is_(true())
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    op.create_table(
        "request",
        Column("id", TEXT, primary_key=True),
        Column("source", TEXT, nullable=False),
        Column("delivery_id", TEXT, nullable=False),
        Column("received_at", BigInteger, nullable=False),
        Column("verdict", TEXT, nullable=False),
        Column("accepted", Boolean, nullable=False),
        Column("quarantined", Boolean, nullable=False),
        Column("record", TEXT, nullable=False),
        Column("body", LargeBinary, nullable=False),
        *arrival(dialect),
    )
    op.create_index("request_by_age", "request", ["received_at"])
    few("request", "request_by_delivery", "source", "delivery_id", "received_at", flag="accepted")
    few("request", "request_in_quarantine", "received_at", flag="quarantined")

    op.create_table(
        "event",
        Column("id", TEXT, primary_key=True),
        Column("request_id", TEXT, nullable=False),
        Column("received_at", BigInteger, nullable=False),
        Column("routed_at", BigInteger),
        Column("alert", TEXT),
        Column("waiting", Boolean, nullable=False),
        Column("failed", Boolean, nullable=False),
        Column("record", TEXT, nullable=False),
        *arrival(dialect),
    )
    op.create_index("event_by_age", "event", ["received_at"])
    op.create_index("event_by_alert", "event", ["alert", "received_at"])
    op.create_index("event_by_request", "event", ["request_id"])
    few("event", "event_waiting", "received_at", flag="waiting")
    few("event", "event_failed", "received_at", flag="failed")

    op.create_table(
        "alert",
        Column("id", TEXT, primary_key=True),
        Column("source", TEXT, nullable=False),
        Column("key", TEXT, nullable=False),
        Column("opened_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Column("open", Boolean, nullable=False),
        Column("resolved", Boolean, nullable=False),
        Column("notice", Boolean, nullable=False),
        Column("life", Boolean, nullable=False),
        Column("acked", Boolean, nullable=False),
        Column("record", TEXT, nullable=False),
    )
    op.create_index("alert_by_key", "alert", ["source", "key", "notice", "opened_at", "id"])
    op.create_index("alert_by_change", "alert", ["updated_at"])
    few("alert", "alert_alive", "opened_at", "id", flag="life")
    few("alert", "alert_open", "opened_at", "id", flag="open")
    few("alert", "alert_resolved", "opened_at", "id", flag="resolved")

    op.create_table(
        "post",
        Column("id", TEXT, primary_key=True),
        Column("group", TEXT, nullable=False),
        Column("channel", TEXT, nullable=False),
        Column("ref", TEXT),
        Column("order", NUMBER, nullable=False),
        Column("state", TEXT, nullable=False),
        Column("pending", Boolean, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("record", TEXT, nullable=False),
    )
    op.create_index("post_by_group", "post", ["group", "order"])
    op.create_index("post_by_state", "post", ["state", "order"])
    op.create_index("post_by_order", "post", ["order"])
    op.create_index("post_by_ref", "post", ["ref", "channel"])
    op.create_index("post_by_age", "post", ["created_at"])
    few("post", "post_pending", "group", flag="pending")

    op.create_table(
        "line",
        Column("id", TEXT, primary_key=True),
        Column("post", TEXT),
        Column("event", TEXT, nullable=False),
        Column("order", NUMBER, nullable=False),
        Column("state", TEXT, nullable=False),
        Column("pending", Boolean, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("record", TEXT, nullable=False),
    )
    op.create_index("line_by_post", "line", ["post"])
    op.create_index("line_by_state", "line", ["state", "order"])
    op.create_index("line_by_order", "line", ["order"])
    op.create_index("line_by_age", "line", ["created_at"])
    few("line", "line_pending", "post", flag="pending")
    few("line", "line_pending_by_event", "event", flag="pending")

    op.create_table(
        "timer",
        Column("kind", TEXT, primary_key=True),
        Column("subject", TEXT, primary_key=True),
        Column("due_at", BigInteger, nullable=False),
    )
    op.create_table(
        "silence",
        Column("id", TEXT, primary_key=True),
        Column("starts_at", BigInteger, nullable=False),
        Column("standing", Boolean, nullable=False),
        Column("record", TEXT, nullable=False),
        *arrival(dialect),
    )
    few("silence", "silence_standing", "starts_at", flag="standing")

    op.create_table(
        "ask",
        Column("id", TEXT, primary_key=True),
        Column("asked_at", BigInteger, nullable=False),
        Column("state", TEXT, nullable=False),
        Column("pending", Boolean, nullable=False),
        Column("record", TEXT, nullable=False),
        *arrival(dialect),
    )
    few("ask", "ask_pending", "asked_at", flag="pending")

    op.create_table(
        "audit",
        Column("id", TEXT, primary_key=True),
        Column("at", BigInteger, nullable=False),
        Column("record", TEXT, nullable=False),
        *arrival(dialect),
    )
    op.create_index("audit_by_time", "audit", ["at"])

    op.create_table(
        "room_message",
        Column("number", NUMBER, primary_key=True),
        Column("id", TEXT, nullable=False, unique=True),
        Column("room", TEXT, nullable=False),
        Column("thread", TEXT),
        Column("head", Boolean, nullable=False),
        Column("posted_at", BigInteger, nullable=False),
        Column("record", TEXT, nullable=False),
    )
    few("room_message", "room_message_heads", "room", "posted_at", "number", flag="head")
    few("room_message", "room_message_heads_by_age", "posted_at", flag="head")
    op.create_index("room_message_by_thread", "room_message", ["thread", "posted_at", "number"])

    op.create_table(
        "config",
        Column("number", NUMBER, primary_key=True),
        Column("hash", TEXT, nullable=False, unique=True),
        Column("text", TEXT, nullable=False),
    )
