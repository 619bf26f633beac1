"""Calls to the outside world: a row first, in the transaction of the decision; the call later, outside of any.

Calls of one key and lane go out in order: a later one waits until the earlier one was delivered or given up. What
came of a call is a fact of its room (`call.delivered`, `call.failed`), decided in the transaction that marks the row.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tierline.kit.corridor import Call, Incoming
from tierline.kit.database import Database, Tx, as_json, column

INSERT = """
INSERT INTO calls (id, room, key, lane, target, body, about, next_at, created_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::json[], $7::json[],
                     $8::timestamptz[], $9::timestamptz[])
ON CONFLICT (id) DO NOTHING
"""
# The first waiting call of each key and lane, where its time has come.
DUE = """
SELECT * FROM calls AS c WHERE status = 'pending' AND next_at <= $1
AND NOT EXISTS (SELECT 1 FROM calls AS e WHERE e.status = 'pending' AND e.key = c.key AND e.lane = c.lane AND e.pos < c.pos)
AND NOT (c.id = ANY($2)) ORDER BY next_at, pos LIMIT $3
"""
ATTEMPT = """
INSERT INTO attempts (call_id, number, at, outcome, note, seconds) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
"""
FINISH = """
UPDATE calls SET status = $2, attempts = $3, finished_at = $4 WHERE id = $1 AND status = 'pending' RETURNING 1
"""
AGAIN = "UPDATE calls SET attempts = $2, next_at = $3 WHERE id = $1 AND status = 'pending'"
# A person wants a call made again, delivered or not.
REDELIVER = """
UPDATE calls SET status = 'pending', attempts = 0, next_at = $2, finished_at = NULL WHERE id = $1 AND room = $3 RETURNING 1
"""
BACKLOG = "SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM calls WHERE status = 'pending'"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call whose time has come."""

    id: str
    room: str
    key: str
    lane: str
    target: str
    body: dict[str, Any]
    about: dict[str, str]
    attempts: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one attempt. `final` failures are never tried again; `retry_after` is the other side's wish, in seconds."""

    delivered: bool
    note: str
    final: bool = False
    retry_after: float | None = None


async def write(tx: Tx, room: str, calls: Sequence[tuple[str, Call]], now: datetime) -> None:
    """Put calls into the table, in this transaction; one that is there already is not repeated."""
    rows = [
        (call.id, room, key, call.lane, call.target, as_json(call.body), as_json(call.about), now, now)
        for key, call in calls
    ]
    await tx.execute(INSERT, *(column(rows, index) for index in range(9)))


async def due(database: Database, now: datetime, busy: Sequence[str], most: int) -> list[Waiting]:
    """Calls to be made now, apart from those that are being made."""
    async with database.connection() as held:
        return [
            Waiting(
                row["id"],
                row["room"],
                row["key"],
                row["lane"],
                row["target"],
                json.loads(row["body"]),
                json.loads(row["about"]),
                row["attempts"],
            )
            for row in await held.fetch(DUE, now, busy, most)
        ]


async def attempted(tx: Tx, call: Waiting, result: Result, at: datetime, seconds: float) -> None:
    """Write down an attempt."""
    outcome = "delivered" if result.delivered else "failed"
    await tx.execute(ATTEMPT, call.id, call.attempts + 1, at, outcome, result.note[:500], seconds)


async def finish(tx: Tx, call: Waiting, status: str, now: datetime) -> bool:
    """Mark a call as over; False where it was over already."""
    return await tx.fetchval(FINISH, call.id, status, call.attempts + 1, now) is not None


async def again(tx: Tx, call: Waiting, at: datetime) -> None:
    """Make the next attempt at `at`."""
    await tx.execute(AGAIN, call.id, call.attempts + 1, at)


async def redeliver(tx: Tx, room: str, call_id: str, now: datetime) -> bool:
    """Make a call again, with the same identity; False where there is no such call."""
    return await tx.fetchval(REDELIVER, call_id, now, room) is not None


def fact_of(call: Waiting, result: Result, now: datetime) -> Incoming:
    """What came of a call, as a fact of its room."""
    return Incoming(
        key=call.key,
        type="call.delivered" if result.delivered else "call.failed",
        id=f"call:{call.id}:{call.attempts + 1}",
        at=now,
        data={"id": call.id, "lane": call.lane, "target": call.target, "note": result.note, **call.about},
    )
