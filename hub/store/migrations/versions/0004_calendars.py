"""Calendars that say who is on call."""

from alembic import op
from sqlalchemy import Column

from hub.store.migrations import TEXT

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table("calendar", Column("schedule", TEXT, primary_key=True), Column("record", TEXT, nullable=False))
