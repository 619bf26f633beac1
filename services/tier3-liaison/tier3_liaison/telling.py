"""What a vendor is told: an allow-list of fields, with student data and the reporter's own taken out, and written down. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tier3_liaison.cases import VendorCase
from tier3_liaison.records import Disclosure
from tierline.domain.case import Audience
from tierline.domain.discretion import without_people
from tierline.kit.corridor import Call, Decision

LANE = "vendor"
WHY = {
    "case.assigned": "The vendor of this component is asked to mend a fault that Tier 2 could not",
    "case.reopened": "The vendor is asked again: its answer did not help",
    "case.reply": "The reporter answered the vendor's question, or added to the case",
    "case.withdrawn": "The vendor need not work on the case any more",
    "case.missing": "The vendor is asked for updates that did not arrive",
}


def calling(
    decision: Decision[VendorCase],
    kind: str,
    now: datetime,
    *,
    text: str = "",
    more: Mapping[str, Any] | None = None,
    part: str = "",
) -> Decision[VendorCase]:
    """The decision, with a call to the vendor of its case and the record of what that discloses."""
    case = decision.state
    if case is None or case.vendor is None:
        return decision
    body, removed = payload(case, kind, text)
    body |= dict(more or {})
    # The step's version makes it one of its kind, whichever vendor it is for, and however often the case comes.
    call_id = f"{case.file.ticket_id}-{case.version}-{kind.removeprefix('case.')}{part}"
    about = {"type": kind, "member": case.file.member}
    call = Call(id=call_id, lane=LANE, target=case.vendor, body=body, about=about)
    told = Disclosure(
        call_id=call_id,
        ticket_id=case.file.ticket_id,
        member=case.file.member,
        vendor=case.vendor,
        at=now,
        type=kind,
        fields=tuple(sorted(name for name, value in body.items() if value)),
        removed=tuple(sorted(removed)),
        why=WHY[kind],
    )
    return replace(decision, calls=(*decision.calls, call), rows=(*decision.rows, told))


def payload(case: VendorCase, kind: str, text: str = "") -> tuple[dict[str, Any], set[str]]:
    """What a vendor is sent, and the kinds of what was taken out; nothing of who the reporter is but their role."""
    file, removed = case.file, set[str]()

    def clean(written: str) -> str:
        kept, kinds = without_people(written, file.reporter.name)
        removed.update(kinds)
        return kept

    body: dict[str, Any] = {"type": kind, "ticket_id": file.ticket_id, "component": file.component.value}
    if kind == "case.reply":
        return {**body, "message": clean(text)}, removed
    if kind in {"case.withdrawn", "case.missing"}:
        return {**body, "vendor_ref": case.vendor_ref}, removed
    said_so_far = [
        {"author": message.author, "at": message.at.isoformat(), "text": clean(message.text)}
        for message in file.conversation
        if message.audience is Audience.PUBLIC
    ]
    body |= {
        "impact": file.impact.value,
        "reporter_role": file.reporter.role.value,
        "subject": clean(file.subject),
        "description": clean(file.description),
        "conversation": said_so_far[-20:],
        "tried": [{"desk": a.desk.value, "text": clean(a.text)} for a in file.tried if a.text][-20:],
        "submitted_at": file.submitted_at.isoformat(),
        "vendor_ref": case.vendor_ref,
    }
    return body, removed
