"""Every error as `application/problem+json` (RFC 9457). Nothing that a caller sent is repeated in one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from tierline.kit.errors import OutboxFull, Refused, Unavailable

TYPE = "https://tierline.example/problems/"
MEDIA = "application/problem+json"
RETRY_AFTER, RETRY_LATER = "5", "30"
OUR_NAMES = re.compile(r"[A-Za-z_][A-Za-z_-]{0,60}[0-9]{0,2}")
_KNOWN = {
    400: "malformed",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    413: "too-large",
    415: "media-type",
}


class Problem(BaseModel):
    """What went wrong: `type` is explained in docs/problems.md; `detail` says what to do."""

    type: str
    title: str
    status: int
    detail: str


RESPONSES: Mapping[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA: {}}, "description": text}
    for status, text in {
        400: "Malformed",
        401: "No valid credentials",
        403: "Not allowed",
        404: "Not found",
        409: "Not possible in the present state",
        412: "Changed since you read it",
        413: "Too large",
        422: "Does not fit",
        428: "If-Match is required",
        503: "A dependency is away",
    }.items()
}


def problem(
    status: int,
    slug: str,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> JSONResponse:
    """An answer that says what went wrong and what to do."""
    body = {"type": TYPE + slug, "title": title, "status": status, "detail": detail, **members}
    return JSONResponse(body, status, dict(headers or {}), MEDIA)


def away(error: Unavailable) -> JSONResponse:
    """The answer while a dependency is away; which one is for the operator's log, not for the caller."""
    if isinstance(error, OutboxFull):
        detail = "too much waits to be passed on; nothing was accepted, send the same again later"
        return problem(503, "outbox-full", "Nothing more is taken in for now", detail, {"Retry-After": RETRY_LATER})
    detail = "a part of the system is away; nothing was accepted, try again"
    return problem(503, "unavailable", "Try again shortly", detail, {"Retry-After": RETRY_AFTER})


def install(app: FastAPI) -> None:
    """Answer all errors of this app as problems."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
        return problem(error.status, error.slug, error.title, error.detail, headers, **error.members)

    @app.exception_handler(Unavailable)
    async def unavailable(_: Request, error: Unavailable) -> JSONResponse:
        return away(error)

    @app.exception_handler(RequestValidationError)
    async def unfit(_: Request, error: RequestValidationError) -> JSONResponse:
        found = [{"pointer": _pointer(item["loc"]), "detail": str(item["msg"])[:300]} for item in error.errors()[:50]]
        if any(item["type"] == "json_invalid" for item in error.errors()):
            return problem(400, "malformed", "Malformed", "the body is not JSON", errors=found)
        detail = "; ".join(f"{item['pointer']}: {item['detail']}" for item in found[:3])
        return problem(422, "invalid", "The request does not fit what is expected", detail, errors=found)

    app.add_exception_handler(HTTPException, http)  # type: ignore[arg-type]


async def http(request: Request, error: HTTPException) -> JSONResponse:
    """What the router refuses: no such page, or no such method for it, with all that there are."""
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    slug = _KNOWN.get(error.status_code, "refused")
    return problem(error.status_code, slug, str(error.detail), str(error.detail), headers)


def _methods(request: Request) -> set[str]:
    """The methods of every route of the page that this path leads to; the router itself names only the first one's."""
    found = [route for route in _routes(request.app.routes) if route.matches(request.scope)[0] is not Match.NONE]
    page = {getattr(route, "path", None) for route in found[:1]}
    same = [getattr(route, "methods", None) or () for route in found if getattr(route, "path", None) in page]
    return set().union(*same)


def _routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Every route, those of included routers too."""
    for route in routes:
        included = getattr(route, "original_router", None)
        yield from _routes(included.routes) if included is not None else (route,)


def _pointer(loc: tuple[Any, ...] | list[Any]) -> str:
    """Where it is wrong. A name that no one of us gave is the caller's own text, and is not repeated."""
    return "/" + "/".join(str(part) if isinstance(part, int) or OUR_NAMES.fullmatch(part) else "?" for part in loc)
