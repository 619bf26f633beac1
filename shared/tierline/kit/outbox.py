"""The outbox: what was decided and must be told, written in the transaction of the decision, published after it.

One relay per service at a time (see `leader`), in the order of `pos`, which is the order of versions because every
writer holds the lock on its thing. A row is marked only when the bus has it, so a crash in between publishes it
again, with the same id.

A row that the bus will never take is `refused`: it stays here, and with it the later ones of its key and topic, so that
their order holds, while all others go on. The metrics and the log say so. Whoever leads next tries it once more.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from uuid_utils import uuid7

from tierline.kit.bus import Envelope, EventBus
from tierline.kit.corridor import Draft, Incoming
from tierline.kit.crashing import point
from tierline.kit.database import Database, as_json, column
from tierline.kit.errors import EventTooLarge, Unavailable
from tierline.kit.signals import Signal
from tierline.kit.tracing import Tracing
from tierline.kit.writing import Write

log = structlog.get_logger()

BATCH = 500
LINGER = 0.008
KEEP = timedelta(days=7)

# Write a batch of events, in the order of the batch.
INSERT = """
INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, sequence, time, traceparent, extensions, route)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bigint[],
                     $7::timestamptz[], $8::text[], $9::json[], $10::text[])
"""
# What has not been told yet, oldest first; nothing that was refused, or stands behind such a row.
UNPUBLISHED = """
SELECT pos, id, aggregatetype, aggregateid, type, payload, sequence, time, traceparent, extensions, route
FROM outbox WHERE published_at IS NULL AND NOT (aggregatetype || ' ' || aggregateid = ANY($2)) ORDER BY pos LIMIT $1
"""
# They have been told. Not waited for until it is on disk: what a crash makes forgotten is told again, with the same id.
MARK = """
UPDATE outbox SET published_at = now() FROM (SELECT set_config('synchronous_commit', 'off', true)) AS unhurried
WHERE pos = ANY($1)
"""
REFUSE = "UPDATE outbox SET refused = $2 WHERE pos = ANY($1)"
TRY_AGAIN = "UPDATE outbox SET refused = NULL WHERE published_at IS NULL AND refused IS NOT NULL"
REFUSALS = "SELECT count(*) FROM outbox WHERE published_at IS NULL AND refused IS NOT NULL"
TO_BE_TOLD = """
FROM outbox WHERE published_at IS NULL AND NOT (aggregatetype || ' ' || aggregateid = ANY(ARRAY(
    SELECT aggregatetype || ' ' || aggregateid FROM outbox WHERE published_at IS NULL AND refused IS NOT NULL
)))
"""
# How many wait, and since when (the metrics ask).
BACKLOG = f"SELECT count(*), coalesce(extract(epoch FROM now() - min(time)), 0)::float8 {TO_BE_TOLD}"  # noqa: S608
# Whether any waits (who stops asks).
UNTOLD = f"SELECT EXISTS (SELECT {TO_BE_TOLD})"
# Since when the first of them has waited.
OLDEST = f"SELECT time {TO_BE_TOLD} ORDER BY pos LIMIT 1"
# The older release tells what this one refuses, and neither reads nor writes the column.
REFUSED = "ALTER TABLE outbox ADD COLUMN refused text"
PURGE = "DELETE FROM outbox WHERE published_at < $1"


def envelope(topic: str, source: str, fact: Incoming, draft: Draft, now: datetime) -> Envelope:
    """The event that tells what was decided on `fact`."""
    return Envelope(
        topic=topic,
        key=fact.key,
        id=str(uuid7()),
        type=draft.type,
        source=source,
        time=now,
        sequence=draft.sequence,
        data=draft.data.model_dump_json(by_alias=True).encode(),
        traceparent=fact.traceparent,
        route=draft.route,
        extensions=draft.extensions,
    )


def writes(events: Sequence[Envelope]) -> list[Write]:
    """What puts events into the outbox, in their order."""
    rows = [
        (
            event.id,
            event.topic,
            event.key,
            event.type,
            event.data,
            event.sequence,
            event.time,
            event.traceparent,
            as_json(dict(event.extensions)) if event.extensions else None,
            event.route,
        )
        for event in events
    ]
    return [Write(INSERT, [column(rows, index) for index in range(10)])] if rows else []


async def relay(database: Database, bus: EventBus, source: str, signal: Signal, tracing: Tracing) -> None:
    """Publish what the outbox holds, for as long as this process leads. Survives a bus or a database that is away."""
    pause, held = 0.2, None
    while True:
        try:
            if held is None:
                held = await _try_refused_again(database)
            told = await publish_once(database, bus, source, tracing, held)
            pause = 0.2
        except Unavailable as error:
            told = 0
            pause = min(pause * 2, 5.0)
            log.warning("relay_waits", action="relay_waits", source=source, reason=str(error))
        if told < BATCH:
            await signal.wait(pause)
            # What is committed within the next moment goes out in the same batch.
            await asyncio.sleep(LINGER)


async def publish_once(database: Database, bus: EventBus, source: str, tracing: Tracing, held: set[str]) -> int:
    """Publish one batch and mark it; how many events it had. Raises `BusUnavailable`.

    What the bus never takes is refused. `held` are the topics and keys that stand behind such events, these included.
    """
    async with database.connection() as tx:
        rows = await tx.fetch(UNPUBLISHED, BATCH, list(held))
        if not rows:
            return 0
    point("outbox.read")
    events = [
        Envelope(
            topic=row["aggregatetype"],
            key=row["aggregateid"],
            id=str(row["id"]),
            type=row["type"],
            source=source,
            time=row["time"],
            sequence=row["sequence"],
            data=row["payload"],
            traceparent=row["traceparent"],
            route=row["route"],
            extensions=json.loads(row["extensions"]) if row["extensions"] else {},
        )
        for row in rows
    ]
    with tracing.sending(events) as sent:
        told, refused = await _publish(bus, sent)
    point("outbox.sent")
    async with database.connection() as tx:
        await tx.execute(MARK, [rows[place]["pos"] for place in told])
        if refused:
            await tx.execute(REFUSE, [rows[place]["pos"] for place in refused], "larger than the bus takes")
    point("outbox.marked")
    held.update(f"{events[place].topic} {events[place].key}" for place in refused)
    for place in refused:
        about = {"topic": events[place].topic, "type": events[place].type, "position": rows[place]["pos"]}
        log.error("event_refused", action="event_refused", source=source, **about)
    return len(rows)


async def _publish(bus: EventBus, events: Sequence[Envelope]) -> tuple[Sequence[int], list[int]]:
    """The places of those that the bus has, and of those that it will never take. The rest stands behind these."""
    try:
        await bus.publish(events)
    except EventTooLarge:
        pass
    else:
        return range(len(events)), []
    told, refused, behind = [], [], set()
    for place, event in enumerate(events):
        if (event.topic, event.key) in behind:
            continue
        try:
            await bus.publish([event])
            told.append(place)
        except EventTooLarge:
            refused.append(place)
            behind.add((event.topic, event.key))
    return told, refused


async def _try_refused_again(database: Database) -> set[str]:
    """The limit may have been raised since: nothing is held."""
    async with database.connection() as tx:
        await tx.execute(TRY_AGAIN)
    return set()


async def purge(database: Database, now: datetime) -> None:
    """Forget rows that were told long ago."""
    async with database.connection() as held:
        await held.execute(PURGE, now - KEEP)
