"""The sweeper: fires every deadline that has passed, once, and tries parked events again. One per service leads."""

import time
from collections.abc import Sequence

import asyncpg
import structlog

from tierline.kit import timers
from tierline.kit.bus_delivery import in_one_line
from tierline.kit.consumer import Consumer
from tierline.kit.corridor import Incoming
from tierline.kit.crashing import point
from tierline.kit.database import Tx, of_what_was_asked
from tierline.kit.errors import Unavailable
from tierline.kit.room import House, Room

log = structlog.get_logger()

LOOK_AGAIN = 1.0
A_MOMENT = 0.01


async def sweep(house: House, rooms: tuple[Room, ...], consumer: Consumer) -> None:  # type: ignore[type-arg]
    """Fire what is due, until cancelled."""
    retry_at = time.monotonic()
    names = [room.name for room in rooms]
    while True:
        wait = LOOK_AGAIN
        try:
            house.backlog.check()
            # Most who wake this loop have set a deadline that is far away: one question, and it sleeps on.
            wait = await timers.seconds_to_next(house.database, house.now(), names, LOOK_AGAIN)
            if not wait and not await fire_due(house, rooms):
                wait = A_MOMENT
            if time.monotonic() >= retry_at:
                if await consumer.retry_parked():
                    wait = 0.0
                else:
                    retry_at = time.monotonic() + LOOK_AGAIN
        except (Unavailable, asyncpg.PostgresError) as error:
            log.warning("sweeper_waits", action="sweeper_waits", reason=in_one_line(error))
        if wait:
            await house.signals.timers.wait(wait)


async def fire_due(house: House, rooms: tuple[Room, ...]) -> int:  # type: ignore[type-arg]
    """Fire one batch of each room's deadlines; how many fired."""
    by_name = {room.name: room for room in rooms}
    due = await timers.due(house.database, house.now(), by_name)
    return sum([await _fire(house, by_name[name], facts) for name, facts in due.items()])


async def _fire(house: House, room: Room, facts: Sequence[Incoming]) -> int:  # type: ignore[type-arg]
    """All in one transaction; one by one where something of them cannot be taken in, so that it alone comes later."""
    try:
        return await _together(house, room, facts)
    except Exception as error:
        if not of_what_was_asked(error):
            raise
        if len(facts) > 1:
            return sum([await _fire(house, room, [fact]) for fact in facts])
        log.error("deadline_failed", action="deadline_failed", name=facts[0].type, exc_info=error)
        async with house.database.transaction() as tx:
            if await timers.take(tx, room.name, facts):
                await timers.restore(tx, room.name, facts[0], house.now())
        return 0


async def _together(house: House, room: Room, facts: Sequence[Incoming]) -> int:  # type: ignore[type-arg]
    async def still_due(tx: Tx, seen: Sequence[Incoming]) -> Sequence[Incoming]:
        return await timers.take(tx, room.name, seen)

    async with house.database.transaction() as tx:
        outcome = await room.through(tx, facts, house, choose=still_due)
        for fact, error in outcome.failed:
            await timers.restore(tx, room.name, fact, house.now())
            if error is not None:
                log.error("deadline_failed", action="deadline_failed", name=fact.type, exc_info=error)
        point("timer.uncommitted")
    point("timer.fired")
    house.signals.after_commit(calls=True)
    return len(facts) - len(outcome.failed)
