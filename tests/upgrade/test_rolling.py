"""Five services are upgraded one after the other under load, and taken back again: nothing lost, failed, doubled or untold."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import httpx
import pytest
from earlier import HEAD, Release
from fleet import complaints, fleet

from callbacks import Callbacks, callbacks
from embedded.audit.auditing import audit
from embedded.catching_up import catch_up
from embedded.install import SERVICES
from embedded.mailbox import Mailbox
from stand import Stand, stand
from tierline.domain.events import TOPICS
from tierline.kit.history import history
from tierline.kit.webhooks import new_secret
from victims import People

FACTS = Path(__file__).with_name("facts.py")
VENDOR = "keystone-identity"
AT_ONCE = 3
IN_FLIGHT = 16  # so many calls the courier has under way at once
NOTICES = 5  # received, escalated twice, resolved, closed
BACK = {"event_log": SERVICES[::-1], "kafka": ("notifier", "tier1")}
"""Who goes the way back once all are new."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("adapter", ["event_log", "kafka"])
async def test_a_rolling_upgrade_and_the_way_back_lose_nothing(
    adapter: str, request: pytest.FixtureRequest, previous: Release, tmp_path: Path
) -> None:
    kafka = request.getfixturevalue("own_kafka").servers if adapter == "kafka" else None
    mailbox = Mailbox(tmp_path / "mail")
    mailbox.start()
    refused: Counter[int] = Counter()

    async def note(answer: httpx.Response) -> None:
        if answer.status_code >= 500:
            refused[answer.status_code] += 1

    client = httpx.AsyncClient(timeout=20, trust_env=False, event_hooks={"response": [note]})
    try:
        async with (
            stand() as made,
            callbacks() as vendor,
            client,
            fleet(_settings(made, previous, kafka, mailbox), tmp_path, previous, HEAD) as run,
        ):
            await asyncio.gather(*(run.start(service, previous) for service in SERVICES))
            people = People(run, made.install.credentials, client)
            async with _load(people, vendor) as tickets:
                for service in SERVICES:
                    await _under_load(run.replace(service, HEAD), tickets)
                for service in BACK[adapter]:
                    await _under_load(run.replace(service, previous), tickets)
            bus = f"kafka://{kafka}" if kafka else made.addresses["intake:events"]
            await _all_is_told(made, tickets, bus)
            await _each_release_reads_it_all(bus, previous)
    finally:
        mailbox.stop()
    print(len(tickets), "tickets", refused)
    assert set(refused) <= {503}
    assert run.well_stopped(), run.ends
    assert complaints(tmp_path) == []
    _each_was_told_once(mailbox, vendor, tickets)


def _settings(made: Stand, previous: Release, kafka: str | None, mailbox: Mailbox) -> dict[str, dict[str, str]]:
    """The operator's settings stay as they were: the policies are those of the release that is upgraded."""
    more = {
        "TIERLINE_POLICIES": str(previous.policies),
        "TIERLINE_SMTP_HOST": "127.0.0.1",
        "TIERLINE_SMTP_PORT": str(mailbox.port),
    }
    return {service: {**made.environment(service, kafka), **more} for service in SERVICES}


@contextlib.asynccontextmanager
async def _load(people: People, vendor: Callbacks) -> AsyncIterator[list[str]]:
    """Tickets go in, climb to the vendor, come back and are confirmed for as long as the block lasts; then all those end."""
    tickets: list[str] = []
    over = asyncio.Event()
    secret = new_secret()
    await people.register(VENDOR, vendor.url, secret)

    async def worker(number: int) -> None:
        while not over.is_set():
            await people.whole_life(number, tickets)
            number += AT_ONCE

    async with asyncio.TaskGroup() as group:
        answering = group.create_task(people.answer_as_vendor(VENDOR, secret, vendor))
        workers = [group.create_task(worker(first)) for first in range(AT_ONCE)]
        yield tickets
        over.set()
        await asyncio.wait(workers)
        answering.cancel()


async def _under_load(change, tickets: list[str]) -> None:
    """One change; the next begins when another ticket has gone in after it."""
    await change
    seen = len(tickets)
    async with asyncio.timeout(60):
        while len(tickets) == seen:
            await asyncio.sleep(0.02)


async def _all_is_told(made: Stand, tickets: list[str], bus: str) -> None:
    """The last step of an upgrade, and then the audit: silent about every ticket."""
    addresses = {service: made.addresses[service] for service in SERVICES}
    await catch_up(addresses, bus, _now, pause=1)
    async with asyncio.timeout(60):
        while (report := await audit(addresses, bus, _now, pause=0.5)).untold or report.breaches:
            await asyncio.sleep(0.5)
    assert report.tickets == len(set(tickets)) == len(tickets)


async def _each_release_reads_it_all(bus: str, previous: Release) -> None:
    """What a real day of both releases left on the topics."""
    events = [record.envelope() async for batch in history(bus, TOPICS) for record in batch]
    lines = "".join(f"{event.type}\t{event.data.decode()}\n" for event in events)
    for release in (previous, HEAD):
        assert "refused" not in await release.run(FACTS, "read", given=lines)


def _now() -> datetime:
    return datetime.now(UTC)


def _each_was_told_once(mailbox: Mailbox, vendor: Callbacks, tickets: list[str]) -> None:
    """One mail a notice, one call a case; when the release of today's `previous` is stopped, it gives up calls under way."""
    mails = Counter(str(message_from_bytes(path.read_bytes())["Message-ID"]) for path in mailbox.folder.glob("*.eml"))
    for ticket in tickets:
        assert sum(ticket in message for message in mails) == NOTICES, [m for m in mails if ticket in m]
    assert mails.total() - len(mails) <= IN_FLIGHT
    assigned = Counter(headers["webhook-id"] for headers, raw in vendor.came if b'"case.assigned"' in raw)
    assert len(assigned) == len(tickets)
    assert assigned.total() - len(assigned) <= IN_FLIGHT
