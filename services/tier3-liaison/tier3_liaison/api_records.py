"""HTTP in: what was disclosed to vendors."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from tier3_liaison import store
from tierline.kit.pages import cursor as cursor_of
from tierline.kit.pages import moment, position
from tierline.kit.service import Caller, Running

router = APIRouter(tags=["records"])

Cursor = Annotated[str | None, Query(max_length=500)]
Plain = Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")]


@router.get("/v1/disclosures")
async def disclosures(
    running: Running,
    who: Caller,
    ticket_id: Plain = None,
    vendor: Plain = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """What was handed to vendors, oldest first: which fields, to whom, when and why (34 CFR 99.32), and what was taken out."""
    who.needs("desk:tier3", "operate")
    async with running.database.connection() as tx:
        found = await store.disclosures(tx, ticket_id, vendor, who.member, _start(cursor), limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    following = cursor_of(last["at"].isoformat(), last["call_id"]) if last else None
    return {"items": found[:limit], "next": following}


def _start(cursor: str | None) -> tuple[datetime | None, str | None]:
    found = position(cursor, str, str)
    return (moment(found[0]), found[1]) if found else (None, None)
