"""Tables and queries: tickets, their timeline, the answers to repeated submissions; and the state desk's cases and wishes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from intake.handlers import CASES_ON, TICKETS_ON
from intake.tickets import DOCUMENTS, Entry
from tierline.desk import wishes
from tierline.desk.cases import Case, case_room
from tierline.domain.events import decode
from tierline.domain.words import Desk
from tierline.kit.database import Tx
from tierline.kit.pages import cursor, moment, position
from tierline.kit.room import Room
from tierline.kit.writing import Write

# What happened, in the order of the facts that tell it.
ADD = """
INSERT INTO timeline (ticket_id, member, public, entry)
SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::json[])
"""
TIMELINE = "SELECT entry FROM timeline WHERE ticket_id = $1 AND (public OR $2) ORDER BY xid, pos LIMIT 1000"
# The whole history, for an export.
HISTORY = "SELECT entry FROM timeline WHERE ticket_id = $1"
# Who has waited longest for a step that a desk owes.
LATE = "SELECT key FROM tickets WHERE waits_since < $1 ORDER BY waits_since LIMIT $2"
# What is new behind a cursor, as far as no open transaction can still put something before it.
FEED = """
SELECT timeline.xid::text AS after_xid, pos, entry FROM timeline
WHERE (timeline.xid, pos) > ($1::text::xid8, $2) AND timeline.xid < pg_snapshot_xmin(pg_current_snapshot())
AND ($3::text IS NULL OR ticket_id = $3) AND ($4::text IS NULL OR member = $4) AND (public OR $5)
ORDER BY timeline.xid, pos LIMIT 100
"""
NOW = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
# The first to use a key for submitting; the others find what it got.
CLAIM_KEY = """
INSERT INTO idempotency (caller, key, fingerprint, ticket_id, answer) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING 1
"""
USED_KEY = "SELECT fingerprint, answer FROM idempotency WHERE caller = $1 AND key = $2"
PAGE = """
SELECT key, doc, submitted_at FROM tickets
WHERE ($1::text IS NULL OR member = $1) AND ($2::text IS NULL OR status = $2)
AND ($3::text IS NULL OR component = $3) AND ($4::text IS NULL OR desk = $4) AND ($5::text IS NULL OR email = $5)
AND ($6::timestamptz IS NULL OR (submitted_at, key) < ($6, $7::text))
ORDER BY submitted_at DESC, key DESC LIMIT $8
"""


def _add_entries(entries: Sequence[Entry]) -> Sequence[Write]:
    columns = zip(*((entry.ticket_id, entry.member, entry.public, entry.stored()) for entry in entries), strict=True)
    return [Write(ADD, [list(values) for values in columns])]


TICKETS = Room("tickets", DOCUMENTS, TICKETS_ON, decode, write_rows=_add_entries)
CASES = replace(case_room(Case, Desk.STATE, CASES_ON), write_rows=wishes.writes)


async def page(
    tx: Tx,
    *,
    member: str | None,
    status: str | None,
    component: str | None,
    desk: str | None,
    email: str | None,
    after: str | None,
    limit: int,
) -> tuple[list[Any], str | None]:
    """One page of tickets, the newest first, and the cursor of the next one."""
    start = position(after, str, str) or [None, None]
    if start[0] is not None:
        start[0] = moment(start[0])
    rows = await tx.fetch(PAGE, member, status, component, desk, email, *start, limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    following = cursor(last["submitted_at"].isoformat(), last["key"]) if last else None
    return [TICKETS.documents.read(row["doc"]) for row in rows[:limit]], following
