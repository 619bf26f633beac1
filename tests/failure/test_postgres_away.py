"""PostgreSQL goes away: refused with 503 and nothing half accepted; back again, each submission is there once."""

import asyncio
import os
import signal
import time
from datetime import UTC, datetime

import httpx

from apart import Apart, apart
from embedded.audit.auditing import audit
from embedded.install import SERVICES
from stand import Stand

WORKERS = 6
EACH = 40


async def test_without_postgresql_nothing_is_accepted_and_a_crash_amid_submissions_loses_and_doubles_none(
    ground: Stand,
) -> None:
    async with apart(ground, SERVICES) as running:
        before = (await running.submit(-1)).json()["id"]
        await running.case("tier1", before)
        await asyncio.to_thread(ground.postgres.stop)
        _is_refused(await running.submit(-2))
        assert "PostgreSQL" in await running.readiness("intake")
        assert (await running.client.get(running.at("intake", "/livez"))).status_code == 200
        await asyncio.to_thread(ground.postgres.start)
        late = await _insist(running, -2)
        accepted, refused = await _while_it_crashes(running, ground)
        assert refused, "nobody met the crash"
        there = await running.tickets()
        assert set(there) == {str(number) for number in (-1, -2, *range(WORKERS * EACH))}
        assert set(there.values()) == {(1, 1)}, "a ticket without its first fact, or twice"
        for ticket in (late, *accepted):
            await running.case("tier1", ticket)
        await _sound(ground)


async def _while_it_crashes(running: Apart, ground: Stand) -> tuple[list[str], int]:
    """Submissions on and on, each repeated under its key until it is accepted; PostgreSQL dies twice meanwhile."""
    refused = 0
    done: list[str] = []

    async def worker(first: int) -> None:
        nonlocal refused
        for number in range(first, WORKERS * EACH, WORKERS):
            while (answer := await running.submit(number)).status_code != 201:
                _is_refused(answer)
                refused += 1
                await asyncio.sleep(0.05)
            done.append(str(answer.json()["id"]))

    async with asyncio.TaskGroup() as group:
        for first in range(WORKERS):
            group.create_task(worker(first))
        for share in (3, 1.5):
            while len(done) < WORKERS * EACH / share:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(_crash, ground)
    return done, refused


def _crash(ground: Stand) -> None:
    """As if the power went: no goodbye, and what it finds at its start is what had reached the disk."""
    pid = int((ground.postgres.folder / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
    while ground.postgres.running():
        time.sleep(0.01)
    ground.postgres.start()


def _is_refused(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert (answer.headers["retry-after"], answer.headers["content-type"]) == ("5", "application/problem+json")
    assert "nothing was accepted" in answer.json()["detail"]


async def _insist(running: Apart, number: int) -> str:
    while (answer := await running.submit(number)).status_code != 201:
        _is_refused(answer)
        await asyncio.sleep(0.05)
    return str(answer.json()["id"])


async def _sound(ground: Stand) -> None:
    addresses = {service: ground.addresses[service] for service in SERVICES}
    async with asyncio.timeout(60):
        while (await audit(addresses, ground.addresses["intake:events"], lambda: datetime.now(UTC), pause=1)).breaches:
            await asyncio.sleep(0.5)
