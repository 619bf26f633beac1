"""What an established method is: when to use it, its steps, its checks, when not to; and who may use it.

It stands on a shelf, shared or a member's own; only established ones are suggested and count.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tierline.desk.shelf import ID, Kept, Shelf
from tierline.domain.case import Frozen
from tierline.domain.words import Component
from tierline.kit.documents import Documents

SOMETHING = r"^[^\x00]*[^\x00\s][^\x00]*$"
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=SOMETHING)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000, pattern=r"^[^\x00]*$")]
Step = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=SOMETHING)]
MethodId = Annotated[str, StringConstraints(pattern=ID)]


class State(StrEnum):
    """A draft waits for someone to look it over; only what is established is suggested and counts."""

    DRAFT = "draft"
    ESTABLISHED = "established"


class MethodForm(BaseModel):
    """A method as a technician writes it. No `components`: it fits them all."""

    model_config = ConfigDict(extra="forbid")

    title: Line
    components: Annotated[tuple[Component, ...], Field(max_length=7)] = ()
    when_to_use: Words = ""
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=60)]
    checks: Annotated[tuple[Step, ...], Field(max_length=60)] = ()
    when_not_to_use: Words = ""
    notes: Words = ""
    tags: Annotated[tuple[Line, ...], Field(max_length=30)] = ()
    state: State = State.ESTABLISHED

    @model_validator(mode="before")
    @classmethod
    def _as_people_write(cls, said: Any) -> Any:
        """One `component` for a list of them, and `when_not_to` for short."""
        if not isinstance(said, dict):
            return said
        read = {name: value for name, value in said.items() if name not in {"component", "when_not_to"}}
        if "component" in said:
            one = said["component"]
            read.setdefault("components", one if isinstance(one, list) else [one])
        if "when_not_to" in said:
            read.setdefault("when_not_to_use", said["when_not_to"])
        return read


class Method(Kept):
    """A method as it is kept."""

    title: str
    components: tuple[Component, ...] = ()
    when_to_use: str = ""
    steps: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    when_not_to_use: str = ""
    notes: str = ""
    tags: tuple[str, ...] = ()
    state: State = State.ESTABLISHED
    from_ticket: str | None = None


class Tally(Frozen):
    """What came of a method: how often tickets were resolved by it, how many of these were reopened, or confirmed."""

    used: int = 0
    reopened: int = 0
    confirmed: int = 0

    @property
    def success_rate(self) -> float | None:
        """The share of its resolutions that nobody reopened; none while it was never used."""
        return round(1 - self.reopened / self.used, 4) if self.used else None


def view(method: Method, tally: Tally) -> dict[str, Any]:
    """A method as people read it, with its success."""
    shown = method.model_dump(mode="json", exclude={"owner", "deleted"})
    return {
        **shown,
        "scope": method.owner or "shared",
        **tally.model_dump(),
        "success_rate": tally.success_rate,
    }


DOCUMENTS = Documents(
    "methods",
    Method,
    {
        "owner": ("text", lambda method: method.owner),
        "id": ("text", lambda method: method.id),
        "state": ("text", lambda method: method.state.value),
        "deleted": ("boolean", lambda method: method.deleted),
    },
)

METHODS = Shelf(DOCUMENTS, "method", most=2000)  # more than anyone can keep true

TABLE = """
CREATE TABLE methods (
    key text PRIMARY KEY,
    doc json NOT NULL,
    owner text NOT NULL,
    id text NOT NULL,
    state text NOT NULL,
    deleted boolean NOT NULL
);
CREATE INDEX methods_owner ON methods (owner, id);
CREATE TABLE tallies (
    method text PRIMARY KEY,
    used bigint NOT NULL DEFAULT 0,
    reopened bigint NOT NULL DEFAULT 0,
    confirmed bigint NOT NULL DEFAULT 0
);
"""
