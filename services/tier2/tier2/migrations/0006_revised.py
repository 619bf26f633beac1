"""At which revision of the library each method changed, so that only what changed is read. Whichever release changes it."""

from alembic import op

from tierline.desk.shelf import revised
from tierline.kit import indexes

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column and what writes it; then the index beside the work, which ends the transaction."""
    for statement in revised("methods"):
        op.execute(statement)
    indexes.build("methods_revision", "methods (revision)")
