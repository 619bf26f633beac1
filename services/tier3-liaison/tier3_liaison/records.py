"""What Tier 3 keeps beside its cases: what was disclosed to whom, and the wishes that are for product owners."""

from datetime import datetime

from tierline.domain.case import Frozen
from tierline.domain.words import Component, Impact

TABLES = """
CREATE TABLE disclosures (
    call_id text PRIMARY KEY,
    ticket_id text NOT NULL,
    member text NOT NULL,
    vendor text NOT NULL,
    at timestamptz NOT NULL,
    type text NOT NULL,
    fields text[] NOT NULL,
    removed text[] NOT NULL,
    why text NOT NULL
);
CREATE INDEX disclosures_ticket ON disclosures (ticket_id, at);
CREATE TABLE wishes (
    id text PRIMARY KEY,
    at timestamptz NOT NULL,
    member text NOT NULL,
    component text NOT NULL,
    impact text NOT NULL,
    reason text NOT NULL,
    subject text NOT NULL,
    description text NOT NULL,
    answer text NOT NULL
);
CREATE INDEX wishes_at ON wishes (at, id);
"""


class Disclosure(Frozen):
    """One hand-over to a vendor, for the record that FERPA asks for (34 CFR 99.32): what fields, to whom, why.

    `removed` names the kinds of student and personal data that were taken out before.
    """

    call_id: str
    ticket_id: str
    member: str
    vendor: str
    at: datetime
    type: str
    fields: tuple[str, ...]
    removed: tuple[str, ...]
    why: str


class Wish(Frozen):
    """Something that was declined, kept for product owners: what was asked for, and nothing of who asked."""

    id: str
    at: datetime
    member: str
    component: Component
    impact: Impact
    reason: str
    subject: str
    description: str
    answer: str
