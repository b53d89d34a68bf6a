"""Groups of several."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, column, true

from hub.store.migrations import TEXT

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "group",
        Column("id", TEXT, primary_key=True),
        Column("firing", Boolean, nullable=False),
        Column("healed_at", BigInteger),
        Column("record", TEXT, nullable=False),
    )
    op.create_index("group_by_end", "group", ["healed_at"])
    firing = column("firing", Boolean).is_(true())
    op.create_index("group_firing", "group", ["id"], sqlite_where=firing, postgresql_where=firing)
