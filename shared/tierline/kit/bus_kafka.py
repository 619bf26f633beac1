"""The port over Apache Kafka: the only file that knows its client library.

Producer: idempotent, so that a retry inside the library neither repeats nor reorders. Such a producer never
gives up by itself; so every send has our own time limit, and a producer that failed is silenced and
replaced: what it still holds must not be sent late, after what the caller has published since.

Consumer: positions are committed by name after `handle`, beside the reading, and sought back when it fails, because
fetching alone moves on. The library may lose its place in the group without a word; so we watch whether anything
moves, and begin anew.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from tierline.kit.bus import LARGEST_EVENT, Envelope, Handle, refuse_large
from tierline.kit.bus_delivery import Pause, handled, in_one_line
from tierline.kit.bus_kafka_positions import Positions
from tierline.kit.bus_kafka_quirks import STOP, Idle, end_producer, fetched, records, seek_back
from tierline.kit.bus_kafka_topics import make_topics
from tierline.kit.bus_kafka_watch import Stalled, Watch
from tierline.kit.crashing import point
from tierline.kit.errors import BusUnavailable, EventTooLarge

log = structlog.get_logger()

TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
TROUBLE = (KafkaError, OSError, TimeoutError, ValueError)
BATCH_BYTES = 256 * 1024
REQUEST_MS = 10_000
START = 30.0
REFUSALS = 3


class KafkaBus:
    """A cluster at `servers` ("host:port,host:port"), with what `access` says of TLS and SASL.

    `send_timeout` bounds a publish, `stall` how long a reader may stand still while there is something to read.
    `session_timeout` says how long a silent member keeps its partitions: long enough to miss four heartbeats, since what
    computes for long runs in threads, and short, since the port promises seconds. Who is taken for dead too early costs
    a batch that is read again.
    """

    def __init__(
        self,
        servers: str,
        *,
        client_id: str,
        access: Mapping[str, Any] | None = None,
        partitions: int = 12,
        replication: int = 1,
        send_timeout: float = 15.0,
        session_timeout: float = 12.0,
        stall: float = 30.0,
    ) -> None:
        self._servers = servers
        self._client: dict[str, Any] = {"bootstrap_servers": servers, "client_id": client_id, **(access or {})}
        self._partitions, self._replication = partitions, replication
        self._send_timeout, self._session_timeout, self._stall = send_timeout, session_timeout, stall
        self._producer: Any = None
        self._making = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self, topics: Sequence[str]) -> None:
        """Make the topics that are missing, and connect. Raises `BusUnavailable` with the remedy."""
        try:
            async with asyncio.timeout(START):
                await make_topics(self._client, topics, self._partitions, self._replication)
                await self._ready()
        except TROUBLE as error:
            raise self._unavailable(error) from error

    async def publish(self, events: Sequence[Envelope]) -> None:
        """Queue all in order, then wait for all. Raises `BusUnavailable` when the outcome is unknown, or `EventTooLarge`."""
        if not events:
            return
        refuse_large(events)
        producer, sent = None, []
        try:
            async with asyncio.timeout(self._send_timeout):
                producer = await self._ready()
                for event in events:
                    headers = list(event.headers().items())
                    sent.append(await producer.send(event.topic, event.data, event.key.encode(), headers=headers))
                    point("bus.sending")
                    if len(event.data) > BATCH_BYTES:
                        # It goes alone, and a broker may refuse it; what follows must not overtake it.
                        await sent[-1]
                await asyncio.gather(*sent)
        except (*TROUBLE, BusUnavailable) as error:
            for future in sent:
                future.cancel()
            self._discard(producer)
            if isinstance(error, TOO_LARGE):  # this broker's own limit, or its topic's, is smaller than ours
                raise EventTooLarge("an event is larger than max.message.bytes of its topic") from error
            raise self._unavailable(error) from error

    async def consume(self, group: str, topics: Sequence[str], handle: Handle) -> None:
        """Read as a member of the group. Ends only by cancellation."""
        pause = Pause()
        while True:
            began = time.monotonic()
            try:
                async with self._member(group, topics) as (consumer, idle, positions):
                    log.info("consumer_started", action="consumer_started", group=group)
                    await self._read(consumer, idle, positions, group, topics, handle)
            except Exception as error:  # whatever the library raises, this member begins anew
                reason = in_one_line(error)
                log.warning("consumer_restarted", action="consumer_restarted", group=group, reason=reason)
            if time.monotonic() - began > START:
                pause.after_success()
            await asyncio.sleep(pause.after_failure())

    async def ping(self) -> None:
        """Ask the cluster who it is. Raises `BusUnavailable`."""
        try:
            async with asyncio.timeout(STOP):
                await (await self._ready()).client.fetch_all_metadata()
        except TROUBLE as error:
            raise self._unavailable(error) from error

    async def _answers(self) -> bool:
        try:
            await self.ping()
        except BusUnavailable:
            return False
        return True

    async def stop(self) -> None:
        """Close the producer, and wait a moment for what is ending. Each `consume` ends when cancelled."""
        producer, self._producer = self._producer, None
        if producer is not None:
            self._in_background(end_producer(producer, STOP / 2))
        if self._ending:
            _, late = await asyncio.wait(self._ending, timeout=STOP)
            for task in late:
                task.cancel()

    async def _ready(self) -> Any:
        async with self._making:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **self._client,
                    acks="all",
                    enable_idempotence=True,
                    max_batch_size=BATCH_BYTES,
                    max_request_size=LARGEST_EVENT,
                    request_timeout_ms=REQUEST_MS,
                )
                try:
                    await producer.start()
                except BaseException:
                    self._in_background(end_producer(producer, 0))
                    raise
                self._producer = producer
            return self._producer

    def _discard(self, producer: Any) -> None:
        if producer is not None and producer is self._producer:
            self._producer = None
            log.warning("producer_replaced", action="producer_replaced")
            self._in_background(end_producer(producer, 0))

    @asynccontextmanager
    async def _member(self, group: str, topics: Sequence[str]) -> AsyncIterator[tuple[Any, Idle, Positions]]:
        session_ms = int(self._session_timeout * 1000)
        consumer = AIOKafkaConsumer(
            **self._client,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            # The same partition number of every topic at the same member: what belongs together meets.
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(3000, session_ms // 5),
            # A partition just read is not asked for again before the fetch under way has ended.
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=LARGEST_EVENT,
            request_timeout_ms=REQUEST_MS,
        )
        idle = Idle(self._session_timeout / 2)
        positions = Positions(partial(_committed, consumer, group))
        consumer.subscribe(list(topics), listener=_Listener(idle, positions))
        try:
            # Joining may wait until the session of one that died has ended; who gives up before leaves one more.
            async with asyncio.timeout(START + self._session_timeout):
                await consumer.start()
            yield consumer, idle, positions
        finally:
            await positions.close(STOP / 5)
            # Leaving the group lets others take over at once. With the broker away this outlasts our
            # patience.
            await asyncio.wait({self._in_background(consumer.stop())}, timeout=STOP)

    async def _read(
        self, consumer: Any, idle: Idle, positions: Positions, group: str, topics: Sequence[str], handle: Handle
    ) -> None:
        every = [TopicPartition(t, p) for t in topics for p in consumer.partitions_for_topic(t) or ()]
        watch, pause = Watch(consumer, every, self._stall / 2, self._answers), Pause()
        while True:
            batches = await fetched(consumer)
            positions.check()
            if not batches:
                await watch.look()
                continue
            watch.moved()
            with idle:
                if done := await handled(handle, records(batches), group):
                    point("bus.handled")
                    positions.done(batches)
                else:
                    seek_back(consumer, batches)
            if positions.refused >= REFUSALS:
                raise Stalled("the group refuses what this member commits")
            if done:
                pause.after_success()
            else:
                await asyncio.sleep(pause.after_failure())

    def _in_background(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._ending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.info("client_ended_badly", action="client_ended_badly", reason=in_one_line(error))

    def _unavailable(self, error: BaseException) -> BusUnavailable:
        reason = in_one_line(error)
        also = "" if self._client.get("security_protocol", "PLAINTEXT") == "PLAINTEXT" else " and TIERLINE_KAFKA_..."
        return BusUnavailable(
            f"Kafka does not answer at {self._servers} ({reason}); start it, or correct TIERLINE_BUS{also}"
        )


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, idle: Idle, positions: Positions) -> None:
        self._idle, self._positions = idle, positions

    async def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        await self._idle.wait()
        await self._positions.settled(STOP)

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """Nothing to prepare."""


async def _committed(consumer: Any, group: str, positions: Mapping[Any, int]) -> bool:
    try:
        async with asyncio.timeout(START):
            await consumer.commit(positions)
    except (CommitFailedError, IllegalStateError) as error:
        # The partitions went to another member meanwhile, which reads these records again.
        log.warning("commit_refused", action="commit_refused", group=group, reason=in_one_line(error))
        return False
    except TROUBLE as error:
        # Kafka is away. The effect stands; a later commit says so too, and whoever reads it again finds it done.
        log.warning("commit_late", action="commit_late", group=group, reason=in_one_line(error))
        return False
    point("bus.moved")
    return True
