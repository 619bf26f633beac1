"""Tables and queries: the cases, the vendors and their endpoints, what vendors sent, what they were told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tier3_liaison.cases import VendorCase
from tier3_liaison.closing import Place
from tier3_liaison.handlers import ON
from tier3_liaison.liaisons import look_up
from tier3_liaison.records import Disclosure
from tier3_liaison.registry import Endpoint
from tierline.desk import wishes
from tierline.desk.cases import case_room
from tierline.domain.words import Component, Desk
from tierline.kit.database import Tx

VENDORS_TABLE = """
CREATE TABLE vendors (
    slug text PRIMARY KEY,
    url text NOT NULL,
    secrets text[] NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE webhook_inbox (
    vendor text NOT NULL,
    webhook_id text NOT NULL,
    body bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (vendor, webhook_id)
);
"""
FIELDS = "slug, url, secrets, overlap_until, failing_since, disabled_at, disabled_why"
VENDOR = f"SELECT {FIELDS} FROM vendors WHERE slug = $1"  # noqa: S608 - our own constant
# The registry as people read it, with how many calls wait for each endpoint.
VENDORS = f"""
SELECT {FIELDS}, updated_at, (SELECT count(*) FROM calls WHERE target = slug AND status = 'pending') AS waiting
FROM vendors ORDER BY slug
"""  # noqa: S608
PUT_VENDOR = """
INSERT INTO vendors (slug, url, secrets, overlap_until, failing_since, disabled_at, disabled_why)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (slug) DO UPDATE SET url = excluded.url, secrets = excluded.secrets, overlap_until = excluded.overlap_until,
failing_since = excluded.failing_since, disabled_at = excluded.disabled_at, disabled_why = excluded.disabled_why,
updated_at = now()
"""
# How an endpoint does; a change that a person made meanwhile stands.
NOTE_HEALTH = """
UPDATE vendors SET failing_since = $3, disabled_at = $4, disabled_why = $5 WHERE slug = $1 AND url = $2
AND disabled_at IS NULL RETURNING 1
"""
# For each component of a member, how many calls to a vendor wait.
WAITING = """
SELECT cases.member, cases.component, count(*) FROM calls JOIN cases USING (key)
WHERE calls.target = $1 AND calls.status = 'pending' GROUP BY 1, 2
"""
# What each liaison heard last of each vendor's endpoint.
TOLD = """
SELECT DISTINCT ON (about ->> 'vendor', target) about ->> 'vendor' AS vendor, id, about ->> 'type' AS type, target AS "to",
status, attempts, created_at, finished_at FROM calls WHERE lane = 'mail' ORDER BY about ->> 'vendor', target, pos DESC
"""
CLOSED = "SELECT count(*) FROM vendors WHERE disabled_at IS NOT NULL"
RECEIVE = "INSERT INTO webhook_inbox (vendor, webhook_id, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1"
DISCLOSE = """
INSERT INTO disclosures (call_id, ticket_id, member, vendor, at, type, fields, removed, why)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
"""
# What was disclosed of a ticket, oldest first; `sent_at` stays empty until the vendor has taken it.
DISCLOSURES = """
SELECT d.call_id, d.ticket_id, d.member, d.vendor, d.at, d.type, d.fields, d.removed, d.why, c.status,
       CASE WHEN c.status = 'delivered' THEN c.finished_at END AS sent_at
FROM disclosures AS d LEFT JOIN calls AS c ON c.id = d.call_id
WHERE ($1::text IS NULL OR d.ticket_id = $1) AND ($2::text IS NULL OR d.vendor = $2)
AND ($3::text IS NULL OR d.member = $3) AND ($4::timestamptz IS NULL OR (d.at, d.call_id) > ($4, $5::text))
ORDER BY d.at, d.call_id LIMIT $6
"""


async def vendor(tx: Tx, slug: str, *, lock: bool = False) -> Endpoint | None:
    """A vendor's endpoint; None where there is no such vendor."""
    row = await tx.fetchrow(VENDOR + (" FOR UPDATE" if lock else ""), slug)
    return Endpoint(**dict(row)) if row else None


async def put_vendor(tx: Tx, kept: Endpoint) -> None:
    """Keep an endpoint as it is now."""
    health = (kept.failing_since, kept.disabled_at, kept.disabled_why)
    await tx.execute(PUT_VENDOR, kept.slug, kept.url, list(kept.secrets), kept.overlap_until, *health)


async def note_health(tx: Tx, after: Endpoint) -> bool:
    """Keep how an endpoint does; False where a person changed or closed it meanwhile, and nothing was kept."""
    health = (after.failing_since, after.disabled_at, after.disabled_why)
    return await tx.fetchval(NOTE_HEALTH, after.slug, after.url, *health) is not None


async def waiting(tx: Tx, vendor: str) -> dict[Place, int]:
    """Where calls to a vendor wait, and how many."""
    rows = await tx.fetch(WAITING, vendor)
    return {Place(member, Component(component)): count for member, component, count in rows}


async def told(tx: Tx) -> dict[str, list[dict[str, Any]]]:
    """The last mail to each liaison about each vendor's endpoint."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in await tx.fetch(TOLD):
        found.setdefault(row["vendor"], []).append({name: value for name, value in row.items() if name != "vendor"})
    return found


async def save_rows(tx: Tx, rows: Sequence[Any]) -> None:
    """Keep what was disclosed."""
    disclosures = [tuple(row.model_dump().values()) for row in rows if isinstance(row, Disclosure)]
    if disclosures:
        await tx.executemany(DISCLOSE, disclosures)


async def disclosures(
    tx: Tx,
    ticket_id: str | None,
    vendor: str | None,
    member: str | None,
    after: tuple[datetime | None, str | None],
    limit: int,
) -> list[dict[str, Any]]:
    """What was disclosed, oldest first."""
    return [dict(row) for row in await tx.fetch(DISCLOSURES, ticket_id, vendor, member, *after, limit)]


CASES = replace(case_room(VendorCase, Desk.TIER3, ON), save_rows=save_rows, write_rows=wishes.writes, look_up=look_up)
