"""What the notifier decides: which facts a reporter hears of, by which channels, in the order of the ticket's versions. Pure."""

from datetime import datetime
from typing import Any

from notifier.telling import Telling
from tierline.domain import events
from tierline.domain.case import Audience
from tierline.domain.privacy import redact
from tierline.domain.words import ENDED, Desk
from tierline.kit.corridor import NOTHING, WAIT, Call, Decision, Draft, Incoming

MAIL, WEBHOOK = "mail", "webhook"

NOTICE: dict[type[events.Fact], str] = {
    events.TicketSubmitted: "ticket.received",
    events.TicketReopened: "ticket.escalated",
    events.CaseEscalated: "ticket.escalated",
    events.CaseReturned: "ticket.returned",
    events.CaseAsked: "ticket.question",
    events.CaseResolved: "ticket.resolved",
    events.CaseDeclined: "ticket.declined",
    events.CaseWithdrawn: "ticket.closed",
    events.TicketConfirmed: "ticket.closed",
    events.TicketClosed: "ticket.closed",
}


def tell(telling: Telling | None, fact: Incoming, book: object, now: datetime) -> Decision[Telling]:
    """Follow the ticket step by step, and write a notice for each step that its reporter must hear of."""
    told: events.Fact = fact.data
    if telling is None:
        if not isinstance(told, events.TicketSubmitted):
            return WAIT
        case = told.case
        telling = Telling(
            ticket_id=told.ticket_id,
            member=told.member,
            subject=case.subject,
            reporter=case.reporter,
            callback_url=case.callback_url,
            version=0,
            status=told.status,
        )
    if told.version <= telling.version:
        return NOTHING
    if told.version > telling.version + 1:
        return WAIT
    ended = told.status in ENDED
    change: dict[str, object] = {"version": told.version, "status": told.status}
    notices = notices_of(told)
    if ended and notices:
        change |= {
            "ended_notice": f"{told.version}.{notices[-1]}",
            "ended_at": fact.at,
            "told": False,
            "cause": "",
        }
    elif not ended:
        change |= {"ended_notice": None, "ended_at": None, "told": False, "cause": ""}
    after = telling.model_copy(update=change)
    calls = tuple(call for notice in notices for call in _calls(after, told, notice, fact.at))
    return Decision(after, calls=calls)


def notices_of(told: events.Fact) -> tuple[str, ...]:
    """What the reporter hears of a fact: nothing, one notice, or two."""
    notice = NOTICE.get(type(told))
    if notice is None:
        return ()
    to_state = isinstance(told, events.HandOff) and told.to is Desk.STATE
    if notice == "ticket.received":
        return (notice, "ticket.routed_to_state") if to_state else (notice,)
    if notice == "ticket.escalated" and to_state:
        return ("ticket.routed_to_state",)
    return (notice,)


def delivered(telling: Telling | None, fact: Incoming, book: object, now: datetime) -> Decision[Telling]:
    """A notice arrived: the reporter has been told."""
    return _receipt(telling, fact, events.NoticeDelivered)


def failed(telling: Telling | None, fact: Incoming, book: object, now: datetime) -> Decision[Telling]:
    """A notice could not be delivered, and no attempt is left."""
    return _receipt(telling, fact, events.NoticeFailed)


def _calls(telling: Telling, told: events.Fact, notice: str, at: datetime) -> list[Call]:
    public = told.message is not None and told.message.audience is Audience.PUBLIC
    body: dict[str, Any] = {
        "type": notice,
        "ticket_id": telling.ticket_id,
        "version": told.version,
        "status": told.status.value,
        "desk": told.desk.value if told.desk else None,
        "at": at.isoformat(),
        "message": told.message.text if told.message and public else None,
    }
    kinds = told.case.student_data if isinstance(told, events.HandOff) else ()
    for_mail = {"name": telling.reporter.name, "student_data": bool(kinds)}
    # A webhook goes to a machine that nobody of the state may have looked at: no student data rides on it.
    for_machines = {"message": redact(body["message"])[0] if body["message"] else None}
    about = {
        "notice": notice,
        "member": told.member,
        "version": str(told.version),
        "component": told.component.value,
    }
    calls = []
    for lane, target in ((MAIL, telling.reporter.email), (WEBHOOK, telling.callback_url)):
        if target:
            # The identity hangs on the fact alone: whatever is repeated, this notice exists once.
            call_id = f"{telling.ticket_id}-{told.version}-{notice.removeprefix('ticket.')}-{lane}"
            full = {**body, **(for_mail if lane == MAIL else for_machines)}
            calls.append(Call(call_id, lane, target, full, about))
    return calls


def _receipt(
    telling: Telling | None, fact: Incoming, kind: type[events.NoticeDelivered] | type[events.NoticeFailed]
) -> Decision[Telling]:
    if telling is None:
        return NOTHING
    data = fact.data
    receipt = kind(
        ticket_id=telling.ticket_id,
        member=telling.member,
        component=data["component"],
        version=int(data["version"]),
        status=telling.status,
        desk=None,
        by="notifier",
        why=data["notice"],
        notice=data["notice"],
        channel=data["lane"],
        delivery_id=data["id"],
        note=data["note"],
    )
    arrived = kind is events.NoticeDelivered
    ending = telling.ended_notice == f"{data['version']}.{data['notice']}"
    change = {"told": True, "cause": ""} if arrived else {"cause": data["note"]}
    after = telling.model_copy(update=change) if ending and not telling.told else telling
    return Decision(after, (Draft(events.event_type(receipt), receipt.version, receipt),))
