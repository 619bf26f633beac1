"""The five services without I/O: their rooms, inboxes, a log of events, deadlines and a clock, driven by the corridor.

What is random is not here: `possible()` lists everything that can happen next, and a test picks. `undo()` is what a
crash before the commit leaves behind: everything as it was.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from embedded.machine import POLICIES
from intake.handlers import CASES_ON, TICKETS_ON
from intake.policy import Wish, confirm, reopen, reply, submit, withdraw
from notifier.handlers import ON as NOTIFIER_ON
from tier1.handlers import ON as TIER1_ON
from tier2.handlers import ON as TIER2_ON
from tier3_liaison.handlers import ON as TIER3_ON
from tier3_liaison.policy import carry_out_and_tell
from tierline.desk.moves import MOVES, Order, carry_out
from tierline.desk.policies import load_policies
from tierline.domain import events
from tierline.domain.case import CaseFile, Reporter
from tierline.domain.lifecycle import NOT_AT, Move
from tierline.domain.policy import Policies, Policy
from tierline.domain.words import Component, Desk, Impact, Role
from tierline.kit.corridor import Call, Incoming, Rule, Timer, fold
from tierline.kit.errors import Refused
from tierline.kit.testing import MONDAY_MORNING

KEY = "the-ticket"
_READ = load_policies(POLICIES)


def _without_vendors(policy: Policy) -> Policy:
    liaisons = {component: replace(who, vendor=None) for component, who in policy.liaisons.items()}
    return replace(policy, member="plain", liaisons=liaisons)


MEMBERS = Policies({**_READ, "plain": _without_vendors(_READ["alder"])})


@dataclass(frozen=True, slots=True)
class Told:
    """One event in the log."""

    id: str
    topic: str
    type: str
    route: str
    sequence: int
    at: datetime
    data: bytes
    fact: events.Fact


@dataclass(slots=True)
class MemoryRoom:
    """What one room holds: its state, what it has set aside, its running deadlines, its calls."""

    on: Mapping[str, Rule[Any]]
    route: str | None
    writer: str
    state: Any = None
    aside: list[Incoming] = field(default_factory=list)
    timers: dict[str, Timer] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)


class FiveRooms:
    """One ticket in it. `ordered` keeps the order within each topic, as the bus does; without it, nothing does."""

    def __init__(self, member: str, component: Component, impact: Impact, subject: str, *, ordered: bool) -> None:
        self.rooms = {
            "tickets": MemoryRoom(TICKETS_ON, None, "intake"),
            "state": MemoryRoom(CASES_ON, "state", "intake"),
            "tier1": MemoryRoom(TIER1_ON, "tier1", "tier1"),
            "tier2": MemoryRoom(TIER2_ON, "tier2", "tier2"),
            "tier3": MemoryRoom(TIER3_ON, "tier3", "tier3"),
            "notifier": MemoryRoom(NOTIFIER_ON, None, "notifier"),
        }
        self.readers = {
            "intake": ("tickets", "state"),
            **{name: (name,) for name in ("tier1", "tier2", "tier3", "notifier")},
        }
        self.log: list[Told] = []
        self.story: list[str] = []
        self.seen: dict[str, set[str]] = {reader: set() for reader in self.readers}
        self.ordered, self.now, self.count = ordered, MONDAY_MORNING, 0
        self.said: list[str] = []
        self.taken_back = False
        self.heard: set[int] = set()
        reporter = Reporter(name="A reporter", email="reporter@example.org", role=Role.SCHOOL, organization="A school")
        file = CaseFile(
            ticket_id=KEY,
            member=member,
            component=component,
            impact=impact,
            subject=subject,
            description="It does not work",
            reporter=reporter,
            callback_url="https://example.org/hook",
            submitted_at=self.now,
        )
        self.through("tickets", [self.fact("order.submit", file)], submit)

    def __repr__(self) -> str:
        return "\n".join([f"FiveRooms(ordered={self.ordered})", *self.story])

    def fact(self, type_: str, data: Any) -> Incoming:
        """Something that comes through a door, with an identity of its own."""
        self.count += 1
        return Incoming(KEY, type_, f"fact-{self.count}", self.now, data)

    def through(self, name: str, facts: list[Incoming], rule: Rule[Any] | None = None) -> bool:
        """Carry facts through a room as the kit does. A refused wish or order changes nothing; other failures are bugs."""
        room = self.rooms[name]
        on = {**room.on, facts[0].type: rule} if rule else room.on
        states = {} if room.state is None else {KEY: room.state}
        outcome = fold(on, states, {KEY: room.aside}, facts, MEMBERS, self.now)
        self.story += [f"{name}: {fact.type} {fact.sequence or fact.data}" for fact in facts]
        for _, error in outcome.failed:
            if isinstance(error, Refused) and rule is not None:
                return False
            raise AssertionError(f"{name} failed on {facts}") from error
        room.state = outcome.states.get(KEY, room.state)
        taken = {fact.id for fact in outcome.taken_up}
        room.aside = [fact for fact in (*room.aside, *outcome.set_aside) if fact.id not in taken]
        for (_, timer_name), timer in outcome.timers.items():
            room.timers.pop(timer_name, None)
            if timer is not None:
                room.timers[timer_name] = timer
        room.calls += [call for _, call in outcome.calls]
        for _, draft in outcome.events:
            self._tell(room.writer, draft.type, draft.route, draft.sequence, draft.data.model_dump_json(by_alias=True))
        return True

    def _tell(self, writer: str, type_: str, route: str, sequence: int, text: str) -> None:
        self.count += 1
        fact = events.decode(type_, text.encode())
        topic = events.TOPIC[writer]
        self.log.append(Told(f"event-{self.count}", topic, type_, route, sequence, self.now, text.encode(), fact))
        self.story.append(f"    {writer} tells {fact.name} v{sequence} {fact.status} at {fact.desk} ({fact.why})")

    @contextlib.contextmanager
    def undo(self) -> Iterator[None]:
        """Whatever happens in the block is undone at its end, as by a crash before the commit."""
        names = ("log", "said", "heard", "seen", "rooms", "now", "taken_back")
        before = {name: _copy(getattr(self, name)) for name in names}
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self, name, value)
            self.story.append("    undone: a crash before the commit")

    def waiting(self, reader: str) -> list[Told]:
        """What this reader may be handed next: the first unread of each topic, or, without order, any unread."""
        unread = [told for told in self.log if told.id not in self.seen[reader]]
        if not self.ordered:
            return unread
        first: dict[str, Told] = {}
        for told in unread:
            first.setdefault(told.topic, told)
        return list(first.values())

    def deliver(self, reader: str, batch: list[Told]) -> None:
        """Hand a batch to a reader, through its inbox, which knows what was there before."""
        fresh = {told.id: told for told in batch if told.id not in self.seen[reader]}
        self.seen[reader] |= set(fresh)
        for name in self.readers[reader]:
            room = self.rooms[name]
            mine = [
                Incoming(KEY, told.type, told.id, told.at, events.decode(told.type, told.data), told.sequence)
                for told in fresh.values()
                if told.type in room.on and (room.route is None or told.route in {"", room.route})
            ]
            if mine:
                self.through(name, mine)

    def drain(self) -> None:
        """Hand out everything that is on its way, until nothing is."""
        while any(self.waiting(reader) for reader in self.readers):
            for reader in self.readers:
                while found := self.waiting(reader):
                    self.deliver(reader, found)

    def holders(self) -> list[Desk]:
        """The desks that hold the ticket."""
        return [desk for desk in Desk if (case := self.rooms[desk.value].state) is not None and case.held]

    def possible(self) -> dict[str, list[Callable[[], Any]]]:
        """Everything that can happen next, by kind."""
        kinds = {
            "deliver": self._deliveries(),
            "order": self._orders(),
            "wish": self._wishes(),
            "deadline": self._deadlines(),
            "update": self._updates(),
        }
        return {kind: steps for kind, found in kinds.items() if (steps := list(found))}

    def _deliveries(self) -> Iterator[Callable[[], Any]]:
        for reader in self.readers:
            found = self.waiting(reader)
            yield from (lambda r=reader, t=told: self.deliver(r, [t, t]) for told in found)
            if found:
                yield lambda r=reader, f=found: self.deliver(r, f)

    def _orders(self) -> Iterator[Callable[[], Any]]:
        for desk in self.holders():
            for move in (*MOVES, *[Move.ESCALATE] * 6):  # or the ticket would seldom see the upper desks
                if move not in NOT_AT[desk]:
                    yield lambda d=desk, m=move: self.order(d, m)

    def order(self, desk: Desk, move: Move) -> bool:
        """An agent of this desk wants something done."""
        version = self.rooms[desk.value].state.version
        order = Order(move, version, f"{desk.value}:agent", None, f"{move.value} it")
        rule: Rule[Any] = carry_out_and_tell if desk is Desk.TIER3 else carry_out
        return self.through(desk.value, [self.fact(f"order.{move.value}", order)], rule)

    def _wishes(self) -> Iterator[Callable[[], Any]]:
        ended = self.rooms["tickets"].state.ended
        wishes = (reopen, reopen, confirm) if ended else (reply, reply, reply, reply, reply, withdraw)
        yield from (lambda w=wish: self.wish(w) for wish in wishes)

    def wish(self, rule: Rule[Any]) -> bool:
        """The reporter wants something."""
        self.count += 1
        message_id = f"said-{self.count}"
        if not self.through("tickets", [self.fact("order.wish", Wish("What I have to say", message_id))], rule):
            return False
        if rule in {reply, reopen}:
            self.said.append(message_id)
        self.taken_back = (self.taken_back and rule is not reopen) or rule is withdraw
        return True

    def _deadlines(self) -> Iterator[Callable[[], Any]]:
        for name, room in self.rooms.items():
            yield from (lambda n=name, t=timer: self.fire(n, t) for timer in room.timers)

    def fire(self, name: str, timer: str) -> None:
        """A deadline passes."""
        due = self.rooms[name].timers.pop(timer).due
        late = max(timedelta(0), self.now - due).total_seconds()
        self.now = max(self.now, due)
        self.through(name, [self.fact(f"timer.{timer}", {"late": late, "timer": timer})])

    def _updates(self) -> Iterator[Callable[[], Any]]:
        case = self.rooms["tier3"].state
        if case is None or case.vendor is None:
            return
        for kind in ("acknowledged", "question", "progress", "resolved", "not_a_bug", "cannot_fix"):
            # The one that follows, one behind a gap, and a repetition.
            for sequence in (case.heard + 1, case.heard + 2, max(case.heard, 1)):
                yield lambda k=kind, s=sequence: self.update(k, s)

    def update(self, kind: str, sequence: int) -> None:
        """The vendor says something."""
        self.heard.add(sequence)
        said = {"type": kind, "ticket_id": KEY, "sequence": sequence, "message": f"{kind} {sequence}"}
        self.through("tier3", [self.fact("timer.vendor_update", {"update": said, "late": 0})])


def _copy(value: Any) -> Any:
    """What a crash must not touch; states, facts and calls never change, so the shelves they stand on are enough."""
    match value:
        case dict():
            return {name: _copy(held) for name, held in value.items()}
        case list() | set():
            return value.copy()
        case MemoryRoom():
            return replace(value, aside=[*value.aside], timers={**value.timers}, calls=[*value.calls])
    return value
