"""The whole case: what travels with every hand-off, so that no service ever has to call another."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, StringConstraints

from tierline.domain.lifecycle import Move
from tierline.domain.words import Component, Desk, Impact, Reason, Role

Text = Annotated[str, StringConstraints(max_length=20_000)]
Line = Annotated[str, StringConstraints(max_length=300)]


FULL = 1024 * 1024
"""From so many bytes on nobody may add to a case what could be left unsaid, because a hand-off carries all of it: a
quarter of what a bus takes at once. Ending it, passing it on and a vendor's last word are always possible."""


class Frozen(BaseModel):
    """A value: compared by what it holds, never changed. Unknown fields of a newer release are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Audience(StrEnum):
    """Who may read a message."""

    PUBLIC = "public"
    INTERNAL = "internal"


class Reporter(Frozen):
    """Who submitted the ticket, and how they are told how it ended. The front door has looked at the address."""

    name: Line
    email: Line
    role: Role
    organization: Line


class Message(Frozen):
    """One thing said about the ticket. `author` is `reporter`, a desk, or `vendor`.

    `student_data` names the kinds of student data that were found in it.
    """

    id: str
    at: datetime
    author: str
    audience: Audience = Audience.PUBLIC
    text: Text
    student_data: tuple[Line, ...] = ()


class Attempt(Frozen):
    """What a desk did before it let the ticket go, for the next one to read.

    `method` is the resolution method that it followed, `article` the manual article that it answered from.
    """

    at: datetime
    desk: Desk
    move: Move
    reason: Reason | None = None
    by: str
    text: Text = ""
    method: Line | None = None
    article: Line | None = None


class CaseFile(Frozen):
    """Everything known of a ticket: what was asked, by whom, what was said and tried, and which desks had it.

    `opened` is the version at which it was submitted or last reopened: a wish from before that counts no more.
    `student_data` marks a case in which the reporter wrote student data, with its kinds: take care what you copy.
    """

    ticket_id: str
    member: str
    component: Component
    impact: Impact
    subject: Line
    description: Text
    reporter: Reporter
    callback_url: str | None = None
    external_ref: Line | None = None
    submitted_at: datetime
    opened: int = 1
    student_data: tuple[Line, ...] = ()
    conversation: tuple[Message, ...] = ()
    tried: tuple[Attempt, ...] = ()
    path: tuple[Desk, ...] = ()

    @property
    def full(self) -> bool:
        """Whether it holds all that it should."""
        return len(self.model_dump_json().encode()) >= FULL

    def knows(self, message_id: str) -> bool:
        """Whether this message is already part of the conversation."""
        return any(message.id == message_id for message in self.conversation)

    def having(self, message: Message | None = None, attempt: Attempt | None = None, desk: Desk | None = None) -> Self:
        """The same case with one more message, attempt or desk on its path; a message known already is not repeated."""
        said = (*self.conversation, message) if message and not self.knows(message.id) else self.conversation
        marks = {*self.student_data, *(message.student_data if message else ())}
        return self.model_copy(
            update={
                "conversation": said,
                "student_data": tuple(sorted(marks)),
                "tried": (*self.tried, attempt) if attempt else self.tried,
                "path": (*self.path, desk) if desk else self.path,
            }
        )
