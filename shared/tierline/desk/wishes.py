"""Wishes: what was asked for and declined, kept by the desk that declined it, for product owners. Nothing of who asked."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tierline.desk.cases import C
from tierline.domain import events
from tierline.domain.case import Frozen
from tierline.domain.discretion import without_people
from tierline.domain.policy import Policies
from tierline.domain.words import Component, Impact
from tierline.kit.corridor import Decision, Incoming
from tierline.kit.database import column
from tierline.kit.writing import Write

TABLE = """
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
KEEP = """
INSERT INTO wishes (id, at, member, component, impact, reason, subject, description, answer)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::text[])
ON CONFLICT DO NOTHING
"""
PAGE = """
SELECT id, at, member, component, impact, reason, subject, description, answer FROM wishes
WHERE ($1::text IS NULL OR component = $1) AND ($2::timestamptz IS NULL OR at >= $2)
AND ($3::text IS NULL OR reason = $3) AND ($4::text IS NULL OR member = $4)
AND ($5::timestamptz IS NULL OR (at, id) > ($5, $6::text)) ORDER BY at, id LIMIT $7
"""


class Wish(Frozen):
    """Something that was declined: what was asked for, and nothing of who asked."""

    id: str
    at: datetime
    member: str
    component: Component
    impact: Impact
    reason: str
    subject: str
    description: str
    answer: str


Rule = Callable[[C | None, Incoming, Policies, datetime], Decision[C]]


def declining(rule: Rule[C]) -> Rule[C]:
    """The same rule; where an agent declines a case by it, the wish is kept, without a word of who asked."""

    def kept(case: C | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[C]:
        decision = rule(case, fact, policies, now)
        declined = [draft.data for draft in decision.events if isinstance(draft.data, events.CaseDeclined)]
        if case is None or not declined:
            return decision
        (told,), file = declined, case.file
        wish = Wish(
            id=f"{file.ticket_id}-{told.version}",
            at=now,
            member=file.member,
            component=file.component,
            impact=file.impact,
            reason=told.reason_code,
            subject=without_people(file.subject, file.reporter.name)[0],
            description=without_people(file.description, file.reporter.name)[0],
            answer=without_people(told.attempt.text if told.attempt else "", file.reporter.name)[0],
        )
        return replace(decision, rows=(*decision.rows, wish))

    return kept


def writes(rows: Sequence[Any]) -> list[Write]:
    """What keeps the wishes among these rows."""
    wishes = [tuple(row.model_dump().values()) for row in rows if isinstance(row, Wish)]
    return [Write(KEEP, [column(wishes, index) for index in range(9)])] if wishes else []
