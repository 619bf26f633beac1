"""The sweeper: fires every deadline that has passed, once, and tries parked events again. One per service leads."""

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


async def sweep(house: House, rooms: tuple[Room, ...], consumer: Consumer) -> None:  # type: ignore[type-arg]
    """Fire what is due, until cancelled."""
    while True:
        wait = LOOK_AGAIN
        try:
            house.backlog.check()
            fired = await fire_due(house, rooms)
            await consumer.retry_parked()
            wait = 0.0 if fired else await timers.seconds_to_next(house.database, house.now(), LOOK_AGAIN)
        except (Unavailable, asyncpg.PostgresError) as error:
            log.warning("sweeper_waits", action="sweeper_waits", reason=in_one_line(error))
        if wait:
            await house.signals.timers.wait(wait)


async def fire_due(house: House, rooms: tuple[Room, ...]) -> int:  # type: ignore[type-arg]
    """Fire one batch of each room's deadlines; how many fired."""
    by_name = {room.name: room for room in rooms}
    fired = 0
    for name, facts in (await timers.due(house.database, house.now())).items():
        room = by_name.get(name)
        if room is not None:
            fired += await _fire(house, room, facts)
    return fired


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
