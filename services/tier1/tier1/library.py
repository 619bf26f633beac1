"""The library at work: what the manuals say to a submission, and to whoever searches."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tier1.articles import DOCUMENTS
from tier1.manuals import Found, Manuals, told
from tier1.passages import passage
from tierline.desk.shelf import SHARED
from tierline.desk.shelf_ranking import AtWork
from tierline.domain.events import TicketSubmitted
from tierline.domain.words import Component, Desk
from tierline.kit.corridor import Incoming
from tierline.kit.runtime import Runtime

LIBRARY = AtWork(DOCUMENTS, told)


async def look_up(running: Runtime, facts: Sequence[Incoming]) -> Sequence[Incoming]:
    """The facts, each submission to this desk with what its member's manuals hold for it."""
    asked = {
        fact.id: fact.data for fact in facts if isinstance(fact.data, TicketSubmitted) and fact.data.to is Desk.TIER1
    }
    if not asked:
        return facts
    standing = await LIBRARY.now(running)
    found = await asyncio.to_thread(
        lambda: {
            fact_id: Manuals(standing, said.member).match(
                said.case.subject, said.case.description, said.component, said.case.reporter.role
            )
            for fact_id, said in asked.items()
        }
    )
    return [replace(fact, found=found[fact.id]) if fact.id in found else fact for fact in facts]


async def search(
    running: Runtime, member: str | None, question: str, component: Component | None, count: int
) -> list[dict[str, Any]]:
    """The articles that fit best, each with the section to cite and the passage to read first."""
    known = Manuals(await LIBRARY.now(running), member or SHARED)
    found = await asyncio.to_thread(known.search, "", question, count, component)
    return [shown(one, question) for one in found]


def shown(found: Found, question: str) -> dict[str, Any]:
    """What was found, as people read it in a list."""
    article = found.article
    place = passage(article.title, article.body, question)
    return {
        "id": article.id,
        "title": article.title,
        "version": article.version,
        "components": list(article.components),
        "language": article.language,
        "source": article.source,
        "section": place.section,
        "snippet": place.snippet,
        "score": round(found.score, 3),
    }
