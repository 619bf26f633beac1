"""The watchdog at work: a hand-off that was lost on its way is told again, taken once, and counted; its heart can be seen."""

import time

import asyncpg

from embedded import places
from house import House
from intake import watching
from tierline.kit.runtime import Runtime


async def test_a_step_that_was_lost_is_repaired_and_counted(house: House) -> None:
    ticket = await house.submit()
    await house.case("tier1", ticket)
    await house.told(ticket, "ticket.received")
    addresses = places.databases_of(house.machine.install.folder)
    tier1, intake = await asyncpg.connect(addresses["tier1"]), await asyncpg.connect(addresses["intake"])
    try:  # as if tier1 had never heard of it, and an hour had passed
        await tier1.execute("DELETE FROM cases WHERE key = $1", ticket)
        await intake.execute(
            """UPDATE tickets SET version = 1, waits_since = now() - interval '1 hour', doc = (doc::jsonb || jsonb_build_object(
            'version', 1, 'handed', 'ticket.submitted', 'waits_since', now() - interval '1 hour'))::json WHERE key = $1""",
            ticket,
        )
    finally:
        await tier1.close()
        await intake.close()
    running: Runtime = house.machine.server.config.app.state.apps["intake"].state.runtime  # type: ignore[union-attr]
    await watching.look(running)
    assert (await house.case("tier1", ticket)).json()["version"] == 2
    page = (await house.client.get("/intake/metrics")).text
    metrics = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in page.splitlines() if line[:1] != "#"}
    assert any("watch_repairs_total" in name and "ticket.submitted" in name for name in metrics)
    assert time.time() - metrics['tierline_watch_last_look_timestamp_seconds{service="intake"}'] < 60
