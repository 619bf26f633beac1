"""Events, timers and vendors' updates in."""

from tier3_liaison.cases import VendorCase
from tier3_liaison.gaps import ask_for_missing
from tier3_liaison.policy import (
    accept_and_assign,
    answer_and_tell,
    hear,
    let_go_and_tell,
    no_reply_and_tell,
    time_and_tell,
    undelivered,
)
from tierline.desk.facts import HAND_OFFS, desk_rules
from tierline.domain import events
from tierline.domain.words import Desk
from tierline.kit.corridor import NOTHING, Decision, Incoming, Rule


def delivered(case: VendorCase | None, fact: Incoming, book: object, now: object) -> Decision[VendorCase]:
    """That a call arrived stands with the call; the case goes on as its clock says."""
    return NOTHING


ON: dict[str, Rule[VendorCase]] = {
    **desk_rules(VendorCase, Desk.TIER3),
    **{events.event_type(hand_off): accept_and_assign for hand_off in HAND_OFFS},
    events.event_type(events.TicketReplied): answer_and_tell,
    events.event_type(events.TicketWithdrawn): let_go_and_tell,
    "timer.allowed": time_and_tell,
    "timer.reply": no_reply_and_tell,
    "timer.vendor_update": hear,
    "timer.missing": ask_for_missing,
    "call.delivered": delivered,
    "call.held": undelivered,
    "call.failed": undelivered,
}
