"""Notices a Kafka reader that stands still though there is something to read."""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

PATIENCE = 10.0


class Stalled(Exception):
    """The reader stands still; only a new one helps."""


class Watch:
    """Compares, every `pause` seconds without a record, where the reader is with where the topics end.

    `every` names all partitions. It serves a reader that has none of its own: a spare one, which is well as
    long as anybody in the group moves.
    """

    def __init__(self, consumer: Any, every: Iterable[Any], pause: float) -> None:
        self._consumer, self._every, self._pause = consumer, list(every), pause
        self.moved()

    def moved(self) -> None:
        """Something was read."""
        self._looked, self._before = time.monotonic(), dict[Any, int]()

    async def look(self) -> None:
        """Compare with the last look, if that is long enough ago. Raises `Stalled`, or that Kafka is away."""
        if time.monotonic() - self._looked < self._pause:
            return
        async with asyncio.timeout(PATIENCE):
            behind = await self._behind()
        if behind and behind == self._before:
            raise Stalled(f"{len(behind)} partitions have news and none moves")
        self._looked, self._before = time.monotonic(), behind

    async def _behind(self) -> dict[Any, int]:
        consumer = self._consumer
        if mine := consumer.assignment():
            at = {partition: await consumer.position(partition) for partition in mine}
        else:
            known = [(partition, await consumer.committed(partition)) for partition in self._every]
            at = {partition: offset for partition, offset in known if offset is not None}
        ends = await consumer.end_offsets(list(at)) if at else {}
        return {partition: offset for partition, offset in at.items() if offset < ends[partition]}
