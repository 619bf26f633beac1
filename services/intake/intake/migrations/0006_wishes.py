"""What the state desk declined, for product owners. The older release keeps none, and does not mind the table."""

from alembic import op

from tierline.desk.wishes import TABLE
from tierline.kit.migrate import statements

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    for statement in statements(TABLE):
        op.execute(statement)
