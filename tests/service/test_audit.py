"""The audit of a running house: it is silent about what is sound, and names whatever is broken in a real database."""

import json
from datetime import UTC, datetime

import asyncpg

from embedded import places
from embedded.audit.auditing import Report, audit
from house import House
from tierline.kit.runtime import Runtime

MORE = "UPDATE {table} SET {what} WHERE key = $1"


async def _audited(house: House) -> Report:
    folder = house.machine.install.folder
    return await audit(places.databases_of(folder), places.bus_of(folder, None), lambda: datetime.now(UTC), pause=0.3)


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
    tickets = [await house.submit() for _ in range(9)]
    lost, nobodys, twice, stuck, late, silent, forgotten, parked, sound = tickets
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
    # The house is everyone's: a story that replays all topics must find each event applied.
    await _break(house, "notifier", "INSERT INTO inbox (consumer, event_id) VALUES ('notifier', $1)", accepted)
