"""At which revision of the library each method changed, so that only what changed is read. Whichever release changes it."""

from alembic import op

from tierline.desk.shelf import revised

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column, and what writes it."""
    for statement in revised("methods"):
        op.execute(statement)
