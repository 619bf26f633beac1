"""What the stories of the suite are told with: events, readers, and waiting for something to come true."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime

from rigs import Rig

from tierline.kit.bus import Envelope, EventBus, Handle, Record

MOMENT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Reader:
    """A `handle` that keeps what it was given, and takes as long and fails as often as it is told to."""

    def __init__(self, failures: int = 0, poison: str | None = None, takes: float = 0.0) -> None:
        self.records: list[Record] = []
        self.batches: list[list[str]] = []
        self.failures, self.poison, self.takes = failures, poison, takes

    async def __call__(self, records: Sequence[Record]) -> None:
        ids = [record.headers.get("ce_id", b"").decode() for record in records]
        self.batches.append(ids)
        if self.failures and (self.poison is None or self.poison in ids):
            self.failures -= 1
            raise RuntimeError("told to fail")
        if self.takes:
            await asyncio.sleep(self.takes)
        self.records += records

    @property
    def ids(self) -> list[str]:
        """Of all that was handled, in order."""
        return [record.headers.get("ce_id", b"").decode() for record in self.records]

    def sequences(self) -> dict[str, list[int]]:
        """By key, in the order of their first arrival."""
        found: dict[str, list[int]] = {}
        for record in self.records:
            envelope = record.envelope()
            numbers = found.setdefault(envelope.key, [])
            if envelope.sequence not in numbers:
                numbers.append(envelope.sequence)
        return found


class Stage:
    """One test's topic and groups, and the buses and readers that end with it."""

    def __init__(self, rig: Rig, ending: AsyncExitStack) -> None:
        self.rig, self._ending = rig, ending
        self.topic = f"things.{uuid.uuid4().hex}"
        self.group = f"group-{uuid.uuid4().hex}"

    async def bus(self, send_timeout: float = 15.0) -> EventBus:
        """A started bus."""
        bus = self.rig.bus(send_timeout)
        self._ending.push_async_callback(bus.stop)
        await bus.start([self.topic])
        return bus

    @asynccontextmanager
    async def reading(self, bus: EventBus, reader: Handle, group: str | None = None) -> AsyncIterator[None]:
        """`reader` is a member of the group as long as the block lasts, then leaves in order."""
        task = asyncio.create_task(bus.consume(group or self.group, [self.topic], reader))
        try:
            yield
            assert not task.done(), "consume ended by itself"
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def events(self, count: int, keys: int = 1, first: int = 1) -> list[Envelope]:
        """`count` events over `keys` keys, each key numbered from `first`."""
        return [self.event(f"key-{n % keys}", first + n // keys) for n in range(count)]

    def event(self, key: str, sequence: int) -> Envelope:
        """One event."""
        return Envelope(
            topic=self.topic,
            key=key,
            id=str(uuid.uuid4()),
            type="thing.happened.v1",
            source="/suite",
            time=MOMENT,
            sequence=sequence,
            data=b'{"what": "\xc3\xbcber"}',
        )


async def until(true: Callable[[], bool], within: float = 20.0) -> None:
    """Wait until something is true, or fail."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.01)


def ids(events: Iterable[Envelope]) -> list[str]:
    """Their ids."""
    return [event.id for event in events]
