"""Beside each document the trace in which it was made. The older release neither reads nor writes it."""

from alembic import op

from notifier.telling import TRACED

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column, empty."""
    op.execute(TRACED)
