"""A case: a desk's own copy of a ticket while it holds it, and its record of it afterwards."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tierline.domain import events
from tierline.domain.case import CaseFile, Frozen
from tierline.domain.lifecycle import Move, allowed
from tierline.domain.words import Desk, Impact, Status
from tierline.kit.corridor import Rule
from tierline.kit.documents import Documents
from tierline.kit.room import Room

URGENCY: Mapping[Impact, int] = {
    Impact.STUDENT_CANNOT_TEST: 0,
    Impact.USER_CANNOT_WORK: 1,
    Impact.QUESTION: 2,
}


class Case(Frozen):
    """`held` while this desk has the ticket; `outcome` is the move by which it let it go.

    `due_at` is when the time allowed runs out. While the reporter is asked the clock stands still, and `left` is
    the business time that remains.
    """

    file: CaseFile
    desk: Desk
    version: int
    status: Status = Status.OPEN
    held: bool = True
    assignee: str | None = None
    accepted_at: datetime
    due_at: datetime | None = None
    left: timedelta | None = None
    outcome: Move | None = None

    def allowed(self) -> tuple[Move, ...]:
        """The moves that are possible now, the desk's own share of the table."""
        return allowed(self.status, self.desk) if self.held else ()


C = TypeVar("C", bound=Case)

TABLE = """
CREATE TABLE cases (
    key text PRIMARY KEY,
    doc json NOT NULL,
    member text NOT NULL,
    component text NOT NULL,
    status text NOT NULL,
    held boolean NOT NULL,
    assignee text,
    urgency smallint NOT NULL,
    due_at timestamptz,
    version bigint NOT NULL
);
CREATE INDEX cases_queue ON cases (urgency, coalesce(due_at, 'infinity'), key) WHERE held;
CREATE INDEX cases_records ON cases (member, status);
"""

# The trace in which the case came here: what is done with it later belongs to it.
TRACED = "ALTER TABLE cases ADD COLUMN traceparent text"


def case_documents(kind: type[C]) -> Documents[C]:
    """The table of cases, holding this kind of case."""
    return Documents(
        "cases",
        kind,
        {
            "member": ("text", lambda case: case.file.member),
            "component": ("text", lambda case: case.file.component.value),
            "status": ("text", lambda case: case.status.value),
            "held": ("boolean", lambda case: case.held),
            "assignee": ("text", lambda case: case.assignee),
            "urgency": ("smallint", lambda case: URGENCY[case.file.impact]),
            "due_at": ("timestamptz", lambda case: case.due_at),
            "version": ("bigint", lambda case: case.version),
        },
        traced=True,
    )


def case_room(kind: type[C], desk: Desk, on: Mapping[str, Rule[C]]) -> Room[C]:
    """A desk's room of cases."""
    return Room("cases", case_documents(kind), on, events.decode, route=desk.value)


def view(case: Case, now: datetime) -> dict[str, Any]:
    """A case as its desk reads it."""
    file = case.file.model_dump(mode="json", exclude={"opened"})
    state = case.model_dump(mode="json", exclude={"file", "left"})
    return {
        **file,
        **state,
        "overdue": bool(case.held and case.due_at and case.due_at < now),
        "allowed_moves": [move.value for move in case.allowed()],
    }
