"""The ticket as its reporter may see it: kept true by following every fact, whatever the order in which they come."""

from datetime import datetime
from typing import Any, Self

from pydantic import Field

from tierline.domain import events
from tierline.domain.case import Audience, CaseFile, Frozen
from tierline.domain.chain import digest
from tierline.domain.words import ENDED, Desk, Status
from tierline.kit.documents import Documents


class Ticket(Frozen):
    """`ended_at_desk` is who ended it last; `unanswered` are replies that no desk has taken in yet.

    `handed` is the hand-off that no desk has accepted yet; `waits_since` is since when a desk owes the next step,
    which the watchdog has `told_again` so often.
    `facts` and `head` are the length and the last hash of its history (see `chain`).
    """

    file: CaseFile
    version: int
    status: Status
    desk: Desk | None
    ended_at_desk: Desk | None = None
    unanswered: tuple[str, ...] = ()
    withdrawing: bool = False
    updated_at: datetime
    ended_at: datetime | None = None
    handed: str | None = None
    waits_since: datetime | None = None
    told_again: int = 0
    facts: int = 0
    head: str = ""

    @property
    def ended(self) -> bool:
        """Whether no desk holds it."""
        return self.status in ENDED

    def watched(self, since: datetime) -> Self:
        """The same, with the clock of the step that a desk owes started at `since`; stopped where none owes any."""
        owed = not self.ended and (self.handed is not None or bool(self.unanswered) or self.withdrawing)
        return self.model_copy(update={"waits_since": since if owed else None, "told_again": 0})

    def telling(self, entry: "Entry") -> tuple[Self, "Entry"]:
        """The ticket with one more fact in its history, and the fact with its place there."""
        place = {"number": self.facts + 1, "before": self.head}
        said = {**entry.model_dump(mode="json", exclude={"member"}), **place}
        sealed = entry.model_copy(update={**place, "hash": digest(said)})
        return self.model_copy(update={"facts": sealed.number, "head": sealed.hash}), sealed


class Entry(Frozen):
    """One fact on the timeline: what, by whom, by which rule of which policy, when. `public` ones are the reporter's.

    `number` is its place in the ticket's history, `before` the hash of the fact before it, `hash` its own.
    """

    ticket_id: str
    member: str
    at: datetime
    fact: str
    version: int | None
    status: Status
    desk: Desk | None
    by: str
    why: str
    policy: str
    text: str | None = None
    public: bool = True
    details: dict[str, Any] = Field(default_factory=dict)
    number: int = 0
    before: str = ""
    hash: str = ""

    def stored(self) -> str:
        """As it is kept; it is hashed in the same form, but for the hash itself."""
        return self.model_dump_json(exclude={"member", "hash"} if not self.hash else {"member"})


HIDDEN = frozenset({events.CaseNoted.name, events.CaseClaimed.name, events.CaseReleased.name})


def entry(fact: events.Fact, at: datetime) -> Entry:
    """A fact as the timeline shows it."""
    details: dict[str, Any] = {}
    if isinstance(fact, events.HandOff):
        details = {"from": fact.from_, "to": fact.to, "skipped": list(fact.skipped), "reason": fact.reason}
    elif isinstance(fact, events.Notice):
        details = {"notice": fact.notice, "channel": fact.channel, "delivery_id": fact.delivery_id}
    elif isinstance(fact, events.VendorUpdated):
        details = {"vendor": fact.vendor, "update": fact.update, "vendor_ref": fact.vendor_ref}
    elif isinstance(fact, events.CaseDeclined):
        details = {"reason_code": fact.reason_code}
    elif fact.attempt is not None and fact.attempt.method:
        details = {"method": fact.attempt.method}
    elif fact.attempt is not None and fact.attempt.article:
        details = {"article": fact.attempt.article}
    internal = fact.message is not None and fact.message.audience is Audience.INTERNAL
    return Entry(
        ticket_id=fact.ticket_id,
        member=fact.member,
        at=at,
        fact=fact.name,
        version=fact.version if fact.raises else None,
        status=fact.status,
        desk=fact.desk,
        by=fact.by,
        why=fact.why,
        policy=fact.policy,
        text=fact.message.text if fact.message else None,
        public=not internal and fact.name not in HIDDEN,
        details=details,
    )


TICKETS_TABLE = """
CREATE TABLE tickets (
    key text PRIMARY KEY,
    doc json NOT NULL,
    member text NOT NULL,
    component text NOT NULL,
    status text NOT NULL,
    desk text,
    email text NOT NULL,
    version bigint NOT NULL,
    submitted_at timestamptz NOT NULL
);
CREATE INDEX tickets_member ON tickets (member, submitted_at DESC, key DESC);

CREATE TABLE timeline (
    pos bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    ticket_id text NOT NULL,
    member text NOT NULL,
    public boolean NOT NULL,
    entry json NOT NULL
);
CREATE INDEX timeline_ticket ON timeline (ticket_id, xid, pos);
CREATE INDEX timeline_feed ON timeline (xid, pos);

CREATE TABLE idempotency (
    caller text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    ticket_id text NOT NULL,
    answer json NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, key)
);
"""

# The trace in which it was submitted: all that happens to it belongs to it.
TRACED = "ALTER TABLE tickets ADD COLUMN traceparent text"

DOCUMENTS = Documents(
    "tickets",
    Ticket,
    {
        "member": ("text", lambda ticket: ticket.file.member),
        "component": ("text", lambda ticket: ticket.file.component.value),
        "status": ("text", lambda ticket: ticket.status.value),
        "desk": ("text", lambda ticket: ticket.desk.value if ticket.desk else None),
        "email": ("text", lambda ticket: ticket.file.reporter.email),
        "version": ("bigint", lambda ticket: ticket.version),
        "submitted_at": ("timestamptz", lambda ticket: ticket.file.submitted_at),
        "waits_since": ("timestamptz", lambda ticket: ticket.waits_since),
    },
    traced=True,
)
