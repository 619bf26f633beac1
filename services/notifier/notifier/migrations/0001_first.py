"""The first tables: the kit's own, and what each reporter has been told."""

from alembic import op

from notifier.telling import TELLINGS_TABLE
from tierline.kit.migrate import TABLES, statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    for statement in statements(TABLES, TELLINGS_TABLE):
        op.execute(statement)
