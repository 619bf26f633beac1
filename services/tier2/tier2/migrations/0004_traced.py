"""Beside each document the trace in which it was made. The older release neither reads nor writes it."""

from alembic import op

from tierline.desk.cases import TRACED

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column, empty."""
    op.execute(TRACED)
