"""Notices a Kafka reader that stands still though there is something to read."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

PATIENCE = 10.0
DEAF = 2


class Stalled(Exception):
    """The reader stands still; only a new one helps."""


class Watch:
    """Compares, every `pause` seconds without a record, where the reader is with where the topics end.

    `every` names all partitions. It serves a reader that has none of its own: a spare one, which is well as
    long as anybody in the group moves.

    While Kafka is away the reader is kept: its group knows it when Kafka is back. For a new one it would first
    wait until the session of the old one has ended. `answers` says whether Kafka answers somebody else.
    """

    def __init__(
        self, consumer: Any, every: Iterable[Any], pause: float, answers: Callable[[], Awaitable[bool]]
    ) -> None:
        self._consumer, self._every, self._pause, self._answers = consumer, list(every), pause, answers
        self.moved()

    def moved(self) -> None:
        """Something was read."""
        self._looked, self._before, self._deaf = time.monotonic(), dict[Any, int](), 0

    async def look(self) -> None:
        """Compare with the last look, if that is long enough ago. Raises `Stalled`."""
        if time.monotonic() - self._looked < self._pause:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                behind = await self._behind()
        except Exception as error:  # the library tells in many ways that it gets no answer
            self._deaf = self._deaf + 1 if await self._answers() else 0
            if self._deaf >= DEAF:
                raise Stalled("Kafka answers others, and not this reader") from error
            behind = {}
        else:
            self._deaf = 0
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
