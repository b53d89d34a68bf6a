"""Several hubs on one PostgreSQL: which of them leads, and no delivery twice, whoever takes it in."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, DateTime, column, true

from hub.store.migrations import TEXT

revision = "0005"
down_revision = "0004"

# Of a delivery that came again after its seven days, the newest is what a repeat is compared with.
ONE_OF_EACH = """
UPDATE request SET accepted = false WHERE accepted AND EXISTS (
    SELECT 1 FROM request newer
    WHERE newer.accepted AND newer.source = request.source AND newer.delivery_id = request.delivery_id
    AND (newer.received_at, newer.id) > (request.received_at, request.id)
)
"""


def upgrade() -> None:
    op.create_table(
        "lease",
        Column("name", TEXT, primary_key=True),
        Column("owner", TEXT, nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("address", TEXT, nullable=False),
        Column("expires_at", DateTime(timezone=True), nullable=False),
    )
    if op.get_bind().dialect.name != "postgresql":
        return  # one hub alone writes there, and sees by itself what came before
    op.execute(ONE_OF_EACH)
    op.drop_index("request_by_delivery", "request")
    op.create_index(
        "request_by_delivery",
        "request",
        ["source", "delivery_id"],
        unique=True,
        postgresql_where=column("accepted", Boolean).is_(true()),
    )
