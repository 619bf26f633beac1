"""The library at work: each member's manuals in memory, read anew when an article changed; and what they say to a question."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from tier1.articles import DOCUMENTS
from tier1.manuals import Found, Manuals
from tier1.passages import passage
from tierline.desk.shelf import REVISION, SHARED
from tierline.domain.events import TicketSubmitted
from tierline.domain.words import Component, Desk
from tierline.kit.corridor import Incoming
from tierline.kit.runtime import Runtime

ALL = "SELECT doc FROM articles WHERE NOT deleted AND owner IN ('', $1) ORDER BY key"

_LIBRARIES: "WeakKeyDictionary[Runtime, dict[str, Manuals]]" = WeakKeyDictionary()


async def manuals(running: Runtime, members: Sequence[str]) -> dict[str, Manuals]:
    """The manuals of these members (empty: the shared ones alone), as they are now."""
    known = _LIBRARIES.setdefault(running, {})
    async with running.database.connection() as tx:
        revision = await tx.fetchval(REVISION)
        for member in dict.fromkeys(members):
            if member not in known or known[member].revision != revision:
                rows = await tx.fetch(ALL, member)
                articles = await asyncio.to_thread(lambda kept: [DOCUMENTS.read(row["doc"]) for row in kept], rows)
                known[member] = await asyncio.to_thread(Manuals, revision, articles)
    return {member: known[member] for member in members}


async def look_up(running: Runtime, facts: Sequence[Incoming]) -> Sequence[Incoming]:
    """The facts, each submission to this desk with what its member's manuals hold for it."""
    asked = {
        fact.id: fact.data for fact in facts if isinstance(fact.data, TicketSubmitted) and fact.data.to is Desk.TIER1
    }
    if not asked:
        return facts
    by_member = await manuals(running, [told.member for told in asked.values()])
    found = await asyncio.to_thread(
        lambda: {
            fact_id: by_member[told.member].match(
                told.case.subject, told.case.description, told.component, told.case.reporter.role
            )
            for fact_id, told in asked.items()
        }
    )
    return [replace(fact, found=found[fact.id]) if fact.id in found else fact for fact in facts]


async def search(
    running: Runtime, member: str | None, question: str, component: Component | None, count: int
) -> list[dict[str, Any]]:
    """The articles that fit best, each with the section to cite and the passage to read first."""
    known = (await manuals(running, [member or SHARED]))[member or SHARED]
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
