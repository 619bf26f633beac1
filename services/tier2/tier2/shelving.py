"""HTTP in: the library of resolution methods. A member's technicians keep their own; the operator keeps the shared ones."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from tier2 import importing, library, store
from tier2.methods import METHODS, MethodForm, MethodId, State, first, key_of, view
from tier2.reading import LARGEST, check_id
from tierline.domain.words import Component
from tierline.kit.auth import Principal
from tierline.kit.errors import ConditionRequired, Missing, Stale, TooLarge
from tierline.kit.http import etag, expected_version
from tierline.kit.lines import Lines, WholeLines
from tierline.kit.pages import cursor as behind
from tierline.kit.pages import position
from tierline.kit.runtime import Runtime
from tierline.kit.service import Caller, Running

router = APIRouter(tags=["resolution methods"])

Id = Annotated[MethodId, Path(description="The method's id")]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag of the method as you read it")]
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
    return Found(items=await library.search(running, who.member, q, component, limit))


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
        page = [METHODS.read(row["doc"]) for row in rows[:limit]]
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
        found = await store.method(tx, who.member, method_id)
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
    owner, by = who.member or "", f"tier2:{who.id}"
    key = key_of(owner, check_id(method_id))
    async with running.database.transaction() as tx:
        await tx.execute(store.CHANGE_LIBRARY)
        known = (await METHODS.load(tx, [key], lock=True)).get(key)
        shared = await store.method(tx, None, method_id) if known is None or known.deleted else None
        seen = known if known and not known.deleted else shared if shared and not shared.deleted else None
        _guard(seen.version if seen else None, if_match)
        after = known.changed(form, by, running.now()) if known else first(owner, method_id, form, by, running.now())
        if known is None:
            await store.add(tx, after)
        else:
            await METHODS.update(tx, {key: after})
    response.status_code = 201 if known is None or known.deleted else 200
    return await read_method(running, who, method_id, response)


@router.delete("/v1/methods/{method_id}", status_code=204)
async def delete_method(method_id: Id, running: Running, who: Caller, if_match: IfMatch = None) -> None:
    """Take a method out of the library. What was resolved by it keeps its name and its tally."""
    who.needs(*WRITERS)
    key = key_of(who.member or "", method_id)
    async with running.database.transaction() as tx:
        await tx.execute(store.CHANGE_LIBRARY)
        known = (await METHODS.load(tx, [key], lock=True)).get(key)
        if known is None or known.deleted:
            raise Missing("no such method of your own")
        if expected_version(if_match) != known.version:
            raise Stale("the method has changed since you read it; read it again", version=known.version)
        after = known.model_copy(
            update={"deleted": True, "version": known.version + 1, "updated_at": running.now(), "updated_by": who.id}
        )
        await METHODS.update(tx, {key: after})


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
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/markdown":
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > 4 * LARGEST:
                raise TooLarge(f"a method may hold at most {LARGEST} characters")
        return WholeLines(await importing.one(running, who, body, keep=keep))
    return Lines(importing.many(running, who, request.stream(), keep=keep))


def _guard(version: int | None, if_match: str | None) -> None:
    """Raises `ConditionRequired` or `Stale`, unless it is new or was read as it is."""
    if version is None:
        if if_match is not None:
            raise Stale("there is no such method; send it without If-Match to make it")
        return
    if if_match is None:
        raise ConditionRequired("this method exists; send If-Match with the ETag that you read")
    if expected_version(if_match) != version:
        raise Stale("the method has changed since you read it; read it again", version=version)
