"""Events in: a batch of records becomes one transaction, and only its commit lets the bus move on.

Inbox claim, what is parked, then each room's corridor: a handful of statements whatever the size of the batch. A
record that cannot be read is a dead letter; a fact that fails is parked with its key; the others go through. When
PostgreSQL is away nothing is set aside: the bus brings the batch again.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime

import asyncpg
import structlog

from tierline.kit import inbox, parking
from tierline.kit.aside import incoming
from tierline.kit.bus import LONGEST_NAME, Envelope, Record
from tierline.kit.corridor import Incoming
from tierline.kit.crashing import point
from tierline.kit.database import Tx, of_what_was_asked
from tierline.kit.errors import KitError, Unavailable, Undecodable
from tierline.kit.parking import Parked, Scrub
from tierline.kit.room import House, Room
from tierline.kit.telemetry import Metrics

log = structlog.get_logger()

RACES = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

BEHIND = "waits behind a parked event"

LOOK_UP = 10.0
RETRIES = 5.0
"""Seconds for what is looked up for a batch, and for the parked events that are tried again before deadlines are due."""


class Consumer:
    """What a service does with the events it reads. `handle` is given to the bus; `heard_at` is when it last had some."""

    def __init__(
        self,
        house: House,
        rooms: Sequence[Room],  # type: ignore[type-arg]
        known: frozenset[str],
        metrics: Metrics,
        scrub: Scrub = bytes,
    ) -> None:
        self._house, self._rooms, self._known, self._metrics, self._scrub = house, rooms, known, metrics, scrub
        self.heard_at: datetime = house.now()

    async def handle(self, records: Sequence[Record]) -> None:
        """Give every record its effect, once. Raises only what another try may mend."""
        self.heard_at = self._house.now()
        self._house.backlog.check()  # what is not taken in stays on the bus
        try:
            await self._together(records)
        except RACES:
            raise  # another process was first: the same batch again finds its work done
        except Exception as error:
            if not of_what_was_asked(error):
                raise
            # Some record holds what PostgreSQL refuses. One by one, so that only that one is set aside.
            for record in records:
                await self._alone(record)

    async def retry_parked(self) -> None:
        """Try the first parked event of each key again, and those behind it once it went through; for a moment."""
        began = time.monotonic()
        for item in await parking.heads(self._house.database, self._house.now()):
            await self._retry(item)
            if time.monotonic() - began > RETRIES:
                return  # the next round begins with those that have waited longest

    async def once_more(self, tx: Tx, record: Record) -> str | None:
        """Give a record that was set aside its effect in this transaction; why it failed, or None.

        Raises:
            Undecodable, ValueError: it still cannot be read.
        """
        envelope = self._open(record)
        if envelope is None:
            return None
        facts = await self._looked_up([incoming(envelope, self._rooms[0].read)])
        failed = await self._through(tx, facts)
        return next((reason for _, reason in failed.values()), None)

    async def _together(self, records: Sequence[Record]) -> None:
        house = self._house
        facts: list[Incoming] = []
        origin: dict[str, Record] = {}
        dead: list[Parked] = []
        for record in records:
            try:
                envelope = self._open(record)
                if envelope is not None and envelope.id not in origin:
                    facts.append(incoming(envelope, self._rooms[0].read))
                    origin[envelope.id] = record
            except (Undecodable, ValueError) as error:
                dead.append(self._unreadable(record, error))
        if not facts and not dead:
            return
        began = time.time_ns()
        facts = await self._looked_up(facts)
        async with house.database.transaction() as tx:
            identities = [f.id for f in facts] + [f"{d.record.topic}@{d.record.position}" for d in dead]
            fresh = await inbox.claim(tx, house.name, identities)
            point("inbox.claimed")
            new = [fact for fact in facts if fact.id in fresh]
            dead = [d for d in dead if f"{d.record.topic}@{d.record.position}" in fresh]
            waiting = await parking.blocked(tx, list({fact.key for fact in new})) if new else set()
            failed = {fact.id: (fact, BEHIND) for fact in new if fact.key in waiting}
            with house.tracing.processing(new, failed, began) as traced:
                ready = [fact for fact in traced if fact.id not in failed]
                failed |= await self._through(tx, ready) if ready else {}
            aside = [
                Parked(origin.get(fact.id) or _record(fact.envelope), fact.key, fact.id, reason)
                for fact, reason in failed.values()
            ]
            if aside or dead:
                await parking.park(tx, [*aside, *dead], house.now(), house.name, house.source, self._scrub)
            point("consumer.uncommitted")
        point("consumer.committed")
        self._metrics.events(len(new) - len(aside), "applied")
        self._metrics.events(len(facts) - len(new), "repeated")
        self._metrics.events(len(aside), "parked")
        self._metrics.events(len(dead), "dead")
        house.signals.after_commit(timers=True, calls=True)

    async def _looked_up(self, facts: list[Incoming]) -> list[Incoming]:
        """The facts with what their rooms look up. A look-up that fails harms no fact: it is decided without."""
        for room in self._rooms:
            if room.look_up is None:
                continue
            try:
                async with asyncio.timeout(LOOK_UP):
                    facts = list(await room.look_up(self._house, facts))
            except Unavailable:
                raise
            except Exception as error:
                log.error("look_up_failed", action="look_up_failed", room=room.name, exc_info=error)
        return facts

    async def _through(self, tx: Tx, facts: Sequence[Incoming]) -> dict[str, tuple[Incoming, str]]:
        """Every room in turn; the facts that failed, and why. A fact that fails in one room does not enter the next."""
        failed: dict[str, tuple[Incoming, str]] = {}
        for room in self._rooms:
            mine = [f for f in facts if f.id not in failed and f.envelope is not None and room.wants(f.envelope)]
            if not mine:
                continue
            outcome = await room.through(tx, mine, self._house)
            for fact, error in outcome.failed:
                reason = f"{room.name}: {type(error).__name__}" if error else BEHIND
                failed[fact.id] = (fact, reason)
                if error is not None:
                    log.error("event_parked", action="event_parked", type=fact.type, reason=reason, exc_info=error)
        return failed

    async def _alone(self, record: Record) -> None:
        try:
            await self._together([record])
        except RACES:
            raise
        except Exception as error:
            if not of_what_was_asked(error):
                raise
            house, envelope = self._house, record.envelope()
            async with house.database.transaction() as tx:
                if await inbox.claim(tx, house.name, [envelope.id]):
                    item = Parked(record, envelope.key, envelope.id, type(error).__name__)
                    await parking.park(tx, [item], house.now(), house.name, house.source, self._scrub)

    async def _retry(self, item: Parked) -> None:
        house = self._house
        try:
            began = time.time_ns()
            facts = await self._looked_up([incoming(item.record.envelope(), self._rooms[0].read)])
            async with house.database.transaction() as tx:
                failed: dict[str, tuple[Incoming, str]] = {}
                with house.tracing.processing(facts, failed, began) as traced:
                    failed |= await self._through(tx, traced)
                if failed:
                    raise _StillFailing(next(reason for _, reason in failed.values() if reason != BEHIND))
                await parking.done(tx, item)
        except Exception as error:
            if not of_what_was_asked(error):
                raise
            reason = str(error) if isinstance(error, _StillFailing) else type(error).__name__
            async with house.database.transaction() as tx:
                await parking.later(tx, item, reason, house.now(), house.name, house.source, self._scrub)
        house.signals.after_commit(timers=True, calls=True)

    def _open(self, record: Record) -> Envelope | None:
        envelope = record.envelope()
        if envelope.type not in self._known:
            raise Undecodable(f"no fact is called {envelope.type[:100]}")
        return envelope if any(room.wants(envelope) for room in self._rooms) else None

    def _unreadable(self, record: Record, error: Exception) -> Parked:
        reason = str(error) if isinstance(error, Undecodable) else "the data does not fit its fact"
        log.error("event_unreadable", action="event_unreadable", topic=record.topic, position=record.position)
        key = (record.key or b"").decode("utf-8", "replace")[:LONGEST_NAME]
        return Parked(record, key, None, reason, dead=True, blocks=False)


class _StillFailing(KitError):
    pass


def _record(envelope: Envelope | None) -> Record:
    """A record like the one that `envelope` came in."""
    if envelope is None:
        raise KitError("only events are parked")
    return Record(envelope.topic, "aside", envelope.key.encode(), envelope.headers(), envelope.data)
