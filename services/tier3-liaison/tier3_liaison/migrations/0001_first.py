"""The first tables: the kit's own, the cases, and the vendors."""

from alembic import op

from tier3_liaison.store import VENDORS_TABLE
from tierline.desk.cases import TABLE
from tierline.kit.migrate import TABLES, statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    for statement in statements(TABLES, TABLE, VENDORS_TABLE):
        op.execute(statement)
