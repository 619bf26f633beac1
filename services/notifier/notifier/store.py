"""Tables and queries: what each reporter has been told, and the deliveries."""

from notifier.handlers import ON
from notifier.telling import DOCUMENTS
from tierline.domain.events import decode
from tierline.kit.room import Room

TELLINGS = Room("tellings", DOCUMENTS, ON, decode)

# One page of deliveries, the newest first.
DELIVERIES = """
SELECT pos, id, key AS ticket_id, lane AS channel, about, status, attempts, next_at, created_at, finished_at,
(SELECT note FROM attempts WHERE call_id = calls.id ORDER BY at DESC LIMIT 1) AS last_note
FROM calls WHERE ($1::text IS NULL OR key = $1) AND ($2::text IS NULL OR status = $2)
AND ($3::text IS NULL OR about ->> 'member' = $3) AND ($4::bigint IS NULL OR pos < $4) ORDER BY pos DESC LIMIT $5
"""
UNTOLD = "SELECT key, doc FROM tellings WHERE untold AND ($1::text IS NULL OR member = $1) ORDER BY key LIMIT 1000"
OF_MEMBER = "SELECT about ->> 'member' FROM calls WHERE id = $1"
