"""Since when a desk owes a ticket its next step. The older release leaves the column empty: nothing watches those."""

from alembic import op

from intake.tickets import WATCHED
from tierline.kit.migrate import statements

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column and its index."""
    for statement in statements(WATCHED):
        op.execute(statement)
