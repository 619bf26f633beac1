"""HTTP in: the front door. A reporter's calls, with an API key or with the ticket's own status token."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from uuid_utils import uuid7

from intake import importing, policy, store, streaming
from intake.forms import (
    KEEP_STUDENT_DATA_HOME,
    Receipt,
    ReplyForm,
    Submission,
    TicketPage,
    TicketView,
    Timeline,
    WishForm,
)
from intake.submitting import idempotency_key, submit
from intake.tickets import Ticket
from tierline.desk.api import TicketId, desk_router
from tierline.desk.moves import carry_out
from tierline.desk.wishes import declining
from tierline.desk.wishes_api import wishes_router
from tierline.domain import chain
from tierline.domain.case import Audience
from tierline.domain.policy import Policies
from tierline.domain.words import TIERS, Component, Desk, Status
from tierline.kit.auth import Principal
from tierline.kit.corridor import Incoming, Rule
from tierline.kit.errors import Invalid, Missing, Unauthenticated
from tierline.kit.http import etag
from tierline.kit.lines import Lines, WholeLines
from tierline.kit.runtime import Runtime
from tierline.kit.service import Caller, Running, caller

router = APIRouter(tags=["front door"])

Token = Annotated[str | None, Query(max_length=100, description="The ticket's own token, instead of an API key")]


@router.post("/v1/tickets", status_code=201)
async def submit_ticket(
    form: Submission,
    response: Response,
    running: Running,
    who: Caller,
    key: Annotated[
        str | None, Header(alias="Idempotency-Key", max_length=257, pattern=r"^[!-~]([ -~]*[!-~])?$")
    ] = None,
) -> Receipt:
    """Submit an issue. Answered only after it is durable; the same `Idempotency-Key` opens it once."""
    who.needs("tickets:submit")
    receipt, repeated = await submit(running, who, form, idempotency_key(key))
    response.headers["Location"] = f"{running.address}/v1/tickets/{receipt.id}"
    response.headers["ETag"] = etag(receipt.version)
    if repeated:
        response.headers["Idempotency-Replayed"] = "true"
    return receipt


@router.post("/v1/tickets:import", response_class=Lines)
async def import_tickets(request: Request, running: Running, who: Caller) -> Lines:
    """Submit many: one JSON body a line in, one result a line out; good lines are kept, bad ones named."""
    who.needs("tickets:submit")
    return Lines(importing.results(running, who, request.stream()))


@router.get("/v1/tickets")
async def list_tickets(
    running: Running,
    who: Caller,
    status: Status | None = None,
    component: Component | None = None,
    desk: Desk | None = None,
    reporter: Annotated[str | None, Query(max_length=254, pattern=r"^[^\x00]*$")] = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> TicketPage:
    """The member's tickets, the newest first."""
    who.needs("tickets:read")
    async with running.database.connection() as tx:
        found, following = await store.page(
            tx,
            member=who.member,
            status=status,
            component=component,
            desk=desk,
            email=reporter,
            after=cursor,
            limit=limit,
        )
    return TicketPage(items=[_view(ticket) for ticket in found], next=following)


@router.get("/v1/tickets/{ticket_id}")
async def get_ticket(
    ticket_id: TicketId,
    request: Request,
    response: Response,
    running: Running,
    status_token: Token = None,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None,
) -> TicketView:
    """The ticket as its reporter may see it."""
    ticket = await _visible(running, request, ticket_id, status_token)
    tag = etag(ticket.version)
    if if_none_match is not None and tag in [part.strip() for part in if_none_match.split(",")]:
        return Response(status_code=304, headers={"ETag": tag})  # type: ignore[return-value]
    response.headers["ETag"] = tag
    return _view(ticket)


@router.get("/v1/tickets/{ticket_id}/timeline")
async def get_timeline(ticket_id: TicketId, request: Request, running: Running, status_token: Token = None) -> Timeline:
    """Every fact of its life, oldest first. Staff see what is internal too; a status token does not."""
    await _visible(running, request, ticket_id, status_token)
    async with running.database.connection() as tx:
        rows = await tx.fetch(store.TIMELINE, ticket_id, await _is_staff(request, status_token))
    return Timeline(items=[streaming.read(row["entry"]) for row in rows])


@router.get("/v1/tickets/{ticket_id}/export", response_class=WholeLines)
async def export_history(ticket_id: TicketId, request: Request, running: Running, who: Caller) -> WholeLines:
    """The whole history as a chain of hashes, for staff: `tierline verify` finds whatever is changed in it afterwards."""
    who.needs("operate", "desk:state", "desk:tier1", "desk:tier2", "desk:tier3")
    await _visible(running, request, ticket_id, None, *who.scopes)
    async with running.database.connection() as tx:
        rows = await tx.fetch(store.HISTORY, ticket_id)
    chained = [fact for row in rows if (fact := json.loads(row["entry"])).get("hash")]
    return WholeLines(chain.export(ticket_id, chained))


@router.get("/v1/tickets/{ticket_id}/stream")
async def stream_ticket(
    ticket_id: TicketId,
    request: Request,
    running: Running,
    status_token: Token = None,
    last: Annotated[str | None, Header(alias="Last-Event-ID", max_length=60)] = None,
) -> StreamingResponse:
    """The timeline live, as server-sent events, resumed behind `Last-Event-ID` without gap or repeat."""
    ticket = await _visible(running, request, ticket_id, status_token)
    staff = await _is_staff(request, status_token)
    return streaming.stream(running, last or "0-0", ticket.file.ticket_id, None, staff)


@router.get("/v1/stream")
async def stream_all(
    running: Running,
    who: Caller,
    last: Annotated[str | None, Header(alias="Last-Event-ID", max_length=60)] = None,
) -> StreamingResponse:
    """Every fact of the member's tickets, live. Without `Last-Event-ID` it begins now."""
    who.needs("tickets:read")
    return streaming.stream(running, last or await streaming.present(running), None, who.member, staff=True)


def _wish(name: str, rule: Rule[Ticket], *, held: bool, form: type[WishForm] | type[ReplyForm]) -> None:
    async def endpoint(
        ticket_id: TicketId,
        request: Request,
        response: Response,
        running: Running,
        body: Any = None,
        status_token: Token = None,
    ) -> TicketView:
        await _visible(running, request, ticket_id, status_token, "tickets:submit")
        message_id = str(uuid7())
        wish = policy.Wish(body.text if body else "", message_id)
        fact = Incoming(ticket_id, f"order.{name}", message_id, running.now(), wish)
        ticket = await store.TICKETS.act(running, fact, rule)
        assert ticket is not None
        response.headers["ETag"] = etag(ticket.version)
        return _view(ticket)

    endpoint.__doc__ = (rule.__doc__ or "").strip()
    endpoint.__name__ = f"{name}_ticket"
    endpoint.__annotations__["body"] = form if form is ReplyForm else form | None
    router.add_api_route(
        f"/v1/tickets/{{ticket_id}}/{name}", endpoint, methods=["POST"], status_code=202 if held else 200
    )


_wish("replies", policy.reply, held=True, form=ReplyForm)
_wish("withdraw", policy.withdraw, held=True, form=WishForm)
_wish("reopen", policy.reopen, held=False, form=WishForm)
_wish("confirm", policy.confirm, held=False, form=WishForm)


@router.get("/v1/support-matrix")
async def support_matrix(
    running: Running, who: Caller, member: Annotated[str | None, Query(max_length=40)] = None
) -> dict[str, Any]:
    """Who staffs which tier of which component for this member, and who its policy names as liaison.

    Whoever was put in a liaison's place since stands at Tier 3 alone: `GET /v1/liaisons` there.
    """
    policies: Policies = running.book
    asked = who.member or member
    if asked is None or asked not in policies:
        raise Invalid(f"member must be one of {', '.join(policies)}", errors=[{"pointer": "/query/member"}])
    own = policies[asked]
    components = {}
    for component in Component:
        liaison = own.liaison(component)
        components[component.value] = {
            **{desk.value: own.provider(component, desk).value for desk in TIERS},
            "liaison": {"name": liaison.name, "email": liaison.email} if liaison else None,
        }
    return {"member": asked, "name": own.name, "policy": own.version, "components": components}


async def _visible(running: Runtime, request: Request, ticket_id: str, token: str | None, *scopes: str) -> Ticket:
    """The ticket, for who may see it; for all others it is not there."""
    if token is None:
        who = await caller(request)
        who.needs(*(scopes or ("tickets:read", "tickets:submit")))
    elif running.tokens.fits(ticket_id, token):
        who = Principal("reporter", None, frozenset())
    else:
        raise Unauthenticated("this token is not the ticket's")
    async with running.database.connection() as tx:
        ticket = (await store.TICKETS.documents.load(tx, [ticket_id], lock=False)).get(ticket_id)
    if ticket is None or not who.may_see(ticket.file.member):
        raise Missing("no such ticket")
    return ticket


async def _is_staff(request: Request, token: str | None) -> bool:
    if token is not None:
        return False
    return any(scope.startswith(("desk:", "operate")) for scope in (await caller(request)).scopes)


def _view(ticket: Ticket) -> TicketView:
    file = ticket.file
    shown = file.model_dump(mode="json", exclude={"ticket_id", "tried", "path", "opened", "conversation"})
    said = [
        {"at": message.at, "author": message.author, "text": message.text}
        for message in file.conversation
        if message.audience is Audience.PUBLIC
    ]
    return TicketView(
        id=file.ticket_id,
        status=ticket.status,
        desk=ticket.desk,
        version=ticket.version,
        updated_at=ticket.updated_at,
        ended_at=ticket.ended_at,
        withdrawing=ticket.withdrawing,
        possible=policy.possible(ticket),
        conversation=said,
        notice=KEEP_STUDENT_DATA_HOME if file.student_data else None,
        **shown,
    )


ROUTERS = [router, desk_router(Desk.STATE, declining(carry_out)), wishes_router(Desk.STATE)]
