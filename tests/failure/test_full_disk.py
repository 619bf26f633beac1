"""PostgreSQL's disk is full: reading goes on, writing is refused, and with room again all goes on by itself, once.

A trigger raises PostgreSQL's own error for it, so that the story needs no file system of its own.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import asyncpg

from apart import Apart, apart
from embedded.audit.auditing import audit
from embedded.databases import at
from embedded.install import SERVICES
from embedded.mailbox import Mailbox
from stand import Stand, stand

FULL = """
CREATE OR REPLACE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$
"""
TABLES = """
SELECT oid::regclass::text AS name FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname ~ $1 ORDER BY 1
"""
FILL = "CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION disk_full()"
CLEAR = "DROP TRIGGER IF EXISTS disk_full ON {}"


async def test_a_full_disk_is_answered_and_with_room_again_nothing_was_lost_doubled_or_set_aside(
    tmp_path: Path,
) -> None:
    mailbox = Mailbox(tmp_path / "mail")
    mailbox.start()
    mail = {"TIERLINE_SMTP_HOST": "127.0.0.1", "TIERLINE_SMTP_PORT": str(mailbox.port)}
    try:
        # A ground of its own: the courier would be busy with what other stories left it to tell.
        async with stand() as ground, apart(ground, SERVICES, **mail) as running:
            held = str((await running.submit(0)).json()["id"])
            await running.case("tier1", held)
            async with _full(_event_log(ground)):
                waiting = [await _accepted(running, number) for number in range(1, 4)]  # the relay cannot tell them
            async with _full(ground.addresses["notifier"], tables="attempts"), _full(ground.addresses["tier1"]):
                waiting += [await _accepted(running, number) for number in range(4, 7)]  # the desk cannot take them
                await _mails(mailbox, waiting)  # the courier cannot write down that it sent these
                read = await running.client.get(running.at("tier1", f"/v1/cases/{held}"), headers=running.key("tier1"))
                assert read.status_code == 200
                moved = await running.move("tier1", held, "note", text="Seen.")
                assert (moved.status_code, moved.headers["retry-after"]) == (503, "5"), moved.text
            async with _full(_event_log(ground), *(ground.addresses[service] for service in SERVICES)):
                refused = await running.submit(7)
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "5"), refused.text
                assert refused.json()["type"].endswith("/unavailable")
            waiting.append(await _accepted(running, 7))
            for ticket in waiting:
                await running.case("tier1", ticket)
            assert (await running.move("tier1", held, "note", text="Seen.")).status_code == 200
            assert set((await _mails(mailbox, waiting)).values()) == {1}, (
                "the reporter read the same mail again and again"
            )
            assert set((await running.tickets()).values()) == {(1, 1)}
            for service in SERVICES:
                assert await running.metric(service, "tierline_parked") == 0
                assert await running.metric(service, "tierline_dead_letters") == 0
            await _sound(ground)
    finally:
        mailbox.stop()


def _event_log(ground: Stand) -> str:
    return at(ground.postgres.dsn(), "events", "tierline", ground.postgres.folder.joinpath("password").read_text())


@asynccontextmanager
async def _full(*addresses: str, tables: str = ".") -> AsyncIterator[None]:
    """Nothing can be written in these databases for as long as the block lasts."""
    try:
        for address in addresses:
            await _each_table(address, tables, FILL)
        yield
    finally:
        for address in addresses:
            await _each_table(address, tables, CLEAR)


async def _each_table(address: str, tables: str, statement: str) -> None:
    """One after the other, so that whoever works there is never in the way of two."""
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(FULL)
        for row in await connection.fetch(TABLES, tables):
            await connection.execute(statement.format(row["name"]))
    finally:
        await connection.close()


async def _accepted(running: Apart, number: int) -> str:
    answer = await running.submit(number)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _mails(mailbox: Mailbox, tickets: Sequence[str]) -> Counter[str]:
    """How often each mail came, as soon as there is one about each of these tickets."""
    async with asyncio.timeout(60):
        while True:
            came = [message_from_bytes(path.read_bytes()) for path in mailbox.folder.glob("*.eml")]
            names = Counter(str(mail["Message-ID"]).strip() for mail in came)
            if all(any(ticket in name for name in names) for ticket in tickets):
                return names
            await asyncio.sleep(0.1)


async def _sound(ground: Stand) -> None:
    addresses = {service: ground.addresses[service] for service in SERVICES}
    async with asyncio.timeout(60):
        while (await audit(addresses, ground.addresses["intake:events"], lambda: datetime.now(UTC), pause=1)).breaches:
            await asyncio.sleep(0.5)
