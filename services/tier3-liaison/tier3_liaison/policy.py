"""What Tier 3 decides: the vendor is given the case, kept in step, and heard; in whatever order its updates come. Pure."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from tier3_liaison.cases import VendorCase, VendorUpdate
from tier3_liaison.gaps import watch
from tier3_liaison.liaisons import liaison_of
from tier3_liaison.telling import calling
from tierline.desk.facts import accept, let_go, no_reply, take_in, time_ran_out
from tierline.desk.moves import carry_out, pass_on
from tierline.desk.steps import STILL, said, stand_still, step, tried
from tierline.desk.wishes import declining
from tierline.domain import events
from tierline.domain.case import Audience, Message
from tierline.domain.lifecycle import Move
from tierline.domain.policy import Policies, Policy
from tierline.domain.words import Desk, Reason
from tierline.kit.corridor import NOTHING, Decision, Draft, Incoming

Rule = Callable[[VendorCase | None, Incoming, Policies, datetime], Decision[VendorCase]]


def accept_and_assign(
    case: VendorCase | None, fact: Incoming, policies: Policies, now: datetime
) -> Decision[VendorCase]:
    """Take the hand-off, and give the case to the vendor behind the component's liaison."""
    taken = accept(VendorCase, Desk.TIER3)(case, fact, policies, now)
    if taken.state is None:
        return taken
    policy = policies[taken.state.file.member]
    liaison = liaison_of(policy, taken.state.file.component, fact.found)
    if liaison is None or liaison.vendor is None:
        return taken
    known = case is not None and case.vendor == liaison.vendor
    memory: dict[str, Any] = {"vendor": liaison.vendor}
    if known and case is not None:
        memory |= {
            "heard": case.heard,
            "early": case.early,
            "asked": case.asked,
            "vendor_ref": case.vendor_ref,
        }
    given, told = step(
        taken.state,
        Move.ASSIGN,
        events.VendorAssigned,
        policy,
        by="rule",
        why="liaisons",
        changes=memory,
        vendor=liaison.vendor,
        liaison=liaison.name,
    )
    return calling(
        replace(taken, state=given, events=(*taken.events, told)),
        "case.reopened" if known else "case.assigned",
        now,
    )


def answer_and_tell(case: VendorCase | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[VendorCase]:
    """Take in what the reporter wrote, and pass it on to the vendor who works on the case."""
    taken = take_in(case, fact, policies, now)
    spoken: events.Fact = fact.data
    if taken.state is None or taken.state.vendor is None or spoken.message is None:
        return taken
    policy = policies[taken.state.file.member]
    after, told = step(
        taken.state, Move.TELL, events.VendorTold, policy, by="rule", why="reply", vendor=taken.state.vendor
    )
    return calling(
        replace(taken, state=after, events=(*taken.events, told)), "case.reply", now, text=spoken.message.text
    )


def telling_vendor(rule: Rule) -> Rule:
    """The same rule; where it lets a case go that a vendor works on, the vendor hears that too."""

    def told(case: VendorCase | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[VendorCase]:
        decision = rule(case, fact, policies, now)
        after = decision.state
        if case is None or after is None or after.vendor is None or not case.held or after.held:
            return decision
        return calling(decision, "case.withdrawn", now)

    return told


def hear(case: VendorCase | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[VendorCase]:
    """A vendor's update. Each has its effect once and in the vendor's own order; one behind a gap waits for it."""
    update = VendorUpdate.model_validate(fact.data["update"])
    if case is None or update.sequence <= case.heard or any(one.sequence == update.sequence for one in case.early):
        return NOTHING
    policy = policies[case.file.member]
    early = tuple(sorted((*case.early, update), key=lambda one: one.sequence))
    decision: Decision[VendorCase] = Decision(case.model_copy(update={"early": early}))
    while (current := decision.state) is not None and current.early and current.early[0].sequence <= current.heard + 1:
        first, *rest = current.early
        current = current.model_copy(
            update={
                "early": tuple(rest),
                "heard": first.sequence,
                "vendor_ref": first.vendor_ref or current.vendor_ref,
            }
        )
        effect = _effect(current, first, policy, now)
        decision = Decision(
            effect.state or current,
            (*decision.events, *effect.events),
            {**decision.timers, **effect.timers},
            (*decision.calls, *effect.calls),
        )
    after = decision.state
    return replace(decision, timers={**decision.timers, **watch(case, after, now)}) if after else decision


def _effect(case: VendorCase, update: VendorUpdate, policy: Policy, now: datetime) -> Decision[VendorCase]:
    by = f"vendor:{case.vendor}"
    text = update.message + (f"\n\nFixed in: {update.fixed_in}" if update.fixed_in else "")
    if not case.held:
        return _late(case, update, by, text, now)
    message = said(case, text, now, author="vendor")
    attempt = tried(case, Move.UPDATE, by, text, now)
    if update.type in {"acknowledged", "progress"}:
        news = message.model_copy(update={"audience": Audience.INTERNAL}) if text else None
        after, told = step(
            case,
            Move.UPDATE,
            events.VendorUpdated,
            policy,
            by=by,
            why=update.type,
            message=news,
            vendor=case.vendor,
            update=update.type,
            sequence=update.sequence,
            vendor_ref=update.vendor_ref,
        )
        return Decision(after, (told,))
    if update.type == "question":
        changes, timers = stand_still(case, policy, now)
        after, told = step(
            case, Move.ASK, events.CaseAsked, policy, by=by, why="question", message=message, changes=changes
        )
        return Decision(after, (told,), timers)
    if update.type == "resolved":
        after, told = step(
            case,
            Move.RESOLVE,
            events.CaseResolved,
            policy,
            by=by,
            why="resolved",
            message=message,
            attempt=attempt,
        )
        return Decision(after, (told,), STILL)
    if update.type == "not_a_bug":
        after, told = step(
            case,
            Move.DECLINE,
            events.CaseDeclined,
            policy,
            by=by,
            why="not_a_bug",
            message=message,
            attempt=attempt,
            reason_code="not_a_bug",
        )
        return Decision(after, (told,), STILL)
    return pass_on(case, policy, now, by=by, reason=Reason.AGENT, text=text, why="cannot_fix")


def _late(case: VendorCase, update: VendorUpdate, by: str, text: str, now: datetime) -> Decision[VendorCase]:
    """The case is no longer here: what the vendor says is told to whoever holds the ticket now."""
    file = case.file
    spoken = Message(
        id=f"{file.ticket_id}:vendor:{update.sequence}",
        at=now,
        author="vendor",
        audience=Audience.INTERNAL,
        text=f"[{update.type}] {text}",
    )
    told = events.VendorSpoke(
        ticket_id=file.ticket_id,
        member=file.member,
        component=file.component,
        version=case.version,
        status=case.status,
        desk=None,
        by=by,
        why=update.type,
        message=spoken,
        vendor=case.vendor or "",
    )
    return Decision(case, (Draft(events.event_type(told), told.version, told),))


def undelivered(case: VendorCase | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[VendorCase]:
    """A call waits for the endpoint's owner, or was given up: said in the case, once, for the liaison to act."""
    said_id = f"{fact.key}:{fact.type}:{fact.data['id']}"
    if case is None or not case.held or case.file.knows(said_id):
        return NOTHING
    waits = fact.type == "call.held"
    text = (
        f"{fact.data['type']} waits and is not sent to {fact.data['target']}: {fact.data['note']}. "
        "It goes out when the endpoint is enabled again."
        if waits
        else f"{fact.data['type']} could not be delivered to {fact.data['target']} in three days: {fact.data['note']}. "
        "It can be sent again."
    )
    note = Message(id=said_id, at=now, author="tier3", audience=Audience.INTERNAL, text=text)
    why = "vendor_disabled" if waits else "vendor_unreachable"
    policy = policies[case.file.member]
    after, told = step(case, Move.NOTE, events.CaseNoted, policy, by="rule", why=why, message=note)
    return Decision(after, (told,))


carry_out_and_tell = telling_vendor(declining(carry_out))
let_go_and_tell, time_and_tell, no_reply_and_tell = map(telling_vendor, (let_go, time_ran_out, no_reply))
