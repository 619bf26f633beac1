"""The manuals, the answers that were given from them, and what came of these. The older release needs none of it."""

from alembic import op

from tier1.answers import TABLE as ANSWERS
from tier1.articles import TABLE as ARTICLES
from tierline.desk.shelf import TABLE as LIBRARY
from tierline.kit.migrate import statements

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make them."""
    for statement in statements(LIBRARY, ARTICLES, ANSWERS):
        op.execute(statement)
