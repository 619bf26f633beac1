"""HTTP in: the calls that every desk has, with what this one adds: methods at a case, drafts, and gaps in the manuals."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from tier2 import gaps, library, store
from tier2.drafting import draft_of
from tier2.methods import DOCUMENTS, METHODS, MethodId, State, view
from tier2.resolutions import RESOLUTIONS, by_method
from tier2.shelving import router as methods
from tierline.desk.api import IfMatch, SayBody, TicketId, desk_router, make_move, read_case
from tierline.desk.moves import Order
from tierline.desk.shelf import CHANGE
from tierline.domain.lifecycle import Move
from tierline.domain.words import Component, Desk
from tierline.kit.errors import Conflict, Invalid
from tierline.kit.http import etag, expected_version
from tierline.kit.service import Caller, Running

LOOKED_AT = 2000
router = APIRouter(tags=["tier2 desk"])


class ResolveBody(SayBody):
    """What the reporter is told. `method`: the established method that was followed; the resolution counts for it."""

    method: MethodId | None = None


class GapView(BaseModel):
    """Issues that Tier 2 resolved and that are alike. `unanswered`: for how many Tier 1 found no manual."""

    component: Component
    count: int
    unanswered: int
    words: list[str]
    methods: dict[str, int]
    first_at: datetime
    last_at: datetime


class Gaps(BaseModel):
    """What the manuals lack, the most frequent first; found in the last `looked_at` resolutions that stand."""

    items: list[GapView]
    looked_at: int


@router.post("/v1/cases/{ticket_id}/resolve")
async def resolve_case(
    ticket_id: TicketId,
    running: Running,
    who: Caller,
    response: Response,
    body: ResolveBody,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    """Resolve this case; by a method, where one was followed. `409` says which moves are possible instead."""
    who.needs("desk:tier2")
    version = expected_version(if_match)
    case = await read_case(running, who, ticket_id)
    async with running.database.connection() as tx:
        method = await METHODS.find(tx, case.file.member, body.method) if body.method else None
    known = await library.vocabulary(running, case.file.member)
    if body.method and (method is None or method.deleted or method.state is not State.ESTABLISHED):
        raise Invalid("no established method has this id", errors=[{"pointer": "/body/method"}])
    order = Order(
        Move.RESOLVE, version, f"tier2:{who.id}", who.member, body.text, body.reason, method.id if method else None
    )
    return await make_move(running, ticket_id, order, by_method(method.key if method else None, known), response)


@router.post("/v1/cases/{ticket_id}/draft-method", status_code=201, responses={200: {"description": "It was there"}})
async def draft_method(ticket_id: TicketId, running: Running, who: Caller, response: Response) -> dict[str, Any]:
    """Make a draft method from a resolution that stands, student data removed. Asked again, it is the same draft."""
    who.needs("desk:tier2")
    case = await read_case(running, who, ticket_id)
    method_id, form = draft_of(case)
    by = f"tier2:{who.id}"
    draft = METHODS.first(case.file.member, method_id, form, by, running.now(), from_ticket=ticket_id)
    async with running.database.transaction() as tx:
        kept = (await RESOLUTIONS.load(tx, [ticket_id], lock=False)).get(ticket_id)
        if kept is not None and not kept.stands:
            raise Conflict("this resolution was reopened, so it is none to repeat")
        await tx.execute(CHANGE)
        known = (await DOCUMENTS.load(tx, [draft.key], lock=True)).get(draft.key)
        if known is None:
            await METHODS.add(tx, draft)
        elif known.deleted:
            raise Conflict("the draft of this resolution was deleted")
        found = known or draft
        tallies = await store.tallies(tx, [found])
    response.status_code = 200 if known else 201
    response.headers["ETag"] = etag(found.version)
    response.headers["Location"] = f"{running.address}/v1/methods/{found.id}"
    return view(found, tallies[found.key])


@router.get("/v1/manual-gaps")
async def manual_gaps(
    running: Running,
    who: Caller,
    component: Component | None = None,
    minimum: Annotated[int, Query(ge=1, le=1000, description="Fewer issues than this are no gap")] = 2,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Gaps:
    """What Tier 2 keeps resolving and Tier 1's manuals could answer: by component and similar words, naming nobody."""
    who.needs("desk:tier2", "desk:tier1", "operate")
    async with running.database.connection() as tx:
        rows = await tx.fetch(store.STANDING, who.member, component, LOOKED_AT)
    known = await library.vocabulary(running, who.member)
    kept = [RESOLUTIONS.read(row["doc"]) for row in rows]
    found = (await asyncio.to_thread(gaps.find, kept, minimum))[:limit]
    return Gaps(items=[_shown(gap, known) for gap in found], looked_at=len(kept))


def _shown(gap: gaps.Gap, known: frozenset[str]) -> GapView:
    ids = [issue.method.rpartition("/")[2] for issue in gap.issues if issue.method]
    return GapView(
        component=gap.component,
        count=len(gap.issues),
        unanswered=sum(issue.unanswered for issue in gap.issues),
        words=gap.shown_words(known),
        methods={method: ids.count(method) for method in sorted(set(ids))},
        first_at=min(issue.at for issue in gap.issues),
        last_at=max(issue.at for issue in gap.issues),
    )


ROUTERS = [router, desk_router(Desk.TIER2, beside=library.suggested, own={Move.RESOLVE}), methods]
