"""The mails to liaisons, found among many calls. The older release sends none, and does not mind."""

from tierline.kit import indexes

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the index, beside the work."""
    indexes.build("calls_mail", "calls (pos) WHERE lane = 'mail'")
