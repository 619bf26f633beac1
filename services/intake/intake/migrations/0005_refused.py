"""Which events the bus will never take. The older release neither reads nor writes it, and is held up by such an event."""

from alembic import op

from tierline.kit.outbox import REFUSED

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column, empty."""
    op.execute(REFUSED)
