"""The watchdog: quiet for a minute, then it tells the step again, and what it tells again changes nothing twice."""

from datetime import timedelta

from intake import policy, watching
from intake.tickets import Ticket
from simulation.five_rooms import MEMBERS
from tierline.desk.cases import Case
from tierline.desk.facts import accept, take_in
from tierline.domain import events
from tierline.domain.case import CaseFile, Reporter
from tierline.domain.words import Component, Desk, Impact, Role
from tierline.kit.corridor import NOTHING, Decision, Incoming
from tierline.kit.testing import MONDAY_MORNING as NOW

LATER = NOW + timedelta(seconds=61)
FILE = CaseFile(
    ticket_id="t-1",
    member="alder",
    component=Component.INTERIM_SYSTEM,
    impact=Impact.QUESTION,
    subject="It stops",
    description="Since today.",
    reporter=Reporter(name="A", email="a@school.example.org", role=Role.SCHOOL, organization="S"),
    submitted_at=NOW,
)


def submitted() -> Ticket:
    ticket = policy.submit(None, Incoming("t-1", "order.submit", "1", NOW, FILE), MEMBERS, NOW).state
    assert ticket is not None
    return ticket


def looked_at(ticket: Ticket, now: object) -> Decision[Ticket]:
    return watching.again(ticket, Incoming("t-1", "watch.again", "w", LATER, None), MEMBERS, now)  # type: ignore[arg-type]


def told(decision: Decision[Ticket]) -> list[Incoming]:
    return [Incoming("t-1", draft.type, f"e{n}", LATER, draft.data) for n, draft in enumerate(decision.events)]


def test_a_minute_is_given() -> None:
    assert looked_at(submitted(), NOW + timedelta(seconds=60)) is NOTHING


def test_a_hand_off_that_nobody_took_is_told_again_and_taken_once() -> None:
    decision = looked_at(submitted(), LATER)
    (fact,) = told(decision)
    assert decision.events[0].route == "tier1"
    assert decision.state is not None
    assert looked_at(decision.state, LATER + timedelta(seconds=120)) is NOTHING
    assert looked_at(decision.state, LATER + timedelta(seconds=121)).events
    taken = accept(Case, Desk.TIER1)(None, fact, MEMBERS, LATER).state
    assert taken is not None
    assert accept(Case, Desk.TIER1)(taken, fact, MEMBERS, LATER) is NOTHING


def test_a_reply_that_nobody_answered_is_told_again_beside_the_hand_off() -> None:
    wish = Incoming("t-1", "order.reply", "m", NOW, policy.Wish("One more thing.", "m-1"))
    replied = policy.reply(submitted(), wish, MEMBERS, NOW).state
    assert replied is not None
    hand_off, reply = told(looked_at(replied, LATER))
    taken = accept(Case, Desk.TIER1)(None, hand_off, MEMBERS, LATER).state
    assert taken is not None
    answered = take_in(taken, reply, MEMBERS, LATER)
    assert [draft.type for draft in answered.events] == [events.event_type(events.CaseAnswered)]
    assert take_in(answered.state, reply, MEMBERS, LATER) is NOTHING


def test_a_ticket_that_a_desk_has_taken_is_owed_nothing() -> None:
    ticket = submitted()
    accepted = events.CaseAccepted(
        ticket_id="t-1",
        member="alder",
        component=FILE.component,
        version=2,
        status=ticket.status,
        desk=ticket.desk,
        by="rule",
    )
    followed = policy.follow(
        ticket, Incoming("t-1", events.event_type(accepted), "e", NOW, accepted), MEMBERS, NOW
    ).state
    assert followed is not None
    assert followed.waits_since is None
    assert looked_at(followed, LATER + timedelta(days=9)) is NOTHING
