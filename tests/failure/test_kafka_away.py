"""Kafka hangs, and Kafka is gone: submissions go on, and what was decided is told afterwards, in order, each once."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from apart import Apart, apart
from kafka_broker import LocalBroker
from kafka_container import ContainerBroker
from stand import Stand
from tierline.kit.history import history

EACH = 60
AT_ONCE = 6
SOON = "send_timeout=3&session_timeout=6&stall=2"


async def test_submissions_go_on_while_kafka_hangs_and_while_it_is_gone_and_all_is_told_in_order_afterwards(
    ground: Stand, own_kafka: LocalBroker | ContainerBroker
) -> None:
    async with apart(ground, ("intake", "tier1"), f"{own_kafka.servers}?{SOON}") as running:
        tickets = [await _with_two_replies(running, 0)]
        await running.case("tier1", tickets[0])
        for away in (_frozen, _stopped):
            async with away(own_kafka):
                tickets += await _many(running, len(tickets))
                await _until_missed(running, "intake")
            for ticket in tickets[-EACH:]:
                await running.case("tier1", ticket)
        await _told_in_order(running, f"kafka://{own_kafka.servers}", tickets)
        for ticket in (tickets[0], tickets[1], tickets[-1]):
            texts = [said["text"] for said in (await running.case("tier1", ticket)).json()["conversation"]]
            assert texts == ["First.", "Second."]
        for service in ("intake", "tier1"):
            assert await running.metric(service, "tierline_dead_letters") == 0
            assert await running.metric(service, "tierline_parked") == 0


async def _many(running: Apart, first: int) -> list[str]:
    """So many tickets, side by side; every one is accepted."""
    numbers = iter(range(first, first + EACH))

    async def worker() -> list[str]:
        return [await _with_two_replies(running, number) for number in numbers]

    return [ticket for made in await asyncio.gather(*(worker() for _ in range(AT_ONCE))) for ticket in made]


async def _with_two_replies(running: Apart, number: int) -> str:
    """A ticket of three facts, which must be told in this order."""
    made = await running.submit(number)
    assert made.status_code == 201, made.text
    ticket = str(made.json()["id"])
    for text in ("First.", "Second."):
        path = running.at("intake", f"/v1/tickets/{ticket}/replies")
        said = await running.client.post(path, json={"text": text}, headers=running.key("client"))
        assert said.status_code == 202, said.text
    return ticket


@asynccontextmanager
async def _frozen(broker: LocalBroker | ContainerBroker) -> AsyncIterator[None]:
    broker.freeze()
    try:
        yield
    finally:
        broker.thaw()


@asynccontextmanager
async def _stopped(broker: LocalBroker | ContainerBroker) -> AsyncIterator[None]:
    await asyncio.to_thread(broker.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(broker.start)


async def _until_missed(running: Apart, service: str) -> None:
    """Until the service says that it does without Kafka, and goes on."""
    async with asyncio.timeout(30):
        while not await running.readiness(service):
            await asyncio.sleep(0.1)


async def _told_in_order(running: Apart, bus: str, tickets: list[str]) -> None:
    """On the topic stands, ticket by ticket, what the outbox held, in its order. A repeat is known by its id."""
    intake = await asyncpg.connect(running.addresses["intake"])
    rows = await intake.fetch(
        "SELECT aggregateid, id, published_at FROM outbox WHERE aggregateid = ANY($1) ORDER BY pos", tickets
    )
    await intake.close()
    decided: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        assert row["published_at"] is not None
        decided[row["aggregateid"]].append(str(row["id"]))
    assert {len(facts) for facts in decided.values()} == {3}
    told: dict[str, list[str]] = defaultdict(list)
    async for records in history(bus, ["tickets.intake"]):
        for record in records:
            event = record.envelope()
            if event.key in decided and event.id not in told[event.key]:
                told[event.key].append(event.id)
    assert told == decided
