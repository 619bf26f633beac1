"""Since when a desk owes a ticket its next step. The older release leaves the column empty: nothing watches those."""

from alembic import op

from tierline.kit import indexes

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column and its index."""
    op.execute("ALTER TABLE tickets ADD COLUMN IF NOT EXISTS waits_since timestamptz")
    indexes.build("tickets_waiting", "tickets (waits_since) WHERE waits_since IS NOT NULL")
