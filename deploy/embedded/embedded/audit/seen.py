"""What the audit saw of one ticket, wherever it looked; and what it may find wrong with it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """The ways in which the promise can be broken."""

    LOST = "lost"
    HELD_BY_NONE = "held_by_none"
    HELD_TWICE = "held_twice"
    HELD_AFTER_END = "held_after_end"
    DISAGREES = "disagrees"
    GAP = "gap"
    FORKED = "forked"
    BEHIND = "behind"
    UNTOLD = "untold"
    OVERDUE = "overdue"
    NO_DEADLINE = "no_deadline"
    UNPUBLISHED = "unpublished"
    WAITS = "waits"
    UNAPPLIED = "unapplied"
    ALTERED = "altered"


class Breach(NamedTuple):
    """One breach, and what was seen."""

    kind: Kind
    ticket: str
    says: str


class Front(NamedTuple):
    """The ticket as the front door has it."""

    version: int
    status: str
    desk: str | None


class Held(NamedTuple):
    """A case that a desk holds."""

    version: int
    status: str


class Told(NamedTuple):
    """What the notifier knows of the ticket. `cause` is why its end could not be told; `pending` are notices on their way."""

    version: int
    untold: bool
    cause: str
    pending: int


class Steps(NamedTuple):
    """The steps on the topics: the first and the last version, how many versions there are, and how many facts tell them."""

    first: int
    last: int
    versions: int
    facts: int


class Link(NamedTuple):
    """What holds a fact in its place in a ticket's history: its number, the hash of the fact before it, and its own."""

    number: int | None
    before: str | None
    hash: str


class History(NamedTuple):
    """A ticket's history: how many facts the ticket says it has, the hash it ends with, and the links, by number.

    `facts` is None where no ticket tells.
    """

    ticket: str
    facts: int | None
    head: str
    links: tuple[Link, ...]


@dataclass(slots=True)
class Seen:
    """One ticket.

    `held` by desk; `deadlines` by `<room>/<name>` of the service that keeps them, None where it passed and its rule
    fails; `unpublished` since when, by
    service; `parked` why an event of the ticket waits, by service.
    """

    ticket: str
    front: Front | None = None
    held: dict[str, Held] = field(default_factory=dict)
    told: Told | None = None
    steps: Steps | None = None
    deadlines: dict[str, dict[str, datetime | None]] = field(default_factory=dict)
    unpublished: dict[str, datetime] = field(default_factory=dict)
    parked: dict[str, str] = field(default_factory=dict)
