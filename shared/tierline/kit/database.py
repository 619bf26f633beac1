"""PostgreSQL: one pool per service, and the only place where a transaction begins or ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

from tierline.kit.errors import DatabaseUnavailable, Unavailable

Tx: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.QueryCanceledError,
    asyncpg.OutOfMemoryError,
    asyncpg.DiskFullError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what its client says when the server goes in the middle of a word
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
)
"""What PostgreSQL or the way to it says when the fault is not in what was asked."""

OF_THE_VALUES = ("22", "23", "54")
"""The classes of SQLSTATE that say what is wrong with the values: unfit, in conflict, too large."""

SESSION = {
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "20s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
    "jit": "off",
}

PATIENCE = 5.0


async def connect(dsn: str, name: str, **more: Any) -> "asyncpg.Connection[asyncpg.Record]":
    """One connection of its own, for what must not share: locks and listening. Raises `DatabaseUnavailable`."""
    try:
        return await asyncpg.connect(dsn, timeout=5, server_settings={**SESSION, "application_name": name}, **more)
    except AWAY as error:
        raise DatabaseUnavailable(_remedy(error)) from error


class Database:
    """A pool that opens on first use and says in one line when PostgreSQL is away."""

    def __init__(self, dsn: str, *, name: str, size: int = 6) -> None:
        self._dsn, self._name, self._size = dsn, name, size
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def start(self) -> None:
        """Open the pool. Raises `DatabaseUnavailable` with the remedy."""
        try:
            self._pool = await asyncpg.create_pool(
                self._dsn,
                min_size=1,
                max_size=self._size,
                timeout=5,
                command_timeout=30,
                max_inactive_connection_lifetime=60,
                server_settings={**SESSION, "application_name": self._name},
                reset=_as_it_is,
            )
        except AWAY as error:
            raise DatabaseUnavailable(_remedy(error)) from error

    async def stop(self) -> None:
        """Close the pool; connections still at work get a moment."""
        if self._pool is not None:
            try:
                async with asyncio.timeout(5):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()
            self._pool = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Tx]:
        """A connection for reading: each statement is a transaction of its own."""
        if self._pool is None:
            raise DatabaseUnavailable("the database pool is not open yet")
        try:
            # The pool's own time limit would start a task for each request.
            async with asyncio.timeout(PATIENCE):
                held = await self._pool.acquire()
            try:
                yield held
            finally:
                await self._pool.release(held, timeout=PATIENCE)
        except AWAY as error:
            if isinstance(error, ValueError):
                raise  # the client's own word for a value that fits no column: no outage, and it never passes
            raise DatabaseUnavailable(_remedy(error)) from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """One transaction: committed when the block ends, undone when it raises. Only then may anyone be answered."""
        async with self.connection() as held, held.transaction():
            yield held

    async def ping(self) -> None:
        """Prove that the database answers. Raises `DatabaseUnavailable`."""
        async with self.connection() as held:
            await held.execute("SELECT 1")


async def _as_it_is(held: Tx) -> None:
    """Between two users a connection is left as it is: nobody sets, locks or listens on one of the pool's.

    A transaction that was left open is undone all the same; what is spared is a trip to PostgreSQL for each request.
    """


def _remedy(error: BaseException) -> str:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, asyncpg.DiskFullError):
        return f"PostgreSQL's disk is full ({first}); make room there, and everything goes on by itself"
    return f"PostgreSQL does not answer ({first}); start it, or correct TIERLINE_DATABASE_URL"


def of_what_was_asked(error: Exception) -> bool:
    """Whether the fault is in what was asked, so that asking again fails again; not in PostgreSQL, which can be mended."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(OF_THE_VALUES)
    return not isinstance(error, Unavailable)


def column(rows: Iterable[Any], index: int) -> list[Any]:
    """One column of a batch, for `unnest`."""
    return [row[index] for row in rows]


def as_json(value: Any) -> str:
    """Text for a json column."""
    return json.dumps(value, separators=(",", ":"), default=str)
