"""Submitting: a ticket, its idempotency key and its first event are one transaction, and only then is it answered."""

import hashlib
import json
from typing import Any

from uuid_utils import uuid7

from intake import policy, store
from intake.forms import KEEP_STUDENT_DATA_HOME, Receipt, Submission
from intake.tickets import Ticket
from tierline.domain.case import CaseFile, Reporter
from tierline.domain.privacy import student_data_in
from tierline.kit.auth import Principal
from tierline.kit.corridor import Incoming
from tierline.kit.crashing import point
from tierline.kit.database import Tx
from tierline.kit.errors import Conflict, Invalid
from tierline.kit.runtime import Runtime


async def submit(
    running: Runtime, who: Principal, form: Submission, key: str | None, traceparent: str | None = None
) -> tuple[Receipt, bool]:
    """Open a ticket, in the request's trace or in the one given; whether this is a repetition, answered as the first time.

    Raises:
        Invalid: the key was used for another submission, or the member is missing or unknown.
        ForbiddenTarget: the callback URL leads where nothing may be sent.
    """
    ticket_id = str(uuid7())
    file = _file(running, who, form, ticket_id)
    fact = Incoming(ticket_id, "order.submit", ticket_id, running.now(), file, traceparent=traceparent)
    # Without a key all of it is one statement, and a statement is a transaction of its own.
    async with running.database.transaction() if key is not None else running.database.connection() as tx:
        if key is not None:
            earlier = await _repetition(tx, who, form, key, _receipt(running, fact.key, None))
            if earlier is not None:
                return earlier, True
        ticket, _ = await store.TICKETS.decide(tx, running, fact, policy.submit, new=True)
        receipt = _receipt(running, fact.key, ticket)
        if key is not None:
            await tx.execute(
                "UPDATE idempotency SET answer = $3 WHERE caller = $1 AND key = $2",
                who.id,
                key,
                receipt.model_dump_json(),
            )
        point("door.uncommitted")
    point("door.committed")
    running.signals.after_commit()
    return receipt, False


def idempotency_key(header: str | None) -> str | None:
    """The key in an `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header-07): quoted, or bare."""
    if header is None:
        return None
    key = header.strip()
    key = key[1:-1] if len(key) > 1 and key.startswith('"') and key.endswith('"') else key
    if not key or len(key) > 255 or not key.isprintable() or not key.isascii():
        raise Invalid("Idempotency-Key holds 1 to 255 printable characters")
    return key


async def _repetition(tx: Tx, who: Principal, form: Submission, key: str, receipt: Receipt) -> Receipt | None:
    content = json.dumps(form.model_dump(mode="json"), sort_keys=True)
    fingerprint = hashlib.sha256(content.encode()).hexdigest()
    # A second submission with this key waits here until the first has been committed or undone.
    mine = await tx.fetchval(store.CLAIM_KEY, who.id, key, fingerprint, receipt.id, receipt.model_dump_json())
    if mine is not None:
        return None
    used = await tx.fetchrow(store.USED_KEY, who.id, key)
    if used is None:
        raise Conflict("a submission with this Idempotency-Key is under way; try again")
    if used["fingerprint"] != fingerprint:
        raise Invalid("this Idempotency-Key was used for another submission; take a new key")
    return Receipt.model_validate_json(used["answer"])


def _file(running: Runtime, who: Principal, form: Submission, ticket_id: str) -> CaseFile:
    member = who.member or form.member
    if member is None or member not in running.book or (form.member and form.member != member):
        raise Invalid(f"member must be one of {', '.join(running.book)}", errors=[{"pointer": "/body/member"}])
    if form.callback_url is not None:
        running.egress.check(form.callback_url)
    return CaseFile(
        ticket_id=ticket_id,
        member=member,
        submitted_at=running.now(),
        reporter=Reporter(**form.reporter.model_dump()),
        student_data=student_data_in(form.subject, form.description),
        **form.model_dump(exclude={"member", "reporter"}),
    )


def _receipt(running: Runtime, ticket_id: str, ticket: Ticket | None) -> Receipt:
    token = running.tokens.of(ticket_id)
    address = f"{running.address}/v1/tickets/{ticket_id}?status_token={token}"
    values: dict[str, Any] = (
        {"status": ticket.status, "desk": ticket.desk, "version": ticket.version}
        if ticket
        else {"status": "open", "desk": None, "version": 1}
    )
    found = ticket.file.student_data if ticket else ()
    notice = {"student_data": found, "notice": KEEP_STUDENT_DATA_HOME} if found else {}
    return Receipt(id=ticket_id, status_url=address, status_token=token, **values, **notice)
