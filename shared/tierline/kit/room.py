"""A room: one kind of thing that a service keeps, with the rules that decide about it.

Whatever the door, the way is the same: load and lock, decide in memory, save, put what is to be told into the
outbox; all in the transaction of whoever opened the door. A batch costs the same few statements as a single fact.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from tierline.kit import aside, calls, outbox, timers
from tierline.kit.backlog import Backlog
from tierline.kit.bus import Envelope
from tierline.kit.corridor import Incoming, Outcome, Rule, fold
from tierline.kit.crashing import point
from tierline.kit.database import Database, Tx
from tierline.kit.documents import Documents
from tierline.kit.signals import Signals
from tierline.kit.tracing import Tracing
from tierline.kit.writing import Write, together

S = TypeVar("S", bound=BaseModel)


class House(Protocol):
    """What a room needs of the service it stands in."""

    @property
    def name(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def database(self) -> Database: ...
    @property
    def signals(self) -> Signals: ...
    @property
    def backlog(self) -> Backlog: ...
    @property
    def tracing(self) -> Tracing: ...
    @property
    def book(self) -> Any: ...
    def now(self) -> datetime: ...


LookUp = Callable[[Any, Sequence[Incoming]], Awaitable[Sequence[Incoming]]]
"""Looks up what the rules need to know besides, before the batch's transaction begins: the same facts, with `found`."""

Choose = Callable[[Tx, Sequence[Incoming]], Awaitable[Sequence[Incoming]]]


@dataclass(frozen=True, slots=True)
class Room(Generic[S]):
    """`on` finds a fact's rule by its type; `read` makes a fact's data from an event.

    A store's own rows are written by `write_rows`, with all the rest, or by `save_rows` where it must look first.

    `route` is the room's name as an addressee; None reads what is addressed to anyone.
    """

    name: str
    documents: Documents[S]
    on: Mapping[str, Rule[S]]
    read: Callable[[str, bytes], Any]
    save_rows: Callable[[Tx, Sequence[Any]], Awaitable[None]] | None = None
    write_rows: Callable[[Sequence[Any]], Sequence[Write]] | None = None
    route: str | None = None
    look_up: LookUp | None = None

    def wants(self, envelope: Envelope) -> bool:
        """Whether an event is for this room: it has a rule for it, and it is not addressed to another."""
        return envelope.type in self.on and (self.route is None or envelope.route in {"", self.route})

    async def through(
        self, tx: Tx, facts: Sequence[Incoming], house: House, choose: Choose | None = None
    ) -> Outcome[S]:
        """Carry a batch of facts through the corridor, in the caller's transaction.

        `choose`, called when everything is locked, says which of the facts still count.
        """
        keys = sorted({fact.key for fact in facts})
        states, homes = await self.documents.load_traced(tx, keys, lock=True)
        kept = await aside.load(tx, self.name, keys, self.read)
        if choose is not None:
            facts = await choose(tx, facts)
        now = house.now()
        with house.tracing.deciding(facts, homes) as traced:
            outcome = fold(self.on, states, kept, traced, house.book, now)
            await self._save(tx, outcome, states, house, now)
        return outcome

    async def act(self, house: House, fact: Incoming, rule: Rule[S], *, new: bool = False) -> S | None:
        """Carry one fact through in a transaction of its own, and return the state after it.

        `new` promises that the key was never used. What the rule raises is raised, and nothing has changed.
        """
        async with house.database.transaction() as tx:
            state, outcome = await self.decide(tx, house, fact, rule, new=new)
            point("door.uncommitted")
        point("door.committed")
        house.signals.after_commit(timers=bool(outcome.timers), calls=bool(outcome.calls))
        return state

    async def decide(
        self, tx: Tx, house: House, fact: Incoming, rule: Rule[S], *, new: bool = False
    ) -> tuple[S | None, Outcome[S]]:
        """The same within the caller's transaction; the caller nudges the signals after its commit.

        Raises:
            OutboxFull: what would be told could not be kept.
        """
        house.backlog.check()
        states, homes = ({}, {}) if new else await self.documents.load_traced(tx, [fact.key], lock=True)
        kept = {} if new else await aside.load(tx, self.name, [fact.key], self.read)
        now = house.now()
        with house.tracing.deciding([fact], homes) as traced:
            outcome = fold({**self.on, fact.type: rule}, states, kept, traced, house.book, now)
            for _, error in outcome.failed:
                if error is not None:
                    raise error
            await self._save(tx, outcome, states, house, now)
        return outcome.states.get(fact.key) or states.get(fact.key), outcome

    async def _save(self, tx: Tx, outcome: Outcome[S], states: Mapping[str, S], house: House, now: datetime) -> None:
        """All that was decided, in one statement; what a store saves in its own way follows."""
        events = [outbox.envelope(house.topic, house.source, fact, draft, now) for fact, draft in outcome.events]
        await together(
            tx,
            [
                *self.documents.writes(outcome.states, states, outcome.traces),
                *outbox.writes(events),
                *timers.writes(self.name, outcome.timers),
                *calls.writes(self.name, outcome.calls, now),
                *aside.writes(self.name, outcome.set_aside, outcome.taken_up),
                *(self.write_rows(outcome.rows) if self.write_rows and outcome.rows else ()),
            ],
        )
        point("room.saved")
        if outcome.rows and self.save_rows is not None:
            await self.save_rows(tx, outcome.rows)
