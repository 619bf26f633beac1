"""The watchdog at work: a hand-off that was lost on its way is told again, taken once, and counted; its heart can be seen."""

import asyncio
import time

import asyncpg

from embedded import places
from house import House
from intake import watching
from tierline.kit.runtime import Runtime


async def test_a_step_that_was_lost_is_repaired_and_counted(house: House) -> None:
    ticket = await house.submit()
    await _as_if_the_desk_had_never_heard_of_it(house, ticket)
    await watching.look(_intake(house))
    assert (await house.case("tier1", ticket)).json()["version"] == 2
    page = (await house.client.get("/intake/metrics")).text
    metrics = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in page.splitlines() if line[:1] != "#"}
    assert any("watch_repairs_total" in name and "ticket.submitted" in name for name in metrics)
    assert time.time() - metrics['tierline_watch_last_look_timestamp_seconds{service="intake"}'] < 60


async def test_while_the_front_doors_own_outbox_is_not_told_nothing_is_told_again(house: House) -> None:
    ticket = await house.submit()
    await _as_if_the_desk_had_never_heard_of_it(house, ticket)
    log = await asyncpg.connect(places.bus_of(house.machine.install.folder, None))
    intake = await asyncpg.connect(places.databases_of(house.machine.install.folder)["intake"])
    try:
        async with log.transaction():
            await log.execute("LOCK TABLE event_log IN ACCESS EXCLUSIVE MODE")
            untold = await house.submit()
            await intake.execute(
                "UPDATE outbox SET time = time - interval '2 minutes' WHERE aggregateid = $1 AND published_at IS NULL",
                untold,
            )
            assert await watching.look(_intake(house)) == 0
        await house.case("tier1", untold)  # the bus is back
        async with asyncio.timeout(30):
            while await intake.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL"):
                await asyncio.sleep(0.02)
        await watching.look(_intake(house))
        assert (await house.case("tier1", ticket)).json()["version"] == 2
    finally:
        await log.close()
        await intake.close()


async def _as_if_the_desk_had_never_heard_of_it(house: House, ticket: str) -> None:
    """And an hour had passed."""
    await house.case("tier1", ticket)
    await house.told(ticket, "ticket.received")
    addresses = places.databases_of(house.machine.install.folder)
    tier1, intake = await asyncpg.connect(addresses["tier1"]), await asyncpg.connect(addresses["intake"])
    try:
        await tier1.execute("DELETE FROM cases WHERE key = $1", ticket)
        await intake.execute(
            """UPDATE tickets SET version = 1, waits_since = now() - interval '1 hour', doc = (doc::jsonb || jsonb_build_object(
            'version', 1, 'handed', 'ticket.submitted', 'waits_since', now() - interval '1 hour'))::json WHERE key = $1""",
            ticket,
        )
    finally:
        await tier1.close()
        await intake.close()


def _intake(house: House) -> Runtime:
    running: Runtime = house.machine.server.config.app.state.apps["intake"].state.runtime  # type: ignore[union-attr]
    return running
