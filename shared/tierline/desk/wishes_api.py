"""HTTP in: the wishes that a desk declined, as product owners read them, or as a file for their spreadsheet."""

import csv
import io
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from tierline.desk.wishes import PAGE, Wish
from tierline.domain.words import Component, Desk
from tierline.kit.pages import Moment, moment, position
from tierline.kit.pages import cursor as cursor_of
from tierline.kit.service import Caller, Running

MOST = 10_000
EITHER: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}, "text/csv": {}}}}
Plain = Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]*$")]


def wishes_router(desk: Desk) -> APIRouter:
    """The list of a desk that may decline; the same at each, so that their answers can be put together."""
    router = APIRouter(tags=["records"])
    scope = f"desk:{desk.value}"

    @router.get("/v1/wishes", response_model=None, responses=EITHER)
    async def wishes(
        running: Running,
        who: Caller,
        component: Component | None = None,
        since: Annotated[Moment | None, Query(description="RFC 3339, with its offset")] = None,
        reason: Plain = None,
        format: Literal["json", "csv"] = "json",
        cursor: Annotated[str | None, Query(max_length=500)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 1000,
    ) -> Response | dict[str, Any]:
        """What was asked for and declined at this desk, oldest first, for product owners. It holds nothing of who asked.

        As CSV the cursor of the page after it stands in the header `X-Next-Cursor`.
        """
        who.needs(scope, "operate")
        named = component.value if component else None
        start = position(cursor, str, str)
        after = (moment(start[0]), start[1]) if start else (None, None)
        async with running.database.connection() as tx:
            rows = await tx.fetch(PAGE, named, since, reason, who.member, *after, limit + 1)
        last = rows[limit - 1] if len(rows) > limit else None
        following = cursor_of(last["at"].isoformat(), last["id"]) if last else None
        found = [dict(row) for row in rows[:limit]]
        if format == "json":
            return {"items": found, "next": following}
        headers = {"Content-Disposition": 'attachment; filename="wishes.csv"'}
        more = {"X-Next-Cursor": following} if following else {}
        return Response(_csv(found), media_type="text/csv; charset=utf-8", headers={**headers, **more})

    return router


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
