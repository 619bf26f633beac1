"""Tables and queries: the cases, the vendors and their endpoints, what vendors sent."""

from typing import Any

from tier3_liaison.cases import VendorCase
from tier3_liaison.handlers import ON
from tierline.desk.cases import case_room
from tierline.domain.words import Desk
from tierline.kit.database import Tx

CASES = case_room(VendorCase, Desk.TIER3, ON)

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
VENDOR = "SELECT slug, url, secrets FROM vendors WHERE slug = $1"
VENDORS = "SELECT slug, url, cardinality(secrets) AS secrets, updated_at FROM vendors ORDER BY slug"
# The newest secret first; two stay valid, so that a rotation overlaps.
PUT_VENDOR = """
INSERT INTO vendors (slug, url, secrets) VALUES ($1, $2, ARRAY[$3])
ON CONFLICT (slug) DO UPDATE SET url = excluded.url, updated_at = now(),
secrets = CASE WHEN $3 = ANY(vendors.secrets) THEN vendors.secrets ELSE (ARRAY[$3] || vendors.secrets)[1:2] END
"""
RECEIVE = "INSERT INTO webhook_inbox (vendor, webhook_id, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1"
CALLS = """
SELECT id, key, target, about, status, attempts, next_at, created_at, finished_at FROM calls
WHERE ($1::text IS NULL OR key = $1) AND ($2::text IS NULL OR target = $2) AND ($3::text IS NULL OR status = $3)
ORDER BY pos DESC LIMIT 100
"""


async def vendor(tx: Tx, slug: str) -> dict[str, Any] | None:
    """A vendor's endpoint and secrets; None where there is no such vendor."""
    row = await tx.fetchrow(VENDOR, slug)
    return dict(row) if row else None
