"""HTTP in: what was disclosed to vendors, and the wishes that product owners read."""

import csv
import io
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from tier3_liaison import store
from tier3_liaison.records import Wish
from tierline.domain.words import Component
from tierline.kit.pages import Moment, moment, position
from tierline.kit.pages import cursor as cursor_of
from tierline.kit.service import Caller, Running

router = APIRouter(tags=["records"])

MOST = 10_000
EITHER: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}, "text/csv": {}}}}
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


@router.get("/v1/wishes", response_model=None, responses=EITHER)
async def wishes(
    running: Running,
    who: Caller,
    component: Component | None = None,
    since: Annotated[Moment | None, Query(description="RFC 3339, with its offset")] = None,
    reason: Plain = None,
    format: Literal["json", "csv"] = "json",
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 1000,
) -> Response | dict[str, Any]:
    """What was asked for and declined, oldest first, for product owners. It holds nothing of who asked.

    As CSV the cursor of the page after it stands in the header `X-Next-Cursor`.
    """
    who.needs("desk:tier3", "operate")
    named = component.value if component else None
    async with running.database.connection() as tx:
        rows = await tx.fetch(store.WISHES, named, since, reason, who.member, *_start(cursor), limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    following = cursor_of(last["at"].isoformat(), last["id"]) if last else None
    found = [dict(row) for row in rows[:limit]]
    if format == "json":
        return {"items": found, "next": following}
    headers = {"Content-Disposition": 'attachment; filename="wishes.csv"'}
    more = {"X-Next-Cursor": following} if following else {}
    return Response(_csv(found), media_type="text/csv; charset=utf-8", headers={**headers, **more})


def _csv(found: list[dict[str, Any]]) -> str:
    page = io.StringIO()
    writer = csv.DictWriter(page, list(Wish.model_fields))
    writer.writeheader()
    for wish in found:
        writer.writerow({name: _cell(value) for name, value in wish.items()})
    return page.getvalue()


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _start(cursor: str | None) -> tuple[datetime | None, str | None]:
    found = position(cursor, str, str)
    return (moment(found[0]), found[1]) if found else (None, None)
