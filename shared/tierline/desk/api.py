"""The calls that every desk has: the queue, a case, and the agents' moves, each guarded by `If-Match`."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from uuid_utils import uuid7

from tierline.desk import queue
from tierline.desk.cases import Case, view
from tierline.desk.moves import MOVES, Order, carry_out
from tierline.domain.lifecycle import NOT_AT, Move
from tierline.domain.words import Component, Desk, Status
from tierline.kit.auth import Principal
from tierline.kit.corridor import Incoming, Rule
from tierline.kit.errors import Missing
from tierline.kit.http import etag, expected_version
from tierline.kit.runtime import Runtime
from tierline.kit.service import Caller, Running

LONGEST = 19_000  # a message holds 20,000 characters, and what a policy says may have to go before an agent's words
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST, pattern=r"^[^\x00]*$")]
Something = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$"),
]
TicketId = Annotated[str, Path(pattern=r"^[0-9a-zA-Z-]{1,64}$", description="The ticket's id")]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag of the case as you read it")]
Beside = Callable[[Runtime, Case], Awaitable[dict[str, Any]]]
"""What a desk shows beside a case, such as what might help with it."""


class MoveBody(BaseModel):
    """What an agent says with a move. `reason`: for decline a code of the policy."""

    model_config = ConfigDict(extra="forbid")

    text: Words = ""
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$")] | None = None


class SayBody(MoveBody):
    """What an agent says with a move that someone will read."""

    text: Annotated[Something, Field(examples=["Which browser do you use, and which version of it?"])]


class EscalateBody(MoveBody):
    """What the next desk should know, and why it goes on: the agent cannot end it, no manual covers it, or it is the state's.

    With `state_rule` it goes to the state desk at once, whatever desks are in between.
    """

    reason: Literal["agent", "no_manual", "state_rule"] | None = None


FORMS: Mapping[Move, type[MoveBody]] = {
    **dict.fromkeys((Move.ASK, Move.RESOLVE, Move.RETURN, Move.DECLINE, Move.NOTE), SayBody),
    Move.ESCALATE: EscalateBody,
}


class CasePage(BaseModel):
    """One page of a queue; `next` is the cursor of the page after it."""

    items: list[dict[str, Any]]
    next: str | None = Field(default=None)


async def read_case(running: Runtime, who: Principal, ticket_id: str) -> Case:
    """A case that this caller may see. Raises `Missing` for all others."""
    async with running.database.connection() as tx:
        found = await running.rooms["cases"].documents.load(tx, [ticket_id], lock=False)
    state = found.get(ticket_id)
    if not isinstance(state, Case) or not who.may_see(state.file.member):
        raise Missing("no case of this ticket is or was at this desk")
    return state


async def make_move(
    running: Runtime, ticket_id: str, order: Order, carry_out: Rule[Any], response: Response
) -> dict[str, Any]:
    """Carry out an agent's order, and show the case after it. Raises what the decision raises."""
    fact = Incoming(ticket_id, f"order.{order.move.value}", str(uuid7()), running.now(), order)
    state = await running.rooms["cases"].act(running, fact, carry_out)
    assert isinstance(state, Case)
    response.headers["ETag"] = etag(state.version)
    return view(state, running.now())


def desk_router(
    desk: Desk,
    carry_out: Rule[Any] = carry_out,
    *,
    beside: Beside | None = None,
    own: Collection[Move] = (),
) -> APIRouter:
    """The desk's part of a service's API. `carry_out` decides an agent's order.

    `beside` is shown with a case; the moves in `own` have an endpoint of the desk's own.
    """
    router = APIRouter(tags=[f"{desk.value} desk"])
    scope = f"desk:{desk.value}"

    @router.get("/v1/cases")
    async def cases(
        running: Running,
        who: Caller,
        status: Status | None = None,
        component: Component | None = None,
        assignee: Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")] = None,
        overdue: bool | None = None,
        held: Annotated[bool | None, Query(description="false: the desk's record of what it let go")] = None,
        cursor: Annotated[str | None, Query(max_length=500)] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> CasePage:
        """The queue, most urgent first; with an ended `status`, or `held=false`, the desk's record."""
        who.needs(scope)
        held = (
            held
            if held is not None
            else status
            not in {
                Status.RESOLVED,
                Status.DECLINED,
                Status.WITHDRAWN,
                Status.CLOSED,
            }
        )
        now = running.now()
        async with running.database.connection() as tx:
            documents, following = await queue.page(
                tx,
                member=who.member,
                status=status,
                held=held,
                component=component,
                assignee=assignee,
                overdue=overdue,
                now=now,
                after=cursor,
                limit=limit,
            )
        read = running.rooms["cases"].documents.read
        return CasePage(items=[view(read(document), now) for document in documents], next=following)

    @router.get("/v1/cases/{ticket_id}")
    async def case(ticket_id: TicketId, running: Running, who: Caller, response: Response) -> dict[str, Any]:
        """The whole case, with what was said and tried before it came here. Its `ETag` guards every move."""
        who.needs(scope)
        state = await read_case(running, who, ticket_id)
        response.headers["ETag"] = etag(state.version)
        return {**view(state, running.now()), **(await beside(running, state) if beside else {})}

    def add(move: Move) -> None:
        async def endpoint(
            ticket_id: TicketId,
            running: Running,
            who: Caller,
            response: Response,
            body: Any = None,
            if_match: IfMatch = None,
        ) -> dict[str, Any]:
            who.needs(scope)
            said = body or MoveBody()
            version = expected_version(if_match)
            order = Order(move, version, f"{desk.value}:{who.id}", who.member, said.text, said.reason)
            return await make_move(running, ticket_id, order, carry_out, response)

        endpoint.__doc__ = f"{move.value.capitalize()} this case. `409` says which moves are possible instead."
        endpoint.__name__ = f"{move.value}_case"
        form = FORMS.get(move, MoveBody)
        endpoint.__annotations__["body"] = form if form is SayBody else form | None
        router.add_api_route(f"/v1/cases/{{ticket_id}}/{move.value}", endpoint, methods=["POST"])

    for move in MOVES:
        if move not in NOT_AT[desk] and move not in own:
            add(move)
    return router
