"""The port over one table in PostgreSQL: for an install on one machine.

Serial numbers are not commit order: a transaction that began early may commit late, behind rows that a reader
has passed already. So each row carries its transaction's number, and a reader goes by (xid, pos), and only
below the oldest transaction still at work: what lies there is settled, nothing can be added to it. The
price: a long writing transaction on the same server, in whatever database, holds new events back for as
long as it lasts.

There are no partitions: one member of a group reads, the others stand by. The one holds an advisory lock on
the connection by which it also moves the group's position, so a member that lost the lock cannot move it.
(A pooler that lends one connection to many sessions must not stand between.) NOTIFY is a hint that saves
waiting for the next look; nothing depends on it.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import TypeAlias

import asyncpg
import structlog

from tierline.kit import bus_postgres_sql as sql
from tierline.kit.bus import Envelope, Handle, Record, refuse_large
from tierline.kit.bus_delivery import Pause, handled, in_one_line
from tierline.kit.crashing import point
from tierline.kit.database import AWAY, SESSION
from tierline.kit.errors import BusUnavailable

log = structlog.get_logger()

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

TROUBLE = (*AWAY, asyncpg.PostgresError)
CHANNEL = "event_log"
BATCH = 500
PURGED_AT_ONCE = 5000
STAND_BY = 1.0
SOON, LESS_SOON = 0.005, 1.25


class PostgresBus:
    """The event log. `poll`: how long a reader waits for a hint. `send_timeout`: what a publish may take."""

    def __init__(
        self, dsn: str, *, poll: float = 0.2, application_name: str = "bus", send_timeout: float = 15.0
    ) -> None:
        self._dsn, self._poll, self._name, self._send_timeout = dsn, poll, application_name, send_timeout
        self._writer: Connection | None = None
        # One publish at a time: two side by side could commit one key's events in the wrong order.
        self._turn = asyncio.Lock()
        self._published = asyncio.Event()
        self._hinting: asyncio.Task[None] | None = None

    async def start(self, topics: Sequence[str]) -> None:
        """Connect, and make the tables if missing; topics need no making. Raises `BusUnavailable`."""
        async with self._turn:
            writer = await self._connected()
            try:
                async with writer.transaction():
                    await writer.execute(sql.SCHEMA_LOCK)
                    if not await writer.fetchval(sql.SCHEMA_THERE):
                        await writer.execute(sql.SCHEMA)
                    if await writer.fetchval(sql.FOREIGN, topics):
                        log.warning("event_log_adopted", action="event_log_adopted")
                        await writer.execute(sql.ADOPT)
            except asyncpg.InsufficientPrivilegeError as error:
                raise BusUnavailable(
                    "The event log's tables are missing or closed to this role: run bus_postgres.sql of the "
                    "package once as their owner, and grant this role SELECT, INSERT, UPDATE and DELETE"
                ) from error
            except TROUBLE as error:
                self._discard()
                raise _unavailable(error) from error

    async def publish(self, events: Sequence[Envelope]) -> None:
        """One transaction holds them all. Raises `BusUnavailable` when its outcome is unknown, or `EventTooLarge`."""
        if not events:
            return
        refuse_large(events)
        topics = [event.topic for event in events]
        keys = [event.key.encode() for event in events]
        headers = [_as_json(event) for event in events]
        values = [event.data for event in events]
        async with self._turn:
            writer = await self._connected()
            try:
                await writer.execute(sql.PUBLISH, topics, keys, headers, values, timeout=self._send_timeout)
            except asyncio.CancelledError:
                self._discard()  # it may be in the middle of the statement
                raise
            except TROUBLE as error:
                self._discard()
                raise _unavailable(error) from error
        self._published.set()
        if self._hinting is None or self._hinting.done():
            self._hinting = asyncio.create_task(self._hint(), name="bus hints")

    async def consume(self, group: str, topics: Sequence[str], handle: Handle) -> None:
        """Stand by until the group's lock is ours, then read. Ends only by cancellation."""
        pause = Pause()
        while True:
            try:
                async with _let_go(await self._connect()) as reader:
                    # Nothing tells us when another process lets go: only asking does.
                    while not await reader.fetchval(sql.LEAD, group):
                        await asyncio.sleep(STAND_BY)
                    log.info("consumer_started", action="consumer_started", group=group)
                    pause.after_success()
                    await self._read(reader, group, list(topics), handle)
            except Exception as error:  # whatever the library raises, this reader begins anew
                reason = in_one_line(error)
                log.warning("consumer_restarted", action="consumer_restarted", group=group, reason=reason)
            await asyncio.sleep(pause.after_failure())

    async def ping(self) -> None:
        """Prove that the log can be read. Raises `BusUnavailable`."""
        try:
            async with asyncio.timeout(5), self._turn:
                await (await self._connected()).execute("SELECT FROM event_log LIMIT 1")
        except TROUBLE as error:
            raise _unavailable(error) from error

    async def purge(self, older_than: timedelta) -> int:
        """Delete what is older and read by every group that ever read its topic; say how many.

        A group that is no more holds everything back until its rows in `group_position` are deleted.
        """
        purged = 0
        try:
            async with _let_go(await self._connect()) as connection:
                while True:
                    done = await connection.execute(sql.PURGE, older_than, PURGED_AT_ONCE)
                    count = int(done.split()[-1])
                    purged += count
                    if count < PURGED_AT_ONCE:
                        return purged
        except TROUBLE as error:
            raise _unavailable(error) from error

    async def stop(self) -> None:
        """Close what publishes. Each `consume` lets go of its own when it is cancelled."""
        if self._hinting is not None:
            self._hinting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._hinting
            self._hinting = None
        writer, self._writer = self._writer, None
        if writer is not None:
            await _close(writer)

    async def _read(self, reader: Connection, group: str, topics: list[str], handle: Handle) -> None:
        hinted = asyncio.Event()
        await reader.add_listener(CHANNEL, lambda *_: hinted.set())
        await reader.execute(sql.JOIN, group, topics)
        # From here on it moves positions only. A crash may set them back by a moment, and what was read comes again.
        await reader.execute("SET synchronous_commit TO off")
        soon, pause = SOON, Pause()
        while True:
            hinted.clear()  # before looking, so that no hint is missed
            found = await reader.fetch(sql.READ, group, topics, BATCH)
            rows = [row for row in found if row["topic"] is not None]
            unsettled = found[0]["unsettled"]
            if rows:
                if not await handled(handle, [_record(row) for row in rows], group):
                    await asyncio.sleep(pause.after_failure())
                    continue
                point("bus.handled")
                pause.after_success()
                last = {row["topic"]: (row["number"], row["pos"]) for row in rows}
                numbers, places = [number for number, _ in last.values()], [pos for _, pos in last.values()]
                await reader.execute(sql.MOVE, group, list(last), numbers, places)
                point("bus.moved")
            if rows and (unsettled or len(rows) == BATCH):
                soon = SOON  # most likely there is more by now
            elif unsettled:
                await asyncio.sleep(soon)
                # Ever less soon: the one we wait for may be somebody's long transaction. But not by leaps: with
                # many at work something is unsettled at nearly every look, and a leap is waited for in vain.
                soon = min(soon * LESS_SOON, self._poll)
            else:
                soon = SOON
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll):
                        await hinted.wait()

    async def _connect(self, **settings: str) -> Connection:
        # `publish` promises durability, whatever the server's own default is.
        session = {**SESSION, "application_name": self._name, "synchronous_commit": "on", **settings}
        try:
            return await asyncpg.connect(self._dsn, timeout=5, command_timeout=30, server_settings=session)
        except (*TROUBLE, ValueError) as error:
            raise _unavailable(error) from error

    async def _connected(self) -> Connection:
        if self._writer is None or self._writer.is_closed():
            self._writer = await self._connect()
        return self._writer

    def _discard(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.terminate()

    async def _hint(self) -> None:
        """Wake the readers: one hint for many publishes, by a connection whose commits need no disk."""
        while True:
            try:
                async with _let_go(await self._connect(synchronous_commit="off")) as speaker:
                    while True:
                        await self._published.wait()
                        self._published.clear()
                        await speaker.execute(f"NOTIFY {CHANNEL}", timeout=5)
                        await asyncio.sleep(SOON)  # NOTIFY takes a lock that all databases share
            except (*TROUBLE, BusUnavailable):
                await asyncio.sleep(STAND_BY)  # readers look by themselves meanwhile


def _as_json(event: Envelope) -> str:
    return json.dumps({name: value.decode() for name, value in event.headers().items()})


def _record(row: asyncpg.Record) -> Record:
    headers = json.loads(row["headers"])
    # Somebody may have written a row by hand: it is passed on, and whoever reads it finds it undecodable.
    named = headers.items() if isinstance(headers, dict) else ()
    raw = {name: str(value).encode("utf-8", "surrogatepass") for name, value in named}
    return Record(row["topic"], str(row["pos"]), row["key"], raw, row["value"])


@contextlib.asynccontextmanager
async def _let_go(connection: Connection) -> AsyncIterator[Connection]:
    try:
        yield connection
    finally:
        await _close(connection)


async def _close(connection: Connection) -> None:
    try:
        await connection.close(timeout=2)
    except TROUBLE:
        connection.terminate()


def _unavailable(error: BaseException) -> BusUnavailable:
    reason = in_one_line(error)
    return BusUnavailable(f"The event log does not answer ({reason}); start PostgreSQL, or correct TIERLINE_BUS")
