"""An index on a table that is in use. Only migrations import this: it brings Alembic with it."""

from alembic import op

from tierline.kit.migrate import IN_LINE

PATIENT = "SET lock_timeout = 0"


def build(name: str, on: str) -> None:
    """Build an index beside the work that goes on, so that no writer waits for it, however large the table.

    It ends the migration's transaction and begins another: what stands before it may be done already when the
    migration is run again, and must not mind. What an interrupted build left behind is made anew.
    """
    with op.get_context().autocommit_block():
        # It waits until whoever reads now has done so; nobody waits behind it.
        op.execute(PATIENT)
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")
        op.execute(IN_LINE)
