"""Vendors' endpoints that can fail and rest, secrets that overlap, what was disclosed, and the wishes."""

from alembic import op

from tier3_liaison.records import TABLE
from tierline.desk import wishes
from tierline.kit import indexes
from tierline.kit.migrate import statements

revision = "0002"
down_revision = "0001"

VENDORS = """
ALTER TABLE vendors ADD COLUMN overlap_until timestamptz;
ALTER TABLE vendors ADD COLUMN failing_since timestamptz;
ALTER TABLE vendors ADD COLUMN disabled_at timestamptz;
ALTER TABLE vendors ADD COLUMN disabled_why text NOT NULL DEFAULT '';
"""


def upgrade() -> None:
    """Make them; the index first, as it ends a transaction."""
    indexes.build("calls_target", "calls (target, pos)")
    for statement in statements(VENDORS, TABLE, wishes.TABLE):
        op.execute(statement)
