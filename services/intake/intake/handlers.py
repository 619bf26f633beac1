"""Events and timers in: the ticket follows every fact; the state desk is a desk like the others."""

from intake.policy import close, follow, write_down
from intake.tickets import Ticket
from tierline.desk.cases import Case
from tierline.desk.facts import desk_rules
from tierline.domain.events import (
    EVENTS,
    NoticeDelivered,
    NoticeFailed,
    TicketClosed,
    TicketConfirmed,
    TicketReopened,
    TicketSubmitted,
    VendorSpoke,
    event_type,
)
from tierline.domain.words import Desk
from tierline.kit.corridor import Rule

OWN = (TicketSubmitted, TicketReopened, TicketConfirmed, TicketClosed)
"""What intake itself decided: the ticket had it in the transaction that told it."""

TICKETS_ON: dict[str, Rule[Ticket]] = {
    **{type_: follow for type_, fact in EVENTS.items() if fact.raises and fact not in OWN},
    event_type(NoticeDelivered): write_down,
    event_type(NoticeFailed): write_down,
    event_type(VendorSpoke): write_down,
    "timer.close": close,
}

CASES_ON = desk_rules(Case, Desk.STATE)
