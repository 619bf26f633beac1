"""(b) How many events a second Tier 1 consumes from Kafka, deciding and telling each, beside a floor loop."""

import asyncio
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from uuid_utils import uuid7

from kafka_broker import LocalBroker
from stand import MODULES, middle, serving, stand
from tierline.domain.case import CaseFile, Reporter
from tierline.domain.events import TOPIC, TicketSubmitted, event_type
from tierline.domain.words import Component, Desk, Impact, Role, Status
from tierline.kit.bus import Envelope
from tierline.kit.bus_kafka import KafkaBus

EVENTS, ROUNDS = 5_000, 3
FLOOR = Path(__file__).parent / "desk_floor.py"


async def measure() -> dict[str, float]:
    """Each round: a broker and databases of its own, a topic that is full, and the two readers one after the other."""
    ours, floors = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
            broker = LocalBroker(Path(folder))
            broker.start()
            stack.callback(broker.stop)
            async with stand() as made:
                await _fill(broker.servers)
                # Both leave their work in the same database: Tier 1's.
                dsn = made.addresses["tier1"]
                command = [sys.executable, str(FLOOR), broker.servers, dsn, TOPIC["intake"]]
                with subprocess.Popen(command) as floor:
                    floors.append(await _rate(dsn, "SELECT count(*) FROM floor_outbox WHERE published_at IS NOT NULL"))
                    floor.terminate()
                with serving(MODULES["tier1"], made.environment("tier1", broker.servers)):
                    ours.append(await _rate(dsn, "SELECT count(*) FROM outbox WHERE published_at IS NOT NULL"))
    return {"floor_per_s": middle(floors), "tierline_per_s": middle(ours), "ratio": middle(ours) / middle(floors)}


async def _fill(servers: str) -> None:
    bus = KafkaBus(servers, client_id="fill")
    await bus.start([*TOPIC.values(), "floor"])
    for start in range(0, EVENTS, 500):
        await bus.publish([_submitted(number) for number in range(start, start + 500)])
    await bus.stop()


def _submitted(number: int) -> Envelope:
    ticket, now = str(uuid7()), datetime.now(UTC)
    file = CaseFile(
        ticket_id=ticket,
        member="alder",
        component=Component.SINGLE_SIGN_ON,
        impact=Impact.USER_CANNOT_WORK,
        subject=f"Issue {number}",
        description="A white page on every device, since this morning. " * 8,
        reporter=Reporter(name="A teacher", email="a@school.example.org", role=Role.SCHOOL, organization="A school"),
        submitted_at=now,
    )
    told = TicketSubmitted(
        ticket_id=ticket,
        member="alder",
        component=file.component,
        version=1,
        status=Status.OPEN,
        desk=Desk.TIER1,
        by="reporter",
        to=Desk.TIER1,
        case=file,
    )
    return Envelope(
        topic=TOPIC["intake"],
        key=ticket,
        id=str(uuid7()),
        type=event_type(told),
        source="/tierline/intake",
        time=now,
        sequence=1,
        data=told.model_dump_json(by_alias=True).encode(),
        route="tier1",
    )


async def _rate(dsn: str, done: str) -> float:
    """Events a second, from the first that is done to the last."""
    held = await asyncpg.connect(dsn)
    first, began, count = 0, 0.0, 0
    async with asyncio.timeout(180):
        while count < EVENTS:
            try:
                count = await held.fetchval(done)
            except asyncpg.UndefinedTableError:
                count = 0
            if count and not began:
                first, began = count, time.perf_counter()
            await asyncio.sleep(0.01)
    took = time.perf_counter() - began
    await held.close()
    return (EVENTS - first) / took
