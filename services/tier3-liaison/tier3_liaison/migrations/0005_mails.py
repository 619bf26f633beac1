"""The mails to liaisons, found among many calls. The older release sends none, and does not mind."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the index."""
    op.execute("CREATE INDEX calls_mail ON calls (pos) WHERE lane = 'mail'")
