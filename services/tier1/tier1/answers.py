"""What came of the manuals' answers: sent or used by an agent, did it help, or did the ticket go on. Pure."""

from datetime import datetime
from typing import Any

from tier1.cases import ManualCase
from tierline.domain.case import Frozen
from tierline.domain.words import Component
from tierline.kit.corridor import NOTHING, Decision, Incoming
from tierline.kit.documents import Documents


class Answer(Frozen):
    """The last answer of a ticket from an article. `sent`: without an agent; `helped` is what the reporter said, if anything.

    `version` is the ticket's when it was given: a word from before that is about something else.
    """

    ticket_id: str
    member: str
    component: Component
    article: str
    version: int
    at: datetime
    sent: bool
    helped: bool | None = None


def answered(case: ManualCase, article: str, *, sent: bool, now: datetime) -> Answer:
    """What is kept of a case that was just answered from an article (its key)."""
    file = case.file
    return Answer(
        ticket_id=file.ticket_id,
        member=file.member,
        component=file.component,
        article=article,
        version=case.version,
        at=now,
        sent=sent,
    )


def it_helped(answer: Answer | None, fact: Incoming, policies: Any, now: datetime) -> Decision[Answer]:
    """The reporter says so."""
    return _said(answer, fact, helped=True)


def it_did_not(answer: Answer | None, fact: Incoming, policies: Any, now: datetime) -> Decision[Answer]:
    """The reporter reopened the ticket: it goes on, with what was tried."""
    return _said(answer, fact, helped=False)


def _said(answer: Answer | None, fact: Incoming, *, helped: bool) -> Decision[Answer]:
    if answer is None or answer.helped is False or fact.data.version <= answer.version:
        return NOTHING
    return Decision(answer.model_copy(update={"helped": helped}))


ANSWERS = Documents(
    "answers",
    Answer,
    {
        "member": ("text", lambda answer: answer.member),
        "article": ("text", lambda answer: answer.article),
        "sent": ("boolean", lambda answer: answer.sent),
        "helped": ("boolean", lambda answer: answer.helped),
        "at": ("timestamptz", lambda answer: answer.at),
    },
)

TABLE = """
CREATE TABLE answers (
    key text PRIMARY KEY,
    doc json NOT NULL,
    member text NOT NULL,
    article text NOT NULL,
    sent boolean NOT NULL,
    helped boolean,
    at timestamptz NOT NULL
);
CREATE INDEX answers_article ON answers (article);
CREATE INDEX answers_member ON answers (member, at);
-- Questions that a reporter's own search solved, so that no ticket was submitted: once for each search and article.
CREATE TABLE deflected (
    search uuid NOT NULL,
    article text NOT NULL,
    member text,
    at timestamptz NOT NULL,
    PRIMARY KEY (search, article)
);
CREATE INDEX deflected_article ON deflected (article);
"""
