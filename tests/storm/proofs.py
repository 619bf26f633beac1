"""What the storm itself looks up when it is over, beside the audit: order on the topics, doubles on the timeline, gaps in a stream."""

from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from storm.follower import Follower
from storm.town import Town
from tierline.domain.events import EVENTS, TOPICS
from tierline.kit.history import history

TOLD_AGAIN = "SELECT count(*) FROM outbox WHERE extensions ->> 'ce_repeated' IS NOT NULL"
# A notice is told to the front door once, whatever was repeated on the way.
DOUBLES = """
SELECT ticket_id, entry ->> 'fact' AS fact, entry #>> '{details,delivery_id}' AS of, count(*) AS many FROM timeline
WHERE entry #>> '{details,delivery_id}' IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) > 1
"""
ENTRIES = "SELECT xid::text || '-' || pos AS id, ticket_id FROM timeline"


async def told_again(built: Town) -> int:
    """How many steps the watchdog told again."""
    return int((await _asked(built, TOLD_AGAIN))[0]["count"])


async def found(built: Town, follower: Follower) -> AsyncIterator[str]:
    """Each breach, a line."""
    for row in await _asked(built, DOUBLES):
        yield f"APPLIED {row['many']} TIMES {row['ticket_id']} {row['fact']} {row['of']}"
    async for line in _disorder(built.bus):
        yield line
    entries = {row["id"]: row["ticket_id"] for row in await _asked(built, ENTRIES)}
    for entry in entries.keys() - follower.seen.keys():
        yield f"NOT STREAMED {entries[entry]}: entry {entry} reached no one who followed"
    for entry, many in follower.seen.items():
        if many > 1:
            yield f"STREAMED {many} TIMES {entries.get(entry, 'an entry that is not there')}: {entry}"


async def _disorder(bus: str) -> AsyncIterator[str]:
    """A ticket's steps must stand on each topic in the order of their versions; only a repeat may stand behind a later one."""
    told: dict[tuple[str, str], list[int]] = defaultdict(list)
    seen: set[str] = set()
    async for records in history(bus, TOPICS):
        for record in records:
            event = record.envelope()
            kind = EVENTS.get(event.type)
            if kind is None or not kind.raises or "ce_repeated" in record.headers or event.id in seen:
                continue
            seen.add(event.id)
            told[event.topic, event.key].append(event.sequence)
    for (topic, key), versions in told.items():
        if versions != sorted(versions):
            yield f"DISORDER {key} on {topic}: {versions}"


async def _asked(built: Town, query: str) -> list[Any]:
    held = await asyncpg.connect(built.databases["intake"])
    try:
        return list(await held.fetch(query))
    finally:
        await held.close()
