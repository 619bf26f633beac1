"""Deadlines of a room that this release does not know, left by a newer one that was taken back: they keep no other waiting."""

from datetime import UTC, datetime

import asyncpg

from embedded.places import databases_of
from house import House
from tierline.kit.timers import BATCH

NEWER = """
INSERT INTO timers (room, key, name, due_at, data)
SELECT 'of a newer release', 'key-' || number, 'wake', '2020-01-01', '{}' FROM generate_series(1, $1::int) AS number
"""


async def test_a_batch_of_them_lets_every_other_deadline_fire(house: House) -> None:
    ticket = await house.submit()
    await house.case("tier1", ticket)
    held = await asyncpg.connect(databases_of(house.machine.install.folder)["tier1"])
    try:
        await held.execute(NEWER, BATCH + 1)
        await held.execute("UPDATE timers SET due_at = $2 WHERE key = $1", ticket, datetime.now(UTC))
        await house.case("tier2", ticket)
        assert await held.fetchval("SELECT count(*) FROM timers WHERE room = 'of a newer release'") == BATCH + 1
    finally:
        await held.execute("DELETE FROM timers WHERE room = 'of a newer release'")
        await held.close()
