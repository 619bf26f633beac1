"""What this desk resolved: by which method, whether it stands, and the words that it was about. Pure.

A resolution stands until its ticket is reopened. The words are what is left of the issue once all that could name a
person is taken out, so that gaps in the manuals can be found without reading anyone's letter.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tier2.gaps import telling_words
from tier2.methods import Tally
from tierline.desk.cases import Case
from tierline.desk.moves import Order, carry_out
from tierline.domain.case import Frozen
from tierline.domain.lifecycle import Move
from tierline.domain.words import Component, Desk, Reason
from tierline.kit.corridor import NOTHING, Decision, Incoming, Rule
from tierline.kit.documents import Documents


class Resolution(Frozen):
    """The last resolution of a ticket by this desk. `method` is a method's key; `unanswered` that no manual covered it."""

    ticket_id: str
    member: str
    component: Component
    version: int
    at: datetime
    method: str | None = None
    stands: bool = True
    confirmed: bool = False
    unanswered: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """What is added to a method's tally."""

    method: str
    tally: Tally


def by_method(method: str | None, known: Set[str]) -> Rule[Any]:
    """Carry out an agent's order to resolve, and keep what was resolved, by the method of this key where one is named."""

    def rule(case: Case | None, fact: Incoming, policies: Any, now: datetime) -> Decision[Any]:
        decision = carry_out(case, fact, policies, now)
        order: Order = fact.data
        if order.move is not Move.RESOLVE or decision.state is None:
            return decision
        return Decision(
            decision.state,
            decision.events,
            decision.timers,
            rows=(resolution_of(decision.state, method, known, now),),
        )

    return rule


def resolution_of(case: Case, method: str | None, known: Set[str], now: datetime) -> Resolution:
    """What is kept of a case that was just resolved; `known` words name nobody."""
    file = case.file
    return Resolution(
        ticket_id=file.ticket_id,
        member=file.member,
        component=file.component,
        version=case.version,
        at=now,
        method=method,
        unanswered=any(a.desk is Desk.TIER1 and a.reason is Reason.NO_MANUAL for a in file.tried),
        words=telling_words(f"{file.subject}\n{file.description}", file.reporter, known),
    )


def counts(new: Resolution, before: Resolution | None) -> list[Count]:
    """What a resolution adds. One that still stood was reopened, or this desk would not have had the ticket again."""
    used = [Count(new.method, Tally(used=1))] if new.method else []
    failed = [Count(before.method, Tally(reopened=1))] if before and before.stands and before.method else []
    return used + failed


def reopened(resolution: Resolution | None, fact: Incoming, policies: Any, now: datetime) -> Decision[Resolution]:
    """The reporter says that it did not help: the resolution stands no more, and counts against its method."""
    if resolution is None or not resolution.stands or fact.data.version <= resolution.version:
        return NOTHING
    rows = (Count(resolution.method, Tally(reopened=1)),) if resolution.method else ()
    return Decision(resolution.model_copy(update={"stands": False}), rows=rows)


def confirmed(resolution: Resolution | None, fact: Incoming, policies: Any, now: datetime) -> Decision[Resolution]:
    """The reporter says that it helped: a word for the method that stood when it was said."""
    if resolution is None or not resolution.stands or resolution.confirmed or fact.data.version <= resolution.version:
        return NOTHING
    rows = (Count(resolution.method, Tally(confirmed=1)),) if resolution.method else ()
    return Decision(resolution.model_copy(update={"confirmed": True}), rows=rows)


RESOLUTIONS = Documents(
    "resolutions",
    Resolution,
    {
        "member": ("text", lambda kept: kept.member),
        "component": ("text", lambda kept: kept.component.value),
        "stands": ("boolean", lambda kept: kept.stands),
        "at": ("timestamptz", lambda kept: kept.at),
    },
)

TABLE = """
CREATE TABLE resolutions (
    key text PRIMARY KEY,
    doc json NOT NULL,
    member text NOT NULL,
    component text NOT NULL,
    stands boolean NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX resolutions_gaps ON resolutions (component, at DESC) WHERE stands;
"""
