"""Kafka's topics read from their beginning to their end as it is now, by a reader that belongs to no group."""

import asyncio
from collections.abc import AsyncIterator, Mapping, MutableMapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from tierline.kit.bus import Record
from tierline.kit.bus_delivery import in_one_line
from tierline.kit.bus_kafka_quirks import records
from tierline.kit.errors import BusUnavailable

PATIENCE = 30.0


async def kafka_history(
    servers: str,
    topics: Sequence[str],
    access: Mapping[str, Any],
    read_to: MutableMapping[str, int] | None = None,
) -> AsyncIterator[list[Record]]:
    """The records, a batch at a time; behind `read_to`, where it is given, which then holds how far it was read.

    Raises `BusUnavailable` when the cluster is silent for half a minute.
    """
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=servers,
        **access,
        enable_auto_commit=False,
        isolation_level="read_committed",
        fetch_max_wait_ms=50,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            await consumer.start()
            places: list[TopicPartition] = sorted(consumer.assignment())  # without a group it is all there is
            first, last = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
            if read_to is not None:
                first = {place: max(first[place], read_to.get(_named(place), 0)) for place in places}
            for place in places:
                consumer.seek(place, first[place])
        left = {place for place in places if first[place] < last[place]}
        while left:
            async with asyncio.timeout(PATIENCE):
                batches = await consumer.getmany(*left, timeout_ms=1000)
                # A position may stand behind records that no reader ever sees, such as a transaction's mark.
                left = {place for place in left if await consumer.position(place) < last[place]}
            if batches:
                yield records(
                    {place: [one for one in batch if one.offset < last[place]] for place, batch in batches.items()}
                )
        if read_to is not None:
            read_to.update({_named(place): last[place] for place in places})
    except (KafkaError, OSError, TimeoutError) as error:
        raise BusUnavailable(
            f"Kafka does not answer at {servers} ({in_one_line(error)}); start it, or correct TIERLINE_BUS"
        ) from error
    finally:
        await consumer.stop()


def _named(place: TopicPartition) -> str:
    return f"{place.topic}:{place.partition}"
