"""A shelf at work: what stands on it in memory, of every owner, ranked together; a change is applied, not read all anew.

What is shared stands there once for all members. A member finds that, and its own; its own hides the shared one of its id.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from typing import Any, Generic
from weakref import WeakKeyDictionary

from tierline.desk.ranking import Ranking, Text
from tierline.desk.shelf import REVISION, SHARED, K, key_of
from tierline.kit.documents import Documents
from tierline.kit.runtime import Runtime

Telling = Callable[[K], Text | None]
"""What of one thing is ranked; None where it is kept, and not to be found."""


class Standing(Generic[K]):
    """What stands on a shelf at one revision; it stays as it is for whoever holds it."""

    def __init__(self, telling: Telling[K], rows: Collection[K], revision: int = 0) -> None:
        self.revision, self._telling = revision, telling
        self._kept = _by_id({}, rows)
        self._ranking = Ranking({key: text for key, text in self._texts(self._kept) if text is not None})

    def changed(self, rows: Collection[K], revision: int) -> "Standing[K]":
        """What stands there after these were put up, changed or taken away."""
        after = copy(self)
        after.revision, after._kept = revision, _by_id(self._kept, rows)
        ids = {row.id for row in rows}
        gone = {key_of(owner, one): None for one in ids for owner in self._kept.get(one, ())}
        after._ranking = self._ranking.changed({**gone, **dict(after._texts(ids))})
        return after

    def best(self, member: str, subject: str, text: str, count: int, group: str | None = None) -> list[tuple[K, float]]:
        """What fits a question best, the best first, among what this member may find."""
        found = self._ranking.best(subject, text, count, group, member)
        return [(self._at(key), score) for key, score in found]

    def meant_for(self, member: str, group: str, count: int = 1) -> list[K]:
        """Some that are meant for this group and that this member may find, whatever they say."""
        return [self._at(key) for key in self._ranking.meant_for(group, member, count)]

    def seen_by(self, member: str) -> Iterator[K]:
        """All that this member may use, found or not."""
        for owners in self._kept.values():
            kept = owners.get(member) or owners.get(SHARED)
            if kept is not None:
                yield kept

    def _at(self, key: str) -> K:
        owner, _, kept_id = key.partition("/")
        return self._kept[kept_id][owner]

    def _texts(self, ids: Collection[str]) -> Iterator[tuple[str, Text | None]]:
        for kept_id in ids:
            owners = self._kept.get(kept_id, {})
            hidden_from = tuple(owner for owner in owners if owner != SHARED)
            for owner, kept in owners.items():
                text = self._telling(kept)
                if text is not None and owner == SHARED:
                    text = Text(text.head, text.body, text.groups, hidden_from=hidden_from)
                elif text is not None:
                    text = Text(text.head, text.body, text.groups, owner)
                yield key_of(owner, kept_id), text


class AtWork(Generic[K]):
    """A shelf of each running service, read at its first use and brought up to date when it has changed."""

    def __init__(self, documents: Documents[K], telling: Telling[K]) -> None:
        self._read, self._telling = documents.read, telling
        self._since = f"SELECT doc FROM {documents.table} WHERE revision > $1 AND ($1 >= 0 OR NOT deleted) ORDER BY key"  # noqa: S608
        self._standing: WeakKeyDictionary[Runtime, Standing[K]] = WeakKeyDictionary()
        self._locks: WeakKeyDictionary[Runtime, asyncio.Lock] = WeakKeyDictionary()

    async def now(self, running: Runtime) -> Standing[K]:
        """What stands there now. One reads it anew, and the others wait for that."""
        async with running.database.connection() as tx:
            known, revision = self._standing.get(running), await tx.fetchval(REVISION)
        if known is not None and known.revision == revision:
            return known
        # Whoever gives up waiting must not stop it halfway: an index has one writer at a time.
        return await asyncio.shield(asyncio.ensure_future(self._bring_up(running)))

    async def _bring_up(self, running: Runtime) -> Standing[K]:
        async with self._locks.setdefault(running, asyncio.Lock()):
            async with running.database.connection() as tx:
                known, revision = self._standing.get(running), await tx.fetchval(REVISION)
                if known is not None and known.revision == revision:
                    return known
                if known is not None and known.revision > revision:
                    known = None  # an older backup was put back
                rows = await tx.fetch(self._since, known.revision if known else -1)
            made = await asyncio.to_thread(self._brought_up, known, rows, revision)
            self._standing[running] = made
            return made

    def _brought_up(self, known: Standing[K] | None, rows: Sequence[Any], revision: int) -> Standing[K]:
        read = [self._read(row["doc"]) for row in rows]
        return known.changed(read, revision) if known else Standing(self._telling, read, revision)


def _by_id(known: Mapping[str, Mapping[str, K]], rows: Collection[K]) -> dict[str, dict[str, K]]:
    """What is kept under each id, by owner."""
    after = dict(known)
    for row in rows:
        owners = dict(after.get(row.id, {}))
        owners.pop(row.owner, None)
        if not row.deleted:
            owners[row.owner] = row
        after[row.id] = owners
    return after  # type: ignore[return-value]
