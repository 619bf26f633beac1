"""The relay waits for nobody it need not wait for: not for requests, and for its mark not for the disk.

A crash that forgets a mark has the event told again, under the same id.
"""

import asyncio
from contextlib import AsyncExitStack
from uuid import uuid4

import asyncpg

from house import House
from tierline.kit import outbox
from tierline.kit.bus import Envelope
from tierline.kit.runtime import Runtime
from tierline.kit.writing import together

A_ROW = "SELECT pos FROM outbox LIMIT 1"


async def test_a_mark_does_not_wait_for_the_disk_and_nothing_after_it_goes_unwaited_for(house: House) -> None:
    await house.submit()
    running: Runtime = house.machine.server.config.app.state.apps["intake"].state.runtime  # type: ignore[union-attr]
    async with running.database.connection() as held:
        await held.execute("SET synchronous_commit TO on")  # as it is where nobody tests
        try:
            async with held.transaction():
                await held.execute(outbox.MARK, [await held.fetchval(A_ROW)])
                assert await held.fetchval("SHOW synchronous_commit") == "off"
            assert await held.fetchval("SHOW synchronous_commit") == "on"
        finally:
            await held.execute("RESET synchronous_commit")


async def test_what_is_decided_is_told_though_requests_hold_every_connection(house: House) -> None:
    running: Runtime = house.machine.server.config.app.state.apps["intake"].state.runtime  # type: ignore[union-attr]
    event = Envelope("tickets.nobodys", "t-1", str(uuid4()), "a.fact", "/here", running.now(), 1, b"{}")
    beside = await asyncpg.connect(running.settings.database_url)
    async with AsyncExitStack() as requests:
        for _ in range(running.settings.pool_size):
            held = await requests.enter_async_context(running.database.connection())
        await together(held, outbox.writes([event]))
        running.signals.after_commit()
        async with asyncio.timeout(20):
            while not await beside.fetchval("SELECT published_at FROM outbox WHERE id = $1", event.id):
                await asyncio.sleep(0.02)
    await beside.close()
