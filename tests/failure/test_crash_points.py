"""SIGKILL at every crash point of every service, on both adapters, while people work: nothing lost, doubled or untold."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import httpx
import pytest

from callbacks import Callbacks, callbacks
from embedded.audit.auditing import audit
from embedded.mailbox import Mailbox
from nursery.nursery import nursery
from stand import Stand, stand
from tierline.kit.webhooks import new_secret
from victims import POINTS, People, Victim

VENDOR = "keystone-identity"
AT_ONCE = 3
IN_FLIGHT = 16  # so many calls the courier has under way at once: those are what a kill may repeat
NOTICES = 5  # received, escalated twice, resolved, closed
ONLY_ON_KAFKA = ("bus.sending",)
DEAD_SOON = "session_timeout=3"  # how long the partitions of a killed reader wait for it


@pytest.mark.timeout(600)
@pytest.mark.parametrize("adapter", ["event_log", "kafka"])
async def test_a_kill_at_every_point_of_every_service_loses_and_doubles_nothing(
    adapter: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kafka = request.getfixturevalue("own_kafka").servers if adapter == "kafka" else None
    mailbox = Mailbox(tmp_path / "mail")
    mailbox.start()
    try:
        async with stand() as made, callbacks() as vendor, _victims(made, kafka, mailbox) as victims:
            tickets = await _work_until_all_have_died(made, victims, vendor)
            bus = f"kafka://{kafka}" if kafka else made.addresses["intake:events"]
            await _all_is_told(made, tickets, bus)
            _nothing_is_doubled(mailbox, vendor, tickets, victims)
    finally:
        mailbox.stop()


@contextlib.asynccontextmanager
async def _victims(made: Stand, kafka: str | None, mailbox: Mailbox) -> AsyncIterator[list[Victim]]:
    mail = {"TIERLINE_SMTP_HOST": "127.0.0.1", "TIERLINE_SMTP_PORT": str(mailbox.port)}
    more = ONLY_ON_KAFKA if kafka else ()
    settings = {service: made.environment(service, kafka and f"{kafka}?{DEAD_SOON}") for service in POINTS}
    async with nursery(made.folder) as births, asyncio.TaskGroup() as group:
        victims = [
            Victim(births, service, {**settings[service], **mail}, points=(*points, *more))
            for service, points in POINTS.items()
        ]
        for victim in victims:
            group.create_task(victim.live())
        try:
            yield victims
        finally:
            await asyncio.gather(*(victim.end() for victim in victims))


async def _work_until_all_have_died(made: Stand, victims: list[Victim], vendor: Callbacks) -> list[str]:
    """Tickets go in, climb to the vendor and come back until every service has died everywhere; then those end too."""
    tickets: list[str] = []
    ports = {victim.service: victim.port for victim in victims}
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client, asyncio.TaskGroup() as group:
        people = People(ports, made.install.credentials, client)
        secret = new_secret()
        await people.register(VENDOR, vendor.url, secret)
        answering = group.create_task(people.answer_as_vendor(VENDOR, secret, vendor))

        async def worker(first: int) -> None:
            number = first
            while not all(victim.done for victim in victims):
                await people.whole_life(number, tickets)
                number += AT_ONCE

        await asyncio.gather(*(worker(first) for first in range(AT_ONCE)))
        answering.cancel()
    return tickets


async def _all_is_told(made: Stand, tickets: list[str], bus: str) -> None:
    addresses = {service: made.addresses[service] for service in POINTS}
    async with asyncio.timeout(60):
        while True:
            report = await audit(addresses, bus, lambda: datetime.now(UTC), pause=1)
            if not report.untold and not report.breaches:
                break
            await asyncio.sleep(1)
    assert report.tickets == len(set(tickets)) == len(tickets)


def _nothing_is_doubled(mailbox: Mailbox, vendor: Callbacks, tickets: list[str], victims: list[Victim]) -> None:
    """One notice of each kind has one Message-ID, one assignment one webhook-id; only what was in flight was sent again."""
    came = [message_from_bytes(path.read_bytes()) for path in mailbox.folder.glob("*.eml")]
    mails = Counter(str(mail["Message-ID"]).strip() for mail in came)
    for ticket in tickets:
        assert sum(ticket in message for message in mails) == NOTICES, [m for m in mails if ticket in m]
    kills = {victim.service: len(victim.passed) for victim in victims}
    assert mails.total() - len(mails) <= IN_FLIGHT * kills["notifier"]
    assigned = Counter(headers["webhook-id"] for headers, raw in vendor.came if b'"case.assigned"' in raw)
    assert len(assigned) == len(tickets)
    assert assigned.total() - len(assigned) <= IN_FLIGHT * kills["tier3"]
