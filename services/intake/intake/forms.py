"""What a reporter sends, and what comes back."""

from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, validate_email

from tierline.domain.words import Component, Desk, Impact, Role, Status

Line = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=300,
        pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x1f\x7f\s][^\x00-\x08\x0a-\x1f\x7f]*$",
    ),
]
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$"),
]


@lru_cache(maxsize=4096)
def _address(text: str) -> str:
    """The address as it is properly written. To look at one costs as much as all else of a form, and many write again."""
    return validate_email(text)[1]


Address = Annotated[
    str,
    StringConstraints(max_length=254),
    AfterValidator(_address),
    Field(json_schema_extra={"format": "email"}),
]


class Form(BaseModel):
    """Strict in what it takes: a field that nobody knows is a mistake worth naming."""

    model_config = ConfigDict(extra="forbid")


class ReporterForm(Form):
    """Who submits."""

    name: Line
    email: Address
    role: Role
    organization: Line


EXAMPLE: Any = {
    "component": "test-delivery-system",
    "subject": "The test stops at question 7",
    "description": "Since this morning, on every tablet in room 12; restarting does not help.",
    "reporter": {
        "name": "A. Teacher",
        "email": "teacher@school.example.org",
        "role": "school",
        "organization": "Alder Middle School",
    },
    "impact": "student_cannot_test",
}


class Submission(Form):
    """One issue of one reporter."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    component: Component
    subject: Line
    description: Text
    reporter: ReporterForm
    impact: Impact = Impact.QUESTION
    callback_url: Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[!-~]+$")] | None = None
    external_ref: Line | None = None
    member: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")] | None = Field(
        default=None, description="Only for callers that belong to no member"
    )


class WishForm(Form):
    """What the reporter says with a wish."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000, pattern=r"^[^\x00]*$")] = ""


class ReplyForm(Form):
    """What the reporter answers."""

    text: Text


KEEP_STUDENT_DATA_HOME = (
    "What you wrote looks as if it holds student data. Your state's desks can read it; it is taken out before anything goes "
    "to a vendor. Please write no student's number, birth date or name again: the time, the place and the device are enough."
)


class Receipt(BaseModel):
    """What a submission returns. `status_token` lets a reporter without a key follow the ticket.

    `student_data` names the kinds of student data that were found in the text; then `notice` says what that means.
    """

    id: str
    status: Status
    desk: Desk | None
    version: int
    status_url: str
    status_token: str
    student_data: tuple[str, ...] = ()
    notice: str | None = None


class TicketView(BaseModel):
    """A ticket as its reporter may see it."""

    model_config = ConfigDict(extra="allow")

    id: str
    status: Status
    desk: Desk | None
    version: int


class TicketPage(BaseModel):
    """One page of tickets; `next` is the cursor of the page after it."""

    items: list[TicketView]
    next: str | None = None


class Timeline(BaseModel):
    """Every fact of a ticket's life, oldest first."""

    items: list[dict[str, Any]]
