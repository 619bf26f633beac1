"""The calls by which an operator handles a service's dead letters."""

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tierline.kit import letters
from tierline.kit.auth import Principal
from tierline.kit.calling import Caller, Running
from tierline.kit.errors import Forbidden

log = structlog.get_logger()

router = APIRouter(tags=["operation"], prefix="/v1/dead")

Letter = Annotated[int, Path(ge=1, le=2**62, description="The dead letter's number")]
After = Annotated[int, Query(ge=0, le=2**62, description="Behind this number")]
Limit = Annotated[int, Query(ge=1, le=100)]


class Why(BaseModel):
    """Why an operator acts: it is written down with their name."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$"),
        Field(examples=["The policy that it failed on is mended."]),
    ]


@router.get("")
async def dead_letters(running: Running, who: Caller, after: After = 0, limit: Limit = 50) -> dict[str, Any]:
    """What waits for a person, the oldest first, with the reason, and how many events wait behind each."""
    _operator(who)
    async with running.database.connection() as tx:
        rows = await letters.page(tx, after, limit)
    return {"items": rows, "next": rows[-1]["pos"] if len(rows) == limit else None}


@router.get("/actions")
async def actions(
    running: Running,
    who: Caller,
    before: Annotated[int, Query(ge=1, le=2**62)] = 2**62,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Who replayed or discarded what, when and why, the newest first."""
    _operator(who)
    async with running.database.connection() as tx:
        rows = [dict(row) for row in await tx.fetch(letters.ACTIONS, before, limit)]
    return {"items": rows, "next": rows[-1]["nr"] if len(rows) == limit else None}


@router.get("/{letter}")
async def dead_letter(letter: Letter, running: Running, who: Caller) -> dict[str, Any]:
    """The event as it came: headers and value. It may hold what people wrote."""
    _operator(who)
    async with running.database.connection() as tx:
        return await letters.one(tx, letter)


@router.post("/{letter}/replay")
async def replay(letter: Letter, why: Why, running: Running, who: Caller) -> dict[str, Any]:
    """Try it again, now. `409` if it fails again, and nothing has changed; what waited behind it follows by itself."""
    _operator(who)
    async with running.database.transaction() as tx:
        await letters.replay(tx, running.consumer, running.name, letter, who.id, why.reason, running.now())
    return _done(running, who, letter, "replay")


@router.post("/{letter}/discard")
async def discard(letter: Letter, why: Why, running: Running, who: Caller) -> dict[str, Any]:
    """Give it up for good; what waited behind it goes on."""
    _operator(who)
    async with running.database.transaction() as tx:
        await letters.discard(tx, letter, who.id, why.reason, running.now())
    return _done(running, who, letter, "discard")


def _operator(who: Principal) -> None:
    who.needs("operate")
    if who.member is not None:
        raise Forbidden("dead letters may be anybody's: only keys that belong to no member open them")


def _done(running: Any, who: Principal, letter: int, action: str) -> dict[str, Any]:
    running.signals.after_commit(timers=True, calls=True)
    log.info("letter_handled", action="letter_handled", letter=letter, by=who.id, what=action)
    return {"letter": letter, "done": action, "by": who.id}
