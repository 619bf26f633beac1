"""An install on its worst day: every place where work can wait is filled, and mended again once a release has changed."""

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg
from lives import SILENT, Household

from embedded.databases import EVENTS, at
from embedded.mailbox import Mailbox

FEW = 4
NOWHERE = "http://127.0.0.1:9/"
REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
CREATE TRIGGER refused BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse();
"""
ADMIT = "DROP TRIGGER refused ON {table}; DROP FUNCTION refuse();"
WAITING = {
    "aside": "SELECT count(*) FROM aside",
    "calls": "SELECT count(*) FROM calls WHERE status = 'pending'",
    "outbox": "SELECT count(*) FROM outbox WHERE published_at IS NULL",
    "parked": "SELECT count(*) FROM parked",
    "timers": "SELECT count(*) FROM timers",
}


class Post(Mailbox):
    """A mail server that can have a bad day."""

    shut = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        return "451 not now" if self.shut else await super().handle_DATA(server, session, envelope)


class BadDay:
    """What goes wrong at an install whose databases have these addresses, and which tickets it meets."""

    def __init__(self, addresses: Mapping[str, str], server: str, post: Post) -> None:
        self.addresses, self.post = addresses, post
        password = server.partition("://")[2].partition("@")[0].partition(":")[2]
        self.events = at(server, EVENTS, "tierline", password)
        self.late: list[str] = []
        self.tickets: list[str] = []

    async def begin(self, people: Household) -> None:
        """Vendors and mails find nobody, Tier 2 cannot take some cases, and what Tier 1 decides does not get out."""
        await people.register(SILENT, NOWHERE, people.credentials["vendors"][SILENT]["secret"])
        self.post.shut = True
        parked, untold = [[await people.submit(8000 + 10 * some + n) for n in range(FEW)] for some in range(2)]
        self.late = [await people.submit(8100 + n) for n in range(FEW)]
        unheard = [await people.submit(8200 + n, component="test-delivery-system") for n in range(FEW)]
        self.tickets = [*parked, *untold, *self.late, *unheard]
        for ticket in unheard:
            for desk in ("tier1", "tier2"):
                await people.escalate(desk, ticket)
        keys = ", ".join(f"'{ticket}'" for ticket in parked)
        await _run(self.addresses["tier2"], REFUSE.format(table="cases", when=f"NEW.key IN ({keys})"))
        for ticket in parked:
            await people.escalate("tier1", ticket)
        await self._until("tier2", "parked", FEW)
        await people.say_to_intake(parked[0], "replies", "Please hurry.")
        await self._until("tier2", "parked", FEW + 1)
        await _run(self.events, REFUSE.format(table="event_log", when="NEW.topic = 'tickets.tier1'"))
        for ticket in untold:
            await people.escalate("tier1", ticket)
            await people.say_to_intake(ticket, "replies", "It is room 12.")
        await self._until("tier1", "outbox", FEW)
        await self._until("tier2", "aside", FEW)
        for service in ("tier3", "notifier"):
            await self._until(service, "calls", FEW)

    async def end(self) -> None:
        """All that was broken works again, and whatever waits for its time need not wait longer."""
        await _run(self.addresses["tier2"], ADMIT.format(table="cases"))
        await _run(self.events, ADMIT.format(table="event_log"))
        self.post.shut = False
        for address in self.addresses.values():
            await _run(address, "UPDATE parked SET not_before = now(); UPDATE calls SET next_at = now()")
        keys = ", ".join(f"'{ticket}'" for ticket in self.late)
        await _run(self.addresses["tier1"], f"UPDATE timers SET due_at = now() WHERE key IN ({keys})")

    async def waiting(self) -> dict[str, int]:
        """How much waits in each place, over all services."""
        found = [await _counted(address, query) for address in self.addresses.values() for query in WAITING.values()]
        places = len(WAITING)
        return {place: sum(found[index::places]) for index, place in enumerate(WAITING)}

    async def _until(self, service: str, place: str, least: int) -> None:
        async with asyncio.timeout(30):
            while await _counted(self.addresses[service], WAITING[place]) < least:
                await asyncio.sleep(0.05)


async def _counted(address: str, query: str) -> int:
    held = await asyncpg.connect(address)
    try:
        return int(await held.fetchval(query))
    finally:
        await held.close()


async def _run(address: str, script: str) -> None:
    held = await asyncpg.connect(address)
    try:
        await held.execute(script)
    finally:
        await held.close()
