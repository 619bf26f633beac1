"""HTTP in: manual articles out of what people have, one file or many lines at a time."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from tier1.articles import ARTICLES, LARGEST, ArticleForm, ArticleId, Language
from tier1.pdf import read_pdf
from tier1.reading import READERS, read_markdown, read_pages
from tier1.shelving import WRITES
from tierline.desk.shelf_importing import Import
from tierline.domain.words import Component
from tierline.kit.errors import Invalid, TooLarge
from tierline.kit.lines import Lines, WholeLines
from tierline.kit.service import Caller, Running

router = APIRouter(tags=["manuals"])

IMPORT = Import(ARTICLES, ArticleForm, read_markdown, longest=5 * LARGEST)
LARGEST_FILE = {"application/pdf": 30_000_000, "text/html": 3_000_000, "text/markdown": 4 * LARGEST}


@router.post("/v1/manuals:import", response_class=Lines)
async def import_manuals(
    request: Request,
    running: Running,
    who: Caller,
    keep: Annotated[bool, Query(description="Leave an article alone that is, or was, in the library")] = False,
    id: Annotated[ArticleId | None, Query(description="For a file that does not say its own")] = None,
    title: Annotated[str | None, Query(max_length=200)] = None,
    component: Component | None = None,
    language: Language = "en",
    source: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Import one file (`text/markdown`, `text/html`, `application/pdf`), or many as lines of JSON (`application/x-ndjson`).

    Such a line is `{"markdown": "..."}`, or an article's fields with its `id`. A PDF becomes one article for each few
    pages of a chapter. One result for each.
    """
    who.needs(*WRITES)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in LARGEST_FILE:
        return Lines(IMPORT.lines(running, who, request.stream(), keep=keep))
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > LARGEST_FILE[kind]:
            raise TooLarge(f"such a file may hold at most {LARGEST_FILE[kind]} bytes; split it")
    said = {"id": id, "title": title, "component": component, "language": language, "source": source}
    if kind == "application/pdf":
        read = read_pages(await read_pdf(bytes(content)), said)
    else:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            raise Invalid("the file is not UTF-8") from None
        read = [await asyncio.to_thread(READERS[kind], text, {k: v for k, v in said.items() if v is not None})]
    return WholeLines(await IMPORT.whole(running, who, list(read), keep=keep))
