"""A service is killed between commit and publish, or while it leads: nothing is lost, nothing is doubled."""

import asyncio
import os
import signal
from typing import Any

import asyncpg
import httpx

from embedded.databases import at
from stand import Stand, serving, stand

TICKETS = 20


async def test_what_was_committed_before_the_kill_is_told_once_after_it() -> None:
    async with stand() as made:
        key = made.install.credentials["members"]["alder"]
        events = at(made.postgres.dsn(), "events", "tierline", made.postgres.folder.joinpath("password").read_text())
        with serving("intake.main:app", made.environment("intake")) as (port, pid):
            log = await asyncpg.connect(events)
            async with log.transaction():
                # The bus answers nobody: what is committed now cannot be published.
                await log.execute("LOCK TABLE event_log IN ACCESS EXCLUSIVE MODE")
                tickets = await asyncio.gather(*(_submit(port, key["client"], number) for number in range(TICKETS)))
                os.kill(pid, signal.SIGKILL)
            assert await log.fetchval("SELECT count(*) FROM event_log") < TICKETS
            await log.close()
        with (
            serving("intake.main:app", made.environment("intake")) as (port, _),
            serving("tier1.main:app", made.environment("tier1")) as (desk, _),
        ):
            for ticket in tickets:
                case = await _case(desk, key["tier1"], ticket)
                assert (case["version"], case["status"], case["path"]) == (2, "open", ["tier1"])
                await _until_version(port, key["client"], ticket, 2)
        await _nothing_is_doubled(made, tickets)


async def test_when_the_process_that_leads_is_killed_another_of_its_service_takes_over() -> None:
    async with stand() as made:
        key = made.install.credentials["members"]["alder"]
        desk = made.environment("tier1")
        with (
            serving("intake.main:app", made.environment("intake")) as (port, _),
            serving("tier1.main:app", desk) as (_, first),
            serving("tier1.main:app", desk) as (second, _),
        ):
            before = [await _submit(port, key["client"], number) for number in range(3)]
            for ticket in before:
                await _until_version(port, key["client"], ticket, 2)
            os.kill(first, signal.SIGKILL)
            # Now the second reads, decides and tells: the front door hears of it through its relay.
            after = [await _submit(port, key["client"], number) for number in range(3, 6)]
            for ticket in after:
                await _until_version(port, key["client"], ticket, 2)
                assert (await _case(second, key["tier1"], ticket))["held"]
        tier1 = await asyncpg.connect(made.addresses["tier1"])
        accepted = "SELECT count(*), count(DISTINCT aggregateid) FROM outbox WHERE type = 'tierline.case.accepted.v1'"
        assert tuple(await tier1.fetchrow(accepted)) == (6, 6)
        await tier1.close()


async def _nothing_is_doubled(made: Stand, tickets: list[str]) -> None:
    intake = await asyncpg.connect(made.addresses["intake"])
    assert await intake.fetchval("SELECT count(*) FROM tickets") == TICKETS
    assert await intake.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0
    doubled = (
        "SELECT count(*) FROM (SELECT 1 FROM timeline GROUP BY ticket_id, entry ->> 'fact' HAVING count(*) > 1) AS d"
    )
    assert await intake.fetchval(doubled) == 0
    await intake.close()
    tier1 = await asyncpg.connect(made.addresses["tier1"])
    assert await tier1.fetchval("SELECT count(*) FROM cases WHERE held") == len(tickets)
    accepted = "SELECT count(*) FROM outbox WHERE type = 'tierline.case.accepted.v1'"
    assert await tier1.fetchval(accepted) == TICKETS
    await tier1.close()


async def _submit(port: int, key: str, number: int) -> str:
    reporter = {"name": "A teacher", "email": "a@school.example.org", "role": "school", "organization": "A school"}
    body: dict[str, Any] = {"component": "single-sign-on", "subject": f"Issue {number}", "description": "It stops."}
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        answer = await client.post(
            f"http://127.0.0.1:{port}/v1/tickets",
            json={**body, "reporter": reporter},
            headers={"Authorization": f"Bearer {key}"},
        )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _case(port: int, key: str, ticket: str) -> dict[str, Any]:
    return await _read(f"http://127.0.0.1:{port}/v1/cases/{ticket}", key, lambda found: True)


async def _until_version(port: int, key: str, ticket: str, version: int) -> None:
    await _read(f"http://127.0.0.1:{port}/v1/tickets/{ticket}", key, lambda found: found["version"] == version)


async def _read(url: str, key: str, fits: Any) -> dict[str, Any]:
    async with asyncio.timeout(40), httpx.AsyncClient(trust_env=False, timeout=20) as client:
        while True:
            answer = await client.get(url, headers={"Authorization": f"Bearer {key}"})
            if answer.status_code == 200 and fits(answer.json()):
                return dict(answer.json())
            await asyncio.sleep(0.1)
