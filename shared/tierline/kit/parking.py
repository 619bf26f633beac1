"""Parking: an event that fails waits, and the later events of its key wait behind it; all others go on.

It is tried again with growing pauses. When no attempt is left, or when it could never be read, it is a dead letter:
told on `<topic>.dead`, without what `scrub` takes out of it, and kept here until someone replays or discards it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from uuid_utils import uuid7

from tierline.kit import outbox
from tierline.kit.bus import Envelope, Record
from tierline.kit.database import Database, Tx, as_json, column
from tierline.kit.trace_context import well_formed
from tierline.kit.writing import together

MOST_ATTEMPTS = 8
LARGEST_LETTER, LONGEST_HEADERS, LONGEST_KEY = 256 * 1024, 65_536, 1000
"""What a letter tells of a record: bytes, characters of its headers and of its key; the whole stays here."""

Scrub = Callable[[bytes], bytes]
"""What a record's value looks like in a letter that many may read."""

# Which of these keys have something parked.
BLOCKED = "SELECT DISTINCT key FROM parked WHERE blocks AND key = ANY($1)"
INSERT = """
INSERT INTO parked (key, topic, position, event_id, headers, value, reason, not_before, parked_at, dead_at, blocks)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::json[], $6::bytea[], $7::text[],
                     $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::boolean[])
"""
# The first parked event of each key, where it may be tried again; those that have waited longest go first.
HEADS = """
SELECT * FROM (SELECT DISTINCT ON (key) * FROM parked WHERE blocks ORDER BY key, pos) AS head
WHERE not_before <= $1 AND dead_at IS NULL ORDER BY not_before, pos LIMIT 100
"""
LOCK = "SELECT 1 FROM parked WHERE pos = $1 FOR UPDATE"
DONE = "DELETE FROM parked WHERE pos = $1"
LATER = "UPDATE parked SET attempts = attempts + 1, not_before = $2, reason = $3, dead_at = $4 WHERE pos = $1"
# How many wait, and how many of them are dead letters (the metrics ask).
DEPTH = "SELECT count(*) FILTER (WHERE dead_at IS NULL), count(*) FILTER (WHERE dead_at IS NOT NULL) FROM parked"


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that waits here: the record as it came, and why. `dead` ones are never tried again by themselves."""

    record: Record
    key: str
    event_id: str | None
    reason: str
    dead: bool = False
    blocks: bool = True
    pos: int = 0
    attempts: int = 0


async def blocked(tx: Tx, keys: Sequence[str]) -> set[str]:
    """Those of these keys whose events must wait behind a parked one."""
    return {row["key"] for row in await tx.fetch(BLOCKED, keys)}


async def park(
    tx: Tx, parked: Sequence[Parked], now: datetime, consumer: str, source: str, scrub: Scrub = bytes
) -> None:
    """Park events in this transaction; dead ones are told as dead letters."""
    rows = [
        (
            _plain(item.key),
            item.record.topic,
            item.record.position,
            item.event_id,
            _headers(item.record),
            item.record.value,
            item.reason,
            now + timedelta(seconds=1),
            now,
            now if item.dead else None,
            item.blocks,
        )
        for item in parked
    ]
    await tx.execute(INSERT, *(column(rows, index) for index in range(11)))
    await together(tx, outbox.writes([_letter(item, now, consumer, source, scrub) for item in parked if item.dead]))


async def heads(database: Database, now: datetime) -> list[Parked]:
    """The first parked event of each key that may be tried again now."""
    async with database.connection() as held:
        return [
            Parked(
                record=Record(
                    topic=row["topic"],
                    position=row["position"],
                    key=row["key"].encode(),
                    headers={name: v.encode("latin-1") for name, v in json.loads(row["headers"]).items()},
                    value=row["value"],
                ),
                key=row["key"],
                event_id=row["event_id"],
                reason=row["reason"] or "",
                pos=row["pos"],
                attempts=row["attempts"],
            )
            for row in await held.fetch(HEADS, now)
        ]


async def done(tx: Tx, item: Parked) -> None:
    """It had its effect."""
    await tx.execute(DONE, item.pos)


async def later(
    tx: Tx, item: Parked, reason: str, now: datetime, consumer: str, source: str, scrub: Scrub = bytes
) -> None:
    """It failed again: later, or never by itself."""
    dead = item.attempts + 1 >= MOST_ATTEMPTS
    pause = timedelta(seconds=2 ** min(item.attempts + 1, 8))
    await tx.execute(LATER, item.pos, now + pause, reason, now if dead else None)
    if dead:
        await together(tx, outbox.writes([_letter(item, now, consumer, source, scrub)]))


def _letter(item: Parked, now: datetime, consumer: str, source: str, scrub: Scrub) -> Envelope:
    """The letter, which no bus finds too large whatever the record was; all of it is kept here."""
    headers = as_json({name: value.decode("latin-1") for name, value in item.record.headers.items()})
    return Envelope(
        topic=f"{item.record.topic}.dead",
        key=_plain(item.key)[:LONGEST_KEY] or "unreadable",
        id=str(uuid7()),
        type="tierline.kit.dead.v1",
        source=source,
        time=now,
        sequence=0,
        data=scrub(item.record.value or b"")[:LARGEST_LETTER],
        traceparent=well_formed(item.record.headers.get("traceparent", b"").decode("latin-1")),
        extensions={
            "dlq-reason": item.reason,
            "dlq-topic": item.record.topic,
            "dlq-position": item.record.position,
            "dlq-consumer": consumer,
            "dlq-event-id": item.event_id or "",
            "dlq-attempts": str(item.attempts),
            "dlq-headers": headers if len(headers) <= LONGEST_HEADERS else "{}",
        },
    )


def _headers(record: Record) -> str:
    return as_json({name: value.decode("latin-1") for name, value in record.headers.items()})


def _plain(text: str) -> str:
    return text.replace("\x00", "\ufffd")
