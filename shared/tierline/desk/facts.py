"""What a desk decides by itself, from what it is told: a hand-off, a word from outside, a deadline. Pure."""

from datetime import datetime

from tierline.desk.cases import C
from tierline.desk.moves import pass_on
from tierline.desk.steps import ALLOWED, STILL, go_on, said, step, tried
from tierline.domain import events
from tierline.domain.lifecycle import Move
from tierline.domain.policy import Policies
from tierline.domain.words import Desk, Reason, Status
from tierline.kit.corridor import NOTHING, WAIT, Decision, Incoming, Rule, Timer

NO_REPLY = (
    "We asked for something that we need to go on, and heard nothing in the time that your state allows for it. "
    "If you still need help, reopen this ticket with your answer: nothing of it is lost."
)


def accept(kind: type[C], desk: Desk) -> Rule[C]:
    """Take a hand-off that names this desk; one that is older than what the desk has is a repetition."""

    def rule(case: C | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[C]:
        hand_off: events.HandOff = fact.data
        if hand_off.to != desk or (case is not None and case.version >= hand_off.version):
            return NOTHING
        file = hand_off.case.having(desk=desk)
        policy = policies[file.member]
        due = policy.calendar.add(now, policy.time_allowed(desk, file.impact, file.component))
        taken = kind(file=file, desk=desk, version=hand_off.version, accepted_at=now, due_at=due)
        after, told = step(taken, Move.ACCEPT, events.CaseAccepted, policy, by="rule", why=hand_off.name)
        return Decision(after, (told,), {ALLOWED: Timer(due)})

    return rule


def take_in(case: C | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[C]:
    """A word from outside: the reporter replied, or a vendor spoke late. It may come before the hand-off does."""
    spoken: events.Fact = fact.data
    if spoken.message is None or (case is not None and case.file.knows(spoken.message.id)):
        return NOTHING
    if case is None or not case.held:
        return WAIT
    policy = policies[case.file.member]
    changes, timers = go_on(case, policy, now) if case.status is Status.WAITING_ON_REPORTER else ({}, {})
    after, told = step(
        case,
        Move.ANSWER,
        events.CaseAnswered,
        policy,
        by=spoken.by,
        why=spoken.name,
        message=spoken.message,
        changes=changes,
    )
    return Decision(after, (told,), timers)


def let_go(case: C | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[C]:
    """The reporter wants the ticket back. A wish from before it was last reopened counts no more."""
    wish: events.TicketWithdrawn = fact.data
    if case is not None and wish.version < case.file.opened:
        return NOTHING
    if case is None or not case.held:
        return WAIT
    policy = policies[case.file.member]
    after, told = step(case, Move.WITHDRAW, events.CaseWithdrawn, policy, by="reporter", why=wish.name)
    return Decision(after, (told,), STILL)


def time_ran_out(case: C | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[C]:
    """Not resolved in the time allowed: on to the next desk; from the last one, say out loud that it is overdue."""
    if case is None or not case.held or case.due_at is None:
        return NOTHING
    policy = policies[case.file.member]
    late = f"{fact.data['late']:.0f} s after the deadline" if fact.data["late"] >= 1 else "at the deadline"
    if policy.next_desk(case.file.component, case.desk) is not None:
        return pass_on(case, policy, now, by="rule", reason=Reason.TIME_RAN_OUT, text="", why=f"time_allowed, {late}")
    again = policy.calendar.add(now, policy.time_allowed(case.desk, case.file.impact, case.file.component))
    after, told = step(case, Move.OVERDUE, events.CaseOverdue, policy, by="rule", why=f"time_allowed, {late}")
    return Decision(after, (told,), {ALLOWED: Timer(again)})


def no_reply(case: C | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[C]:
    """The reporter did not answer in the time they have: end it kindly, with the way back."""
    if case is None or not case.held or case.status is not Status.WAITING_ON_REPORTER:
        return NOTHING
    policy = policies[case.file.member]
    after, told = step(
        case,
        Move.RESOLVE,
        events.CaseResolved,
        policy,
        by="rule",
        why="reply_allowed",
        message=said(case, NO_REPLY, now),
        attempt=tried(case, Move.RESOLVE, "rule", "no reply from the reporter", now),
    )
    return Decision(after, (told,), STILL)


HAND_OFFS = (events.TicketSubmitted, events.TicketReopened, events.CaseEscalated, events.CaseReturned)


def desk_rules(kind: type[C], desk: Desk) -> dict[str, Rule[C]]:
    """The rules that every desk has, by the type of the fact."""
    return {
        **{events.event_type(hand_off): accept(kind, desk) for hand_off in HAND_OFFS},
        events.event_type(events.TicketReplied): take_in,
        events.event_type(events.VendorSpoke): take_in,
        events.event_type(events.TicketWithdrawn): let_go,
        "timer.allowed": time_ran_out,
        "timer.reply": no_reply,
    }
