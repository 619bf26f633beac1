"""What the stories stand on: one PostgreSQL for the session, and whole machines on either adapter."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from embedded.machine import running
from house import House
from kafka_broker import kafka_broker, kafka_servers, own_kafka
from spans import kept_spans

__all__ = ["kafka_broker", "kafka_servers", "own_kafka"]


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder that another user can reach into, as PostgreSQL runs as one where root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="tierline-tests-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture(scope="session")
async def house(folder: Path) -> AsyncIterator[House]:
    """The five services on one machine, over the event log."""
    async with _house(folder / "log", None) as made:
        yield made


@pytest.fixture(scope="session")
async def stocked_house(folder: Path) -> AsyncIterator[House]:
    """The same with the manuals that it brings along, so that Tier 1 answers by itself."""
    async with _house(folder / "stocked", None, manuals=True) as made:
        yield made


@pytest.fixture(scope="session")
async def kafka_house(folder: Path, kafka_servers: str) -> AsyncIterator[House]:
    """The five services over a real Kafka."""
    async with _house(folder / "kafka", kafka_servers) as made:
        yield made


@asynccontextmanager
async def _house(folder: Path, kafka: str | None, *, manuals: bool = False) -> AsyncIterator[House]:
    with kept_spans() as spans:
        async with running(folder, port=0, kafka=kafka, manuals=manuals) as machine, machine.client() as client:
            yield House(machine, client, spans)
