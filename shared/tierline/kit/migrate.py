"""Migrations: brought up to date at start, by one process at a time; a database that is newer than the code is left alone.

They run beside processes of the older release. So none waits in line for a table: whoever came after it would wait too.
The look at the present revision is one statement. Alembic itself, with SQLAlchemy behind it, runs in a process of its
own and only when there is something to do: no service carries it in memory.
"""

import asyncio
import re
import sys
import time
from pathlib import Path

import asyncpg

from tierline.kit.database import connect
from tierline.kit.errors import Misconfigured

HERE = Path(__file__).parent
TABLES = (HERE / "tables.sql").read_text("utf-8")
"""What the kit keeps in every service's database."""
TRY = "SELECT pg_try_advisory_lock(hashtextextended('migrations', 0))"
LOOK_AGAIN = 0.2
IN_LINE = "SET lock_timeout = '2s'"
PRESENT = "SELECT version_num FROM alembic_version"


def statements(*scripts: str) -> list[str]:
    """The single statements of these scripts; a comment stands on lines of its own, and what stands between `$$` is one."""
    plain = "\n".join(re.sub(r"(?m)^\s*--.*$", "", script) for script in scripts)
    return [found for part in re.findall(r"(?:\$\$.*?\$\$|[^;])+", plain, re.DOTALL) if (found := part.strip())]


def head(migrations: Path) -> str:
    """The newest revision: the highest number that begins a file's name."""
    return max(found.group(1) for path in migrations.glob("*.py") if (found := re.match(r"(\d{4})_", path.name)))


async def up_to_date(dsn: str, migrations: Path) -> bool:
    """Whether the database has this release's tables, or a later release's."""
    held = await connect(dsn, "migrate")
    try:
        present = await held.fetchval(PRESENT)
    except asyncpg.UndefinedTableError:
        return False
    finally:
        await held.close()
    return bool(present and present >= head(migrations))


async def migrate(*databases: tuple[str, Path]) -> None:
    """Bring databases, each an address and its migrations, up to date; one process of Alembic does for all.

    Raises:
        DatabaseUnavailable: PostgreSQL does not answer.
        Misconfigured: a migration failed.
    """
    behind = [(dsn, migrations) for dsn, migrations in databases if not await up_to_date(dsn, migrations)]
    if not behind:
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tierline.kit.migrate", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    # The address holds a password: it goes through a pipe, not through the list of processes.
    lines = "".join(f"{migrations}\t{dsn}\n" for dsn, migrations in behind)
    _, complaint = await process.communicate(lines.encode())
    if process.returncode:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
        raise Misconfigured(f"the database could not be brought up to date: {last[0]}")


def main() -> None:
    """Run Alembic on the databases that standard input names, one a line: migrations, tab, address."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import Connection, text  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    def upgrade(connection: Connection, migrations: str) -> None:
        # Looked at again and again: a statement that waited for it would stop an index from being built beside it.
        while not connection.scalar(text(TRY)):
            connection.commit()
            time.sleep(LOOK_AGAIN)
        connection.execute(text(IN_LINE))
        connection.commit()
        config = Config()
        config.set_main_option("script_location", str(HERE / "alembic"))
        config.set_main_option("version_locations", migrations)
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()

    async def run() -> None:
        for line in sys.stdin.read().splitlines():
            migrations, _, dsn = line.partition("\t")
            address = re.sub(r"^postgres(ql)?://", "postgresql+asyncpg://", dsn)
            engine = create_async_engine(address, poolclass=NullPool)
            async with engine.connect() as connection:
                await connection.run_sync(upgrade, migrations)
            await engine.dispose()

    try:
        asyncio.run(run())
    except DBAPIError as error:  # its own text ends with a place to read on, not with the reason
        sys.exit(str(error.orig))


if __name__ == "__main__":
    main()
