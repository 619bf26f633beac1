"""Liaisons that were put in the place of a policy's. The older release reads the policy alone, and stays right by it."""

from alembic import op

from tier3_liaison.liaisons import TABLE
from tierline.kit.migrate import statements

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    for statement in statements(TABLE):
        op.execute(statement)
