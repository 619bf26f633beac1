"""HTTP in: the manuals. Everyone may search and read them, before a ticket and after; a member's agents keep their own."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, Field
from uuid_utils import uuid7

from tier1 import library, store
from tier1.articles import ARTICLES, DOCUMENTS, Article, ArticleForm, ArticleId
from tierline.desk.shelf_reading import check_id
from tierline.domain.words import Component
from tierline.kit.auth import Principal
from tierline.kit.errors import Missing
from tierline.kit.http import etag
from tierline.kit.pages import cursor as behind
from tierline.kit.pages import position
from tierline.kit.runtime import Runtime
from tierline.kit.service import Caller, Running

router = APIRouter(tags=["manuals"])

Id = Annotated[ArticleId, Path(description="The article's id")]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag of the article as you read it")]
READS = ("tickets:submit", "tickets:read", "desk:tier1", "desk:tier2", "desk:tier3", "desk:state", "operate")
WRITES = ("desk:tier1", "operate")


class Search(BaseModel):
    """Articles, the best first. `search` names this search, for `/solved`."""

    search: UUID
    items: list[dict[str, Any]]


class ArticlePage(BaseModel):
    """One page of the library; `next` is the cursor of the page after it."""

    items: list[dict[str, Any]]
    next: str | None = Field(default=None)


class Solved(BaseModel):
    """Which search found the article that helped."""

    search: UUID


@router.get("/v1/manuals/search")
async def search_manuals(
    running: Running,
    who: Caller,
    q: Annotated[str, Query(min_length=1, max_length=20_000, description="As people type, in English or Spanish")],
    component: Component | None = None,
    limit: Annotated[int, Query(ge=1, le=20)] = 5,
) -> Search:
    """The articles that fit a question best, each with the section to cite. A typing error still finds."""
    who.needs(*READS)
    items = await library.search(running, who.member, q, component, limit)
    return Search(search=UUID(str(uuid7())), items=items)


@router.get("/v1/manuals")
async def list_manuals(
    running: Running,
    who: Caller,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> ArticlePage:
    """The whole library by id, technicians' articles too, each with what came of it."""
    who.needs(*READS)
    after = position(cursor, str, str) or [None, None]
    async with running.database.connection() as tx:
        rows = await tx.fetch(store.PAGE, who.member, *after, limit + 1)
        page = [DOCUMENTS.read(row["doc"]) for row in rows[:limit]]
        counts = await store.counts(tx, [article.key for article in page])
    following = behind(page[-1].id, page[-1].owner) if len(rows) > limit else None
    return ArticlePage(items=[_view(article, counts[article.key]) for article in page], next=following)


@router.get("/v1/manuals/{article_id}")
async def get_manual(article_id: Id, running: Running, who: Caller, response: Response) -> dict[str, Any]:
    """An article, with what came of it. Its `ETag` guards every change."""
    who.needs(*READS)
    return await _read(running, who, article_id, response)


@router.put("/v1/manuals/{article_id}", responses={201: {"description": "It is new"}})
async def put_manual(
    article_id: Id, form: ArticleForm, running: Running, who: Caller, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Write an article, or change it with the `ETag` that was read. A member that changes a shared one gets its own."""
    who.needs(*WRITES)
    new = await ARTICLES.put(running, who, check_id(article_id), form, if_match)
    response.status_code = 201 if new else 200
    return await _read(running, who, article_id, response)


@router.delete("/v1/manuals/{article_id}", status_code=204)
async def delete_manual(article_id: Id, running: Running, who: Caller, if_match: IfMatch = None) -> None:
    """Take an article out of the library. What was answered by it keeps its name."""
    who.needs(*WRITES)
    await ARTICLES.take_away(running, who, article_id, if_match)


@router.post("/v1/manuals/{article_id}/solved", status_code=204)
async def solved_by_manual(article_id: Id, body: Solved, running: Running, who: Caller) -> None:
    """It helped, and no ticket is needed: counted as deflected, once for each search."""
    who.needs(*READS)
    async with running.database.transaction() as tx:
        article = await ARTICLES.find(tx, who.member, article_id)
        if article is None or article.deleted:
            raise Missing("no such manual article")
        await tx.fetchval(store.DEFLECT, body.search, article.key, who.member, running.now())


async def _read(running: Runtime, who: Principal, article_id: str, response: Response) -> dict[str, Any]:
    async with running.database.connection() as tx:
        found = await ARTICLES.find(tx, who.member, article_id)
        if found is None or found.deleted:
            raise Missing("no such manual article")
        counts = await store.counts(tx, [found.key])
    response.headers["ETag"] = etag(found.version)
    return _view(found, counts[found.key])


def _view(article: Article, counts: dict[str, int]) -> dict[str, Any]:
    shown = article.model_dump(mode="json", exclude={"owner", "deleted"})
    return {**shown, "scope": article.owner or "shared", **counts}
