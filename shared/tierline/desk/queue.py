"""A desk's queue: what it holds, the most urgent first."""

from datetime import datetime
from typing import Any

from tierline.kit.database import Tx
from tierline.kit.pages import cursor, moment, position

# One page of cases: by urgency, then by deadline. The filters are null where they were not given.
PAGE = """
SELECT key, doc, urgency, coalesce(due_at, 'infinity') AS due FROM cases
WHERE ($1::text IS NULL OR member = $1) AND ($2::text IS NULL OR status = $2) AND held = $3
AND ($4::text IS NULL OR component = $4) AND ($5::text IS NULL OR assignee = $5)
AND ($6::boolean IS NULL OR $6 = coalesce(due_at < $7, false))
AND ($8::int IS NULL OR (urgency, coalesce(due_at, 'infinity'), key) > ($8, $9::timestamptz, $10::text))
ORDER BY urgency, coalesce(due_at, 'infinity'), key LIMIT $11
"""


async def page(
    tx: Tx,
    *,
    member: str | None,
    status: str | None,
    held: bool,
    component: str | None,
    assignee: str | None,
    overdue: bool | None,
    now: datetime,
    after: str | None,
    limit: int,
) -> tuple[list[str], str | None]:
    """The documents of one page, and the cursor of the next one. Raises `Invalid` for a cursor that is none of ours."""
    start = position(after, int, str, str) or [None, None, None]
    if start[1] is not None:
        start[1] = moment(start[1])
    rows = await tx.fetch(PAGE, member, status, held, component, assignee, overdue, now, *start, limit + 1)
    more = len(rows) > limit
    documents = [row["doc"] for row in rows[:limit]]
    return documents, _behind(rows[limit - 1]) if more else None


def _behind(row: Any) -> str:
    due = row["due"]
    return cursor(row["urgency"], due.isoformat() if due.year < 9000 else "infinity", row["key"])
