"""Where the audit looks: a connection to each service's database and one for the topics, reading and never writing."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg

from embedded.audit import entering as enter
from embedded.audit import statements as sql
from embedded.audit.merging import Question
from tierline.domain.events import DESK_WRITER, EVENTS, TOPICS
from tierline.kit.bus import Record
from tierline.kit.database import connect
from tierline.kit.errors import Undecodable
from tierline.kit.history import history
from tierline.kit.timers import BATCH

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

RAISING = [type_ for type_, fact in EVENTS.items() if fact.raises]
EASE = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET work_mem = '64MB'"


@dataclass(frozen=True, slots=True)
class Places:
    """Open connections by service, the one that reads the topics, and the topics as a table; `kafka` is its address."""

    services: Mapping[str, Connection]
    topics: Connection
    told: str
    kafka: str | None = None
    read_to: dict[str, int] = field(default_factory=dict)

    async def gather(self) -> None:
        """From Kafka, read what has come since the last time up to its end as it is now, into a table of the audit's own."""
        if self.kafka is None:
            return
        async for records in history(self.kafka, TOPICS, self.read_to):
            rows = [row for record in records if (row := _row(record)) is not None]
            await self.topics.copy_records_to_table("audit_told", records=rows)

    @contextlib.asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """One picture of each database, for as long as the block lasts. Nobody has to wait for it."""
        async with contextlib.AsyncExitStack() as stack:
            for connection in (*self.services.values(), self.topics):
                await stack.enter_async_context(connection.transaction(isolation="repeatable_read", readonly=True))
            yield

    async def turns(self) -> dict[str, datetime]:
        """Up to which deadline it is each service's turn, where more are due than it fires at once."""
        found = {name: await held.fetchval(sql.NEXT_BATCH_ENDS, BATCH - 1) for name, held in self.services.items()}
        return {name: due for name, due in found.items() if due is not None}

    def questions(self, only: list[str] | None = None, told: list[Any] | None = None) -> Iterable[Question]:
        """What is asked of all tickets, or of `only` these. The sums of what was `told` are put there."""
        services = self.services
        if only is None:
            yield Question(self.topics, sql.TOLD_QUICKLY.format(told=self.told), [RAISING], enter.Quickly(told))
        else:
            raw = [ticket.encode() for ticket in only]
            yield Question(self.topics, sql.STEPS.format(told=self.told), [only, RAISING, raw], enter.steps)
        yield Question(services["intake"], sql.TICKETS, [only], enter.front)
        yield Question(services["notifier"], sql.TELLINGS, [only], enter.told)
        yield Question(services["notifier"], sql.PENDING, [only], enter.pending)
        for desk, service in DESK_WRITER.items():
            yield Question(services[service], sql.HELD, [only], enter.Held(desk.value))
        for service, connection in services.items():
            yield Question(connection, sql.DEADLINES, [only], enter.Deadlines(service))
            yield Question(connection, sql.UNPUBLISHED, [only], enter.Unpublished(service))
            yield Question(connection, sql.PARKED, [only], enter.Parked(service))


@contextlib.asynccontextmanager
async def places(addresses: Mapping[str, str], bus: str) -> AsyncIterator[Places]:
    """Open them. `bus` is the address of the event log or of Kafka. Raises `Unavailable` with the remedy."""
    async with contextlib.AsyncExitStack() as stack:

        async def opened(address: str) -> Connection:
            connection = await connect(address, "audit")
            stack.push_async_callback(connection.close, timeout=2)
            await connection.execute(EASE)
            return connection

        services = {name: await opened(address) for name, address in addresses.items()}
        if bus.startswith("kafka://"):
            topics = await opened(addresses["intake"])
            await topics.execute(sql.GATHER)
            yield Places(services, topics, sql.GATHERED, bus)
        else:
            yield Places(services, await opened(bus), sql.LOG)


def _row(record: Record) -> tuple[Any, ...] | None:
    try:
        event = record.envelope()
    except Undecodable:
        return None
    return (
        event.topic,
        event.key,
        event.id,
        event.type,
        event.route,
        "ce_repeated" in record.headers,
        event.sequence,
    )
