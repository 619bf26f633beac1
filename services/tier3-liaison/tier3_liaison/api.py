"""HTTP in: the desk's calls, the vendors' registry, and the door through which vendors report back."""

import json
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from tier3_liaison import store
from tier3_liaison.cases import VendorUpdate
from tier3_liaison.policy import carry_out_and_tell
from tierline.desk.api import desk_router
from tierline.domain.policy import Policies
from tierline.domain.words import Component, Desk
from tierline.kit import calls, timers, webhooks
from tierline.kit.corridor import Timer
from tierline.kit.errors import Invalid, Misconfigured, Missing, TooLarge, Unauthenticated
from tierline.kit.service import Caller, Running

router = APIRouter(tags=["vendors"])

Slug = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,60}$", description="The vendor")]
LARGEST = 65_536


class VendorForm(BaseModel):
    """Where a vendor listens, and the secret that both sides sign with. Without one, a new one is made and shown once."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[!-~]+$")]
    secret: Annotated[str, StringConstraints(max_length=200, pattern=r"^[!-~]+$")] | None = None


@router.post("/v1/vendors/{vendor}/updates", status_code=202)
async def receive_update(vendor: Slug, request: Request, running: Running) -> dict[str, bool]:
    """A vendor's update, signed by Standard Webhooks. Durable before it is answered; a repeat changes nothing."""
    body = await request.body()
    if len(body) > LARGEST:
        raise TooLarge(f"an update may hold at most {LARGEST} bytes")
    async with running.database.connection() as tx:
        known = await store.vendor(tx, vendor)
    # An unknown vendor costs the same work as a wrong signature, and gets the same answer.
    secrets = known["secrets"] if known else [webhooks.new_secret()]
    webhook_id = webhooks.verify(secrets, request.headers, body, running.now())
    if known is None:
        raise Unauthenticated("the signature does not fit")
    try:
        update = VendorUpdate.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)[:10]
        places = [{"pointer": "/" + "/".join(map(str, i["loc"])), "detail": i["msg"]} for i in found]
        raise Invalid("the update does not fit the contract", errors=places) from None
    async with running.database.transaction() as tx:
        case = (await store.CASES.documents.load(tx, [update.ticket_id], lock=False)).get(update.ticket_id)
        if case is None or case.vendor != vendor:
            raise Missing("no case of this ticket was assigned to this vendor")
        if await tx.fetchval(store.RECEIVE, vendor, webhook_id, body) is not None:
            # A deadline that is due at once: the sweeper carries it through the corridor, and tries again if it must.
            name = f"vendor_update:{vendor}:{webhook_id}"
            timer = Timer(running.now(), {"update": update.model_dump(mode="json")})
            await timers.write(tx, store.CASES.name, {(update.ticket_id, name): timer})
    running.signals.after_commit(timers=True)
    return {"accepted": True}


@router.get("/v1/liaisons")
async def liaisons(running: Running, who: Caller) -> dict[str, Any]:
    """The liaison of each component, for each member that the caller may see."""
    who.needs("desk:tier3", "operate")
    policies: Policies = running.book
    return {
        "items": [
            {
                "member": member,
                "component": component.value,
                "name": liaison.name,
                "email": liaison.email,
                "vendor": liaison.vendor,
            }
            for member, policy in policies.items()
            if who.may_see(member)
            for component in Component
            if (liaison := policy.liaison(component)) is not None
        ]
    }


@router.get("/v1/vendors")
async def vendors(running: Running, who: Caller) -> dict[str, Any]:
    """The vendors' endpoints. Their secrets are never shown again."""
    who.needs("desk:tier3", "operate")
    async with running.database.connection() as tx:
        return {"items": [dict(row) for row in await tx.fetch(store.VENDORS)]}


@router.put("/v1/vendors/{vendor}")
async def put_vendor(vendor: Slug, form: VendorForm, running: Running, who: Caller) -> dict[str, Any]:
    """Register a vendor, or change its endpoint; a new secret becomes the first, and the one before it stays valid."""
    who.needs("desk:tier3", "operate")
    running.egress.check(form.url)
    async with running.database.transaction() as tx:
        known = await store.vendor(tx, vendor)
        secret = form.secret or (known["secrets"][0] if known else webhooks.new_secret())
        try:
            webhooks.secret_bytes(secret)
        except Misconfigured as error:
            raise Invalid(str(error), errors=[{"pointer": "/body/secret"}]) from None
        await tx.execute(store.PUT_VENDOR, vendor, form.url, secret)
    made = {} if known or form.secret else {"secret": secret}
    return {"slug": vendor, "url": form.url, **made}


@router.get("/v1/vendor-calls")
async def vendor_calls(
    running: Running,
    who: Caller,
    ticket_id: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    vendor: Annotated[str | None, Query(max_length=60, pattern=r"^[^\x00]*$")] = None,
    status: Annotated[str | None, Query(pattern="^(pending|delivered|failed)$")] = None,
) -> dict[str, Any]:
    """What was sent to vendors, the newest first."""
    who.needs("desk:tier3", "operate")
    async with running.database.connection() as tx:
        rows = await tx.fetch(store.CALLS, ticket_id, vendor, status)
    shown = [{**dict(row), "about": json.loads(row["about"])} for row in rows]
    return {"items": [row for row in shown if who.may_see(row["about"].get("member", ""))]}


@router.post("/v1/vendor-calls/{call_id}/redeliver", status_code=202)
async def redeliver(
    call_id: Annotated[str, Path(pattern=r"^[0-9a-zA-Z._-]{1,120}$")], running: Running, who: Caller
) -> dict[str, bool]:
    """Send a webhook again, with the same `webhook-id`."""
    who.needs("operate", "desk:tier3")
    async with running.database.transaction() as tx:
        if not await calls.redeliver(tx, store.CASES.name, call_id, running.now() - timedelta(seconds=1)):
            raise Missing("no such call")
    running.signals.after_commit(calls=True)
    return {"accepted": True}


ROUTERS = [desk_router(Desk.TIER3, carry_out_and_tell), router]
