"""What was promised and what came, written down by those outside: whoever submits, the mailbox, the callbacks, the vendor.

Nothing here is read from Tierline. At the end it is held against what every ticket's life had to bring.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Life:
    """What the people around a ticket do with it, and the notices that its reporter must get, in that order."""

    name: str
    share: int
    moves: dict[str, str]
    notices: tuple[str, ...]
    vendor_says: str = ""


PASSED_ON = {"tier1": "escalate", "tier2": "escalate"}
TO_THE_VENDOR = ("received", "escalated", "escalated")
LIVES = {
    life.name: life
    for life in (
        Life("answered", 30, {"tier1": "resolve"}, ("received", "resolved", "closed")),
        Life("passed", 15, {"tier1": "escalate", "tier2": "resolve"}, ("received", "escalated", "resolved", "closed")),
        Life("mended", 15, PASSED_ON, (*TO_THE_VENDOR, "resolved", "closed"), "resolved"),
        Life("declined", 5, PASSED_ON, (*TO_THE_VENDOR, "declined"), "not_a_bug"),
        Life("asked", 15, {"tier1": "ask"}, ("received", "question", "resolved", "closed")),
        Life(
            "reopened",
            10,
            {"tier1": "resolve", "tier2": "resolve"},
            ("received", "resolved", "escalated", "resolved", "closed"),
        ),
        Life("taken_back", 10, {}, ("received", "closed")),
    )
}


@dataclass
class Ledger:
    """`tickets` is every accepted submission by its number; the rest is what arrived, repeats included."""

    tickets: dict[int, str] = field(default_factory=dict)
    lives: dict[str, Life] = field(default_factory=dict)
    called_back: set[str] = field(default_factory=set)
    mails: Counter[str] = field(default_factory=Counter)
    hooks: Counter[str] = field(default_factory=Counter)
    assigned: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: dict[tuple[str, str], list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    oddities: list[str] = field(default_factory=list)

    def accept(self, number: int, life: Life, ticket: str, *, callback: bool) -> None:
        """A submission was answered with 201."""
        if self.tickets.setdefault(number, ticket) != ticket:
            self.oddities.append(f"DOUBLED submission {number} opened {self.tickets[number]} and {ticket}")
        self.lives[ticket] = life
        if callback:
            self.called_back.add(ticket)

    def arrive(self, lane: str, identity: str) -> tuple[str, str, bool]:
        """A notice came; its ticket, its kind, and whether it is here for the first time."""
        came = self.mails if lane == "mail" else self.hooks
        came[identity] += 1
        ticket, version, notice, _ = identity.rsplit("-", 3)
        if came[identity] == 1:
            self.first[lane, ticket].append((int(version), notice))
        return ticket, notice, came[identity] == 1

    def missing(self) -> int:
        """How many notices are still to come."""
        return sum(
            max(0, len(life.notices) - len(self.first[lane, ticket]))
            for ticket, life in self.lives.items()
            for lane in self._lanes(ticket)
        )

    def repeats(self) -> dict[str, int]:
        """What came more than once, each time with the same identity: no one can tell a lost answer from a lost call."""
        lanes = {"mails": self.mails, "webhooks": self.hooks, "assignments": self.assigned}
        return {name: came.total() - len(came) for name, came in lanes.items()}

    def breaches(self) -> Iterator[str]:
        """Each promise that was broken, a line each."""
        yield from self.oddities
        for number, ticket in self.tickets.items():
            life = self.lives[ticket]
            for lane in self._lanes(ticket):
                told = self.first[lane, ticket]
                notices = tuple(notice for _, notice in told)
                kind = "UNTOLD" if len(notices) < len(life.notices) else "TOLD TOO OFTEN"
                if sorted(notices) != sorted(life.notices):
                    yield f"{kind} {ticket} ({life.name} {number}) by {lane}: {', '.join(notices) or 'nothing'}"
                elif told != sorted(told) or notices != life.notices:
                    yield f"OVERTAKEN {ticket} ({life.name} {number}) by {lane}: {told}"
        cases = Counter(ticket for ticket, _ in self.assigned)
        for ticket, life in self.lives.items():
            if cases[ticket] != bool(life.vendor_says):
                yield f"ASSIGNED {cases[ticket]} TIMES {ticket} ({life.name})"
        for ticket in {ticket for _, ticket in self.first} - set(self.lives):
            yield f"UNKNOWN {ticket}: somebody was told of a ticket that no one was promised"

    def _lanes(self, ticket: str) -> tuple[str, ...]:
        return ("mail", "webhook") if ticket in self.called_back else ("mail",)
