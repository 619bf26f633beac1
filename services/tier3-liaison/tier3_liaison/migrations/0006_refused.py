"""Which events the bus will never take. The older release neither reads nor writes it, and is held up by such an event."""

from alembic import op

from tierline.kit.outbox import REFUSED

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column, empty."""
    op.execute(REFUSED)
