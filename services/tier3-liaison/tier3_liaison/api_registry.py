"""HTTP in: the registry of vendors' endpoints. It serves every member, so it is the consortium's people who change it."""

import json
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from uuid_utils import uuid7

from tier3_liaison import mailing, store, vendor
from tier3_liaison.registry import Endpoint, after_attempt, registered
from tierline.kit import calls, webhooks
from tierline.kit.auth import Principal
from tierline.kit.errors import Forbidden, Invalid, Misconfigured, Missing
from tierline.kit.service import Caller, Running

router = APIRouter(tags=["vendors"])

Slug = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,60}$", description="The vendor")]


class VendorForm(BaseModel):
    """Where a vendor listens, and the secret that both sides sign with. Without one, a new one is made and shown once.

    A new secret (given, or made by `rotate`) becomes the first; the one before it stays valid for `overlap_hours`, 0 where
    it leaked. `enabled` lets calls go out: those that waited, and those that were given up while the endpoint failed.
    """

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[!-~]+$")]
    secret: Annotated[str, StringConstraints(max_length=200, pattern=r"^[!-~]+$")] | None = None
    rotate: bool = False
    overlap_hours: int = Field(default=24, ge=0, le=720)
    enabled: bool = True


@router.get("/v1/vendors")
async def vendors(running: Running, who: Caller) -> dict[str, Any]:
    """The vendors' endpoints: which fails, which is disabled and why, how many calls wait, who was told. Secrets are never shown.

    `told` is what each liaison heard last of it, by mail; a caller of one member does not see it.
    """
    who.needs("desk:tier3", "operate")
    async with running.database.connection() as tx:
        rows = await tx.fetch(store.VENDORS)
        told = await store.told(tx) if who.member is None else {}
        running.metrics.set("targets_closed", await tx.fetchval(store.CLOSED))
    items = []
    for row in rows:
        fields = {name: value for name, value in row.items() if name not in {"updated_at", "waiting"}}
        shown = _shown(Endpoint(**fields), running.now())
        more = {"updated_at": row["updated_at"], "waiting": row["waiting"], "told": told.get(row["slug"], [])}
        items.append({**shown, **more})
    return {"items": items}


@router.put("/v1/vendors/{vendor}")
async def put_vendor(vendor: Slug, form: VendorForm, running: Running, who: Caller) -> dict[str, Any]:
    """Register a vendor, move it, change its secret with an overlap, disable or enable it."""
    _consortium(who)
    running.egress.check(form.url)
    now = running.now()
    async with running.database.transaction() as tx:
        known = await store.vendor(tx, vendor, lock=True)
        made = webhooks.new_secret() if form.secret is None and (known is None or form.rotate) else None
        secret = form.secret or made or (known.secrets[0] if known else "")
        try:
            webhooks.secret_bytes(secret)
        except Misconfigured as error:
            raise Invalid(str(error), errors=[{"pointer": "/body/secret"}]) from None
        kept = registered(known, vendor, form.url, secret, timedelta(hours=form.overlap_hours), form.enabled, now)
        await store.put_vendor(tx, kept)
        if kept.disabled_at is not None:
            await mailing.tell(tx, running, kept, "vendor.closed")
        elif known is not None and known.disabled_at is not None:
            await mailing.tell(tx, running, known, "vendor.opened")
        if form.enabled:
            await calls.let_go(tx, store.CASES.name, vendor, now, known.failing_since if known else None)
        running.metrics.set("targets_closed", await tx.fetchval(store.CLOSED))
    running.signals.after_commit(calls=True)
    return {**_shown(kept, now), **({"secret": made} if made else {})}


@router.post("/v1/vendors/{vendor}/ping")
async def ping(vendor: Slug, running: Running, who: Caller) -> dict[str, Any]:
    """Send a signed `ping` now, also to a disabled endpoint, and say what came back. Its health is noted; nothing else."""
    _consortium(who)
    return await _ping(vendor, running)


async def _ping(slug: str, running: Running) -> dict[str, Any]:
    async with running.database.connection() as tx:
        endpoint = await store.vendor(tx, slug)
    if endpoint is None:
        raise Missing("no such vendor")
    webhook_id = f"ping-{uuid7()}"
    began = running.now()
    result = await vendor.post(running, webhook_id, endpoint, {"type": "ping", "ticket_id": webhook_id})
    if endpoint.disabled_at is None and result.delivered:
        async with running.database.connection() as tx:
            await store.note_health(tx, after_attempt(endpoint, result, running.now()))
    seconds = (running.now() - began).total_seconds()
    return {"delivered": result.delivered, "note": result.note, "seconds": seconds, "webhook_id": webhook_id}


def _shown(endpoint: Endpoint, now: Any) -> dict[str, Any]:
    plain = json.loads(endpoint.model_dump_json(exclude={"secrets"}))
    return {**plain, "state": endpoint.state, "secrets": len(endpoint.valid_secrets(now))}


def _consortium(who: Principal) -> None:
    who.needs("desk:tier3", "operate")
    if who.member is not None:
        raise Forbidden("the registry serves every member; ask the consortium's liaison or operator")
