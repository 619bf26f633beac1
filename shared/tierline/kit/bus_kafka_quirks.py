"""What Kafka's client library leaves to us: ending, fetching within a time, going back, and holding still.

Nothing here imports it; the objects given are the library's own.
"""

import asyncio
from contextlib import suppress
from typing import Any, TypeAlias

from tierline.kit.bus import Record
from tierline.kit.errors import BusUnavailable

Batches: TypeAlias = dict[Any, list[Any]]
"""Messages by partition, as the library gives them."""

STOP = 5.0
BATCH = 500


class Idle:
    """Says whether a batch is in hand. Partitions are given away in between, so that nothing is repeated."""

    def __init__(self, patience: float) -> None:
        self._event, self._patience = asyncio.Event(), patience
        self._event.set()

    def __enter__(self) -> None:
        self._event.clear()

    def __exit__(self, *_: object) -> None:
        self._event.set()

    async def wait(self) -> None:
        """Until no batch is in hand, but not for ever: the others of the group are waiting."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await self._event.wait()


async def fetched(consumer: Any) -> Batches:
    """What has arrived, or nothing after a while, even when the group never finishes changing."""
    try:
        # The library's own limit does not count while the group changes.
        async with asyncio.timeout(STOP):
            batches: Batches = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
            return batches
    except TimeoutError:
        return {}


def seek_back(consumer: Any, batches: Batches) -> None:
    """Fetch these again. Without it the next fetch would go on behind them."""
    for partition, messages in batches.items():
        if partition in consumer.assignment():  # otherwise its next holder begins at what was committed
            consumer.seek(partition, messages[0].offset)


def records(batches: Batches) -> list[Record]:
    """The messages as the port's records, whatever they hold."""
    return [
        Record(
            message.topic,
            f"{message.partition}:{message.offset}",
            message.key,
            {name: value or b"" for name, value in message.headers},
            message.value,
        )
        for messages in batches.values()
        for message in messages
    ]


async def end_producer(producer: Any, patience: float) -> None:
    """Stop it within `patience`, or silence it: nothing of what it still holds may be sent later."""
    stopping = asyncio.ensure_future(producer.stop())
    await asyncio.wait({stopping}, timeout=patience)
    if not stopping.done():
        sender = producer._sender.sender_task
        if sender is not None:
            sender.cancel()
        _fail_what_waits(producer._message_accumulator)
        await producer.client.close()
        await asyncio.wait({stopping}, timeout=STOP)
        stopping.cancel()


def _fail_what_waits(accumulator: Any) -> None:
    """Tell every publish that waits for this producer."""
    batches = [batch for queue in accumulator._batches.values() for batch in queue]
    accumulator.fail_all(BusUnavailable("Kafka does not answer; its producer was replaced"))
    for batch in batches:
        if not batch._drain_waiter.cancelled():
            batch._drain_waiter.exception()  # nobody else asks, and asyncio would complain of that
