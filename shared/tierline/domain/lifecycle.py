"""The life of a ticket: one table, in which every legal move stands.

Rule 1: everything that says which move is legal lives in this file. Rule 2: this file does not know which service
asks. A cell that is absent is an illegal move: it raises `IllegalMove`, and nothing changes. Each legal move is
told to all by exactly one fact (`FACT`), which raises the ticket's version by one.

While a desk holds the ticket, that desk alone makes the moves; once it has ended, the front door (intake) does.
The diagram and the full table in `docs/lifecycle.md` are drawn from here; a stale drawing fails the build.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from tierline.domain.words import Desk, Status


class Move(StrEnum):
    """What can be done to a ticket, in the imperative."""

    ACCEPT = "accept"
    CLAIM = "claim"
    RELEASE = "release"
    NOTE = "note"
    ASK = "ask"
    ANSWER = "answer"
    ASSIGN = "assign"
    TELL = "tell"
    UPDATE = "update"
    RESOLVE = "resolve"
    ESCALATE = "escalate"
    RETURN = "return"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    OVERDUE = "overdue"
    REOPEN = "reopen"
    CONFIRM = "confirm"
    CLOSE = "close"


class IllegalMove(Exception):
    """The table has no such move from here; nothing was changed."""

    def __init__(self, status: Status, move: Move, allowed: tuple[Move, ...]) -> None:
        super().__init__(f"{move} is not possible while the ticket is {status}")
        self.status, self.move, self.allowed = status, move, allowed


_OPEN, _REPORTER, _VENDOR = Status.OPEN, Status.WAITING_ON_REPORTER, Status.WAITING_ON_VENDOR

TABLE: Mapping[Status, Mapping[Move, Status]] = MappingProxyType(
    {
        Status.OPEN: {
            Move.ACCEPT: _OPEN,
            Move.CLAIM: _OPEN,
            Move.RELEASE: _OPEN,
            Move.NOTE: _OPEN,
            Move.ASK: _REPORTER,
            Move.ANSWER: _OPEN,
            Move.ASSIGN: _VENDOR,
            Move.TELL: _VENDOR,
            Move.UPDATE: _OPEN,
            Move.RESOLVE: Status.RESOLVED,
            Move.ESCALATE: _OPEN,
            Move.RETURN: _OPEN,
            Move.DECLINE: Status.DECLINED,
            Move.WITHDRAW: Status.WITHDRAWN,
            Move.OVERDUE: _OPEN,
        },
        Status.WAITING_ON_REPORTER: {
            Move.CLAIM: _REPORTER,
            Move.RELEASE: _REPORTER,
            Move.NOTE: _REPORTER,
            Move.ASK: _REPORTER,
            Move.ANSWER: _OPEN,
            Move.UPDATE: _REPORTER,
            Move.RESOLVE: Status.RESOLVED,
            Move.ESCALATE: _OPEN,
            Move.RETURN: _OPEN,
            Move.DECLINE: Status.DECLINED,
            Move.WITHDRAW: Status.WITHDRAWN,
        },
        Status.WAITING_ON_VENDOR: {
            Move.CLAIM: _VENDOR,
            Move.RELEASE: _VENDOR,
            Move.NOTE: _VENDOR,
            Move.ASK: _REPORTER,
            Move.ANSWER: _VENDOR,
            Move.TELL: _VENDOR,
            Move.UPDATE: _VENDOR,
            Move.RESOLVE: Status.RESOLVED,
            Move.ESCALATE: _OPEN,
            Move.RETURN: _OPEN,
            Move.DECLINE: Status.DECLINED,
            Move.WITHDRAW: Status.WITHDRAWN,
            Move.OVERDUE: _VENDOR,
        },
        Status.RESOLVED: {Move.REOPEN: _OPEN, Move.CONFIRM: Status.CLOSED, Move.CLOSE: Status.CLOSED},
        Status.DECLINED: {Move.REOPEN: _OPEN, Move.CONFIRM: Status.CLOSED, Move.CLOSE: Status.CLOSED},
        Status.WITHDRAWN: {Move.REOPEN: _OPEN},
        Status.CLOSED: {Move.REOPEN: _OPEN},
    }
)

FACT: Mapping[Move, str] = MappingProxyType(
    {
        Move.ACCEPT: "case.accepted",
        Move.CLAIM: "case.claimed",
        Move.RELEASE: "case.released",
        Move.NOTE: "case.noted",
        Move.ASK: "case.asked",
        Move.ANSWER: "case.answered",
        Move.ASSIGN: "vendor.assigned",
        Move.TELL: "vendor.told",
        Move.UPDATE: "vendor.updated",
        Move.RESOLVE: "case.resolved",
        Move.ESCALATE: "case.escalated",
        Move.RETURN: "case.returned",
        Move.DECLINE: "case.declined",
        Move.WITHDRAW: "case.withdrawn",
        Move.OVERDUE: "case.overdue",
        Move.REOPEN: "ticket.reopened",
        Move.CONFIRM: "ticket.confirmed",
        Move.CLOSE: "ticket.closed",
    }
)

FRONT_DOOR = frozenset({Move.REOPEN, Move.CONFIRM, Move.CLOSE})
_VENDOR_MOVES = frozenset({Move.ASSIGN, Move.TELL, Move.UPDATE})

NOT_AT: Mapping[Desk, frozenset[Move]] = MappingProxyType(
    {
        Desk.TIER1: _VENDOR_MOVES | {Move.DECLINE, Move.RETURN, Move.OVERDUE},
        Desk.TIER2: _VENDOR_MOVES | {Move.DECLINE, Move.OVERDUE},
        Desk.TIER3: frozenset({Move.OVERDUE}),
        Desk.STATE: _VENDOR_MOVES | {Move.ESCALATE},
    }
)
"""Moves that a desk never makes: Tier 1 has no desk below it, the state desk none above, only Tier 3 has vendors."""


def allowed(status: Status, desk: Desk | None = None) -> tuple[Move, ...]:
    """The moves that are legal from `status`, in the table's order; at a desk, those that this desk may make."""
    barred = FRONT_DOOR | NOT_AT[desk] if desk else frozenset()
    return tuple(move for move in TABLE[status] if move not in barred)


def next_state(status: Status, move: Move, desk: Desk | None = None) -> Status:
    """Where `move` leads from `status`.

    Raises:
        IllegalMove: the table (or, at a desk, the desk's share of it) has no such move.
    """
    legal = allowed(status, desk)
    if move not in legal:
        raise IllegalMove(status, move, legal)
    return TABLE[status][move]
