"""Every topic again from the start: nobody is told twice, nothing is opened twice, and what is shown can be rebuilt."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from callbacks import callbacks
from embedded import places
from embedded.audit.auditing import audit
from embedded.machine import POLICIES
from embedded.replay.checking import check
from house import House
from tierline.desk.policies import load_policies
from tierline.domain.words import Component
from tierline.kit.history import history
from tierline.kit.runtime import Runtime


@pytest.fixture(params=["house", "kafka_house"])
def home(request: pytest.FixtureRequest) -> House:
    """Every story is told on both adapters."""
    made: House = request.getfixturevalue(request.param)
    return made


def _bus(home: House) -> str:
    return str(_running(home, "intake").settings.bus)


def _running(home: House, service: str) -> Runtime:
    running: Runtime = home.machine.server.config.app.state.apps[service].state.runtime  # type: ignore[union-attr]
    return running


async def _lives(home: House, callback: str) -> list[str]:
    """A ticket that goes up to a vendor, one that comes back after its end, one that was asked and withdrawn."""
    vendors, reopened, withdrawn = [await home.submit(callback_url=callback) for _ in range(3)]
    await home.move("tier1", vendors, "claim")
    await home.move("tier1", vendors, "escalate", text="Not in the manuals.")
    await home.move("tier2", vendors, "note", text="Reproduced.")
    await home.move("tier2", vendors, "escalate", text="A bug.")
    vendor = load_policies(POLICIES)["alder"].liaison(Component.TEST_DELIVERY_SYSTEM)
    assert vendor is not None
    assert vendor.vendor is not None
    await home.until(vendors, "waiting_on_vendor")
    await home.vendor_says(vendor.vendor, vendors, 1, "resolved", fixed_in="7.2")
    await home.move("tier1", reopened, "resolve", text="Try again.")
    await home.until(reopened, "resolved")
    await home.wish(reopened, "reopen", text="It did not help.")
    await home.move("tier2", reopened, "resolve", text="Now it will.")
    await home.until(reopened, "resolved")
    await home.wish(reopened, "confirm")
    await home.move("tier1", withdrawn, "ask", text="Which browser?")
    await home.until(withdrawn, "waiting_on_reporter")
    await home.wish(withdrawn, "replies", text="The secure one.")
    await home.until(withdrawn, "open")
    await home.wish(withdrawn, "withdraw")
    for ticket, notice in ((vendors, "resolved"), (reopened, "closed"), (withdrawn, "closed")):
        await home.told(ticket, f"ticket.{notice}")
    return [vendors, reopened, withdrawn]


COUNTS = {
    "intake": ["tickets", "timeline", "cases", "outbox", "inbox"],
    "tier1": ["cases", "outbox", "inbox", "calls"],
    "tier2": ["cases", "outbox", "inbox", "calls", "resolutions"],
    "tier3": ["cases", "outbox", "inbox", "calls"],
    "notifier": ["tellings", "outbox", "inbox", "calls", "attempts"],
}


async def _counted(home: House) -> dict[str, int]:
    counted = {}
    for service, address in places.databases_of(home.machine.install.folder).items():
        held = await asyncpg.connect(address)
        try:
            for table in COUNTS[service]:
                counted[f"{service}.{table}"] = await held.fetchval(f"SELECT count(*) FROM {table}")
        finally:
            await held.close()
    return counted


async def _quiet(home: House) -> dict[str, int]:
    """The counts, once nothing has moved for four looks: on a busy machine a reader may pause longer than one."""
    looks = [await _counted(home)]
    async with asyncio.timeout(60):
        while len(looks) < 4 or any(look != looks[-1] for look in looks[-4:]):
            await asyncio.sleep(1)
            looks.append(await _counted(home))
    return looks[-1]


async def test_every_topic_again_from_the_start_changes_nothing_and_tells_nobody(home: House) -> None:
    async with callbacks() as receiver:
        await _lives(home, receiver.url)
        before = await _quiet(home)
        assert home.machine.mailbox is not None
        mails, hooks = len(list(home.machine.mailbox.folder.glob("*.eml"))), len(receiver.came)
        redelivered = 0
        for service in COUNTS:
            running = _running(home, service)
            async for records in history(_bus(home), running.service.reads):
                await running.consumer.handle(records)
                redelivered += len(records)
        assert redelivered > 60
        assert await _quiet(home) == before
        assert len(list(home.machine.mailbox.folder.glob("*.eml"))) == mails
        assert len(receiver.came) == hooks


async def test_what_is_shown_is_rebuilt_from_the_topics_and_a_forgery_shows(home: House) -> None:
    async with callbacks() as receiver:
        tickets = await _lives(home, receiver.url)
    folder = home.machine.install.folder
    addresses, policies = places.databases_of(folder), load_policies(POLICIES)
    _, different = await check(addresses, _bus(home), policies, pause=0.5)
    assert [one for one in different if one.partition(":")[0] in tickets] == []
    report = await audit(addresses, _bus(home), lambda: datetime.now(UTC), pause=0.5)
    assert [breach for breach in report.breaches if breach.ticket in tickets] == []

    held = await asyncpg.connect(addresses["tier1"])
    try:
        await held.execute(
            'UPDATE cases SET doc = (doc::jsonb || \'{"outcome": "resolve"}\')::json WHERE key = $1', tickets[0]
        )
    finally:
        await held.close()
    _, different = await check(addresses, _bus(home), policies, pause=0.1)
    assert f"{tickets[0]}: the queue of tier1" in different
