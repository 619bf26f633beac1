"""Who replayed or discarded a dead letter. The older release does not know the table, and needs none."""

from alembic import op

from tierline.kit.letters import TABLE
from tierline.kit.migrate import statements

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make it."""
    for statement in statements(TABLE):
        op.execute(statement)
