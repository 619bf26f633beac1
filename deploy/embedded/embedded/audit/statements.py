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
# A deadline whose rule fails is put back by a minute, each time: it has passed, whenever it is due next.
DEADLINES = f"""
SELECT key, room || '/' || name AS name, CASE WHEN attempts = 0 THEN due_at END AS due_at FROM timers WHERE {ONLY} {ORDER}
"""  # noqa: S608
# Where the sweeper's next batch ends: it takes the longest overdue first, and the others wait their turn.
NEXT_BATCH_ENDS = "SELECT due_at FROM timers ORDER BY due_at OFFSET $1 LIMIT 1"
UNPUBLISHED = f"""
SELECT key, min(time) AS since FROM (SELECT aggregateid AS key, time FROM outbox WHERE published_at IS NULL) AS o
WHERE {ONLY} GROUP BY key {ORDER}
"""  # noqa: S608
PARKED = f"""
SELECT DISTINCT ON (key COLLATE "C") key, coalesce(reason, '')
|| CASE WHEN dead_at IS NULL THEN '' ELSE ' (dead letter)' END AS reason FROM parked WHERE {ONLY} {ORDER}, pos
"""  # noqa: S608
PATH = "SELECT doc #>> '{file,path}' AS path FROM tickets WHERE key = $1"


def fields(column: str, alias: str, names: str) -> str:
    """These fields of a json column, as text, read once for each row; which is most of the audit's work.

    Somebody may have written a row by hand: what PostgreSQL would stop at is read as holding nothing.
    """
    readable = f"{column}::text NOT LIKE '%\\\\u%' OR pg_input_is_valid({column}::text, 'jsonb')"
    safe = f"CASE WHEN json_typeof({column}) = 'object' AND ({readable}) THEN {column} ELSE '{{}}' END"
    return f"json_to_record({safe}) AS {alias} ({', '.join(f'{name} text' for name in names.split())})"


def number(field: str) -> str:
    """A field as a number; null where it is none."""
    return f"CASE WHEN ltrim({field}, '0123456789') = '' AND length({field}) BETWEEN 1 AND 18 THEN {field}::bigint END"


# The facts on the topics as a table, from the event log. What cannot be read there is a dead letter of its reader.
# A fact that the watchdog told again, under a new id, is marked as `repeated`.
LOG = f"""
(SELECT topic, key AS raw, ce_subject AS key, ce_id AS id, ce_type AS type, coalesce(ce_route, '') AS route,
ce_repeated IS NOT NULL AS repeated, {number("ce_sequence")} AS sequence, at
FROM event_log, {fields("headers", "header", "ce_subject ce_id ce_type ce_route ce_repeated ce_sequence")}
WHERE topic = ANY(ARRAY[{TOPICS_AS_TEXT}]) AND convert_to(ce_subject, 'UTF8') = key AND ce_id <> '') AS told
"""  # noqa: S608
# The same, gathered from Kafka into a table that ends with the audit's connection.
GATHER = """
CREATE TEMPORARY TABLE audit_told
(topic text, key text, id text, type text, route text, repeated boolean, sequence bigint)
"""
GATHERED = "(SELECT *, convert_to(key, 'UTF8') AS raw, 'infinity'::timestamptz AS at FROM audit_told) AS told"

# `{told}` is one of the two. Exactly, for a few tickets:
STEPS = """
SELECT key COLLATE "C" AS key, min(sequence) AS first, max(sequence) AS last, count(DISTINCT sequence) AS versions,
count(DISTINCT id) FILTER (WHERE NOT repeated) AS facts
FROM {told} WHERE raw = ANY($3) AND type = ANY($2) AND key = ANY($1) GROUP BY 1 ORDER BY 1
"""
# And quickly for all, in one reading: for each ticket, whether its versions are 1, 2, 3... as their sums say (where they are
# not, it is looked at exactly afterwards); and before all tickets, under no ticket's id, what was told, as sums that
# can be compared with what was applied without carrying every id from one to the other. A span is the time in which
# an id was made, some 17 minutes. (OFFSET 0 keeps PostgreSQL from reading the headers again for each of the sums.)
TOLD_QUICKLY = """
SELECT coalesce(key, '') COLLATE "C" AS key, topic, type, route, span, many, mark, steps, last, plain, squares FROM (
SELECT key, topic, type, route, left(id, 7) AS span, count(*) AS many, bit_xor(hashtextextended(id, 0)) AS mark,
count(step) AS steps, max(step) AS last, sum(step)::bigint AS plain, sum(step * step)::bigint AS squares
FROM (SELECT key, topic, type, route, id,
CASE WHEN type = ANY($1) AND NOT repeated AND sequence < 1000000 THEN sequence END AS step FROM {told} OFFSET 0) AS told
GROUP BY GROUPING SETS ((1), (2, 3, 4, 5))) AS told WHERE key IS NULL OR steps > 0 ORDER BY 1
"""
APPLIED_SUMS = """
SELECT left(event_id, 7) AS span, count(*) AS many, bit_xor(hashtextextended(event_id, 0)) AS mark
FROM inbox WHERE consumer = $1 GROUP BY 1
"""
TOLD_IN_SPANS = """
SELECT topic, key, id, type, route FROM {told} WHERE type = ANY($1) AND id > $2 AND left(id, 7) = ANY($3)
AND at >= $4
"""
NOT_APPLIED = """
SELECT id FROM unnest($2::text[]) AS id WHERE NOT EXISTS (SELECT FROM inbox WHERE consumer = $1 AND event_id = id)
"""

# The histories. FACTS are in the timeline, and each ticket holds how many they are and the hash of the last as its head.
FACTS = f"""
SELECT ticket_id, {number("number")} AS number, before, hash FROM timeline, {fields("entry", "fact", "number before hash")}
WHERE hash <> ''
"""  # noqa: S608
HEADS = f"SELECT key, {number('facts')} AS facts, head FROM tickets, {fields('doc', 'ticket', 'facts head')}"  # noqa: S608
# As sums by the time in which the ticket's id was made: each fact leaves two marks, that of its own number and hash,
# and that of the number and the hash before it. In a chain all of these are there twice and cancel each other, but
# for the beginning and the end, and the end is the head. One picture of one database: nothing moves.
ALTERED_SPANS = f"""
SELECT coalesce(facts.span, heads.span) AS span FROM (SELECT left(ticket_id, 7) AS span, count(*) AS many, bit_xor(
hashtextextended(ticket_id || number || hash, 0) # hashtextextended(ticket_id || (number - 1) || before, 0)) AS mark
FROM ({FACTS} OFFSET 0) AS fact GROUP BY 1) AS facts FULL JOIN (SELECT left(key, 7) AS span, sum(facts) AS many, bit_xor(
hashtextextended(key || facts || head, 0) # hashtextextended(key || 0, 0)) AS mark
FROM ({HEADS} OFFSET 0) AS head GROUP BY 1) AS heads ON heads.span = facts.span
WHERE (facts.many, facts.mark) IS DISTINCT FROM (heads.many, heads.mark) AND coalesce(facts.many, heads.many) > 0
"""  # noqa: S608
# And each fact, where the sums differ.
LINKS_IN_SPANS = f"""
SELECT coalesce(ticket_id, key) COLLATE "C" AS key, facts, head, number, before, hash
FROM ({FACTS} AND left(ticket_id, 7) = ANY($1)) AS fact
FULL JOIN ({HEADS} WHERE left(key, 7) = ANY($1)) AS head ON key = ticket_id ORDER BY 1, number
"""  # noqa: S608
# All that they say.
ENTRIES = "SELECT ticket_id, public, entry FROM timeline WHERE pos > $1 AND pos <= $2 ORDER BY pos"
ENDS = "SELECT coalesce(min(pos), 1) - 1 AS before, coalesce(max(pos), 0) AS last FROM timeline"
