"""The first tables: the kit's own, and the cases."""

from alembic import op

from tierline.desk.cases import TABLE
from tierline.kit.migrate import TABLES, statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    for statement in statements(TABLES, TABLE):
        op.execute(statement)
