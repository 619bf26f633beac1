"""The statements of the event log, each with what it is for. The tables are in bus_postgres.sql.

Beware: no outer column may be called `xid` once it is text: ORDER BY would sort by the text, not by the
number.
"""

from importlib import resources

SCHEMA = resources.files("tierline.kit").joinpath("bus_postgres.sql").read_text(encoding="utf-8")

# Several services may start at the same moment: one does the work, the others find it done.
SCHEMA_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('event_log schema', 0))"
SCHEMA_THERE = "SELECT to_regclass('event_log') IS NOT NULL AND to_regclass('group_position') IS NOT NULL"

# Do numbers stand here that this server has not reached? Then the tables come from another server's backup,
# and as they are the old rows would never settle, and new ones would sort before them and never be read.
FOREIGN = """
SELECT EXISTS (
    SELECT FROM event_log WHERE topic = ANY ($1) AND xid >= pg_snapshot_xmax(pg_current_snapshot())
) OR EXISTS (
    SELECT FROM group_position WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())
)
"""

# Put restored rows before all new ones, in the order of `pos`, which is right for each key. A group goes
# back to just before the first row it had not read: it may read some rows twice, and misses none.
ADOPT = """
UPDATE group_position AS g SET xid = '0', pos = coalesce(
    (SELECT min(l.pos) - 1 FROM event_log AS l WHERE l.topic = g.topic AND (l.xid, l.pos) > (g.xid, g.pos)),
    (SELECT max(l.pos) FROM event_log AS l WHERE l.topic = g.topic),
    0);
UPDATE event_log SET xid = '0' WHERE xid <> '0';
"""

# One member of a group reads; the lock ends with its connection.
LEAD = "SELECT pg_try_advisory_lock(hashtextextended('event_log ' || $1, 0))"

# A group is known from the day it first reads, so that a purge spares what it has yet to read.
JOIN = """
INSERT INTO group_position (grp, topic) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING
"""

# One transaction, hence one number: within it `pos` follows the order given.
PUBLISH = """
INSERT INTO event_log (topic, key, headers, value)
SELECT topic, key, headers, value
FROM unnest($1::text[], $2::bytea[], $3::json[], $4::bytea[])
    WITH ORDINALITY AS given (topic, key, headers, value, nr)
ORDER BY nr
"""

# The settled rows after the group's position: one index range per topic, merged. And is there a committed row that is
# not settled yet? Then the next look comes soon. There is always a row for this answer, if need be an empty one.
READ = """
SELECT later.unsettled, settled.topic, settled.pos, settled.xid::text AS number,
    settled.key, settled.headers, settled.value
FROM (
    SELECT EXISTS (
        SELECT FROM event_log WHERE topic = ANY ($2) AND xid >= pg_snapshot_xmin(pg_current_snapshot())
    ) AS unsettled
) AS later
LEFT JOIN (
    SELECT e.*
    FROM group_position AS g
    CROSS JOIN LATERAL (
        SELECT l.* FROM event_log AS l
        WHERE l.topic = g.topic AND (l.xid, l.pos) > (g.xid, g.pos)
            AND l.xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY l.xid, l.pos
        LIMIT $3
    ) AS e
    WHERE g.grp = $1 AND g.topic = ANY ($2)
    ORDER BY e.xid, e.pos
    LIMIT $3
) AS settled ON true
ORDER BY settled.xid, settled.pos
"""

# The group has done everything up to here.
MOVE = """
UPDATE group_position AS g SET xid = done.number::xid8, pos = done.pos
FROM unnest($2::text[], $3::text[], $4::bigint[]) AS done (topic, number, pos)
WHERE g.grp = $1 AND g.topic = done.topic
"""

# What is old and was read by every group that ever read its topic. A topic without readers is kept.
PURGE = """
DELETE FROM event_log WHERE (topic, xid, pos) IN (
    SELECT l.topic, l.xid, l.pos FROM event_log AS l
    WHERE l.at < now() - $1::interval
        AND EXISTS (SELECT FROM group_position AS g WHERE g.topic = l.topic)
        AND NOT EXISTS (
            SELECT FROM group_position AS g WHERE g.topic = l.topic AND (g.xid, g.pos) < (l.xid, l.pos)
        )
    LIMIT $2
)
"""
