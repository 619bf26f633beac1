"""One case that cannot be read any more: its own deadline comes again and again, everybody else's fires."""

import asyncio

import asyncpg

from embedded import places
from house import House

DUE = "UPDATE timers SET due_at = now() WHERE key = ANY($1) AND name = 'allowed'"
BREAK = "UPDATE cases SET doc = json_build_object('what', 'is this') WHERE key = $1"
TRIED = "SELECT due_at > now() AND attempts > 0 FROM timers WHERE key = $1 AND name = 'allowed'"


async def test_a_case_that_cannot_be_read_holds_up_no_deadline_but_its_own(house: House) -> None:
    broken, sound = await house.submit(), await house.submit()
    for ticket in (broken, sound):
        await house.case("tier1", ticket)
    held = await asyncpg.connect(places.databases_of(house.machine.install.folder)["tier1"])
    try:
        kept = await held.fetchval("SELECT doc FROM cases WHERE key = $1", broken)
        async with held.transaction():
            await held.execute(BREAK, broken)
            await held.execute(DUE, [broken, sound])
        assert (await house.case("tier2", sound)).json()["held"]
        async with asyncio.timeout(20):
            while not await held.fetchval(TRIED, broken):
                await asyncio.sleep(0.05)
        after = await house.submit()  # whoever leads still relays
        await house.case("tier1", after)
        await held.execute("UPDATE cases SET doc = $2 WHERE key = $1", broken, kept)
        await held.execute(DUE, [broken])
        assert (await house.case("tier2", broken)).json()["held"]
    finally:
        await held.close()
