"""What Tier 3 keeps beside its cases: what was disclosed to whom."""

from datetime import datetime

from tierline.domain.case import Frozen

TABLE = """
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
