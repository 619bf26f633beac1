"""Many tickets, made by SQL in the services' own tables: documents, facts and events of a plausible size, chained as real ones are.

A quarter is open at Tier 1, the others were resolved and told. The forms of what is kept come from the services' own
models. The tables are made without a write-ahead log, which is half the time of making them and changes nothing for a reader.
"""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta

import asyncpg

from embedded.server import HOUSE
from intake.tickets import Entry, Ticket
from tierline.domain import chain
from tierline.domain.case import CaseFile, Reporter
from tierline.domain.words import Component, Desk, Impact, Role, Status
from tierline.kit import bus_postgres_sql
from tierline.kit.migrate import migrate

NOW = datetime.now(UTC).replace(microsecond=1)
OPEN = "i % 4 = 0"
HELPERS = """
CREATE FUNCTION pg_temp.id(i int, k int) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT lpad(to_hex(({base}::bigint + i * 100) >> 16), 8, '0') || '-' || lpad(to_hex(({base}::bigint + i * 100) & 65535), 4, '0')
|| '-7000-8000-' || lpad(to_hex(i), 8, '0') || lpad(to_hex(k), 4, '0') $$;
CREATE FUNCTION pg_temp.about(form text, id text, before text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT replace(replace(form, '@ID@', id), '@BEFORE@', before) $$;
CREATE FUNCTION pg_temp.seal(form text, id text, before text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT encode(sha256(convert_to(pg_temp.about(form, id, before), 'UTF8')), 'hex') $$
"""
EVENTS = [
    (1, "tickets.intake", "ticket.submitted", "tier1", 1, "true"),
    (2, "tickets.tier1", "case.accepted", "", 2, "true"),
    (3, "tickets.tier1", "case.resolved", "", 3, "i % 4 > 0"),
    (4, "tickets.notifier", "notice.delivered", "", 1, "true"),
    (5, "tickets.notifier", "notice.delivered", "", 3, "i % 4 > 0"),
]
READ_BY = {"intake": [2, 3, 4, 5], "tier1": [1], "notifier": [1, 2, 3]}
HISTORY = [
    ("ticket.submitted", 1, Status.OPEN, Desk.TIER1, "word " * 20),
    ("case.accepted", 2, Status.OPEN, Desk.TIER1, None),
    ("notice.delivered", None, Status.OPEN, Desk.TIER1, None),
    ("case.resolved", 3, Status.RESOLVED, None, "word " * 20),
    ("notice.delivered", None, Status.RESOLVED, None, None),
]
FILLED = ("tickets", "timeline", "timers", "cases", "tellings", "inbox", "event_log")
OTHERS = {
    "intake": [
        """INSERT INTO timers SELECT 'tickets', pg_temp.id(i, 0), 'close', now() + interval '9 days', '{{}}'
FROM generate_series(1, {many}) AS i WHERE NOT {open}"""
    ],
    "tier1": [
        """INSERT INTO cases SELECT pg_temp.id(i, 0), json_build_object('text', repeat('word ', 200)), 'alder', 'item-authoring',
CASE WHEN {open} THEN 'open' ELSE 'resolved' END, {open}, NULL, 1, NULL, CASE WHEN {open} THEN 2 ELSE 3 END
FROM generate_series(1, {many}) AS i""",
        """INSERT INTO timers SELECT 'cases', pg_temp.id(i, 0), 'allowed', now() + interval '9 days', '{{}}'
FROM generate_series(1, {many}) AS i WHERE {open}""",
    ],
    "notifier": [
        """INSERT INTO tellings SELECT pg_temp.id(i, 0), json_build_object('version', CASE WHEN {open} THEN 2 ELSE 3 END, 'cause',
'', 'text', repeat('word ', 40)), 'alder', 'open', false FROM generate_series(1, {many}) AS i"""
    ],
}


async def make(addresses: dict[str, str], bus: str, many: int) -> float:
    """Make them; how many seconds it took."""
    began = time.monotonic()
    await migrate(*((addresses[service.name], service.migrations) for service in HOUSE))
    held = await asyncpg.connect(bus)
    await held.execute(bus_postgres_sql.SCHEMA)
    await held.close()
    base = int((time.time() - 3 * 86400) * 1000)
    work = [(addresses["intake"], _tickets(many))]
    work += [(bus, [_event(*event, many)]) for event in EVENTS]
    work += [(addresses[name], [it.format(many=many, open=OPEN)]) for name, them in OTHERS.items() for it in them]
    work += [
        (addresses[name], [_applied(name, number, many)]) for name, numbers in READ_BY.items() for number in numbers
    ]
    for address in {bus, *addresses.values()}:
        await _do(address, base, [f"ALTER TABLE IF EXISTS {table} SET UNLOGGED" for table in FILLED])
    await asyncio.gather(*(_do(address, base, statements) for address, statements in work))
    await asyncio.gather(*(_do(address, base, ["ANALYZE"]) for address in {bus, *addresses.values()}))
    return time.monotonic() - began


async def _do(address: str, base: int, statements: list[str]) -> None:
    held = await asyncpg.connect(address, server_settings={"jit": "off"})
    await held.execute(HELPERS.format(base=base))
    for statement in statements:
        await held.execute(statement)
    await held.close()


def _tickets(many: int) -> list[str]:
    forms = _forms()
    seals = ", ".join(
        f"LATERAL (SELECT pg_temp.seal($f${hashed}$f$, id, {f'h{n - 1}' if n > 1 else repr('')}) AS h{n} OFFSET 0) AS t{n}"
        for n, (hashed, _) in enumerate(forms, 1)
    )
    facts = " UNION ALL ".join(
        f"SELECT {n}, replace(pg_temp.about($f${kept}$f$, id, {f'h{n - 1}' if n > 1 else repr('')}), '@HASH@', h{n})"
        + ("" if n <= 3 else f" WHERE NOT {OPEN}")
        for n, (_, kept) in enumerate(forms, 1)
    )
    return [
        f"CREATE TEMP TABLE chained AS SELECT i, id, h1, h2, h3, h4, h5 FROM (SELECT i, pg_temp.id(i, 0) AS id "
        f"FROM generate_series(1, {many}) AS i) AS t, {seals}",
        f"INSERT INTO timeline (ticket_id, member, public, entry) SELECT id, 'alder', true, kept::json FROM chained, "
        f"LATERAL ({facts}) AS fact (n, kept)",
        f"INSERT INTO tickets SELECT id, replace(CASE WHEN {OPEN} THEN pg_temp.about($f${_ticket(3)}$f$, id, h3) "
        f"ELSE pg_temp.about($f${_ticket(5)}$f$, id, h5) END, '@', '')::json, 'alder', 'item-authoring', "
        f"CASE WHEN {OPEN} THEN 'open' ELSE 'resolved' END, CASE WHEN {OPEN} THEN 'tier1' END, 'a@b.example', "
        f"CASE WHEN {OPEN} THEN 2 ELSE 3 END, now() FROM chained",
    ]


def _forms() -> list[tuple[str, str]]:
    """Each fact as it is hashed and as it is kept."""
    found = []
    for number, (name, version, status, desk, text) in enumerate(HISTORY, 1):
        entry = Entry(
            ticket_id="@ID@",
            member="alder",
            at=NOW + timedelta(seconds=number),
            fact=name,
            version=version,
            status=status,
            desk=desk,
            by="reporter",
            why="the time allowed",
            policy="alder@1",
            text=text,
            number=number,
            before="@BEFORE@" if number > 1 else "",
            hash="@HASH@",
        )
        found.append((chain.line(entry.model_dump(mode="json", exclude={"member", "hash"})), entry.stored()))
    return found


def _ticket(facts: int) -> str:
    file = CaseFile(
        ticket_id="@ID@",
        member="alder",
        component=Component.ITEM_AUTHORING,
        impact=Impact.USER_CANNOT_WORK,
        subject="It stops",
        description="word " * 200,
        submitted_at=NOW,
        path=(Desk.TIER1,),
        reporter=Reporter(name="A teacher", email="a", role=Role.SCHOOL, organization="A school"),
    )
    done = facts > 3
    return Ticket(
        file=file,
        version=3 if done else 2,
        status=Status.RESOLVED if done else Status.OPEN,
        desk=None if done else Desk.TIER1,
        updated_at=NOW,
        facts=facts,
        head="@BEFORE@",
    ).model_dump_json(by_alias=True)


def _event(number: int, topic: str, name: str, route: str, sequence: int, when: str, many: int) -> str:
    headers = {
        "ce_specversion": "1.0",
        "ce_id": "@BEFORE@",
        "ce_type": f"tierline.{name}.v1",
        "ce_source": "/tierline/tier1",
        "ce_subject": "@ID@",
        "ce_time": "2026-11-23T09:00:00Z",
        "ce_sequence": str(sequence),
        "content-type": "application/json",
        "traceparent": f"00-{'0af7651916cd43dd8448eb211c80319c'}-b7ad6b7169203331-01",
    } | ({"ce_route": route} if route else {})
    return f"""
INSERT INTO event_log (topic, key, headers, value) SELECT '{topic}', convert_to(id, 'UTF8'),
pg_temp.about($f${json.dumps(headers)}$f$, id, pg_temp.id(i, {number}))::json, convert_to(repeat('word ', 120), 'UTF8')
FROM (SELECT i, pg_temp.id(i, 0) AS id FROM generate_series(1, {many}) AS i OFFSET 0) AS t WHERE {when}"""


def _applied(service: str, number: int, many: int) -> str:
    when = next(event[-1] for event in EVENTS if event[0] == number)
    return f"INSERT INTO inbox SELECT '{service}', pg_temp.id(i, {number}) FROM generate_series(1, {many}) AS i WHERE {when}"
