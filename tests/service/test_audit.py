"""The audit of a running house: it is silent about what is sound, and names whatever is broken in a real database."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import asyncpg

from embedded import places
from embedded.audit import statements as sql
from embedded.audit.auditing import Report, audit
from embedded.audit.places import RAISING, Places
from house import House
from tierline.kit.runtime import Runtime
from tierline.kit.timers import BATCH

MORE = "UPDATE {table} SET {what} WHERE key = $1"


async def _audited(house: House, *, chains: bool = False, pause: float = 0.3, kafka: str | None = None) -> Report:
    folder = house.machine.install.folder
    databases, bus = places.databases_of(folder), places.bus_of(folder, kafka)
    return await audit(databases, bus, lambda: datetime.now(UTC), pause=pause, chains=chains)


async def _break(house: House, service: str, statement: str, *arguments: object) -> None:
    runtime: Runtime = house.machine.server.config.app.state.apps[service].state.runtime  # type: ignore[union-attr]
    held = await asyncpg.connect(runtime.settings.database_url)
    try:
        assert int((await held.execute(statement, *arguments)).split()[-1]) > 0, statement
    finally:
        await held.close()


async def _told_on_topics(house: House, ticket: str) -> list[tuple[str, str]]:
    held = await asyncpg.connect(places.bus_of(house.machine.install.folder, None))
    try:
        rows = await held.fetch("SELECT headers FROM event_log WHERE key = $1 ORDER BY pos", ticket.encode())
    finally:
        await held.close()
    return [(headers["ce_type"], headers["ce_id"]) for row in rows for headers in [json.loads(row["headers"])]]


async def test_a_house_at_work_is_sound_and_each_thing_that_is_broken_is_named(house: House) -> None:
    tickets = [await house.submit() for _ in range(10)]
    lost, nobodys, twice, stuck, late, failing, silent, forgotten, parked, sound = tickets
    for ticket in tickets:
        await house.case("tier1", ticket)
        await house.told(ticket, "ticket.received")
    await house.move("tier1", silent, "resolve", text="Done.")
    await house.told(silent, "ticket.resolved")
    before = await _audited(house)
    assert not {breach.ticket for breach in before.breaches} & set(tickets)

    await _break(house, "intake", "DELETE FROM tickets WHERE key = $1", lost)
    await _break(house, "tier1", "UPDATE cases SET held = false WHERE key = $1", nobodys)
    await _break(
        house,
        "intake",
        "INSERT INTO cases SELECT key, '{}', member, component, status, true, NULL, 1, NULL, version FROM tickets WHERE key = $1",
        twice,
    )
    await _break(house, "tier1", "DELETE FROM timers WHERE key = $1", stuck)
    # Far behind, and yet not before the sweeper's own horizon: a room that nobody sweeps.
    await _break(
        house, "tier1", "UPDATE timers SET due_at = now() - interval '2 hours', room = 'gone' WHERE key = $1", late
    )
    await _break(house, "tier1", "UPDATE timers SET attempts = 1 WHERE key = $1", failing)
    await _break(
        house,
        "notifier",
        'UPDATE tellings SET untold = true, doc = (doc::jsonb || \'{"told": false, "cause": ""}\')::json WHERE key = $1',
        silent,
    )
    accepted = next(id_ for type_, id_ in await _told_on_topics(house, forgotten) if "accepted" in type_)
    await _break(house, "notifier", "DELETE FROM inbox WHERE event_id = $1", accepted)
    await _break(
        house,
        "tier1",
        "INSERT INTO parked (key, topic, position, headers, reason, not_before, parked_at, dead_at) "
        "VALUES ($1, 'tickets.intake', '1', '{}', 'cases: KeyError', now(), now(), now())",
        parked,
    )

    report = await _audited(house)
    found = {(str(breach.kind), breach.ticket) for breach in report.breaches if breach.ticket in tickets}
    for kind, ticket in [
        ("lost", lost),
        ("held_by_none", nobodys),
        ("held_twice", twice),
        ("no_deadline", stuck),
        ("overdue", late),
        ("overdue", failing),
        ("untold", silent),
        ("unapplied", forgotten),
        ("waits", parked),
    ]:
        assert (kind, ticket) in found, report.lines()
    assert not [breach for breach in report.breaches if breach.ticket == sound]
    assert any(line.startswith(f"BREACH held_by_none {nobodys} (tier1)") for line in report.lines())
    await _break(house, "tier1", "DELETE FROM parked WHERE key = $1", parked)
    await _break(house, "intake", "DELETE FROM cases WHERE key = $1", twice)
    await _break(house, "tier1", "DELETE FROM timers WHERE key = $1", late)
    await _break(house, "tier1", "UPDATE timers SET attempts = 0 WHERE key = $1", failing)
    # The house is everyone's: a story that replays all topics must find each event applied.
    await _break(house, "notifier", "INSERT INTO inbox (consumer, event_id) VALUES ('notifier', $1)", accepted)


async def test_a_service_with_many_deadlines_due_is_at_the_end_of_its_next_batch(house: House) -> None:
    held = await asyncpg.connect(places.databases_of(house.machine.install.folder)["tier1"])
    try:
        looked = Places({"tier1": held}, held, sql.LOG)
        written = held.transaction(isolation="repeatable_read")  # and undone: no sweeper ever sees them
        await written.start()
        due = "INSERT INTO timers (room, key, name, due_at, data) SELECT 'cases', i::text, 'allowed', $1::timestamptz + i * interval '1 s', '{}' "
        long_ago = datetime(2001, 1, 1, tzinfo=UTC)
        await held.execute(f"{due} FROM generate_series(1, {BATCH - 1}) AS i", long_ago)
        before = await held.fetchval("SELECT min(due_at) FROM timers WHERE due_at > now() - interval '1 day'")
        few = await looked.turns()
        await held.execute(f"{due} FROM generate_series({BATCH}, {BATCH + 50}) AS i", long_ago)
        many = await looked.turns()
        await written.rollback()
    finally:
        await held.close()
    assert few.get("tier1") == before
    assert many == {"tier1": long_ago + timedelta(seconds=BATCH)}


async def _audited_at_work(house: House, kafka: str | None) -> None:
    """Audit while tickets come in, thirty a second, and every sixth is resolved at once."""
    tickets: list[str] = []
    lives: list[asyncio.Task[None]] = []

    async def life(number: int) -> None:
        ticket = await house.submit()
        tickets.append(ticket)
        if number % 6 == 0:
            await house.move("tier1", ticket, "resolve", text="Done.")

    async def crowd() -> None:
        while True:
            lives.append(asyncio.create_task(life(len(lives))))
            await asyncio.sleep(1 / 30)

    coming = asyncio.create_task(crowd())
    try:
        reports = []
        for many in (20, 60, 100):
            while len(tickets) < many:
                await asyncio.sleep(0.05)
            reports.append(await _audited(house, pause=2, kafka=kafka))
    finally:
        coming.cancel()
        await asyncio.gather(*lives)
    assert any(report.suspicious for report in reports), "nothing moved while it was read"
    assert [breach for report in reports for breach in report.breaches if breach.ticket in tickets] == []


async def test_an_audit_of_a_house_at_work_takes_nothing_that_moves_for_a_breach(house: House) -> None:
    await _audited_at_work(house, None)


async def test_nor_does_it_where_the_house_works_over_kafka(kafka_house: House, kafka_servers: str) -> None:
    await _audited_at_work(kafka_house, kafka_servers)


ALTER = "UPDATE timeline SET entry = replace(entry::text, $2, $3)::json WHERE ticket_id = $1 AND entry ->> 'fact' = $4"


async def test_a_history_in_which_one_byte_was_changed_is_named(house: House) -> None:
    for_links, for_content, sound = [await house.submit() for _ in range(3)]
    for ticket in (for_links, for_content, sound):
        await house.move("tier1", ticket, "note", text="Nobody may change this.")
        await house.move("tier1", ticket, "resolve", text="Done.")
        await house.told(ticket, "ticket.resolved")
    told = {"for_links": await house.timeline(for_links)}
    digest = next(fact["hash"] for fact in told["for_links"] if fact["fact"] == "case.noted")
    other = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    await _break(house, "intake", ALTER, for_links, digest, other, "case.noted")
    await _break(house, "intake", ALTER, for_content, "Nobody", "nobody", "case.noted")

    def altered(report: Report) -> dict[str, str]:
        return {breach.ticket: breach.says for breach in report.breaches if breach.kind == "altered"}

    quick, whole = altered(await _audited(house)), altered(await _audited(house, chains=True))
    assert for_links in quick
    assert not {for_content, sound} & set(quick)
    assert {for_links, for_content} <= set(whole)
    assert sound not in whole
    assert "(case.noted) is not what its hash was made of" in whole[for_content]
    await _break(house, "intake", ALTER, for_links, other, digest, "case.noted")
    await _break(house, "intake", ALTER, for_content, "nobody", "Nobody", "case.noted")
    assert not {for_links, for_content, sound} & set(altered(await _audited(house, chains=True)))


async def test_what_somebody_wrote_into_the_log_by_hand_does_not_stop_the_audit(house: House) -> None:
    ticket = await house.submit()
    await house.told(ticket, "ticket.received")
    by_hand = ("[]", '"text"', '{"ce_subject": "\\u0000"}', '{"ce_type": null}', '{"ce_id": "x\\ud800"}')
    held = await asyncpg.connect(places.bus_of(house.machine.install.folder, None))
    try:
        written = held.transaction()  # and undone: the house itself never reads it
        await written.start()
        for headers in by_hand:
            await held.execute("INSERT INTO event_log (topic, key, headers) VALUES ('tickets.tier1', '', $1)", headers)
        rows = await held.fetch(sql.TOLD_QUICKLY.format(told=sql.LOG), RAISING)
        await written.rollback()
    finally:
        await held.close()
    assert ticket in {row["key"] for row in rows}
