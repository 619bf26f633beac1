"""HTTP in: the calls that every desk has, with what this one adds: to resolve by an article, and what came of answers."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from tier1 import store
from tier1.answering import offer
from tier1.answers import answered
from tier1.articles import ARTICLES, ArticleId
from tier1.cases import ManualCase
from tier1.importing import router as imports
from tier1.manuals import Found
from tier1.shelving import router as manuals
from tierline.desk.api import IfMatch, MoveBody, TicketId, desk_router, make_move, read_case
from tierline.desk.moves import Order, carry_out
from tierline.domain.lifecycle import Move
from tierline.domain.policy import Policies
from tierline.domain.words import Desk
from tierline.kit.corridor import Decision, Incoming, Rule
from tierline.kit.errors import Invalid, Missing
from tierline.kit.http import expected_version
from tierline.kit.service import Caller, Running

router = APIRouter(tags=["tier1 desk"])


class ResolveBody(MoveBody):
    """What the reporter is told. `article`: the manual article that answers; without a text, its own is sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["text"], "properties": {"text": {"pattern": "[^\\x00\\s]"}}},
                {"required": ["article"], "properties": {"article": {"type": "string"}}},
            ]
        }
    )

    article: ArticleId | None = None


class Summary(BaseModel):
    """What came of the manuals: answers sent without an agent, used by one, what reporters said, tickets not needed."""

    sent: int
    used: int
    helped: int
    did_not_help: int = Field(description="Reopened: these went on to the next desk by themselves")
    deflected: int = Field(description="Solved by a search before anything was submitted")


@router.post("/v1/cases/{ticket_id}/resolve")
async def resolve_case(
    ticket_id: TicketId, running: Running, who: Caller, response: Response, body: ResolveBody, if_match: IfMatch = None
) -> dict[str, Any]:
    """Resolve this case; from a manual article, where one answers. `409` says which moves are possible instead."""
    who.needs("desk:tier1")
    version = expected_version(if_match)
    case = await read_case(running, who, ticket_id)
    text, article = body.text, None
    if body.article is not None:
        async with running.database.connection() as tx:
            article = await ARTICLES.find(tx, case.file.member, body.article)
        if article is None or article.deleted or article.tier != 1:
            raise Missing("no article of Tier 1 has this id")
        question = f"{case.file.subject}\n{case.file.description}"
        text = text or offer(Found(article, 0.0), question).text
    if not text:
        raise Invalid("write a text, or name the article that answers", errors=[{"pointer": "/body/text"}])
    named = article.id if article else None
    order = Order(Move.RESOLVE, version, f"tier1:{who.id}", who.member, text, body.reason, article=named)
    return await make_move(running, ticket_id, order, _from_article(article.key if article else None), response)


@router.get("/v1/answers")
async def answers(running: Running, who: Caller) -> Summary:
    """How the manuals do, for the caller's member."""
    who.needs("desk:tier1", "operate")
    async with running.database.connection() as tx:
        row = await tx.fetchrow(store.SUMMARY, who.member)
    return Summary(**dict(row or store.NONE))


def _from_article(key: str | None) -> Rule[ManualCase]:
    def rule(case: ManualCase | None, fact: Incoming, policies: Policies, now: datetime) -> Decision[ManualCase]:
        decision = carry_out(case, fact, policies, now)
        if key is None or decision.state is None:
            return decision
        rows = (answered(decision.state, key, sent=False, now=now),)
        return Decision(decision.state, decision.events, decision.timers, rows=rows)

    return rule


ROUTERS = [router, desk_router(Desk.TIER1, own={Move.RESOLVE}), manuals, imports]
