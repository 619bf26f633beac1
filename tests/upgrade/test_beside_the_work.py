"""A migration on tables that are in use: it waits in no line, two at once are one, and what broke off is done again."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from shape import shape

from embedded import databases
from embedded.postgres import EmbeddedPostgres
from intake.main import SERVICE as INTAKE
from tierline.kit.errors import Misconfigured
from tierline.kit.migrate import migrate

READ = "SELECT count(*) FROM tickets"


@pytest.fixture
async def old_tables(folder: Path, tmp_path: Path) -> AsyncIterator[str]:
    """The front door's database as its first release made it."""
    postgres = EmbeddedPostgres(folder / "beside", durable=False)
    await asyncio.to_thread(postgres.start)
    passwords = databases.new_passwords(["intake"])
    dsn = (await databases.ensure(postgres.dsn(), ["intake"], passwords))["intake"]
    shutil.copy(INTAKE.migrations / "0001_first.py", tmp_path)
    await migrate((dsn, tmp_path))
    yield dsn
    await asyncio.to_thread(postgres.stop)


async def test_a_migration_never_makes_others_wait_and_is_done_once_however_often_it_begins(old_tables: str) -> None:
    reader, other = [await asyncpg.connect(old_tables) for _ in range(2)]
    async with reader.transaction():
        await reader.fetchval(READ)  # someone reads for long: an audit, a backup
        with pytest.raises(Misconfigured, match="lock timeout"):
            await migrate((old_tables, INTAKE.migrations))
        assert await other.fetchval(READ) == 0
    # A build that broke off leaves half an index behind, under the name that the whole one is to have.
    await other.execute("ALTER TABLE tickets ADD COLUMN waits_since timestamptz")
    await other.execute("CREATE INDEX tickets_waiting ON tickets (member)")
    await asyncio.gather(*(migrate((old_tables, INTAKE.migrations)) for _ in range(3)))
    found = await shape(old_tables)
    await other.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await migrate((old_tables, INTAKE.migrations))
    assert found == await shape(old_tables)
    for held in (reader, other):
        await held.close()
