"""What intake decides: a submission, what the reporter does with it, and how the ticket follows what desks tell. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from intake.tickets import Ticket, entry
from tierline.domain import events
from tierline.domain.case import CaseFile, Message
from tierline.domain.events import Fact, addressee, event_type
from tierline.domain.lifecycle import IllegalMove, Move, allowed, next_state
from tierline.domain.policy import Policies, Policy, Question
from tierline.domain.privacy import student_data_in
from tierline.domain.words import ENDED, Desk, Reason, Status
from tierline.kit.corridor import NOTHING, WAIT, Decision, Draft, Incoming, Timer
from tierline.kit.errors import Conflict, Full, Missing

CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reporter wants: to reply, reopen, confirm or withdraw."""

    text: str = ""
    message_id: str = ""


def submit(ticket: Ticket | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[Ticket]:
    """Open a ticket, and name the desk that is first."""
    if ticket is not None:
        return NOTHING
    file: CaseFile = fact.data
    policy = policies[file.member]
    reporter = file.reporter
    question = Question(file.component, reporter.role, file.impact, file.subject, file.description)
    route = policy.first_desk(question)
    reason = Reason.STATE_RULE if route.rule.startswith("state_rules.") else None
    opened = Ticket(
        file=file,
        version=1,
        status=Status.OPEN,
        desk=route.to,
        updated_at=now,
        handed=events.TicketSubmitted.name,
        waits_since=now,
    )
    told = events.TicketSubmitted(
        **_about(opened),
        by="reporter",
        why=route.rule,
        policy=policy.version,
        to=route.to,
        skipped=route.skipped,
        reason=reason,
        case=file,
    )
    return _decided(opened, told, now)


def reply(ticket: Ticket | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[Ticket]:
    """The reporter writes while a desk holds the ticket: a fact that the holder answers."""
    ticket = _there(ticket)
    if ticket.ended:
        raise _not_now(ticket, "the ticket has ended; reopen it to go on")
    if ticket.file.full:
        raise Full("this ticket holds all that can be passed on; what else there is goes into a new one that names it")
    wish: Wish = fact.data
    message = _said(wish, now)
    told = events.TicketReplied(**_about(ticket), by="reporter", why="reply", message=message)
    after = ticket.model_copy(
        update={
            "file": ticket.file.having(message),
            "unanswered": (*ticket.unanswered, message.id),
            "updated_at": now,
        }
    )
    return _decided(after.watched(ticket.waits_since or now), told, now)


def withdraw(ticket: Ticket | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[Ticket]:
    """The reporter wants the ticket back: a fact that the holder answers. Asking twice is asking once."""
    ticket = _there(ticket)
    if ticket.ended:
        raise _not_now(ticket, "the ticket has ended already")
    if ticket.withdrawing:
        return NOTHING
    told = events.TicketWithdrawn(**_about(ticket), by="reporter", why="withdraw")
    after = ticket.model_copy(update={"withdrawing": True, "updated_at": now})
    return _decided(after.watched(ticket.waits_since or now), told, now)


def confirm(ticket: Ticket | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[Ticket]:
    """It helped: the ticket is closed."""
    return _end(_there(ticket), Move.CONFIRM, events.TicketConfirmed, policies, "reporter", "confirm", now)


def close(ticket: Ticket | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[Ticket]:
    """The time to object has passed: the ticket is closed. One that was reopened meanwhile is left alone."""
    if ticket is None or Move.CLOSE not in allowed(ticket.status):
        return NOTHING
    return _end(ticket, Move.CLOSE, events.TicketClosed, policies, "rule", "close_after", now)


def reopen(ticket: Ticket | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[Ticket]:
    """It did not help: on to the desk after the one that ended it. A withdrawn ticket goes back to where it was."""
    ticket = _there(ticket)
    policy = policies[ticket.file.member]
    if not ticket.ended:
        raise _not_now(ticket, "a desk holds this ticket; reply to it instead")
    if ticket.ended_at is not None and now - ticket.ended_at > policy.reopen_within:
        raise _not_now(ticket, f"it ended more than {policy.reopen_within.days} days ago; submit a new ticket")
    wish: Wish = fact.data
    if wish.text and ticket.file.full:
        raise Full("this ticket holds all that can be passed on; reopen it without a text, or submit a new one")
    message = _said(wish, now) if wish.text else None
    last = ticket.ended_at_desk or Desk.TIER1
    route = policy.next_desk(ticket.file.component, last) if ticket.status is not Status.WITHDRAWN else None
    to, skipped = (route.to, route.skipped) if route else (last, ())
    return _hand_back(ticket, to, skipped, Reason.DID_NOT_HELP, "reporter", message, policy, now)


def follow(ticket: Ticket | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[Ticket]:
    """Keep the ticket true: step by step in the order of versions, however the topics interleave."""
    told: Fact = fact.data
    if ticket is None:
        return _first_seen(told, fact.at)
    if told.version <= ticket.version:
        return NOTHING
    if told.version > ticket.version + 1:
        return WAIT
    ended = told.status in ENDED
    accepted_by = told.desk if isinstance(told, events.CaseAccepted) else None
    file = (
        told.case if isinstance(told, events.HandOff) else ticket.file.having(told.message, told.attempt, accepted_by)
    )
    for kept in ticket.file.conversation:  # a reply that crossed a hand-off is in no one's copy yet
        file = file.having(kept) if kept.id in ticket.unanswered else file
    answered = {told.message.id} if isinstance(told, events.CaseAnswered) and told.message else set()
    after = ticket.model_copy(
        update={
            "file": file,
            "version": told.version,
            "status": told.status,
            "desk": told.desk,
            "unanswered": tuple(i for i in ticket.unanswered if i not in answered),
            "updated_at": fact.at,
            "handed": told.name if isinstance(told, events.HandOff) else None,
            **({"ended_at": fact.at, "ended_at_desk": ticket.desk, "withdrawing": False} if ended else {}),
        }
    )
    policy = policies[file.member]
    timer = Timer(now + policy.close_after) if Move.CLOSE in allowed(told.status) else None
    after, written = after.watched(fact.at).telling(entry(told, fact.at))
    followed = Decision(after, rows=(written,), timers={CLOSE: timer} if ended else {})
    if ended and after.unanswered and told.status is not Status.WITHDRAWN and not ticket.withdrawing:
        # The desk ended it without having read this reply. It goes back there: no word of a reporter is lost.
        # Whoever wanted the ticket back as well has what they wanted: it has ended, and stays so.
        back = _hand_back(after, ticket.desk or Desk.TIER1, (), Reason.CROSSED_REPLY, "rule", None, policy, now)
        return Decision(back.state, back.events, back.timers, rows=(*followed.rows, *back.rows))
    return followed


def write_down(ticket: Ticket | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[Ticket]:
    """A receipt, or a late word of a vendor: it stands on the timeline and changes no step."""
    if ticket is None:
        return WAIT
    told: Fact = fact.data
    after, written = ticket.model_copy(update={"updated_at": fact.at}).telling(entry(told, fact.at))
    return Decision(after, rows=(written,))


def _first_seen(told: Fact, at: datetime) -> Decision[Ticket]:
    if not isinstance(told, events.TicketSubmitted):
        return WAIT
    opened = Ticket(file=told.case, version=1, status=told.status, desk=told.desk, updated_at=at, handed=told.name)
    after, written = opened.watched(at).telling(entry(told, at))
    return Decision(after, rows=(written,))


def _end(
    ticket: Ticket, move: Move, kind: type[Fact], policies: Policies, by: str, why: str, now: datetime
) -> Decision[Ticket]:
    try:
        status = next_state(ticket.status, move)
    except IllegalMove as error:
        raise _not_now(ticket, str(error)) from error
    after = ticket.model_copy(update={"version": ticket.version + 1, "status": status, "updated_at": now})
    told = kind(**_about(after), by=by, why=why, policy=policies[ticket.file.member].version)
    return _decided(after, told, now, {CLOSE: None})


def _hand_back(
    ticket: Ticket,
    to: Desk,
    skipped: tuple[Desk, ...],
    reason: Reason,
    by: str,
    message: Message | None,
    policy: Policy,
    now: datetime,
) -> Decision[Ticket]:
    version = ticket.version + 1
    file = ticket.file.having(message).model_copy(update={"opened": version})
    after = ticket.model_copy(
        update={
            "file": file,
            "version": version,
            "status": next_state(ticket.status, Move.REOPEN),
            "desk": to,
            "unanswered": (),
            "withdrawing": False,
            "updated_at": now,
            "ended_at": None,
            "handed": events.TicketReopened.name,
        }
    )
    told = events.TicketReopened(
        **_about(after),
        by=by,
        why=reason.value,
        policy=policy.version,
        message=message,
        to=to,
        from_=ticket.ended_at_desk,
        skipped=skipped,
        reason=reason,
        case=file,
    )
    return _decided(after.watched(now), told, now, {CLOSE: None})


def _decided(
    after: Ticket, told: Fact, now: datetime, timers: Mapping[str, Timer | None] | None = None
) -> Decision[Ticket]:
    """What intake itself decided: told, and written into the ticket's history."""
    after, written = after.telling(entry(told, now))
    return Decision(after, (_draft(told),), timers or {}, rows=(written,))


def _said(wish: Wish, now: datetime) -> Message:
    found = student_data_in(wish.text)
    return Message(id=wish.message_id, at=now, author="reporter", text=wish.text, student_data=found)


def _about(ticket: Ticket) -> dict[str, Any]:
    return {
        "ticket_id": ticket.file.ticket_id,
        "member": ticket.file.member,
        "component": ticket.file.component,
        "version": ticket.version,
        "status": ticket.status,
        "desk": ticket.desk,
    }


def _draft(told: Fact) -> Draft:
    return Draft(event_type(told), told.version, told, addressee(told))


def _there(ticket: Ticket | None) -> Ticket:
    if ticket is None:
        raise Missing("no such ticket")
    return ticket


WISHES = {Move.REOPEN: "reopen", Move.CONFIRM: "confirm"}


def possible(ticket: Ticket) -> list[str]:
    """What the reporter can do with the ticket now."""
    if not ticket.ended:
        return ["reply", "withdraw"]
    return [name for move, name in WISHES.items() if move in allowed(ticket.status)]


def _not_now(ticket: Ticket, text: str) -> Conflict:
    return Conflict(text, status_now=ticket.status.value, allowed=possible(ticket))
