"""One step of a case: the table is asked, the version is raised, and the fact that tells it is written."""

from datetime import datetime
from typing import Any

from tierline.desk.cases import C
from tierline.domain.case import Attempt, Audience, Message
from tierline.domain.events import Fact, addressee, event_type
from tierline.domain.lifecycle import Move, next_state
from tierline.domain.policy import Policy
from tierline.domain.words import ENDED, Desk, Reason
from tierline.kit.corridor import Draft, Timer

ALLOWED, REPLY = "allowed", "reply"
STILL: dict[str, Timer | None] = {ALLOWED: None, REPLY: None}
"""No clock runs: what every step that lets the case go leaves behind."""


def step(
    case: C,
    move: Move,
    kind: type[Fact],
    policy: Policy,
    *,
    by: str,
    why: str,
    message: Message | None = None,
    attempt: Attempt | None = None,
    to: Desk | None = None,
    changes: dict[str, Any] | None = None,
    **fields: Any,
) -> tuple[C, Draft]:
    """Make one move: the case after it, and the fact. A step that ends the ticket or passes it on lets the case go.

    Raises:
        IllegalMove: the table has no such move from here.
    """
    status = next_state(case.status, move, case.desk)
    leaves = status in ENDED or to is not None
    file = case.file.having(message, attempt)
    after = case.model_copy(
        update={
            "file": file,
            "version": case.version + 1,
            "status": status,
            **({"held": False, "outcome": move, "due_at": None, "left": None, "assignee": None} if leaves else {}),
            **(changes or {}),
        }
    )
    if to is not None:
        fields = {"to": to, "from_": case.desk, "case": file, **fields}
    fact = kind(
        ticket_id=file.ticket_id,
        member=file.member,
        component=file.component,
        version=after.version,
        status=status,
        desk=to if to is not None else (None if status in ENDED else case.desk),
        by=by,
        why=why,
        policy=policy.version,
        message=message,
        attempt=attempt,
        **fields,
    )
    return after, Draft(event_type(fact), fact.version, fact, addressee(fact))


def said(
    case: C, text: str, now: datetime, *, author: str | None = None, audience: Audience = Audience.PUBLIC
) -> Message:
    """What is said in the next step of this case. Its id is the step's, so saying it again is not saying it twice."""
    message_id = f"{case.file.ticket_id}:{case.version + 1}"
    return Message(id=message_id, at=now, author=author or case.desk.value, audience=audience, text=text)


def tried(
    case: C,
    move: Move,
    by: str,
    text: str,
    now: datetime,
    reason: Reason | None = None,
    method: str | None = None,
    article: str | None = None,
) -> Attempt:
    """What this desk did, for the next one to read."""
    return Attempt(at=now, desk=case.desk, move=move, reason=reason, by=by, text=text, method=method, article=article)


def stand_still(case: C, policy: Policy, now: datetime) -> tuple[dict[str, Any], dict[str, Timer | None]]:
    """Stop the desk's clock and start the reporter's."""
    left = policy.calendar.between(now, case.due_at) if case.due_at and case.due_at > now else None
    left = left if case.due_at else case.left
    due = policy.calendar.add(now, policy.reply_allowed)
    return {"due_at": None, "left": left}, {ALLOWED: None, REPLY: Timer(due)}


def go_on(case: C, policy: Policy, now: datetime) -> tuple[dict[str, Any], dict[str, Timer | None]]:
    """Let the desk's clock go on from where it stood; a clock that runs already is left alone."""
    if case.due_at is not None:
        return {}, {}
    due = policy.calendar.add(now, case.left) if case.left is not None else now
    return {"due_at": due, "left": None}, {ALLOWED: Timer(due), REPLY: None}
