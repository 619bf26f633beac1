"""Events that passed a service by are handed to it after all, each once, while everything goes on.

An older release passes over a fact that it has no rule for, and its group's position moves on. So what was told before a
release that reads the fact, and while processes of both shared the work, had no effect there. The audit names it; here it
is laid among what waits to be tried again, where the service itself takes it up within a second, in the order of its key.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from embedded.audit.applying import Missing, applied, still_unapplied, unapplied
from embedded.audit.merging import merged
from embedded.audit.places import Places, places
from tierline.kit import inbox, parking
from tierline.kit.bus import Record
from tierline.kit.database import Database
from tierline.kit.errors import Undecodable
from tierline.kit.history import history
from tierline.kit.parking import Parked

REASON = "had passed this service by"
PAUSE = 4.0


async def catch_up(
    addresses: Mapping[str, str], bus: str, now: Callable[[], datetime], pause: float = PAUSE
) -> dict[str, int]:
    """How many events were handed to which service; empty once none is left. Raises `Unavailable` with the remedy."""
    async with places(addresses, bus) as looked:
        missing = await _passed_by(looked, now())
        if missing:
            await asyncio.sleep(pause)  # what is merely on its way arrives meanwhile
            missing = await still_unapplied(looked, missing)
    if not missing:
        return {}
    records = await _records(bus, sorted({item.topic for item in missing}), {item.event for item in missing})
    handed: dict[str, list[Parked]] = defaultdict(list)
    for item in sorted(missing, key=lambda item: item.event):
        if item.event in records:
            handed[item.reader].append(Parked(records[item.event], item.ticket, item.event, REASON))
    return {reader: await _hand_in(addresses[reader], reader, items, now()) for reader, items in handed.items()}


async def _passed_by(looked: Places, now: datetime) -> list[Missing]:
    """What the audit would find unapplied, and nothing else of it."""
    await looked.gather()
    told: list[Any] = []
    async with looked.still():
        async for _ in merged(looked.questions(told=told)):
            pass  # what was told comes with the tickets, in one reading of the topics
    return await unapplied(looked, told, await applied(looked), now)


async def _records(bus: str, topics: list[str], wanted: set[str]) -> dict[str, Record]:
    found: dict[str, Record] = {}
    async for batch in history(bus, topics):
        for record in batch:
            event = _id(record)
            if event in wanted:
                found[event] = record
    return found


def _id(record: Record) -> str:
    try:
        return record.envelope().id
    except Undecodable:
        return ""


async def _hand_in(address: str, reader: str, items: list[Parked], now: datetime) -> int:
    database = Database(address, name="catch-up", size=1)
    await database.start()
    try:
        async with database.transaction() as tx:
            fresh = await inbox.claim(tx, reader, [item.event_id or "" for item in items])
            late = [item for item in items if item.event_id in fresh]
            if late:
                await parking.park(tx, late, now, reader, f"/tierline/{reader}")
            return len(late)
    finally:
        await database.stop()
