"""HTTP in: the named contact of each component's Tier 3, and who may put another in their place."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from tier3_liaison import store
from tier3_liaison.liaisons import LIAISONS, LiaisonForm, Named, liaison_of, load, shown
from tierline.domain.policy import Policies
from tierline.domain.words import Component, Desk
from tierline.kit.auth import Principal
from tierline.kit.errors import ConditionRequired, Conflict, Missing, Stale
from tierline.kit.http import etag, expected_version
from tierline.kit.service import Caller, Running

router = APIRouter(tags=["liaisons"])

Member = Annotated[
    str | None, Query(max_length=40, description="Only for callers that belong to no member; without it, all")
]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The liaison's `version` as an ETag; none yet needs none")
]


@router.get("/v1/liaisons")
async def liaisons(running: Running, who: Caller) -> dict[str, Any]:
    """The liaison of each component, for each member that the caller may see. `version` 0 is the policy's own."""
    who.needs("desk:tier3", "operate")
    policies: Policies = running.book
    places = [(member, policy, one) for member, policy in policies.items() if who.may_see(member) for one in Component]
    async with running.database.connection() as tx:
        named = await load(tx, [f"{member}/{component}" for member, _, component in places])
    items = []
    for member, policy, component in places:
        own = named.get(f"{member}/{component}")
        liaison = liaison_of(policy, component, own)
        if liaison is not None:
            items.append(shown(member, component, liaison, own))
    return {"items": items}


@router.put("/v1/liaisons/{component}")
async def put_liaison(
    component: Component,
    form: LiaisonForm,
    running: Running,
    who: Caller,
    response: Response,
    member: Member = None,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Put someone in the place of a component's liaison, for one member or for all; cases that come in from now on are theirs.

    For all members, `If-Match` is not asked for, and the answer is the last member's.
    """
    who.needs("desk:tier3", "operate")
    asked = who.member or member
    keys = _keys(running.book, who, asked, component)
    by, now = f"tier3:{who.id}", running.now()
    async with running.database.transaction() as tx:
        if form.vendor is not None and await store.vendor(tx, form.vendor) is None:
            raise Conflict("no vendor is registered under this name; register it first: PUT /v1/vendors/{vendor}")
        known = await LIAISONS.load(tx, keys, lock=True)
        if asked is not None:
            _guard(known.get(keys[0]), if_match)
        after = {key: _after(key, known.get(key), form, by, now) for key in keys}
        await LIAISONS.save(tx, after, known)
    last = after[keys[-1]]
    response.headers["ETag"] = etag(last.version)
    return shown(last.owner, component, last.liaison(), last)


@router.delete("/v1/liaisons/{component}", status_code=204)
async def delete_liaison(
    component: Component, running: Running, who: Caller, member: Member = None, if_match: IfMatch = None
) -> None:
    """Let the policy's liaison stand again, for one member or for all."""
    who.needs("desk:tier3", "operate")
    asked = who.member or member
    keys = _keys(running.book, who, asked, component)
    news = {"deleted": True, "updated_at": running.now(), "updated_by": f"tier3:{who.id}"}
    async with running.database.transaction() as tx:
        known = await LIAISONS.load(tx, keys, lock=True)
        named = {key: one for key, one in known.items() if not one.deleted}
        if not named:
            raise Missing("the policy's liaison stands already")
        if asked is not None:
            _guard(named.get(keys[0]), if_match)
        after = {key: one.model_copy(update={**news, "version": one.version + 1}) for key, one in named.items()}
        await LIAISONS.update(tx, after)


def _keys(policies: Policies, who: Principal, asked: str | None, component: Component) -> list[str]:
    """The places that are meant: one member's, or all that have a Tier 3. Raises `Missing` or `Conflict`."""
    if asked is not None and (asked not in policies or not who.may_see(asked)):
        raise Missing("no such member")
    members = [one for one in ([asked] if asked else policies) if policies[one].exists(component, Desk.TIER3)]
    if not members:
        raise Conflict("this component has no Tier 3 there, so there is no liaison to name")
    return [f"{one}/{component}" for one in members]


def _after(key: str, known: Named | None, form: LiaisonForm, by: str, now: Any) -> Named:
    if known is not None:
        return known.changed(form, by, now)
    owner, _, component = key.partition("/")
    values = form.model_dump()
    return Named(id=component, owner=owner, version=1, updated_at=now, updated_by=by, **values)


def _guard(known: Named | None, if_match: str | None) -> None:
    if known is None:
        return
    if if_match is None:
        raise ConditionRequired("someone was named already; send If-Match with the version that you read")
    if expected_version(if_match) != known.version:
        raise Stale("the liaison has changed since you read it; read it again", version=known.version)
