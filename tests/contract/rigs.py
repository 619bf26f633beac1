"""One rig per adapter: how the suite makes a bus, writes a raw record, and takes the broker away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import asyncpg
from aiokafka import AIOKafkaProducer

from kafka_broker import Broker
from tierline.kit.bus import EventBus
from tierline.kit.bus_kafka import KafkaBus
from tierline.kit.bus_postgres import PostgresBus

SESSION = 6.0
"""Seconds after which Kafka declares a silent member dead in these tests; any broker allows it."""


class Rig(Protocol):
    """What the suite needs of an adapter beyond the port."""

    address: str

    def bus(self, send_timeout: float = 15.0) -> EventBus:
        """A bus that is not started."""

    def nowhere(self) -> EventBus:
        """A bus whose address leads nowhere."""

    async def write(self, topic: str, key: bytes | None, headers: dict[str, str], value: bytes | None) -> None:
        """A record that is no envelope."""

    def away(self) -> AbstractAsyncContextManager[None]:
        """A block during which the broker does not answer."""


class KafkaRig:
    """Over a real Kafka."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.address = f"kafka://{broker.servers}"

    def bus(self, send_timeout: float = 15.0) -> KafkaBus:
        return _kafka(self._broker.servers, send_timeout)

    def nowhere(self) -> KafkaBus:
        return _kafka("no-such-host.invalid:9092", 15.0)

    async def write(self, topic: str, key: bytes | None, headers: dict[str, str], value: bytes | None) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self._broker.servers) as producer:
            raw = [(name, text.encode()) for name, text in headers.items()]
            await producer.send_and_wait(topic, value, key, headers=raw)

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        await asyncio.to_thread(self._broker.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(self._broker.start)


class PostgresRig:
    """Over a real PostgreSQL."""

    def __init__(self, dsn: str) -> None:
        self.address = dsn

    def bus(self, send_timeout: float = 15.0) -> PostgresBus:
        return PostgresBus(self.address, send_timeout=send_timeout)

    def nowhere(self) -> PostgresBus:
        return PostgresBus("postgresql://nobody:none@no-such-host.invalid:5432/events")

    async def write(self, topic: str, key: bytes | None, headers: dict[str, str], value: bytes | None) -> None:
        async with self.connection() as connection:
            await connection.execute(
                "INSERT INTO event_log (topic, key, headers, value) VALUES ($1, $2, json_object($3), $4)",
                topic,
                key,
                [text for pair in headers.items() for text in pair],
                value,
            )

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Answering nobody: the table is locked, and every connection of the bus is broken when it ends."""
        async with self.connection() as connection, connection.transaction():
            await connection.execute("LOCK TABLE event_log IN ACCESS EXCLUSIVE MODE")
            yield
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bus'"
            )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection that is no bus."""
        connection = await asyncpg.connect(self.address)
        try:
            yield connection
        finally:
            await connection.close()


def bus_at(address: str, send_timeout: float = 15.0) -> EventBus:
    """The bus of a rig's address, as another process makes it."""
    if address.startswith("kafka://"):
        return _kafka(address.removeprefix("kafka://"), send_timeout)
    return PostgresBus(address, send_timeout=send_timeout)


def _kafka(servers: str, send_timeout: float) -> KafkaBus:
    return KafkaBus(servers, client_id="suite", partitions=4, send_timeout=send_timeout, session_timeout=SESSION)
