"""What only the Kafka adapter must prove: a replaced producer is silent, a reader standing still is seen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError
from rigs import KafkaRig
from stage import Reader, Stage, ids, until
from structlog.testing import capture_logs

from kafka_broker import Broker
from tierline.kit import bus_kafka, bus_kafka_watch
from tierline.kit.bus_kafka import KafkaBus
from tierline.kit.bus_kafka_watch import DEAF, Stalled, Watch
from tierline.kit.errors import BusUnavailable, EventTooLarge


@pytest.fixture
async def stage(kafka_broker: Broker) -> AsyncIterator[Stage]:
    """A stage over Kafka alone."""
    async with AsyncExitStack() as ending:
        yield Stage(KafkaRig(kafka_broker), ending)


async def test_what_a_replaced_producer_still_held_is_never_sent_late(stage: Stage) -> None:
    bus, reader = await stage.bus(send_timeout=2), Reader()
    await bus.publish(stage.events(3))
    async with stage.rig.away():
        with pytest.raises(BusUnavailable):
            await bus.publish(stage.events(3, first=4))
    after = stage.events(1, first=7)
    await bus.publish(after)
    await asyncio.sleep(3)
    async with stage.reading(bus, reader):
        await until(lambda: ids(after)[0] in reader.ids)
    assert reader.sequences() == {"key-0": [1, 2, 3, 7]}


async def test_what_a_topic_of_ones_own_making_is_too_small_for_is_refused_too(stage: Stage) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.rig.address.removeprefix("kafka://"))
    await admin.start()
    await admin.create_topics([NewTopic(stage.topic, 4, 1, topic_configs={"max.message.bytes": "100000"})])
    await admin.close()
    bus, reader = await stage.bus(), Reader()
    first, second, third = stage.events(3)
    with pytest.raises(EventTooLarge):
        await bus.publish([replace(first, data=b"x" * 300_000), second])  # the second must not overtake it
    await bus.publish([third])
    async with stage.reading(bus, reader):
        await until(lambda: third.id in reader.ids)
    assert reader.sequences() == {"key-0": [3]}


async def test_one_publish_that_fails_tells_the_others_of_its_producer(stage: Stage) -> None:
    bus = await stage.bus(send_timeout=4)
    await bus.publish(stage.events(1))
    async with stage.rig.away():
        first = asyncio.create_task(bus.publish(stage.events(1)))
        await asyncio.sleep(2)
        began = asyncio.get_running_loop().time()
        second = asyncio.create_task(bus.publish(stage.events(1)))
        assert [type(e) for e in await asyncio.gather(first, second, return_exceptions=True)] == [BusUnavailable] * 2
        assert asyncio.get_running_loop().time() - began < 3.5, "the second waited for a producer that is no more"


class Asked(KafkaBus):
    """A bus that counts how often someone asked whether Kafka answers."""

    times = 0

    async def ping(self) -> None:
        self.times += 1
        await super().ping()


async def test_a_reader_outlives_an_outage_as_the_member_that_it_was(
    stage: Stage, kafka_servers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_kafka_watch, "PATIENCE", 0.5)
    monkeypatch.setattr(bus_kafka, "STOP", 1.0)
    # Sessions as in use: a new member would wait three quarters of a minute until the old one's has ended.
    bus, reader = Asked(kafka_servers, client_id="suite", partitions=4, stall=1.0), Reader()
    await bus.start([stage.topic])
    with capture_logs() as said:
        async with stage.reading(bus, reader):
            await bus.publish(stage.events(1))
            await until(lambda: reader.sequences() == {"key-0": [1]})
            async with stage.rig.away():
                await until(lambda: bus.times >= DEAF + 1, within=60)
            await bus.publish(stage.events(1, first=2))
            await until(lambda: reader.sequences() == {"key-0": [1, 2]}, within=60)
    await bus.stop()
    assert "consumer_restarted" not in {line["action"] for line in said}


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


class Standing:
    """A consumer of three partitions that says what it is told to say."""

    def __init__(self, mine: set[int]) -> None:
        self.mine, self.at, self.end = mine, {0: 5, 1: 7, 2: None}, {0: 5, 1: 7, 2: 0}

    def assignment(self) -> set[int]:
        return self.mine

    async def position(self, partition: int) -> int | None:
        return self.at[partition]

    committed = position

    async def end_offsets(self, partitions: list[int]) -> dict[int, int]:
        return {partition: self.end[partition] for partition in partitions}


@pytest.mark.parametrize("mine", [{0, 1}, set()], ids=["with partitions", "spare"])
async def test_a_reader_is_stalled_when_there_are_news_and_nothing_moves(mine: set[int]) -> None:
    consumer = Standing(mine)
    watch = Watch(consumer, [0, 1, 2], pause=0, answers=yes)
    await watch.look()
    await watch.look()  # nothing to read: standing still is right
    consumer.end[1] = 9
    await watch.look()
    consumer.at[1] = 8
    await watch.look()  # it moves, if slowly
    watch.moved()
    await watch.look()
    with pytest.raises(Stalled):
        await watch.look()


async def test_a_reader_that_just_began_is_left_alone() -> None:
    consumer: Any = Standing({0})
    consumer.end[0] = 9
    watch = Watch(consumer, [0], pause=60, answers=yes)
    for _ in range(3):
        await watch.look()


class Deaf(Standing):
    """A consumer that gets no answer."""

    async def position(self, partition: int) -> int | None:
        raise KafkaConnectionError


async def test_a_reader_without_an_answer_is_kept_while_nobody_has_one_and_replaced_when_others_do() -> None:
    alone = Watch(Deaf({0, 1}), [0, 1, 2], pause=0, answers=yes)
    for _ in range(DEAF - 1):
        await alone.look()
    with pytest.raises(Stalled):
        await alone.look()
    together = Watch(Deaf({0, 1}), [0, 1, 2], pause=0, answers=no)
    for _ in range(DEAF * 5):
        await together.look()
