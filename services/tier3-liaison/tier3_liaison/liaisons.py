"""Who the liaison of a component is: as a member's policy says, until someone puts another in their place."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, EmailStr, Field, StringConstraints

from tierline.desk.shelf import Kept
from tierline.domain.events import HandOff
from tierline.domain.policy import Liaison, Policy
from tierline.domain.words import Component, Desk
from tierline.kit.corridor import Incoming
from tierline.kit.database import Tx
from tierline.kit.documents import Documents
from tierline.kit.runtime import Runtime

Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*[^\x00-\x1f\s][^\x00-\x1f]*$"
    ),
]


class LiaisonForm(BaseModel):
    """A liaison, and the vendor behind them; without a vendor the liaison works alone."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    email: EmailStr = Field(max_length=254)
    vendor: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,60}$")] | None = None


class Named(Kept):
    """A liaison put in the place of the policy's. Its `owner` is the member, its `id` the component."""

    name: str
    email: str
    vendor: str | None = None

    def liaison(self) -> Liaison:
        """As the desk reads it."""
        return Liaison(self.name, self.email, self.vendor)


def liaison_of(policy: Policy, component: Component, named: Named | None) -> Liaison | None:
    """The one who was put in place, or the policy's."""
    return named.liaison() if named is not None and not named.deleted else policy.liaison(component)


def shown(member: str, component: Component, liaison: Liaison, named: Named | None) -> dict[str, Any]:
    """A liaison as people read it; `version` 0 is the policy's own."""
    return {
        "member": member,
        "component": component.value,
        "name": liaison.name,
        "email": liaison.email,
        "vendor": liaison.vendor,
        "version": named.version if named else 0,
        "from": "policy" if named is None or named.deleted else named.updated_by,
    }


async def look_up(running: Runtime, facts: Sequence[Incoming]) -> Sequence[Incoming]:
    """The facts, each hand-off to this desk with whoever was put in the place of its liaison."""
    asked = {
        fact.id: f"{fact.data.member}/{fact.data.component}"
        for fact in facts
        if isinstance(fact.data, HandOff) and fact.data.to is Desk.TIER3
    }
    if not asked:
        return facts
    async with running.database.connection() as tx:
        known = await load(tx, asked.values())
    return [replace(fact, found=known.get(asked[fact.id])) if fact.id in asked else fact for fact in facts]


async def load(tx: Tx, keys: Any) -> Mapping[str, Named]:
    """Those of these keys (`member/component`) who were put in place."""
    return await LIAISONS.load(tx, sorted(set(keys)), lock=False)


LIAISONS = Documents("liaisons", Named, {"owner": ("text", lambda named: named.owner)})

TABLE = """
CREATE TABLE liaisons (
    key text PRIMARY KEY,
    doc json NOT NULL,
    owner text NOT NULL
);
"""
