"""What the contract suite runs on: a rig per adapter, each over the real thing."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import postgres_server
import pytest
from rigs import KafkaRig, PostgresRig, Rig
from stage import Stage

from kafka_broker import Broker, kafka_broker, kafka_servers

__all__ = ["kafka_broker", "kafka_servers"]


@pytest.fixture(scope="session")
def event_database() -> Iterator[str]:
    """A database for event logs."""
    with postgres_server.server() as dsn:
        yield dsn


@pytest.fixture(params=["kafka", "postgres"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Every story is told twice, once over each adapter."""
    if request.param == "kafka":
        broker: Broker = request.getfixturevalue("kafka_broker")
        return KafkaRig(broker)
    return PostgresRig(request.getfixturevalue("event_database"))


@pytest.fixture
def postgres(event_database: str) -> PostgresRig:
    """For stories that only an event log in PostgreSQL can tell."""
    return PostgresRig(event_database)


@pytest.fixture
async def stage(rig: Rig) -> AsyncIterator[Stage]:
    """A topic and groups of this test's own."""
    async with AsyncExitStack() as ending:
        yield Stage(rig, ending)
