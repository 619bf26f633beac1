"""What an agent decides: claim, release, note, ask, resolve, escalate, return, decline. Pure, like all decisions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tierline.desk.cases import C
from tierline.desk.steps import STILL, said, stand_still, step, tried
from tierline.domain import events
from tierline.domain.case import Audience
from tierline.domain.lifecycle import IllegalMove, Move, next_state
from tierline.domain.policy import Policies, Policy, Route
from tierline.domain.words import Desk, Reason
from tierline.kit.corridor import Decision, Incoming
from tierline.kit.errors import Conflict, Full, Invalid, Missing, Stale


@dataclass(frozen=True, slots=True)
class Order:
    """What an agent wants done: the move, on which version, in whose name, with what text, by which method or article."""

    move: Move
    version: int
    by: str
    member: str | None
    text: str = ""
    reason: str | None = None
    method: str | None = None
    article: str | None = None


def pass_on(case: C, policy: Policy, now: datetime, *, by: str, reason: Reason, text: str, why: str) -> Decision[C]:
    """Not resolved here: on to the next desk that exists, or to the state where it is the state's to answer.

    Raises:
        IllegalMove: there is no desk after this one.
    """
    route = policy.next_desk(case.file.component, case.desk)
    if route is not None and reason is Reason.STATE_RULE:
        route = Route(Desk.STATE, (), why)
    if route is None:
        raise IllegalMove(case.status, Move.ESCALATE, case.allowed())
    after, told = step(
        case,
        Move.ESCALATE,
        events.CaseEscalated,
        policy,
        by=by,
        why=why,
        to=route.to,
        attempt=tried(case, Move.ESCALATE, by, text, now, reason),
        skipped=route.skipped,
        reason=reason,
    )
    return Decision(after, (told,), STILL)


def _claim(case: C, order: Order, policy: Policy, now: datetime) -> Decision[C]:
    if case.assignee not in {None, order.by}:
        raise Conflict("another agent works on this case; it must be released first", allowed=_names(case))
    change = {"assignee": order.by}
    after, told = step(case, Move.CLAIM, events.CaseClaimed, policy, by=order.by, why="agent", changes=change)
    return Decision(after, (told,))


def _release(case: C, order: Order, policy: Policy, now: datetime) -> Decision[C]:
    change = {"assignee": None}
    after, told = step(case, Move.RELEASE, events.CaseReleased, policy, by=order.by, why="agent", changes=change)
    return Decision(after, (told,))


def _note(case: C, order: Order, policy: Policy, now: datetime) -> Decision[C]:
    _still_takes(case)
    note = said(case, order.text, now, audience=Audience.INTERNAL)
    after, told = step(case, Move.NOTE, events.CaseNoted, policy, by=order.by, why="agent", message=note)
    return Decision(after, (told,))


def _ask(case: C, order: Order, policy: Policy, now: datetime) -> Decision[C]:
    _still_takes(case)
    changes, timers = stand_still(case, policy, now)
    question = said(case, order.text, now)
    after, told = step(
        case, Move.ASK, events.CaseAsked, policy, by=order.by, why="agent", message=question, changes=changes
    )
    return Decision(after, (told,), timers)


def _resolve(case: C, order: Order, policy: Policy, now: datetime) -> Decision[C]:
    after, told = step(
        case,
        Move.RESOLVE,
        events.CaseResolved,
        policy,
        by=order.by,
        why="agent",
        message=said(case, order.text, now),
        attempt=tried(case, Move.RESOLVE, order.by, order.text, now, method=order.method, article=order.article),
    )
    return Decision(after, (told,), STILL)


def _escalate(case: C, order: Order, policy: Policy, now: datetime) -> Decision[C]:
    reason = Reason(order.reason or Reason.AGENT)
    if reason not in {Reason.AGENT, Reason.NO_MANUAL, Reason.STATE_RULE}:
        raise Invalid(
            "an agent escalates because of `agent`, `no_manual` or `state_rule`; the others act by themselves"
        )
    next_state(case.status, Move.ESCALATE, case.desk)
    return pass_on(case, policy, now, by=order.by, reason=reason, text=order.text, why="agent")


def _return(case: C, order: Order, policy: Policy, now: datetime) -> Decision[C]:
    next_state(case.status, Move.RETURN, case.desk)
    to = policy.returns_to(case.file.component, case.desk, case.file.path)
    if to is None:
        raise Conflict("no desk had this ticket before", allowed=_names(case))
    returns = sum(attempt.move is Move.RETURN for attempt in case.file.tried)
    if returns >= policy.return_limit:
        detail = f"this ticket was returned {returns} times already: resolve it here or escalate it"
        raise Conflict(detail, allowed=_names(case))
    after, told = step(
        case,
        Move.RETURN,
        events.CaseReturned,
        policy,
        by=order.by,
        why="agent",
        to=to,
        attempt=tried(case, Move.RETURN, order.by, order.text, now),
    )
    return Decision(after, (told,), STILL)


def _decline(case: C, order: Order, policy: Policy, now: datetime) -> Decision[C]:
    code = order.reason or next(iter(policy.decline_reasons))
    if code not in policy.decline_reasons:
        raise Invalid(f"reason must be one of {', '.join(policy.decline_reasons)}")
    text = f"{policy.decline_reasons[code]}\n\n{order.text}"
    after, told = step(
        case,
        Move.DECLINE,
        events.CaseDeclined,
        policy,
        by=order.by,
        why=f"decline_reasons.{code}",
        message=said(case, text, now),
        attempt=tried(case, Move.DECLINE, order.by, order.text, now),
        reason_code=code,
    )
    return Decision(after, (told,), STILL)


MOVES: Mapping[Move, Callable[[C, Order, Policy, datetime], Decision[C]]] = {
    Move.CLAIM: _claim,
    Move.RELEASE: _release,
    Move.NOTE: _note,
    Move.ASK: _ask,
    Move.RESOLVE: _resolve,
    Move.ESCALATE: _escalate,
    Move.RETURN: _return,
    Move.DECLINE: _decline,
}


def carry_out(case: C | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[C]:
    """Carry out an agent's order.

    Raises:
        Missing: no such case, or another member's.
        Stale: the order was given on an older version.
        Conflict: the case is no longer here, or the move is not possible; `allowed` says what is.
        Invalid: a reason that the policy does not know.
    """
    order: Order = fact.data
    if case is None or order.member not in {None, case.file.member}:
        raise Missing("no case of this ticket is or was at this desk")
    if order.version != case.version:
        raise Stale("the case has changed since you read it; read it again", version=case.version)
    if not case.held:
        raise Conflict("this desk holds the ticket no more", allowed=[])
    try:
        return MOVES[order.move](case, order, policies[case.file.member], now)
    except IllegalMove as error:
        raise Conflict(str(error), allowed=_names(case)) from error


def _still_takes(case: C) -> None:
    if case.file.full:
        last = [name for name in _names(case) if name not in {Move.NOTE, Move.ASK}]
        raise Full("this case holds all that can be passed on: end it or pass it on", allowed=last)


def _names(case: C) -> list[str]:
    return [move.value for move in case.allowed() if move in MOVES]
