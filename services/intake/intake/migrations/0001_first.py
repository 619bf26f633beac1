"""The first tables: the kit's own, the state desk's cases, and the tickets."""

from alembic import op

from intake.tickets import TICKETS_TABLE
from tierline.desk.cases import TABLE
from tierline.kit.migrate import TABLES, statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    for statement in statements(TABLES, TABLE, TICKETS_TABLE):
        op.execute(statement)
