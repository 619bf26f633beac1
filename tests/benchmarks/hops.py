"""(c) One hop: from escalate's 200 at Tier 1 to the case visible at Tier 2, at 50 tickets a second, on both adapters."""

import asyncio
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import httpx

from embedded.machine import running
from embedded.postgres import EmbeddedPostgres
from kafka_broker import LocalBroker
from stand import at

RATE, COUNT, LOOK = 50, 500, 0.002
REPORTER = {"name": "n", "email": "n@example.org", "role": "school", "organization": "o"}
BODY = {"component": "single-sign-on", "subject": "s", "description": "d", "impact": "question", "reporter": REPORTER}


async def measure() -> dict[str, dict[str, float]]:
    found = {"event_log": await _over(None)}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        broker = LocalBroker(Path(folder))
        broker.start()
        stack.callback(broker.stop)
        found["kafka"] = await _over(broker.servers)
    return found


async def _over(kafka: str | None) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)
        async with running(Path(folder), port=0, kafka=kafka) as machine, machine.client() as client:
            people = machine.install.credentials["members"]["alder"]
            head = {who: {"Authorization": f"Bearer {people[who]}"} for who in ("client", "tier1")}
            tickets = [await _submitted(client, head["client"]) for _ in range(COUNT)]
            postgres = EmbeddedPostgres(Path(folder) / "postgres")
            await _seen(postgres.dsn("tier1"), set(tickets))
            await _quiet(postgres.dsn("notifier"))
            watching = asyncio.ensure_future(_seen(postgres.dsn("tier2"), set(tickets)))
            began = time.perf_counter()
            moves = []
            for number, ticket in enumerate(tickets):
                await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
                moves.append(asyncio.ensure_future(_escalated(client, head["tier1"], ticket)))
            left = dict(zip(tickets, await asyncio.gather(*moves), strict=True))
            seen = await watching
    late = [max(0.0, seen[ticket] - left[ticket]) * 1000 for ticket in tickets]
    return {"p50_ms": round(at(late, 0.5), 1), "p99_ms": round(at(late, 0.99), 1), "max_ms": round(max(late), 1)}


async def _submitted(client: httpx.AsyncClient, head: dict[str, str]) -> str:
    answer = await client.post("/intake/v1/tickets", json=BODY, headers=head)
    return str(answer.raise_for_status().json()["id"])


async def _escalated(client: httpx.AsyncClient, head: dict[str, str], ticket: str) -> float:
    guarded = {**head, "If-Match": '"2"'}
    answer = await client.post(f"/tier1/v1/cases/{ticket}/escalate", json={"text": "no"}, headers=guarded)
    answer.raise_for_status()
    return time.perf_counter()


async def _quiet(dsn: str) -> None:
    """Until every mail of the submissions has been sent: they are not what is measured."""
    held = await asyncpg.connect(dsn)
    while await held.fetchval("SELECT count(*) FROM calls WHERE status = 'pending'"):
        await asyncio.sleep(0.2)
    await held.close()


async def _seen(dsn: str, tickets: set[str]) -> dict[str, float]:
    """When each case could first be read."""
    seen: dict[str, float] = {}
    held = await asyncpg.connect(dsn)
    async with asyncio.timeout(90):
        while tickets - seen.keys():
            rows = await held.fetch("SELECT key FROM cases WHERE key = ANY($1)", list(tickets - seen.keys()))
            now = time.perf_counter()
            seen |= {row["key"]: now for row in rows}
            await asyncio.sleep(LOOK)
    await held.close()
    return seen
