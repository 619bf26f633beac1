"""The five services without any I/O: their real rules, a bus that repeats and delays, and people who do what they like."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from embedded.machine import POLICIES
from intake import policy as front
from intake.handlers import CASES_ON, TICKETS_ON
from notifier.handlers import ON as NOTIFIER_ON
from tier1.handlers import ON as TIER1_ON
from tier2.handlers import ON as TIER2_ON
from tier3_liaison.handlers import ON as TIER3_ON
from tier3_liaison.policy import carry_out_and_tell
from tierline.desk.moves import MOVES, Order, carry_out
from tierline.desk.policies import load_policies
from tierline.domain.case import CaseFile, Reporter
from tierline.domain.events import Fact
from tierline.domain.lifecycle import NOT_AT, Move
from tierline.domain.words import Component, Desk, Impact, Role
from tierline.kit.corridor import Draft, Incoming, Outcome, Rule, fold
from tierline.kit.errors import Refused

BOOK = load_policies(POLICIES)
KEY = "t-1"
WISHES = {"reply": front.reply, "withdraw": front.withdraw, "reopen": front.reopen, "confirm": front.confirm}
UPDATES = ("acknowledged", "question", "progress", "resolved", "not_a_bug", "cannot_fix")


@dataclass
class MemoryRoom:
    """A room whose tables are dictionaries."""

    on: dict[str, Rule[Any]]
    route: str | None
    state: Any = None
    aside: list[Incoming] = field(default_factory=list)
    timers: dict[str, Any] = field(default_factory=dict)
    calls: list[Any] = field(default_factory=list)

    def pass_through(self, fact: Incoming, now: datetime, rule: Rule[Any] | None = None) -> Outcome[Any]:
        rules = {**self.on, fact.type: rule} if rule else self.on
        states = {KEY: self.state} if self.state is not None else {}
        outcome = fold(rules, states, {KEY: self.aside}, [fact], BOOK, now)
        for _, error in outcome.failed:
            if error is not None:
                raise error
        self.state = outcome.states.get(KEY, self.state)
        taken = {late.id for late in outcome.taken_up}
        self.aside = [late for late in self.aside if late.id not in taken] + outcome.set_aside
        for (_, name), timer in outcome.timers.items():
            self.timers.pop(name, None)
            if timer is not None:
                self.timers[name] = timer
        self.calls += [call for _, call in outcome.calls]
        return outcome


class World:
    """One ticket of one member; every service, every topic."""

    def __init__(self, member: str, component: Component) -> None:
        self.now = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
        self.tickets = MemoryRoom(TICKETS_ON, None)
        desks = {"tier1": TIER1_ON, "tier2": TIER2_ON, "tier3": TIER3_ON}
        self.desks = {Desk.STATE: MemoryRoom(CASES_ON, "state")}
        self.desks |= {Desk(name): MemoryRoom(dict(on), name) for name, on in desks.items()}
        self.notifier = MemoryRoom(NOTIFIER_ON, None)
        self.services = {"intake": [self.tickets, self.desks[Desk.STATE]], "notifier": [self.notifier]}
        self.services |= {name: [self.desks[Desk(name)]] for name in desks}
        self.topics: dict[str, list[tuple[str, Draft]]] = {name: [] for name in self.services}
        self.read: dict[tuple[str, str], set[str]] = {}
        self.count = 0
        file = CaseFile(
            ticket_id=KEY,
            member=member,
            component=component,
            impact=Impact.QUESTION,
            subject="It stops",
            description="Since today.",
            reporter=Reporter(name="A", email="a@example.org", role=Role.SCHOOL, organization="S"),
            submitted_at=self.now,
        )
        self._do("intake", self.tickets, "order.submit", file, front.submit)

    def repeat(self, number: int) -> None:
        """Some service reads something that it has read already."""
        pairs = [pair for pair in self.read if self.read[pair]]
        if pairs:
            self.deliver(*pairs[number % len(pairs)], again=True)

    def unread(self) -> list[tuple[str, str]]:
        """Which service has something to read in which topic."""
        return [(s, t) for s in self.services for t in self.topics if len(self._seen(s, t)) < len(self.topics[t])]

    def deliver(self, service: str, topic: str, *, again: bool = False) -> None:
        """The next event of a topic to a service; or an old one once more, as if the inbox had forgotten it."""
        events, seen = self.topics[topic], self._seen(service, topic)
        waiting = [event for event in events if (event[0] in seen) is again]
        if not waiting:
            return
        event_id, draft = waiting[self.count % len(waiting) if again else 0]
        seen.add(event_id)
        for room in self.services[service]:
            if draft.type in room.on and (room.route is None or draft.route in {"", room.route}):
                fact = Incoming(KEY, draft.type, event_id, self.now, draft.data, draft.sequence)
                self._tell(service, room.pass_through(fact, self.now))

    def order(self, desk: Desk, move: Move, text: str = "x") -> None:
        """An agent orders a move, on the version that the desk has."""
        room = self.desks[desk]
        if room.state is None or move in NOT_AT[desk] or move not in MOVES:
            return
        order = Order(move, room.state.version, f"{desk}:k", None, text)
        rule = carry_out_and_tell if desk is Desk.TIER3 else carry_out
        self._do(self._service(desk), room, "order.move", order, rule)

    def wish(self, name: str) -> str:
        """The reporter wants something; the id of what they wrote."""
        self.count += 1
        message_id = f"m-{self.count}"
        done = self._do("intake", self.tickets, "order.wish", front.Wish("words", message_id), WISHES[name])
        return message_id if done and name == "reply" else ""

    def vendor(self, sequence: int, kind: str) -> None:
        """A vendor's update arrives."""
        update = {"type": kind, "ticket_id": KEY, "sequence": sequence, "message": kind}
        self._do("tier3", self.desks[Desk.TIER3], "timer.vendor_update", {"update": update}, None)

    def fire(self, number: int) -> None:
        """One of the deadlines that run passes."""
        running = [(s, room, name) for s, rooms in self.services.items() for room in rooms for name in room.timers]
        if running:
            service, room, name = running[number % len(running)]
            self.now = max(self.now, room.timers.pop(name).due)
            self._do(service, room, f"timer.{name}", {"late": 0.0, "timer": name}, None)

    def drain(self) -> None:
        """Everything that was told is read."""
        while pairs := self.unread():
            self.deliver(*pairs[0])

    def holders(self) -> list[Desk]:
        """The desks that hold the ticket."""
        return [desk for desk, room in self.desks.items() if room.state is not None and room.state.held]

    def steps(self) -> list[Fact]:
        """Every step that was told, by version."""
        told = [draft.data for events in self.topics.values() for _, draft in events]
        return sorted((f for f in told if isinstance(f, Fact) and f.raises), key=lambda fact: fact.version)

    def _do(self, service: str, room: MemoryRoom, kind: str, data: Any, rule: Rule[Any] | None) -> bool:
        self.count += 1
        self.now += timedelta(seconds=1)
        try:
            outcome = room.pass_through(Incoming(KEY, kind, f"d-{self.count}", self.now, data), self.now, rule)
        except Refused:
            return False
        self._tell(service, outcome)
        return True

    def _tell(self, service: str, outcome: Outcome[Any]) -> None:
        for _, draft in outcome.events:
            self.count += 1
            self.topics[service].append((f"e-{self.count}", draft))

    def _seen(self, service: str, topic: str) -> set[str]:
        return self.read.setdefault((service, topic), set())

    def _service(self, desk: Desk) -> str:
        return "intake" if desk is Desk.STATE else desk.value
