"""HTTP in: the library of resolution methods. A member's technicians keep their own; the operator keeps the shared ones."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from tier2 import library, store
from tier2.methods import DOCUMENTS, METHODS, MethodForm, MethodId, State, view
from tier2.reading import LARGEST, read_markdown
from tierline.desk.shelf_importing import Import
from tierline.desk.shelf_reading import check_id
from tierline.domain.words import Component
from tierline.kit.auth import Principal
from tierline.kit.errors import Invalid, Missing, TooLarge
from tierline.kit.http import etag
from tierline.kit.lines import Lines, WholeLines
from tierline.kit.pages import cursor as behind
from tierline.kit.pages import position
from tierline.kit.runtime import Runtime
from tierline.kit.service import Caller, Running

router = APIRouter(tags=["resolution methods"])

Id = Annotated[MethodId, Path(description="The method's id")]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag of the method as you read it")]
IMPORT = Import(METHODS, MethodForm, read_markdown, longest=4 * LARGEST)
READERS, WRITERS = ("desk:tier2", "desk:tier1", "operate"), ("desk:tier2", "operate")


class Found(BaseModel):
    """Methods, the best first."""

    items: list[dict[str, Any]]


class MethodPage(BaseModel):
    """One page of the library; `next` is the cursor of the page after it."""

    items: list[dict[str, Any]]
    next: str | None = Field(default=None)


@router.get("/v1/methods/search")
async def search_methods(
    running: Running,
    who: Caller,
    q: Annotated[str, Query(min_length=1, max_length=20_000, description="As people type")],
    component: Component | None = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> Found:
    """The established methods that fit a question best, each with its success. A typing error still finds."""
    who.needs(*READERS)
    return Found(items=await library.search(running, who.member, "", q, component, limit))


@router.get("/v1/methods")
async def list_methods(
    running: Running,
    who: Caller,
    state: State | None = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> MethodPage:
    """The whole library by id; `state=draft` lists what waits to be looked over."""
    who.needs(*READERS)
    after = position(cursor, str, str) or [None, None]
    async with running.database.connection() as tx:
        rows = await tx.fetch(store.PAGE, who.member, state, *after, limit + 1)
        page = [DOCUMENTS.read(row["doc"]) for row in rows[:limit]]
        tallies = await store.tallies(tx, page)
    following = behind(page[-1].id, page[-1].owner) if len(rows) > limit else None
    return MethodPage(items=[view(method, tallies[method.key]) for method in page], next=following)


@router.get("/v1/methods/{method_id}")
async def get_method(method_id: Id, running: Running, who: Caller, response: Response) -> dict[str, Any]:
    """A method, with its success. Its `ETag` guards every change."""
    who.needs(*READERS)
    return await read_method(running, who, method_id, response)


async def read_method(running: Runtime, who: Principal, method_id: str, response: Response) -> dict[str, Any]:
    """A method as the caller may see it. Raises `Missing`."""
    async with running.database.connection() as tx:
        found = await METHODS.find(tx, who.member, method_id)
        if found is None or found.deleted:
            raise Missing("no such method")
        tallies = await store.tallies(tx, [found])
    response.headers["ETag"] = etag(found.version)
    return view(found, tallies[found.key])


@router.put("/v1/methods/{method_id}", responses={201: {"description": "It is new"}})
async def put_method(
    method_id: Id, form: MethodForm, running: Running, who: Caller, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Write a method, or change it with the `ETag` that was read. A member that changes a shared one gets its own."""
    who.needs(*WRITERS)
    new = await METHODS.put(running, who, check_id(method_id), form, if_match)
    response.status_code = 201 if new else 200
    return await read_method(running, who, method_id, response)


@router.delete("/v1/methods/{method_id}", status_code=204)
async def delete_method(method_id: Id, running: Running, who: Caller, if_match: IfMatch = None) -> None:
    """Take a method out of the library. What was resolved by it keeps its name and its tally."""
    who.needs(*WRITERS)
    await METHODS.take_away(running, who, method_id, if_match)


@router.post("/v1/methods:import", response_class=Lines)
async def import_methods(
    request: Request,
    running: Running,
    who: Caller,
    keep: Annotated[bool, Query(description="Leave a method alone that is, or was, in the library")] = False,
) -> Response:
    """Import one Markdown file (`Content-Type: text/markdown`), or many as lines of JSON (`application/x-ndjson`).

    Such a line is `{"markdown": "..."}`, or a method's fields with its `id`. One result for each.
    """
    who.needs(*WRITERS)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/markdown":
        return Lines(IMPORT.lines(running, who, request.stream(), keep=keep))
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > IMPORT.longest:
            raise TooLarge(f"a method may hold at most {LARGEST} characters")
    try:
        read = await asyncio.to_thread(read_markdown, body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Invalid("the file is not UTF-8") from None
    return WholeLines(await IMPORT.whole(running, who, [read], keep=keep))
