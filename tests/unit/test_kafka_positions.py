"""A group's position moves behind the reading: one commit at a time, and none is lost, overtaken or silent."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from tierline.kit.bus_kafka_positions import Positions

PATIENCE = 60.0


class Broker:
    """Takes commits, one answer for each `let`."""

    def __init__(self) -> None:
        self.asked: list[Mapping[Any, int]] = []
        self.answers: asyncio.Queue[bool | Exception] = asyncio.Queue()

    async def commit(self, positions: Mapping[Any, int]) -> bool:
        """Hangs until there is an answer."""
        self.asked.append(positions)
        answer = await self.answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer


def read(**last: int) -> dict[Any, list[Any]]:
    """Batches by partition, each ending with this offset."""
    return {partition: [SimpleNamespace(offset=offset)] for partition, offset in last.items()}


@pytest.fixture
def broker() -> Broker:
    return Broker()


async def test_what_is_done_while_a_commit_is_under_way_is_one_commit_after_it(broker: Broker) -> None:
    positions = Positions(broker.commit)
    positions.done(read(a=4))
    await asyncio.sleep(0)
    for batches in (read(a=5), read(b=2), read(a=7)):
        positions.done(batches)
        await asyncio.sleep(0)
    assert broker.asked == [{"a": 5}]

    broker.answers.put_nowait(True)
    broker.answers.put_nowait(True)
    await positions.settled(PATIENCE)
    assert broker.asked == [{"a": 5}, {"a": 8, "b": 3}]


async def test_whoever_settles_waits_for_all_that_was_done(broker: Broker) -> None:
    positions = Positions(broker.commit)
    positions.done(read(a=1))
    settling = asyncio.ensure_future(positions.settled(PATIENCE))
    await asyncio.sleep(0)
    positions.done(read(a=2))
    broker.answers.put_nowait(True)
    broker.answers.put_nowait(True)
    await settling
    assert broker.asked[-1] == {"a": 3}


async def test_refusals_are_counted_until_one_is_taken(broker: Broker) -> None:
    positions = Positions(broker.commit)
    counted = []
    for answer in (False, False, True):
        broker.answers.put_nowait(answer)
        positions.done(read(a=1))
        await positions.settled(PATIENCE)
        counted.append(positions.refused)
    assert counted == [1, 2, 0]


async def test_a_commit_that_fails_is_told_to_whoever_reads(broker: Broker) -> None:
    positions = Positions(broker.commit)
    broker.answers.put_nowait(OSError("away"))
    positions.done(read(a=1))
    positions.check()  # it is still under way
    await positions.settled(PATIENCE)
    with pytest.raises(OSError, match="away"):
        positions.check()
    await positions.close(PATIENCE)


async def test_closing_does_not_wait_for_a_broker_that_is_away(broker: Broker) -> None:
    positions = Positions(broker.commit)
    positions.done(read(a=1))
    await positions.close(0.01)
    positions.done(read(a=2))
    broker.answers.put_nowait(True)
    await positions.close(PATIENCE)
    assert broker.asked == [{"a": 2}, {"a": 3}]
