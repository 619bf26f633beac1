"""What an established method is: when to use it, its steps, its checks, when not to; and who may use it.

A method belongs to a member, or to none: then it is shared by all. A member's own goes before a shared one of the
same id. Deleting keeps the row, so that what was resolved by it still has a name, and an import does not bring it back.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tierline.domain.case import Frozen
from tierline.domain.words import Component
from tierline.kit.documents import Documents

SOMETHING = r"^[^\x00]*[^\x00\s][^\x00]*$"
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=SOMETHING)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000, pattern=r"^[^\x00]*$")]
Step = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=SOMETHING)]
ID = r"^[a-z0-9][a-z0-9-]{1,79}$"
MethodId = Annotated[str, StringConstraints(pattern=ID)]
SHARED = ""


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


class Method(Frozen):
    """A method as it is kept. `owner` is a member, or empty where it is shared; each change raises `version`."""

    id: str
    owner: str
    version: int
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
    updated_at: datetime
    updated_by: str
    deleted: bool = False

    @property
    def key(self) -> str:
        """Its place in the table, and in the tallies."""
        return key_of(self.owner, self.id)

    def fits(self, component: Component | None) -> bool:
        """Whether it is meant for this component."""
        return component is None or not self.components or component in self.components

    def says_the_same(self, form: MethodForm) -> bool:
        """Whether saving this form would change nothing."""
        return not self.deleted and MethodForm(**self.model_dump(include=set(MethodForm.model_fields))) == form

    def changed(self, form: MethodForm, by: str, now: datetime) -> "Method":
        """The next version, saying what the form says."""
        return self.model_copy(
            update={
                **dict(form),
                "version": self.version + 1,
                "updated_at": now,
                "updated_by": by,
                "deleted": False,
            }
        )


class Tally(Frozen):
    """What came of a method: how often tickets were resolved by it, how many of these were reopened, or confirmed."""

    used: int = 0
    reopened: int = 0
    confirmed: int = 0

    @property
    def success_rate(self) -> float | None:
        """The share of its resolutions that nobody reopened; none while it was never used."""
        return round(1 - self.reopened / self.used, 4) if self.used else None


def key_of(owner: str, method_id: str) -> str:
    """The key of a method: no member and no id holds a slash."""
    return f"{owner}/{method_id}"


def first(owner: str, method_id: str, form: MethodForm, by: str, now: datetime, ticket: str | None = None) -> Method:
    """A new method, at its first version."""
    return Method(
        id=method_id, owner=owner, version=1, updated_at=now, updated_by=by, from_ticket=ticket, **form.model_dump()
    )


def view(method: Method, tally: Tally) -> dict[str, Any]:
    """A method as people read it, with its success."""
    shown = method.model_dump(mode="json", exclude={"owner", "deleted"})
    return {
        **shown,
        "scope": method.owner or "shared",
        **tally.model_dump(),
        "success_rate": tally.success_rate,
    }


METHODS = Documents(
    "methods",
    Method,
    {
        "owner": ("text", lambda method: method.owner),
        "id": ("text", lambda method: method.id),
        "state": ("text", lambda method: method.state.value),
        "deleted": ("boolean", lambda method: method.deleted),
    },
)

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
-- One row: raised in the transaction of every change, so that changes come one after the other and readers see them.
CREATE TABLE library (revision bigint NOT NULL);
INSERT INTO library VALUES (0);
CREATE TABLE tallies (
    method text PRIMARY KEY,
    used bigint NOT NULL DEFAULT 0,
    reopened bigint NOT NULL DEFAULT 0,
    confirmed bigint NOT NULL DEFAULT 0
);
"""
