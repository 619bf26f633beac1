"""Fakes that ship with the package: a clock to move, and a bus in memory."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tierline.kit.bus import Envelope, Handle, Record, refuse_large

MONDAY_MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class MovingClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime = MONDAY_MORNING) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """The time it shows."""
        return self._now

    def move(self, by: timedelta) -> datetime:
        """Move it forwards, and say what it shows then."""
        self._now += by
        return self._now


class MemoryBus:
    """A bus within one process: for tests of a service alone. It keeps all records, and each group's position."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._news = asyncio.Event()

    async def start(self, topics: Sequence[str]) -> None:
        """Nothing to connect to."""

    async def publish(self, events: Sequence[Envelope]) -> None:
        """Keep the events. Raises `EventTooLarge`."""
        refuse_large(events)
        for event in events:
            place = str(len(self.records))
            self.records.append(Record(event.topic, place, event.key.encode(), event.headers(), event.data))
        self._news.set()

    async def consume(self, group: str, topics: Sequence[str], handle: Handle) -> None:
        """Hand over what there is and what comes; a batch that fails is handed over again."""
        done = 0
        while True:
            batch = [record for record in self.records[done:] if record.topic in topics]
            seen = len(self.records)
            if batch:
                await handle(batch)
            done = seen
            self._news.clear()
            if len(self.records) == done:
                await self._news.wait()

    async def ping(self) -> None:
        """Always there."""

    async def stop(self) -> None:
        """Nothing to let go of."""
