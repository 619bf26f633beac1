"""An event that passed a service by is handed in once, and has the effect that it would have had."""

import asyncio
from datetime import UTC, datetime

import asyncpg

from embedded import places
from embedded.audit.auditing import audit
from embedded.catching_up import catch_up
from house import House


async def test_what_passed_a_service_by_is_handed_in_once_and_has_its_effect(house: House) -> None:
    folder = house.machine.install.folder
    addresses, bus = places.databases_of(folder), places.bus_of(folder, None)
    passed, other = [await house.submit() for _ in range(2)]
    for ticket in (passed, other):
        await house.move("tier1", ticket, "escalate", text="Not solved here.")
        await house.case("tier2", ticket)
    # As if Tier 2 had been run by a release that read on and did nothing.
    tier2 = await asyncpg.connect(addresses["tier2"])
    await tier2.execute("DELETE FROM cases WHERE key = $1", passed)
    await tier2.execute("DELETE FROM timers WHERE key = $1", passed)
    log = await asyncpg.connect(bus)
    event = await log.fetchval(
        "SELECT headers ->> 'ce_id' FROM event_log WHERE key = $1 AND headers ->> 'ce_type' = 'tierline.case.escalated.v1'",
        passed.encode(),
    )
    await tier2.execute("DELETE FROM inbox WHERE event_id = $1", event)

    handed = await catch_up(addresses, bus, _now, pause=0.5)
    assert handed["tier2"] >= 1  # other stories of this house may have lost some, too
    taken = await house.case("tier2", passed)
    assert taken.json()["path"] == ["tier1", "tier2"]
    assert await tier2.fetchval("SELECT count(*) FROM parked WHERE key = $1", passed) == 0
    assert "tier2" not in await catch_up(addresses, bus, _now, pause=0.5)
    report = await audit(addresses, bus, _now, pause=0.5)
    assert not [breach for breach in report.breaches if breach.ticket == other]
    await asyncio.gather(tier2.close(), log.close())


def _now() -> datetime:
    return datetime.now(UTC)
