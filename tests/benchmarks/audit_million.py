"""How long the audit takes on many tickets, and in how much memory: `audit_million.py [TICKETS]`, a million by default.

The tickets are made by SQL, with documents and events of a plausible size: a quarter is open at Tier 1, the others were
resolved and told. One resolved ticket in 100,000 is then broken, so that a silent audit cannot pass for a quick one.
"""

import asyncio
import resource
import sys
import time
from datetime import UTC, datetime

import asyncpg

from embedded.audit.auditing import audit
from embedded.server import HOUSE
from stand import stand
from tierline.kit import bus_postgres_sql
from tierline.kit.migrate import migrate

ID = """
CREATE FUNCTION pg_temp.id(i int, k int) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-7000-8000-' || lpad(to_hex(i), 8, '0') || lpad(to_hex(k), 4, '0')
FROM (SELECT lpad(to_hex({base}::bigint + i * 100), 12, '0') AS h) AS t $$
"""
FACTS = [
    (1, "tickets.intake", "ticket.submitted", "tier1", 1, "true"),
    (2, "tickets.tier1", "case.accepted", "", 2, "true"),
    (3, "tickets.tier1", "case.resolved", "", 3, "i % 4 > 0"),
    (4, "tickets.notifier", "notice.delivered", "", 1, "true"),
    (5, "tickets.notifier", "notice.delivered", "", 3, "i % 4 > 0"),
]
READ_BY = {"intake": [2, 3, 4, 5], "tier1": [1], "notifier": [1, 2, 3]}
OPEN = "i % 4 = 0"
TABLES = {
    "intake": """
INSERT INTO tickets SELECT pg_temp.id(i, 0), json_build_object('file', json_build_object('path', json_build_array('tier1')),
'text', repeat('word ', 200)), 'alder', 'item-authoring', CASE WHEN {open} THEN 'open' ELSE 'resolved' END,
CASE WHEN {open} THEN 'tier1' END, 'a@b.example', CASE WHEN {open} THEN 2 ELSE 3 END, now() FROM generate_series(1, {many}) AS i;
INSERT INTO timers SELECT 'tickets', pg_temp.id(i, 0), 'close', now() + interval '9 days', '{{}}'
FROM generate_series(1, {many}) AS i WHERE NOT {open};
DELETE FROM tickets WHERE key IN (SELECT pg_temp.id(i * 100000 - 1, 0) FROM generate_series(1, {many} / 100000) AS i)
""",
    "tier1": """
INSERT INTO cases SELECT pg_temp.id(i, 0), json_build_object('text', repeat('word ', 200)), 'alder', 'item-authoring',
CASE WHEN {open} THEN 'open' ELSE 'resolved' END, {open}, NULL, 1, NULL, CASE WHEN {open} THEN 2 ELSE 3 END
FROM generate_series(1, {many}) AS i;
INSERT INTO timers SELECT 'cases', pg_temp.id(i, 0), 'allowed', now() + interval '9 days', '{{}}'
FROM generate_series(1, {many}) AS i WHERE {open}
""",
    "notifier": """
INSERT INTO tellings SELECT pg_temp.id(i, 0), json_build_object('version', CASE WHEN {open} THEN 2 ELSE 3 END, 'cause', '',
'text', repeat('word ', 40)), 'alder', 'open', false FROM generate_series(1, {many}) AS i
""",
}


async def main(many: int) -> None:
    """Make the tickets, audit them, say what it took."""
    async with stand() as made:
        await made.start()
        addresses = {service.name: made.addresses[service.name] for service in HOUSE}
        await migrate(*((addresses[service.name], service.migrations) for service in HOUSE))
        base = int((time.time() - 3 * 86400) * 1000)
        began = time.monotonic()
        await asyncio.gather(*(fill(addresses[service.name], service.name, many, base) for service in HOUSE))
        bus = made.addresses["intake:events"]
        await publish(bus, many, base)
        print(f"{many:,} tickets made in {time.monotonic() - began:.0f} s")
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        report = await audit(addresses, bus, lambda: datetime.now(UTC), pause=1)
        took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"audited {report.tickets:,} in {took:.1f} s, memory {before // 1024} -> {after // 1024} MiB")
        print("\n".join(report.lines()))


async def fill(address: str, service: str, many: int, base: int) -> None:
    """One service's database."""
    held = await asyncpg.connect(address)
    await held.execute(ID.format(base=base))
    if service in TABLES:
        await held.execute(TABLES[service].format(many=many, open=OPEN))
    for number, _, _, _, _, when in FACTS:
        if number in READ_BY.get(service, ()):
            await held.execute(
                f"INSERT INTO inbox SELECT '{service}', pg_temp.id(i, {number}) FROM generate_series(1, {many}) AS i WHERE {when}"
            )
    await held.execute("ANALYZE")
    await held.close()


async def publish(bus: str, many: int, base: int) -> None:
    """The event log."""
    held = await asyncpg.connect(bus)
    await held.execute(bus_postgres_sql.SCHEMA)
    await held.execute(ID.format(base=base))
    for number, topic, name, route, sequence, when in FACTS:
        await held.execute(f"""
INSERT INTO event_log (topic, key, headers, value) SELECT '{topic}', pg_temp.id(i, 0)::bytea, json_build_object(
'ce_specversion', '1.0', 'ce_id', pg_temp.id(i, {number}), 'ce_type', 'tierline.{name}.v1', 'ce_source', '/tierline/x',
'ce_subject', pg_temp.id(i, 0), 'ce_time', '2026-11-23T09:00:00Z', 'ce_sequence', '{sequence}', 'ce_route', '{route}'),
repeat('word ', 120)::bytea FROM generate_series(1, {many}) AS i WHERE {when}""")
    await held.execute("ANALYZE")
    await held.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
