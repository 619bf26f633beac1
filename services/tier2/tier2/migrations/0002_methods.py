"""The library of resolution methods, their tallies, and what was resolved."""

from alembic import op

from tier2.methods import TABLE as METHODS
from tier2.resolutions import TABLE as RESOLUTIONS
from tierline.desk.shelf import TABLE as LIBRARY
from tierline.kit.migrate import statements

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make them."""
    for statement in statements(LIBRARY, METHODS, RESOLUTIONS):
        op.execute(statement)
