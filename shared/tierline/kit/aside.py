"""Facts that came before the one they need, kept in the service's own table until it arrives. No partition waits."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from tierline.kit.bus import Envelope
from tierline.kit.corridor import Incoming
from tierline.kit.database import Database, Tx, column
from tierline.kit.errors import Undecodable
from tierline.kit.trace_context import well_formed
from tierline.kit.writing import Write

KEEP = timedelta(days=120)

NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""The escape of a NUL in JSON, which no text in PostgreSQL can hold."""

LOAD = """
SELECT key, id, type, sequence, at, data, traceparent, topic, source FROM aside
WHERE room = $1 AND key = ANY($2) ORDER BY sequence, at
"""
INSERT = """
INSERT INTO aside (room, key, id, type, sequence, at, data, traceparent, topic, source)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::bytea[],
                         $8::text[], $9::text[], $10::text[])
ON CONFLICT DO NOTHING
"""
DELETE = "DELETE FROM aside WHERE room = $1 AND (key, id) IN (SELECT * FROM unnest($2::text[], $3::text[]))"
PURGE = "DELETE FROM aside WHERE at < $1"


async def load(tx: Tx, room: str, keys: Sequence[str], read: Callable[[str, bytes], Any]) -> dict[str, list[Incoming]]:
    """What waits for these keys, oldest version first."""
    kept: dict[str, list[Incoming]] = {}
    for row in await tx.fetch(LOAD, room, keys):
        envelope = Envelope(
            topic=row["topic"],
            key=row["key"],
            id=row["id"],
            type=row["type"],
            source=row["source"],
            time=row["at"],
            sequence=row["sequence"],
            data=row["data"],
            traceparent=row["traceparent"],
        )
        kept.setdefault(row["key"], []).append(incoming(envelope, read))
    return kept


def incoming(envelope: Envelope, read: Callable[[str, bytes], Any]) -> Incoming:
    """The fact that an event tells. Raises what `read` raises, and `Undecodable` where it is `about` something else."""
    if b"\\u0000" in envelope.data and NUL.search(envelope.data):
        raise Undecodable("the data holds a NUL, which no text may")
    data = read(envelope.type, envelope.data)
    if getattr(data, "about", envelope.key) != envelope.key:
        raise Undecodable("the data is about something else than the record's key")
    return Incoming(
        key=envelope.key,
        type=envelope.type,
        id=envelope.id,
        at=envelope.time,
        data=data,
        sequence=envelope.sequence,
        traceparent=well_formed(envelope.traceparent),
        envelope=envelope,
    )


def writes(room: str, set_aside: Sequence[Incoming], taken_up: Sequence[Incoming]) -> list[Write]:
    """What keeps new ones, and forgets those that had their effect."""
    rows = [
        (
            f.key,
            f.id,
            f.type,
            f.sequence,
            f.at,
            f.envelope.data,
            f.traceparent,
            f.envelope.topic,
            f.envelope.source,
        )
        for f in set_aside
        if f.envelope is not None
    ]
    keep = [Write(INSERT, [room, *(column(rows, index) for index in range(9))])] if rows else []
    gone = [Write(DELETE, [room, [fact.key for fact in taken_up], [fact.id for fact in taken_up]])] if taken_up else []
    return [*keep, *gone]


async def purge(database: Database, now: datetime) -> None:
    """Forget facts whose time has long passed."""
    async with database.connection() as held:
        await held.execute(PURGE, now - KEEP)
