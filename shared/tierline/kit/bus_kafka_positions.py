"""How far a group has read: told to Kafka behind the reading, so that the next batch need not wait for it.

One commit is under way at a time, and each is of all that was done by then: many small batches cost few commits. What
was done and not yet committed when a process dies comes again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tierline.kit.bus_kafka_quirks import Batches

Commit = Callable[[Mapping[Any, int]], Awaitable[bool]]
"""Commits where each partition goes on; false where the group refuses it."""


class Positions:
    """`refused` counts the commits that the group refused, one after the other."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._done: dict[Any, int] = {}
        self._moving: asyncio.Task[None] | None = None
        self.refused = 0

    def done(self, batches: Batches) -> None:
        """These batches had their effect."""
        self._done |= {partition: messages[-1].offset + 1 for partition, messages in batches.items()}
        if self._moving is None or self._moving.done():
            self._moving = asyncio.create_task(self._move(), name="positions")

    def check(self) -> None:
        """Raises what went wrong with the last commit."""
        if self._moving is not None and self._moving.done():
            self._moving.result()

    async def settled(self, patience: float) -> None:
        """Until nothing is under way, but no longer than `patience`."""
        if self._moving is not None:
            await asyncio.wait({self._moving}, timeout=patience)

    async def close(self, patience: float) -> None:
        """Commit what was done, if that is possible within `patience`."""
        await self.settled(patience)
        if self._moving is not None:
            self._moving.cancel()
            await asyncio.wait({self._moving})
            if not self._moving.cancelled():
                self._moving.exception()  # whoever reads knows of it by `check`, or reads no more

    async def _move(self) -> None:
        while self._done:
            now, self._done = self._done, {}
            self.refused = 0 if await self._commit(now) else self.refused + 1
