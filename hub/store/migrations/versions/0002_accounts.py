"""Accounts that count as a person."""

from alembic import op
from sqlalchemy import Column

from hub.store.migrations import TEXT

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table("link", Column("account", TEXT, primary_key=True), Column("record", TEXT, nullable=False))
