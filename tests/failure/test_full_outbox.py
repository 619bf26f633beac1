"""The bus is away for so long that no more may wait: refused at every door, opened by itself, nothing lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx

from apart import Apart, apart
from embedded.databases import at
from stand import Stand

MOST = 40


async def test_a_full_outbox_refuses_by_every_door_and_opens_by_itself_as_it_drains(ground: Stand) -> None:
    async with apart(ground, ("intake", "tier1"), TIERLINE_MAX_OUTBOX=str(MOST)) as running:
        held = [str((await running.submit(number)).json()["id"]) for number in range(3)]
        for ticket in held:
            await running.case("tier1", ticket)
        async with _bus_takes_nothing(ground):
            accepted = await _until_refused(running, "submissions", lambda n: running.submit(100 + n))
            noted = await _until_refused(
                running, "moves", lambda n: running.move("tier1", held[n % 3], "note", text="?")
            )
            for service in ("intake", "tier1"):
                assert "outbox is full" in await running.readiness(service)
                assert await running.metric(service, "tierline_outbox_full") == 1
            again = await running.submit(100)
            assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true"), "it was accepted before"
            refused = await running.submit(99)
            assert refused.status_code == 503
            wish = f"/v1/tickets/{held[0]}/replies"
            said = await running.client.post(
                running.at("intake", wish), json={"text": "More."}, headers=running.key("client")
            )
            assert said.status_code == 503
        for service in ("intake", "tier1"):
            await running.until_ready(service)
        assert (await running.submit(99)).status_code == 201
        for ticket in (answer.json()["id"] for answer in accepted):
            await running.case("tier1", ticket)
        for ticket in held:
            notes = (await running.case("tier1", ticket)).json()["conversation"]
            assert len(notes) == sum(ticket in str(answer.url) for answer in noted)
        there = await running.tickets()
        assert set(there.values()) == {(1, 1)}
        assert len(there) == 3 + len(accepted) + 1, "what was refused is not there"


async def _until_refused(running: Apart, what: str, attempt) -> list[httpx.Response]:  # type: ignore[no-untyped-def]
    """All that was accepted until a 503 came; every bound is reached within a second's worth of work."""
    accepted: list[httpx.Response] = []
    while (answer := await attempt(len(accepted))).status_code < 300:
        accepted.append(answer)
    assert answer.status_code == 503, answer.text
    assert (answer.headers["retry-after"], answer.headers["content-type"]) == ("30", "application/problem+json")
    assert answer.json()["type"].endswith("/outbox-full")
    assert "nothing was accepted" in answer.json()["detail"]
    assert len(accepted) >= MOST // 2, what
    return accepted


@asynccontextmanager
async def _bus_takes_nothing(made: Stand) -> AsyncIterator[None]:
    password = made.postgres.folder.joinpath("password").read_text()
    log = await asyncpg.connect(at(made.postgres.dsn(), "events", "tierline", password))
    try:
        async with log.transaction():
            await log.execute("LOCK TABLE event_log IN ACCESS EXCLUSIVE MODE")
            await asyncio.sleep(0)
            yield
    finally:
        await log.close()
