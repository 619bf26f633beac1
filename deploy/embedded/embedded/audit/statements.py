"""What the audit asks. Every answer is ordered by the ticket's id, byte by byte, so that all can be merged; `$1` are the
tickets to look at, or null for all."""

from tierline.domain.events import TOPICS

TOPICS_AS_TEXT = ", ".join(f"'{topic}'" for topic in TOPICS)

ORDER = 'ORDER BY key COLLATE "C"'
ONLY = "($1::text[] IS NULL OR key = ANY($1))"

TICKETS = f"SELECT key, version, status, desk FROM tickets WHERE {ONLY} {ORDER}"  # noqa: S608
HELD = f"SELECT key, version, status FROM cases WHERE held AND {ONLY} {ORDER}"  # noqa: S608
TELLINGS = f"""
SELECT key, (doc ->> 'version')::bigint AS version, untold, doc ->> 'cause' AS cause FROM tellings WHERE {ONLY} {ORDER}
"""  # noqa: S608
PENDING = f"""
SELECT key, count(*) AS pending FROM calls WHERE status = 'pending' AND {ONLY} GROUP BY key {ORDER}
"""  # noqa: S608
DEADLINES = f"SELECT key, room || '/' || name AS name, due_at FROM timers WHERE {ONLY} {ORDER}"  # noqa: S608
UNPUBLISHED = f"""
SELECT key, min(time) AS since FROM (SELECT aggregateid AS key, time FROM outbox WHERE published_at IS NULL) AS o
WHERE {ONLY} GROUP BY key {ORDER}
"""  # noqa: S608
PARKED = f"""
SELECT DISTINCT ON (key COLLATE "C") key, coalesce(reason, '')
|| CASE WHEN dead_at IS NULL THEN '' ELSE ' (dead letter)' END AS reason FROM parked WHERE {ONLY} {ORDER}, pos
"""  # noqa: S608
PATH = "SELECT doc #>> '{file,path}' AS path FROM tickets WHERE key = $1"

# The facts on the topics as a table, from the event log. What cannot be read there is a dead letter of its reader.
# A fact that the watchdog told again, under a new id, is marked as `repeated`.
LOG = f"""
(SELECT topic, key AS raw, headers ->> 'ce_subject' AS key, headers ->> 'ce_id' AS id, headers ->> 'ce_type' AS type,
coalesce(headers ->> 'ce_route', '') AS route, headers ->> 'ce_repeated' IS NOT NULL AS repeated,
CASE WHEN headers ->> 'ce_sequence' ~ '^[0-9]{{1,18}}$' THEN (headers ->> 'ce_sequence')::bigint END AS sequence
FROM event_log WHERE topic = ANY(ARRAY[{TOPICS_AS_TEXT}])) AS told
"""  # noqa: S608
# The same, gathered from Kafka into a table that ends with the audit's connection.
GATHER = """
CREATE TEMPORARY TABLE audit_told
(topic text, key text, id text, type text, route text, repeated boolean, sequence bigint)
"""
GATHERED = "(SELECT *, convert_to(key, 'UTF8') AS raw FROM audit_told) AS told"

# `{told}` is one of the two. Exactly, for a few tickets:
STEPS = """
SELECT key COLLATE "C" AS key, min(sequence) AS first, max(sequence) AS last, count(DISTINCT sequence) AS versions,
count(DISTINCT id) FILTER (WHERE NOT repeated) AS facts
FROM {told} WHERE raw = ANY($3) AND type = ANY($2) AND key = ANY($1) GROUP BY 1 ORDER BY 1
"""
# And quickly for all: where the sums are not those of 1, 2, 3... the ticket is looked at exactly afterwards.
# (OFFSET 0 keeps PostgreSQL from reading the headers again for each of the sums.)
STEPS_QUICKLY = """
SELECT key COLLATE "C" AS key, count(*) AS many, max(sequence) AS last, sum(sequence)::bigint AS plain,
sum(sequence * sequence)::bigint AS squares
FROM (SELECT key, sequence FROM {told} WHERE type = ANY($1) AND NOT repeated AND sequence < 1000000 OFFSET 0) AS step
GROUP BY 1 ORDER BY 1
"""

# What was told and what had its effect, as sums that can be compared without carrying every id from one to the other.
# A span is the time in which an id was made, some 17 minutes.
TOLD_SUMS = """
SELECT topic, type, route, left(id, 7) AS span, count(*) AS many, bit_xor(hashtextextended(id, 0)) AS mark
FROM (SELECT topic, type, route, id FROM {told} WHERE type = ANY($1) AND id > $2 OFFSET 0) AS told GROUP BY 1, 2, 3, 4
"""
APPLIED_SUMS = """
SELECT left(event_id, 7) AS span, count(*) AS many, bit_xor(hashtextextended(event_id, 0)) AS mark
FROM inbox WHERE consumer = $1 GROUP BY 1
"""
TOLD_IN_SPANS = """
SELECT topic, key, id, type, route FROM {told} WHERE type = ANY($1) AND id > $2 AND left(id, 7) = ANY($3)
"""
NOT_APPLIED = """
SELECT id FROM unnest($2::text[]) AS id WHERE NOT EXISTS (SELECT FROM inbox WHERE consumer = $1 AND event_id = id)
"""
