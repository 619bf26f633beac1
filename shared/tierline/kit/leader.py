"""One at a time: of all processes of a service, one leads. It alone relays, sweeps and calls.

Leading is a session's advisory lock: when the process dies, PostgreSQL lets go of it and another takes over within
seconds; when the connection is lost, the work is stopped at once. A process that was frozen and wakes up late can
at most repeat what was done, which readers survive by their inbox.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from tierline.kit.database import connect
from tierline.kit.errors import DatabaseUnavailable

log = structlog.get_logger()

LOOK_AGAIN = 1.0
TRY = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"


async def lead(dsn: str, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` whenever this process holds the lead called `name`, until cancelled."""
    while True:
        try:
            await _once(dsn, name, work)
        except DatabaseUnavailable as error:
            log.warning("lead_waits", action="lead_waits", name=name, reason=str(error))
        except Exception as error:  # whatever ended the work or its beginning, somebody must lead again
            log.warning("lead_lost", action="lead_lost", name=name, reason=_reason(error))
        await asyncio.sleep(LOOK_AGAIN)


async def _once(dsn: str, name: str, work: Callable[[], Awaitable[None]]) -> None:
    held = await connect(dsn, f"{name}-lead")
    try:
        while not await held.fetchval(TRY, name):
            await asyncio.sleep(LOOK_AGAIN)
        log.info("lead_taken", action="lead_taken", name=name)
        await _while_connected(held, work)
    finally:
        with contextlib.suppress(Exception):  # a connection that broke may say so in any way
            await held.close(timeout=2)


async def _while_connected(held: "asyncpg.Connection[asyncpg.Record]", work: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(work())
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=LOOK_AGAIN)
            await held.execute("SELECT 1", timeout=5)
        await task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task


def _reason(error: BaseException) -> str:
    """What ended the work: of a group of errors, the first."""
    return _reason(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else type(error).__name__
