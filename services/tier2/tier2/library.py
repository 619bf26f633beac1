"""The library at work: all methods that a member may use, ranked in memory, read anew when one of them changed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from tier2 import store
from tier2.methods import DOCUMENTS, Method, State, view
from tierline.desk.cases import Case
from tierline.desk.language import words
from tierline.desk.ranking import Ranking, Text
from tierline.desk.shelf import REVISION, SHARED
from tierline.domain.words import Component
from tierline.kit.database import Tx
from tierline.kit.runtime import Runtime

SUGGESTED = 3


@dataclass(frozen=True, slots=True)
class Shelf:
    """One member's methods at one revision of the library. `words` are all words that the methods say."""

    revision: int
    methods: Sequence[Method]
    ranking: Ranking
    words: frozenset[str]

    def best(self, subject: str, text: str, component: Component | None, count: int) -> list[tuple[Method, float]]:
        """The established methods that fit a question best, the best first."""
        found = self.ranking.best(subject, text, count, component)
        return [(self.methods[number], score) for number, score in found]


_SHELVES: "WeakKeyDictionary[Runtime, dict[str | None, Shelf]]" = WeakKeyDictionary()


async def shelf(running: Runtime, tx: Tx, member: str | None) -> Shelf:
    """The methods that this member may use; None is the consortium, which sees the shared ones."""
    revision = await tx.fetchval(REVISION)
    shelves = _SHELVES.setdefault(running, {})
    known = shelves.get(member)
    if known is None or known.revision != revision:
        rows = await tx.fetch(store.LIBRARY, member or SHARED)
        known = await asyncio.to_thread(arrange, revision, [DOCUMENTS.read(row["doc"]) for row in rows])
        shelves[member] = known
    return known


async def search(
    running: Runtime, member: str | None, subject: str, text: str, component: Component | None, count: int
) -> list[dict[str, Any]]:
    """The methods that fit best, with their success, as people read them."""
    async with running.database.connection() as tx:
        known = await shelf(running, tx, member)
        found = await asyncio.to_thread(known.best, subject, text, component, count)
        tallies = await store.tallies(tx, [method for method, _ in found])
    return [{**view(method, tallies[method.key]), "score": round(score, 3)} for method, score in found]


async def suggested(running: Runtime, case: Case) -> dict[str, Any]:
    """What might help with a case."""
    file = case.file
    found = await search(running, file.member, file.subject, file.description, file.component, SUGGESTED)
    return {"suggested_methods": found}


def arrange(revision: int, methods: Sequence[Method]) -> Shelf:
    """A shelf of the established ones among these methods; a member's own hides the shared one of its id."""
    own = {method.id for method in methods if method.owner != SHARED}
    usable = [
        method
        for method in methods
        if method.state is State.ESTABLISHED and (method.owner != SHARED or method.id not in own)
    ]
    texts = [Text(f"{method.title} {' '.join(method.tags)}", _body(method), method.components) for method in usable]
    vocabulary = frozenset(word for text in texts for word in words(f"{text.head} {text.body}"))
    return Shelf(revision, usable, Ranking(texts), vocabulary)


def _body(method: Method) -> str:
    return "\n".join([method.when_to_use, *method.steps, *method.checks, method.notes])
