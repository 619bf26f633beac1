"""Where the audit looks: a connection to each service's database and one for the topics, reading and never writing."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg

from embedded.audit import statements as sql
from embedded.audit.merging import Question
from embedded.audit.seen import Front, Held, Seen, Steps, Told
from tierline.domain.events import DESK_WRITER, EVENTS, TOPICS
from tierline.kit.bus import Record
from tierline.kit.database import connect
from tierline.kit.errors import Undecodable
from tierline.kit.history import history

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

RAISING = [type_ for type_, fact in EVENTS.items() if fact.raises]
EASE = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET work_mem = '64MB'"


@dataclass(frozen=True, slots=True)
class Places:
    """Open connections by service, the one that reads the topics, and the topics as a table."""

    services: Mapping[str, Connection]
    topics: Connection
    told: str

    @contextlib.asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """One picture of each database, for as long as the block lasts. Nobody has to wait for it."""
        async with contextlib.AsyncExitStack() as stack:
            for connection in (*self.services.values(), self.topics):
                await stack.enter_async_context(connection.transaction(isolation="repeatable_read", readonly=True))
            yield

    def questions(self, only: list[str] | None = None) -> Iterable[Question]:
        """What is asked of all tickets, or of `only` these."""
        services = self.services
        yield Question(services["intake"], sql.TICKETS, [only], _front)
        yield Question(services["notifier"], sql.TELLINGS, [only], _told)
        yield Question(services["notifier"], sql.PENDING, [only], _pending)
        if only is None:
            yield Question(self.topics, sql.STEPS_QUICKLY.format(told=self.told), [RAISING], _steps_quickly)
        else:
            raw = [ticket.encode() for ticket in only]
            yield Question(self.topics, sql.STEPS.format(told=self.told), [only, RAISING, raw], _steps)
        for desk, service in DESK_WRITER.items():
            yield Question(services[service], sql.HELD, [only], _Entry("held", desk.value))
        for service, connection in services.items():
            yield Question(connection, sql.DEADLINES, [only], _Entry("deadlines", service))
            yield Question(connection, sql.UNPUBLISHED, [only], _Entry("unpublished", service))
            yield Question(connection, sql.PARKED, [only], _Entry("parked", service))


@contextlib.asynccontextmanager
async def places(addresses: Mapping[str, str], bus: str, gathered: bool) -> AsyncIterator[Places]:
    """Open them. `bus` is the address of the event log or of Kafka. Raises `Unavailable` with the remedy.

    `gathered`: the topics are first read into a table of the audit's own.
    """
    async with contextlib.AsyncExitStack() as stack:

        async def opened(address: str) -> Connection:
            connection = await connect(address, "audit")
            stack.push_async_callback(connection.close, timeout=2)
            await connection.execute(EASE)
            return connection

        services = {name: await opened(address) for name, address in addresses.items()}
        if gathered:
            topics = await opened(addresses["intake"])
            await topics.execute(sql.GATHER)
            await gather(topics, bus)
            yield Places(services, topics, sql.GATHERED)
        else:
            yield Places(services, await opened(bus), sql.LOG)


async def gather(topics: Connection, bus: str) -> None:
    """Read the topics from the start to their end as it is now, into a table of the audit's own."""
    await topics.execute("TRUNCATE audit_told")
    async for records in history(bus, TOPICS):
        rows = [row for record in records if (row := _row(record)) is not None]
        await topics.copy_records_to_table("audit_told", records=rows)


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


def _front(seen: Seen, row: Any) -> None:
    seen.front = Front(row[1], row[2], row[3])


def _told(seen: Seen, row: Any) -> None:
    seen.told = Told(row[1], row[2], row[3] or "", seen.told.pending if seen.told else 0)


def _pending(seen: Seen, row: Any) -> None:
    before = seen.told or Told(0, False, "", 0)
    seen.told = before._replace(pending=row[1])


def _steps(seen: Seen, row: Any) -> None:
    seen.steps = Steps(*row[1:5])


def _steps_quickly(seen: Seen, row: Any) -> None:
    _, many, last, plain, squares = row
    sound = many == last and plain * 2 == last * (last + 1) and squares * 6 == last * (last + 1) * (2 * last + 1)
    seen.steps = Steps(1, last, many if sound else 0, many)


class _Entry:
    """Writes a row where it belongs: under its service or desk."""

    def __init__(self, kind: str, where: str) -> None:
        self._kind, self._where = kind, where

    def __call__(self, seen: Seen, row: Any) -> None:
        if self._kind == "deadlines":
            seen.deadlines.setdefault(self._where, {})[row[1]] = row[2]
        elif self._kind == "held":
            seen.held[self._where] = Held(row[1], row[2])
        elif self._kind == "unpublished":
            seen.unpublished[self._where] = row[1]
        else:
            seen.parked[self._where] = row[1]
