"""Every migration of every service is safe while the release before it serves, on a table of any size."""

import importlib.util
import io
import re
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from earlier import Release
from migration_rules import breaches

from embedded.server import HOUSE
from tierline.kit.migrate import statements

LATER = [path for service in HOUSE for path in sorted(service.migrations.glob("[0-9]*.py")) if path.name[:4] > "0001"]
"""The first migration of each service meets no data and no older release."""
ADDS = "ALTER TABLE calls ADD COLUMN"


@pytest.mark.parametrize("path", LATER, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_migration_takes_nothing_away_and_locks_no_table(path: Path, previous: Release) -> None:
    assert breaches(_statements(path), _used_by(previous)) == []


@pytest.mark.parametrize(
    "bad",
    [
        "DROP TABLE calls",
        "ALTER TABLE calls DROP COLUMN lane",
        "ALTER TABLE calls DROP IF EXISTS lane",
        "ALTER TABLE calls RENAME COLUMN lane TO line",
        "ALTER TABLE calls RENAME TO called",
        f"{ADDS} weight int NOT NULL",
        f"{ADDS} token uuid DEFAULT gen_random_uuid()",
        f"{ADDS} at timestamptz NOT NULL DEFAULT clock_timestamp()",
        f"{ADDS} nr bigserial",
        f"{ADDS} nr bigint GENERATED ALWAYS AS IDENTITY",
        f"{ADDS} more text REFERENCES outbox (id)",
        "ALTER TABLE calls ALTER COLUMN attempts TYPE bigint",
        "ALTER TABLE calls ALTER lane SET NOT NULL",
        "ALTER TABLE calls ADD CONSTRAINT few CHECK (attempts < 9)",
        "ALTER TABLE calls ADD UNIQUE (key, lane)",
        "CREATE INDEX calls_lane ON calls (lane)",
        "CREATE UNIQUE INDEX CONCURRENTLY calls_lane ON calls (lane)",
        "UPDATE calls SET lane = 'mail'",
        "DELETE FROM calls",
        "TRUNCATE calls",
        "LOCK TABLE calls",
        "REINDEX TABLE calls",
        "CREATE TRIGGER calls_watch BEFORE INSERT ON calls EXECUTE FUNCTION watch()",
        f"{ADDS} weight int; CREATE INDEX CONCURRENTLY calls_weight ON calls (weight)",
    ],
)
def test_a_bad_migration_is_named(bad: str, previous: Release) -> None:
    assert breaches(statements(bad), _used_by(previous)) != []


@pytest.mark.parametrize(
    "good",
    [
        f"{ADDS} weight int",
        f"{ADDS} weight int NOT NULL DEFAULT 0",
        f"{ADDS} why text NOT NULL DEFAULT ''",
        "ALTER TABLE calls ADD CONSTRAINT few CHECK (attempts < 9) NOT VALID",
        f"{ADDS} IF NOT EXISTS weight int; CREATE INDEX CONCURRENTLY calls_weight ON calls (weight)",
        "CREATE TABLE hats (key text PRIMARY KEY); CREATE UNIQUE INDEX hats_key ON hats (key); INSERT INTO hats VALUES ('a')",
        "DROP TABLE a_table_that_nobody_ever_named",
        "ALTER TABLE calls DROP COLUMN a_column_that_nobody_ever_named",
    ],
)
def test_a_good_migration_is_left_alone(good: str, previous: Release) -> None:
    assert breaches(statements(good), _used_by(previous)) == []


def _used_by(release: Release):
    """Whether a release's code names a column or a table anywhere."""
    code = [*release.folder.glob("s*/**/*.py"), *release.folder.glob("s*/**/*.sql")]
    said = "\n".join(path.read_text("utf-8") for path in code)
    return lambda name: re.search(rf"\b{re.escape(name)}\b", said) is not None


def _statements(path: Path) -> list[str]:
    """The SQL that a migration would run, whichever way it says it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    written = io.StringIO()
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True, "output_buffer": written})
    with Operations.context(context):
        migration.upgrade()
    return [one for one in statements(written.getvalue()) if one not in {"BEGIN", "COMMIT"}]
