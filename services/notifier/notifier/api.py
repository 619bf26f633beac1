"""HTTP in: what was delivered, what was not, and sending it again."""

import json
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from notifier import store
from tierline.kit import calls
from tierline.kit.errors import Invalid, Missing
from tierline.kit.pages import cursor as cursor_of
from tierline.kit.pages import position
from tierline.kit.service import Caller, Running
from tierline.kit.webhooks import derived_secret

ROUTER = APIRouter(tags=["notifier"])


@ROUTER.get("/v1/deliveries")
async def deliveries(
    running: Running,
    who: Caller,
    ticket_id: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")] = None,
    status: Annotated[str | None, Query(pattern="^(pending|delivered|failed)$")] = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> dict[str, Any]:
    """Notices, the newest first: by which channel, how often tried, what the other side said last."""
    who.needs("notifier:read", "operate")
    after = position(cursor, int)
    async with running.database.connection() as tx:
        rows = await tx.fetch(store.DELIVERIES, ticket_id, status, who.member, after[0] if after else None, limit + 1)
    shown = [_shown(row) for row in rows[:limit]]
    return {"items": shown, "next": cursor_of(rows[limit - 1]["pos"]) if len(rows) > limit else None}


@ROUTER.post("/v1/deliveries/{delivery_id}/redeliver", status_code=202)
async def redeliver(
    delivery_id: Annotated[str, Path(pattern=r"^[0-9a-zA-Z._-]{1,160}$")], running: Running, who: Caller
) -> dict[str, bool]:
    """Send a notice again, with the same identity."""
    who.needs("operate", "notifier:read")
    async with running.database.transaction() as tx:
        member = await tx.fetchval(store.OF_MEMBER, delivery_id)
        if member is None or not who.may_see(member):
            raise Missing("no such delivery")
        await calls.redeliver(tx, store.TELLINGS.name, running.now() - timedelta(seconds=1), id=delivery_id)
    running.signals.after_commit(calls=True)
    return {"accepted": True}


@ROUTER.get("/v1/untold")
async def untold(running: Running, who: Caller) -> dict[str, Any]:
    """Ended tickets whose reporter has not been told, and why. Empty is the promise."""
    who.needs("notifier:read", "operate")
    async with running.database.connection() as tx:
        rows = await tx.fetch(store.UNTOLD, who.member)
    tellings = [store.TELLINGS.documents.read(row["doc"]) for row in rows]
    return {
        "items": [
            {
                "ticket_id": telling.ticket_id,
                "member": telling.member,
                "status": telling.status,
                "ended_at": telling.ended_at,
                "cause": telling.cause or "the notice is under way",
            }
            for telling in tellings
        ]
    }


@ROUTER.get("/v1/callback-secret")
async def callback_secret(running: Running, who: Caller) -> dict[str, str]:
    """The secret that the webhooks to this member's callback URLs are signed with."""
    who.needs("tickets:submit", "notifier:read")
    if who.member is None:
        raise Invalid("only a member has callback URLs; ask with a key of that member")
    return {"secret": derived_secret(running.settings.secret.get_secret_value(), who.member)}


def _shown(row: Any) -> dict[str, Any]:
    about = json.loads(row["about"])
    plain = {name: value for name, value in dict(row).items() if name not in {"about", "pos"}}
    return {**plain, "type": about["notice"], "version": int(about["version"])}
