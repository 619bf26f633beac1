"""How much waits to be told, and the bound at which a service takes nothing more in.

The bus may be away for long: the outbox keeps what was decided. But no disk is endless. So once `limit` events wait,
nothing more comes in by any door: requests are refused with 503, events stay on the bus, deadlines fire later. The
doors open by themselves when the relay has told a tenth of it. What was already done outside is still written down.
"""

import asyncio

import structlog

from tierline.kit.database import Database
from tierline.kit.errors import OutboxFull, Unavailable

log = structlog.get_logger()

LOOK_AGAIN = 1.0
# At most so many wait: they are told in the order of `pos`. Both ends are in the index, so nothing is counted.
WAITING = "SELECT coalesce(max(pos) - min(pos) + 1, 0) FROM outbox WHERE published_at IS NULL"
# Exactly, up to so many: one that the bus refuses may stand far behind the others.
COUNTED = "SELECT count(*) FROM (SELECT FROM outbox WHERE published_at IS NULL LIMIT $1) AS waiting"


class Backlog:
    """Looked at by every door, measured once a second. `waiting` is what the last look found."""

    def __init__(self, limit: int) -> None:
        self.limit, self.waiting, self.full = limit, 0, False

    def check(self) -> None:
        """Raises `OutboxFull` while nothing may come in."""
        if self.full:
            raise OutboxFull(
                f"{self.waiting} events wait to be told, and {self.limit} may; see that the bus takes them"
            )

    def measured(self, waiting: int) -> None:
        """Open or close, with a tenth between the two, so that it does not flicker."""
        full = waiting > (self.limit * 9 // 10 if self.full else self.limit - 1)
        if full != self.full:
            log.warning("outbox_full" if full else "outbox_open", action="outbox_bound", count=waiting)
        self.waiting, self.full = waiting, full

    async def look(self, database: Database) -> None:
        """Measure once. Raises `DatabaseUnavailable`."""
        async with database.connection() as held:
            waiting = await held.fetchval(WAITING)
            if waiting >= self.limit * 9 // 10:
                waiting = await held.fetchval(COUNTED, self.limit)
            self.measured(int(waiting))

    async def watch(self, database: Database) -> None:
        """Measure until cancelled; a database that is away has doors that answer for themselves."""
        while True:
            try:
                await self.look(database)
            except Unavailable as error:
                log.info("backlog_waits", action="backlog_waits", reason=str(error))
            except Exception as error:  # whatever it was, the next look may find the doors open
                log.error("backlog_unknown", action="backlog_unknown", exc_info=error)
            await asyncio.sleep(LOOK_AGAIN)
