"""Durable timers: a deadline is a row. The sweeper sleeps until the next one is due, and fires each due one once.

After an outage every deadline that passed meanwhile fires once, and its fact records how late it is.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from tierline.kit.corridor import Incoming, Timer
from tierline.kit.crashing import point
from tierline.kit.database import Database, Tx, as_json, column
from tierline.kit.writing import Write

BATCH = 200

# Start, or move, a batch of deadlines.
SET = """
INSERT INTO timers (room, key, name, due_at, data)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::json[])
ON CONFLICT (room, key, name) DO UPDATE SET due_at = excluded.due_at, data = excluded.data, attempts = 0
"""
STOP = "DELETE FROM timers WHERE room = $1 AND (key, name) IN (SELECT * FROM unnest($2::text[], $3::text[]))"
# Which deadlines have passed, the longest overdue first.
# Those of a room that this release does not know are another's: they must not keep the others from being seen.
DUE = """
SELECT room, key, name, due_at, data FROM timers WHERE due_at <= $1 AND room = ANY($2) ORDER BY due_at LIMIT $3
"""
# Take the deadlines that are still as they were seen; one that was moved meanwhile is not taken.
TAKE = """
DELETE FROM timers WHERE room = $1 AND (key, name, due_at) IN
(SELECT * FROM unnest($2::text[], $3::text[], $4::timestamptz[])) RETURNING key, name
"""
# A deadline whose rule failed comes back a minute later; one that was set anew meanwhile stands.
RESTORE = """
INSERT INTO timers (room, key, name, due_at, data, attempts) VALUES ($1, $2, $3, $4, $5, 1) ON CONFLICT DO NOTHING
"""
NEXT = "SELECT min(due_at) FROM timers WHERE room = ANY($1)"


def writes(room: str, timers: Mapping[tuple[str, str], Timer | None]) -> list[Write]:
    """What starts, moves and stops deadlines."""
    stopped = [name for name, timer in timers.items() if timer is None]
    rows = [(key, name, timer.due, as_json(dict(timer.data))) for (key, name), timer in timers.items() if timer]
    stop = [Write(STOP, [room, column(stopped, 0), column(stopped, 1)])] if stopped else []
    return [*stop, Write(SET, [room, *(column(rows, index) for index in range(4))])] if rows else stop


async def due(database: Database, now: datetime, rooms: Collection[str]) -> dict[str, list[Incoming]]:
    """The facts of these rooms' deadlines that have passed, by room. Each says in its data how many seconds `late` it is."""
    async with database.connection() as held:
        rows = await held.fetch(DUE, now, list(rooms), BATCH)
    facts: dict[str, list[Incoming]] = {}
    for row in rows:
        late = max(0.0, (now - row["due_at"]).total_seconds())
        facts.setdefault(row["room"], []).append(
            Incoming(
                key=row["key"],
                type=f"timer.{row['name'].partition(':')[0]}",
                id=f"timer:{row['key']}:{row['name']}:{row['due_at'].isoformat()}",
                at=row["due_at"],
                data={**json.loads(row["data"]), "late": late, "timer": row["name"]},
            )
        )
    return facts


async def take(tx: Tx, room: str, facts: Sequence[Incoming]) -> list[Incoming]:
    """Take these deadlines in this transaction; those that were moved or stopped meanwhile are left out."""
    keys, names, dues = [f.key for f in facts], [f.data["timer"] for f in facts], [f.at for f in facts]
    taken = {(row["key"], row["name"]) for row in await tx.fetch(TAKE, room, keys, names, dues)}
    point("timer.taken")
    return [fact for fact in facts if (fact.key, fact.data["timer"]) in taken]


async def restore(tx: Tx, room: str, fact: Incoming, now: datetime) -> None:
    """Let a deadline whose rule failed come again in a minute."""
    kept = {name: value for name, value in fact.data.items() if name not in {"late", "timer"}}
    await tx.execute(RESTORE, room, fact.key, fact.data["timer"], now + timedelta(minutes=1), as_json(kept))


async def seconds_to_next(database: Database, now: datetime, rooms: Collection[str], most: float) -> float:
    """How long until the next deadline, at most `most` seconds; 0 where one has passed."""
    async with database.connection() as held:
        following = await held.fetchval(NEXT, list(rooms))
    if following is None:
        return most
    wait: timedelta = following - now
    return min(most, max(0.0, wait.total_seconds()))
