"""Every event: its name, its version, its fields, its topic. `EVENTS` finds them by name.

A released fact only ever gains optional fields (golden samples prove it). A fact that `raises` is one step of the
ticket's life: its `version` is one more than the step before, so every reader can put them in order whatever the
topic they came by. A fact that does not raise is something said from outside the holder (a reply, a wish to
withdraw, a late word of a vendor, a receipt): the holder answers it by a step of its own.
"""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import ConfigDict, Field

from tierline.domain.case import Attempt, CaseFile, Frozen, Line, Message, Text
from tierline.domain.words import Component, Desk, Reason, Status

PREFIX, SUFFIX = "tierline.", ".v1"

TOPIC: Mapping[str, str] = {
    "intake": "tickets.intake",
    "tier1": "tickets.tier1",
    "tier2": "tickets.tier2",
    "tier3": "tickets.tier3",
    "notifier": "tickets.notifier",
}
TOPICS = tuple(TOPIC.values())
DESK_WRITER: Mapping[Desk, str] = {
    Desk.TIER1: "tier1",
    Desk.TIER2: "tier2",
    Desk.TIER3: "tier3",
    Desk.STATE: "intake",
}


class Fact(Frozen):
    """What every fact says: of which ticket, at which version, who did it and why, and where the ticket stands now.

    `by` is `reporter`, `<desk>:<key id>`, `rule` or `vendor:<slug>`, never a person's name; `why` names the rule that
    acted and `policy` the version of the policy it stood in; `desk` is who holds the ticket after it, null once ended.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    name: ClassVar[str]
    raises: ClassVar[bool] = True

    ticket_id: str
    member: str
    component: Component
    version: int = Field(ge=1)
    status: Status
    desk: Desk | None
    by: str
    why: str = ""
    policy: str = ""
    message: Message | None = None
    attempt: Attempt | None = None

    @property
    def about(self) -> str:
        """The key of the record that tells it."""
        return self.ticket_id


class HandOff(Fact):
    """A fact that passes the ticket to a desk, with the whole case."""

    to: Desk
    from_: Desk | None = Field(default=None, alias="from")
    skipped: tuple[Desk, ...] = ()
    reason: Reason | None = None
    case: CaseFile

    @property
    def about(self) -> str:
        """The key of the record that tells it; none where the case is another ticket's."""
        return self.ticket_id if self.case.ticket_id == self.ticket_id else ""


class TicketSubmitted(HandOff):
    """A reporter submitted a ticket, and the policy says which desk is first."""

    name = "ticket.submitted"


class TicketReopened(HandOff):
    """The reporter says that it did not help; the ticket goes on to the next desk."""

    name = "ticket.reopened"


class TicketReplied(Fact):
    """The reporter wrote something while a desk holds the ticket; the holder answers with `case.answered`."""

    name = "ticket.replied"
    raises = False


class TicketWithdrawn(Fact):
    """The reporter wants the ticket back; the holder answers with `case.withdrawn`."""

    name = "ticket.withdrawn"
    raises = False


class TicketConfirmed(Fact):
    """The reporter says that it helped."""

    name = "ticket.confirmed"


class TicketClosed(Fact):
    """The time to object has passed."""

    name = "ticket.closed"


class CaseAccepted(Fact):
    """The desk has taken the hand-off; its time allowed runs from here."""

    name = "case.accepted"


class CaseClaimed(Fact):
    """An agent works on the case."""

    name = "case.claimed"


class CaseReleased(Fact):
    """The agent put the case back."""

    name = "case.released"


class CaseNoted(Fact):
    """An agent wrote an internal note."""

    name = "case.noted"


class CaseAsked(Fact):
    """The desk, or the vendor through it, asks the reporter; its clock stands still."""

    name = "case.asked"


class CaseAnswered(Fact):
    """The holder has taken in what the reporter (or, late, a vendor) wrote: `message`."""

    name = "case.answered"


class CaseResolved(Fact):
    """The desk resolved the ticket: `message` is what the reporter is told."""

    name = "case.resolved"


class CaseEscalated(HandOff):
    """Not resolved here: on to the next desk."""

    name = "case.escalated"


class CaseReturned(HandOff):
    """Back to the desk that had it before, with what is missing."""

    name = "case.returned"


class CaseDeclined(Fact):
    """No bug that stops anyone: declined with a reason that the reporter reads."""

    name = "case.declined"
    reason_code: Line


class CaseWithdrawn(Fact):
    """The holder let the ticket go, as its reporter asked."""

    name = "case.withdrawn"


class CaseOverdue(Fact):
    """The last desk's time ran out; there is no desk after it, so this is said out loud."""

    name = "case.overdue"


class VendorAssigned(Fact):
    """The vendor behind the liaison has been given the case."""

    name = "vendor.assigned"
    vendor: Line
    liaison: Line


class VendorTold(Fact):
    """What the reporter answered has been passed on to the vendor."""

    name = "vendor.told"
    vendor: Line


class VendorUpdated(Fact):
    """The vendor said how far it is."""

    name = "vendor.updated"
    vendor: Line
    update: Line
    sequence: int
    vendor_ref: Line = ""


class VendorSpoke(Fact):
    """The vendor wrote after Tier 3 had let the ticket go; whoever holds it now answers."""

    name = "vendor.spoke"
    raises = False
    vendor: Line


class Notice(Fact):
    """What became of one notice to the reporter by one channel."""

    raises = False
    notice: Line
    channel: Line
    delivery_id: str
    note: Text = ""


class NoticeDelivered(Notice):
    """The reporter was told."""

    name = "notice.delivered"


class NoticeFailed(Notice):
    """The reporter could not be told by this channel, and no attempt is left."""

    name = "notice.failed"


_FACTS: tuple[type[Fact], ...] = (
    TicketSubmitted,
    TicketReplied,
    TicketReopened,
    TicketConfirmed,
    TicketWithdrawn,
    TicketClosed,
    CaseAccepted,
    CaseClaimed,
    CaseReleased,
    CaseNoted,
    CaseAsked,
    CaseAnswered,
    CaseResolved,
    CaseEscalated,
    CaseReturned,
    CaseDeclined,
    CaseWithdrawn,
    CaseOverdue,
    VendorAssigned,
    VendorTold,
    VendorUpdated,
    VendorSpoke,
    NoticeDelivered,
    NoticeFailed,
)

EVENTS: Mapping[str, type[Fact]] = {f"{PREFIX}{fact.name}{SUFFIX}": fact for fact in _FACTS}


def event_type(fact: Fact | type[Fact]) -> str:
    """The CloudEvents type of a fact, such as `tierline.case.resolved.v1`."""
    return f"{PREFIX}{fact.name}{SUFFIX}"


def addressee(fact: Fact) -> str:
    """The one desk that a fact is for; empty where it is for all who read it."""
    return fact.to.value if isinstance(fact, HandOff) else ""


def decode(type_: str, data: bytes) -> Fact:
    """Read an event's data.

    Raises:
        KeyError: no fact has this type.
        ValueError: the data does not fit the fact.
    """
    return EVENTS[type_].model_validate_json(data)
