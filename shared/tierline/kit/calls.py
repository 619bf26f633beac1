"""Calls to the outside world: a row first, in the transaction of the decision; the call later, outside of any.

Calls of one key and lane go out in order: a later one waits until the earlier one was delivered or given up. What
came of a call is a fact of its room (`call.delivered`, `call.failed`, `call.held`), decided in the transaction that
marks the row.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tierline.kit.corridor import Call, Incoming
from tierline.kit.database import Database, Tx, as_json, column
from tierline.kit.writing import Write

INSERT = """
INSERT INTO calls (id, room, key, lane, target, body, about, next_at, created_at, traceparent)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::json[], $7::json[],
                     $8::timestamptz[], $9::timestamptz[], $10::text[])
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
# Nobody is to be called there for now; unless someone has let the call go meanwhile.
HOLD = "UPDATE calls SET next_at = $2 WHERE id = $1 AND status = 'pending' AND next_at = $3"
# A place may be called again: what waits, and what was given up since `$4`, goes out at once.
LET_GO = """
UPDATE calls SET status = 'pending', attempts = 0, next_at = $3, finished_at = NULL
WHERE room = $1 AND target = $2 AND (status = 'pending' OR (status = 'failed' AND finished_at >= $4))
"""
# A person wants calls made again, delivered or not. The filters are null where they were not given.
REDELIVER = """
UPDATE calls SET status = 'pending', attempts = 0, next_at = $2, finished_at = NULL WHERE room = $1
AND ($3::text IS NULL OR id = $3) AND ($4::text IS NULL OR key = $4) AND ($5::text IS NULL OR target = $5)
AND ($6::text IS NULL OR status = $6) AND ($7::text IS NULL OR about ->> 'member' = $7) RETURNING 1
"""
# One page of calls, the newest first.
PAGE = """
SELECT pos, id, key, lane, target, about, status, attempts, next_at, created_at, finished_at FROM calls WHERE room = $1
AND ($2::text IS NULL OR key = $2) AND ($3::text IS NULL OR target = $3) AND ($4::text IS NULL OR status = $4)
AND ($5::text IS NULL OR about ->> 'member' = $5) AND ($6::bigint IS NULL OR pos < $6) ORDER BY pos DESC LIMIT $7
"""
ATTEMPTS = (
    "SELECT call_id, number, at, outcome, note, seconds FROM attempts WHERE call_id = ANY($1) ORDER BY at, number"
)
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
    due: datetime
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one attempt. `final` failures are never tried again; `retry_after` is the other side's wish, in seconds.

    `hold` says that no attempt was made or counts, and that the call waits until someone lets it go.
    """

    delivered: bool
    note: str
    final: bool = False
    retry_after: float | None = None
    hold: bool = False


def writes(room: str, calls: Sequence[tuple[Incoming, Call]], now: datetime) -> list[Write]:
    """What puts calls into the table; one that is there already is not repeated."""
    rows = [
        (
            call.id,
            room,
            fact.key,
            call.lane,
            call.target,
            as_json(call.body),
            as_json(call.about),
            now,
            now,
            fact.traceparent,
        )
        for fact, call in calls
    ]
    return [Write(INSERT, [column(rows, index) for index in range(10)])] if rows else []


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
                row["next_at"],
                row["traceparent"],
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


async def hold(tx: Tx, call: Waiting, until: datetime) -> None:
    """Look at the call again at `until`; it has lost no attempt."""
    await tx.execute(HOLD, call.id, until, call.due)


async def let_go(tx: Tx, room: str, target: str, now: datetime, since: datetime | None) -> None:
    """Make the calls to `target` that wait, and those that were given up since `since`, as if they were new."""
    await tx.execute(LET_GO, room, target, now, since)


async def redeliver(
    tx: Tx,
    room: str,
    now: datetime,
    *,
    id: str | None = None,
    key: str | None = None,
    target: str | None = None,
    status: str | None = None,
    member: str | None = None,
) -> int:
    """Make the calls that fit again, each with its identity and in the order of its key; how many there are."""
    return len(await tx.fetch(REDELIVER, room, now, id, key, target, status, member))


async def page(
    tx: Tx,
    room: str,
    *,
    key: str | None,
    target: str | None,
    status: str | None,
    member: str | None,
    before: int | None,
    limit: int,
) -> list[dict[str, Any]]:
    """The newest calls that fit, each with every attempt at it; `pos` is its place."""
    rows = await tx.fetch(PAGE, room, key, target, status, member, before, limit)
    made: dict[str, list[dict[str, Any]]] = {row["id"]: [] for row in rows}
    for row in await tx.fetch(ATTEMPTS, list(made)):
        made[row["call_id"]].append({name: value for name, value in row.items() if name != "call_id"})
    return [{**dict(row), "about": json.loads(row["about"]), "made": made[row["id"]]} for row in rows]


def fact_of(call: Waiting, result: Result, now: datetime) -> Incoming:
    """What came of a call, as a fact of its room."""
    came = "delivered" if result.delivered else "held" if result.hold else "failed"
    return Incoming(
        key=call.key,
        type=f"call.{came}",
        id=f"call:{call.id}:{call.attempts + 1}",
        at=now,
        data={"id": call.id, "lane": call.lane, "target": call.target, "note": result.note, **call.about},
    )
