"""(f) How fast what waited for the bus is told once it is back, and what it costs to look whether the outbox is full."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
from submissions import BODY

from embedded.databases import at
from kafka_broker import LocalBroker
from stand import Stand, load, serving, stand
from tierline.kit.backlog import WAITING

COUNT = 5000
LEFT = "SELECT count(*) FROM outbox WHERE published_at IS NULL"


async def measure() -> dict[str, float]:
    async with stand() as made:
        log = await _one(made, None, _locked(made))
    with tempfile.TemporaryDirectory(prefix="bench-kafka-") as folder:
        broker = LocalBroker(Path(folder) / "data")
        await asyncio.to_thread(broker.start)
        try:
            async with stand() as made:
                kafka = await _one(made, broker.servers, _stopped(broker))
        finally:
            await asyncio.to_thread(broker.stop)
    return {
        f"{bus}_{name}": value for bus, found in (("event_log", log), ("kafka", kafka)) for name, value in found.items()
    }


async def _one(made: Stand, kafka: str | None, away: contextlib.AbstractAsyncContextManager[None]) -> dict[str, float]:
    head = {"Authorization": f"Bearer {made.install.credentials['members']['alder']['client']}"}
    with serving("intake.main:app", made.environment("intake", kafka)) as (port, _):
        intake = await asyncpg.connect(made.addresses["intake"])
        async with away:
            accepted = await load(port, "/v1/tickets", BODY, head, COUNT)
            began = time.perf_counter()
            for _ in range(200):
                await intake.fetchval(WAITING)
            look = (time.perf_counter() - began) / 200
            waited = await intake.fetchval(LEFT)
        back = time.perf_counter()
        while await intake.fetchval(LEFT) == waited:
            await asyncio.sleep(0.005)
        first = time.perf_counter()
        left = await intake.fetchval(LEFT)
        while await intake.fetchval(LEFT):
            await asyncio.sleep(0.005)
        rate = left / (time.perf_counter() - first)
        await intake.close()
    return {
        "waited": waited,
        "accepted_per_s_meanwhile": accepted,
        "seconds_until_the_first": first - back,
        "told_per_s": rate,
        "look_ms": look * 1000,
    }


@contextlib.asynccontextmanager
async def _locked(made: Stand) -> AsyncIterator[None]:
    log = await asyncpg.connect(
        at(made.postgres.dsn(), "events", "tierline", (made.folder / "postgres/password").read_text())
    )
    async with log.transaction():
        await log.execute("LOCK TABLE event_log IN ACCESS EXCLUSIVE MODE")
        yield
    await log.close()


@contextlib.asynccontextmanager
async def _stopped(broker: LocalBroker) -> AsyncIterator[None]:
    await asyncio.to_thread(broker.stop)
    yield
    await asyncio.to_thread(broker.start)
