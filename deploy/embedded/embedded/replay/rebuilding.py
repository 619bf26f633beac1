"""Status pages, timelines and queues, rebuilt from what the topics say of one ticket. Pure.

What hangs on the moment of arrival, and on no fact, is left out: when a row was last touched, a deadline's clock, the
numbers of the chain.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from intake import policy
from intake.tickets import Ticket, entry
from tierline.domain import events
from tierline.domain.events import Fact, event_type
from tierline.domain.lifecycle import FACT
from tierline.domain.policy import Policies
from tierline.domain.words import ENDED, Desk
from tierline.kit.corridor import Incoming

Told = tuple[datetime, str, Fact]
"""When a fact was told, the event's id, and the fact."""

OUTCOME = {name: move.value for move, name in FACT.items()}
ARRIVAL = {"updated_at", "waits_since", "told_again", "facts", "head"}
CHAIN = {"number", "before", "hash"}


def status_page(told: Iterable[Told], policies: Policies) -> dict[str, Any] | None:
    """The ticket as the front door keeps it; None where the topics do not hold its beginning."""
    ticket: Ticket | None = None
    steps = sorted(told, key=lambda one: (one[2].version, not one[2].raises, one[0], one[1]))
    for at, id_, fact in steps:
        incoming = Incoming(fact.ticket_id, event_type(fact), id_, at, fact)
        if isinstance(fact, events.TicketReplied) and ticket is not None:
            ticket = _replied(ticket, fact)
        elif isinstance(fact, events.TicketWithdrawn) and ticket is not None:
            ticket = ticket.model_copy(update={"withdrawing": not ticket.ended})
        elif fact.raises:
            after = policy.follow(ticket, incoming, policies, at).state or ticket
            ticket = _as_decided_here(ticket, after, fact) if ticket and after else after
    return page_of(ticket.model_dump(mode="json")) if ticket is not None else None


def page_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What of a kept ticket can be rebuilt. What was said stands in the order in which it was said."""
    page = {name: value for name, value in document.items() if name not in ARRIVAL}
    said = sorted(page["file"]["conversation"], key=lambda message: (message["at"], message["id"]))
    return {**page, "file": {**page["file"], "conversation": said}}


def timeline(told: Iterable[Told]) -> list[dict[str, Any]]:
    """The entries of the timeline, in no particular order: receipts of one moment may have come in any."""
    shown = [entry(fact, at).model_dump(mode="json", exclude={"member"}) for at, _, fact in told]
    return sorted((entry_of(one) for one in shown), key=str)


def entry_of(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What of a kept entry can be rebuilt."""
    return {name: value for name, value in kept.items() if name not in CHAIN and name != "member"}


def cases(told: Iterable[Told]) -> dict[str, dict[str, Any]]:
    """Each desk's row of the queue: who works on it, where it stands, how it left."""
    rows: dict[str, dict[str, Any]] = {}
    holder: Desk | None = None
    seen = 0
    for _, _, fact in sorted((one for one in told if one[2].raises), key=lambda one: one[2].version):
        if fact.version <= seen:
            continue
        seen = fact.version
        leaves = fact.status in ENDED or isinstance(fact, events.HandOff)
        if isinstance(fact, events.CaseAccepted) and fact.desk is not None:
            holder = fact.desk
            rows[holder.value] = {"assignee": None, "held": True, "outcome": None}
        if holder is None:
            continue
        row = rows[holder.value]
        row |= {"version": fact.version, "status": fact.status.value}
        if isinstance(fact, events.CaseClaimed):
            row["assignee"] = fact.by
        elif isinstance(fact, events.CaseReleased):
            row["assignee"] = None
        if leaves:
            row |= {"assignee": None, "held": False, "outcome": OUTCOME[fact.name]}
            holder = None
    return rows


def case_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What of a kept case can be rebuilt."""
    return {name: document[name] for name in ("assignee", "held", "outcome", "version", "status")}


def _as_decided_here(before: Ticket, after: Ticket, fact: Fact) -> Ticket:
    """The front door's own steps, which it decides and does not follow."""
    if isinstance(fact, events.TicketReopened):
        return after.model_copy(update={"ended_at": None, "unanswered": (), "withdrawing": False})
    if isinstance(fact, events.TicketConfirmed | events.TicketClosed):
        return after.model_copy(update={"ended_at": before.ended_at, "ended_at_desk": before.ended_at_desk})
    return after


def _replied(ticket: Ticket, fact: Fact) -> Ticket:
    message = fact.message
    if message is None or ticket.file.knows(message.id):
        return ticket
    unanswered = (*ticket.unanswered, message.id)
    return ticket.model_copy(update={"file": ticket.file.having(message), "unanswered": unanswered})
