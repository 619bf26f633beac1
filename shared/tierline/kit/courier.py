"""The courier: makes the calls that wait, many at once, in order per key and lane, and writes down what came of each."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial

import structlog

from tierline.kit import calls
from tierline.kit.bus_delivery import in_one_line
from tierline.kit.calls import Result, Waiting
from tierline.kit.crashing import point
from tierline.kit.database import of_what_was_asked
from tierline.kit.errors import DatabaseUnavailable
from tierline.kit.room import House, Room
from tierline.kit.tracing import failed
from tierline.kit.webhooks import next_attempt

log = structlog.get_logger()

AT_ONCE = 16
LOOK_AGAIN = 1.0
LONGEST = 60.0
HELD = timedelta(minutes=10)

Channel = Callable[[Waiting], Awaitable[Result]]
"""How the calls of one lane are made. It answers with a result; what it raises counts as a failed attempt."""


class Courier:
    """`channels` finds a call's channel by its lane."""

    def __init__(self, house: House, rooms: Sequence[Room], channels: Mapping[str, Channel]) -> None:  # type: ignore[type-arg]
        self._house = house
        self._rooms = {room.name: room for room in rooms}
        self._channels = channels
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    def close(self) -> None:
        """Begin no more calls; those under way go on, so that what the other side has taken is written down."""
        self._closed = True

    @property
    def busy(self) -> bool:
        """Whether calls are under way."""
        return bool(self._busy)

    async def run(self) -> None:
        """Make calls until cancelled; attempts under way are given up then, and made again by the next courier."""
        try:
            while True:
                try:
                    await self._start_due()
                except DatabaseUnavailable as error:
                    log.warning("courier_waits", action="courier_waits", reason=str(error))
                await self._house.signals.calls.wait(LOOK_AGAIN)
        finally:
            for task in self._busy.values():
                task.cancel()

    async def _start_due(self) -> None:
        free = AT_ONCE - len(self._busy)
        if free <= 0:
            return
        due = await calls.due(self._house.database, self._house.now(), list(self._busy), free)
        for call in () if self._closed else due:
            task = asyncio.ensure_future(self._make(call))
            self._busy[call.id] = task
            task.add_done_callback(partial(self._over, call.id))

    def _over(self, call_id: str, task: "asyncio.Task[None]") -> None:
        self._busy.pop(call_id, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("call_failed", action="call_failed", exc_info=task.exception())
        self._house.signals.calls.set()

    async def _make(self, call: Waiting) -> None:
        point("call.due")
        began = time.monotonic()
        with self._house.tracing.calling(call.lane, call.key, call.attempts + 1, call.traceparent) as span:
            try:
                async with asyncio.timeout(LONGEST):
                    result = await self._channels[call.lane](call)
            except Exception as error:  # whatever a channel meets is one failed attempt
                result = Result(delivered=False, note=type(error).__name__)
            if not result.delivered:
                failed(span, "held" if result.hold else "failed")
        point("call.made")
        await self._insist(call, result, time.monotonic() - began)

    async def _insist(self, call: Waiting, result: Result, seconds: float) -> None:
        """Write down what came of it, however long that takes: whoever gave up would make the call once more."""
        pause = LOOK_AGAIN
        while True:
            try:
                await self._record(call, result, seconds)
            except Exception as error:  # PostgreSQL is away, or its disk is full
                if of_what_was_asked(error):
                    log.error("call_unrecorded", action="call_unrecorded", exc_info=error)
                    async with self._house.database.transaction() as tx:
                        await calls.again(tx, call, self._house.now() + HELD)
                    return
                log.warning("courier_waits", action="courier_waits", reason=in_one_line(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST)
            else:
                return

    async def _record(self, call: Waiting, result: Result, seconds: float) -> None:
        house, now = self._house, self._house.now()
        wish = timedelta(seconds=result.retry_after) if result.retry_after is not None else None
        following = None
        if not (result.delivered or result.final or result.hold):
            # Spread, so that many calls to one place do not come back together; no secret hangs on this.
            following = next_attempt(call.attempts + 1, now, jitter=random.random(), retry_after=wish)  # noqa: S311
        room = self._rooms[call.room]
        async with house.database.transaction() as tx:
            fact = calls.fact_of(call, result, now)
            await room.documents.load(tx, [call.key], lock=True)
            outcome = None
            if result.hold:
                await calls.hold(tx, call, now + HELD)
                outcome = await room.through(tx, [fact], house)
            else:
                await calls.attempted(tx, call, result, now, seconds)
                if following is not None:
                    await calls.again(tx, call, following)
                elif await calls.finish(tx, call, "delivered" if result.delivered else "failed", now):
                    outcome = await room.through(tx, [fact], house)
            for _, error in outcome.failed if outcome else ():
                log.error("call_fact_failed", action="call_fact_failed", type=fact.type, exc_info=error)
            point("call.uncommitted")
        point("call.recorded")
        house.signals.after_commit(timers=True)
