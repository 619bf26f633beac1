"""HTTP in: what was sent to vendors and about them, every attempt at it, and sending it again."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from tier3_liaison import closing, store
from tierline.kit import calls
from tierline.kit.errors import Invalid, Missing
from tierline.kit.pages import cursor as cursor_of
from tierline.kit.pages import position
from tierline.kit.service import Caller, Running

router = APIRouter(tags=["vendors"])

Ticket = Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")]
Vendor = Annotated[str | None, Query(max_length=60, pattern=r"^[^\x00]*$")]
Status = Annotated[str | None, Query(pattern="^(pending|delivered|failed)$")]
CallId = Annotated[str, Path(pattern=r"^[0-9a-zA-Z._-]{1,160}$", description="The call's id, which is its webhook-id")]


@router.get("/v1/calls")
async def vendor_calls(
    running: Running,
    who: Caller,
    ticket_id: Ticket = None,
    vendor: Vendor = None,
    status: Status = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> dict[str, Any]:
    """Calls to vendors, the newest first, each with every attempt and what the other side said.

    The mails that tell a liaison of a vendor's endpoint stand among them; they are about no ticket.
    """
    who.needs("desk:tier3", "operate")
    after = position(cursor, int)
    async with running.database.connection() as tx:
        found = await calls.page(
            tx,
            store.CASES.name,
            key=ticket_id,
            target=vendor,
            status=status,
            member=who.member,
            before=after[0] if after else None,
            limit=limit + 1,
        )
    following = cursor_of(found[limit - 1]["pos"]) if len(found) > limit else None
    return {"items": [_shown(call) for call in found[:limit]], "next": following}


@router.post("/v1/calls/{call_id}/redeliver", status_code=202)
async def redeliver(call_id: CallId, running: Running, who: Caller) -> dict[str, Any]:
    """Make one call again, with the same `webhook-id`."""
    who.needs("operate", "desk:tier3")
    async with running.database.transaction() as tx:
        again = await calls.redeliver(tx, store.CASES.name, _at_once(running), id=call_id, member=who.member)
    if not again:
        raise Missing("no such call")
    running.signals.after_commit(calls=True)
    return {"accepted": True, "count": again}


@router.post("/v1/calls:redeliver", status_code=202)
async def redeliver_all(
    running: Running, who: Caller, ticket_id: Ticket = None, vendor: Vendor = None, status: Status = None
) -> dict[str, Any]:
    """Make every call that fits again, in the order of its case; name at least one of the filters."""
    who.needs("operate", "desk:tier3")
    if ticket_id is None and vendor is None and status is None:
        raise Invalid("name ticket_id, vendor or status: all calls there ever were are never meant")
    async with running.database.transaction() as tx:
        again = await calls.redeliver(
            tx, store.CASES.name, _at_once(running), key=ticket_id, target=vendor, status=status, member=who.member
        )
    running.signals.after_commit(calls=True)
    return {"accepted": True, "count": again}


def _at_once(running: Running) -> Any:
    return running.now() - timedelta(seconds=1)


def _shown(call: dict[str, Any]) -> dict[str, Any]:
    mailed = call["lane"] == closing.LANE
    return {
        "id": call["id"],
        "type": call["about"]["type"],
        "channel": "mail" if mailed else "webhook",
        "ticket_id": None if mailed else call["key"],
        "vendor": call["about"]["vendor"] if mailed else call["target"],
        "to": call["target"],
        "member": call["about"]["member"] or None,
        "status": call["status"],
        "created_at": call["created_at"],
        "next_at": call["next_at"] if call["status"] == "pending" else None,
        "finished_at": call["finished_at"],
        "attempts": call["made"],
    }
