"""(c) One hop: from escalate's 200 at Tier 1 to the case visible at Tier 2, at 50 tickets a second, on both adapters."""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import httpx

from embedded.postgres import EmbeddedPostgres
from kafka_broker import LocalBroker
from stand import MODULES, at, serving, stand

RATE, COUNT, LOOK = 50, 500, 0.002
REPORTER = {"name": "n", "email": "n@example.org", "role": "school", "organization": "o"}
BODY = {
    # An agent must look at it: the manuals neither answer it surely nor surely do not.
    "component": "interim-system",
    "subject": "Grading",
    "description": "I have written answers of my class to grade. What do I do first, and who sees the points?",
    "impact": "question",
    "reporter": REPORTER,
}


async def measure() -> dict[str, dict[str, float]]:
    """On the event log as one machine runs it; on Kafka with the services apart, as one runs them there."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)
        with _install(folder) as url:
            people = json.loads((Path(folder) / "credentials.json").read_text("utf-8"))["members"]["alder"]
            postgres = EmbeddedPostgres(Path(folder) / "postgres")
            found = {"event_log": await _hops(f"{url}/intake", f"{url}/tier1", people, postgres)}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        broker = LocalBroker(Path(folder))
        broker.start()
        stack.callback(broker.stop)
        async with stand() as made:
            ports = {}
            for service in ("intake", "tier1", "tier2", "notifier"):
                environment = made.environment(service, broker.servers)
                ports[service] = stack.enter_context(serving(MODULES[service], environment))[0]
            people = made.install.credentials["members"]["alder"]
            at_home = [f"http://127.0.0.1:{ports[service]}" for service in ("intake", "tier1")]
            found["kafka"] = await _hops(*at_home, people, made.postgres)
            stack.pop_all().close()
    return found


async def _hops(intake: str, tier1: str, people: dict[str, str], postgres: EmbeddedPostgres) -> dict[str, float]:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        head = {who: {"Authorization": f"Bearer {people[who]}"} for who in ("client", "tier1")}
        tickets = [await _submitted(client, intake, head["client"]) for _ in range(COUNT)]
        await _seen(postgres.dsn("tier1"), set(tickets))
        await _quiet(postgres.dsn("notifier"))
        watching = asyncio.ensure_future(_seen(postgres.dsn("tier2"), set(tickets)))
        began = time.perf_counter()
        moves = []
        for number, ticket in enumerate(tickets):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            moves.append(asyncio.ensure_future(_escalated(client, tier1, head["tier1"], ticket)))
        left = dict(zip(tickets, await asyncio.gather(*moves), strict=True))
        seen = await watching
    late = [max(0.0, seen[ticket] - left[ticket]) * 1000 for ticket in tickets]
    return {"p50_ms": round(at(late, 0.5), 1), "p99_ms": round(at(late, 0.99), 1), "max_ms": round(max(late), 1)}


@contextlib.contextmanager
def _install(folder: str) -> Iterator[str]:
    """The one-machine install in a process of its own, as people run it; its address."""
    command = [str(Path(sys.executable).with_name("tierline")), "up", "--json", "--port", "0", "--folder", folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield next(json.loads(line)["url"] for line in process.stdout if line.startswith('{"url"'))
        finally:
            process.terminate()


async def _submitted(client: httpx.AsyncClient, intake: str, head: dict[str, str]) -> str:
    answer = await client.post(f"{intake}/v1/tickets", json=BODY, headers=head)
    return str(answer.raise_for_status().json()["id"])


async def _escalated(client: httpx.AsyncClient, tier1: str, head: dict[str, str], ticket: str) -> float:
    guarded = {**head, "If-Match": '"2"'}
    answer = await client.post(f"{tier1}/v1/cases/{ticket}/escalate", json={"text": "no"}, headers=guarded)
    answer.raise_for_status()
    return time.perf_counter()


async def _quiet(dsn: str) -> None:
    """Until every mail of the submissions has been sent, or at least tried: they are not what is measured."""
    held = await asyncpg.connect(dsn)
    while await held.fetchval("SELECT count(*) FROM calls WHERE status = 'pending' AND attempts = 0"):
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
