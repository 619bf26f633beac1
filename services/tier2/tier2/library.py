"""The library at work: which methods fit a question, and all the words that they say."""

import asyncio
from typing import Any
from weakref import WeakKeyDictionary

from tier2 import store
from tier2.methods import DOCUMENTS, Method, State, view
from tierline.desk.cases import Case
from tierline.desk.language import words
from tierline.desk.ranking import Text
from tierline.desk.shelf import SHARED
from tierline.desk.shelf_ranking import AtWork, Standing
from tierline.domain.words import Component
from tierline.kit.runtime import Runtime

SUGGESTED = 3


def told(method: Method) -> Text | None:
    """What of a method is ranked; a draft is not."""
    if method.state is not State.ESTABLISHED:
        return None
    return Text(f"{method.title} {' '.join(method.tags)}", _body(method), method.components)


LIBRARY = AtWork(DOCUMENTS, told)
_VOCABULARIES: "WeakKeyDictionary[Standing[Method], dict[str, frozenset[str]]]" = WeakKeyDictionary()


async def vocabulary(running: Runtime, member: str | None) -> frozenset[str]:
    """All words that the established methods of this member say; None is the consortium, which sees the shared ones."""
    standing = await LIBRARY.now(running)
    return await asyncio.to_thread(_words, standing, member or SHARED)


async def search(
    running: Runtime, member: str | None, subject: str, text: str, component: Component | None, count: int
) -> list[dict[str, Any]]:
    """The methods that fit best, with their success, as people read them."""
    known = await LIBRARY.now(running)
    found = await asyncio.to_thread(known.best, member or SHARED, subject, text, count, component)
    async with running.database.connection() as tx:
        tallies = await store.tallies(tx, [method for method, _ in found])
    return [{**view(method, tallies[method.key]), "score": round(score, 3)} for method, score in found]


async def suggested(running: Runtime, case: Case) -> dict[str, Any]:
    """What might help with a case."""
    file = case.file
    found = await search(running, file.member, file.subject, file.description, file.component, SUGGESTED)
    return {"suggested_methods": found}


def _words(standing: Standing[Method], member: str) -> frozenset[str]:
    known = _VOCABULARIES.setdefault(standing, {})
    if member not in known:
        texts = (text for text in map(told, standing.seen_by(member)) if text is not None)
        known[member] = frozenset(word for text in texts for word in words(f"{text.head} {text.body}"))
    return known[member]


def _body(method: Method) -> str:
    return "\n".join([method.when_to_use, *method.steps, *method.checks, method.notes])
