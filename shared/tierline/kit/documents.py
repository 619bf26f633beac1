"""One table of documents: the state of one kind of thing, a row for each key, read and written a batch at a time.

The document is the truth; the columns beside it are there for the queries that lists need, and are written from it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from tierline.kit.database import Tx
from tierline.kit.writing import Write, together

S = TypeVar("S", bound=BaseModel)


class Documents(Generic[S]):
    """The table `table`, holding `model`; `columns` says each further column's type and how it is read off a document.

    One that is `traced` keeps beside each document the trace in which it was made (a column `traceparent`).
    """

    def __init__(
        self,
        table: str,
        model: type[S],
        columns: Mapping[str, tuple[str, Callable[[S], Any]]],
        *,
        traced: bool = False,
    ) -> None:
        self.table, self.model, self._traced = table, model, traced
        self._readers = [reader for _, reader in columns.values()]
        names = ["key", "doc", *columns]
        casts = ["text[]", "json[]", *(f"{kind}[]" for kind, _ in columns.values())]
        values = ", ".join(f"${number}::{cast}" for number, cast in enumerate(casts, 1))
        # Table and column names are the code's own, never a caller's.
        home = "traceparent" if traced else "NULL AS traceparent"
        self._select = f"SELECT key, doc, {home} FROM {table} WHERE key = ANY($1) ORDER BY key"  # noqa: S608
        more = (", traceparent", f", ${len(names) + 1}::text[]") if traced else ("", "")
        self._insert = f"INSERT INTO {table} ({', '.join(names)}{more[0]}) SELECT * FROM unnest({values}{more[1]})"  # noqa: S608
        assignments = ", ".join(f"{name} = new.{name}" for name in names[1:])
        self._update = (
            f"UPDATE {table} AS old SET {assignments} "  # noqa: S608
            f"FROM unnest({values}) AS new ({', '.join(names)}) WHERE old.key = new.key"
        )

    async def load(self, tx: Tx, keys: Collection[str], *, lock: bool) -> dict[str, S]:
        """The documents of these keys that exist; locked, in the order of their keys, until the transaction ends."""
        return (await self.load_traced(tx, keys, lock=lock))[0]

    async def load_traced(
        self, tx: Tx, keys: Collection[str], *, lock: bool
    ) -> tuple[dict[str, S], dict[str, str | None]]:
        """The same, and the trace in which each of them was made."""
        rows = await tx.fetch(self._select + (" FOR UPDATE" if lock else ""), list(keys))
        return {row["key"]: self.read(row["doc"]) for row in rows}, {row["key"]: row["traceparent"] for row in rows}

    def writes(
        self, states: Mapping[str, S], known: Collection[str], traces: Mapping[str, str | None] | None = None
    ) -> list[Write]:
        """What writes a batch: those of `known` keys, which the caller has locked, are changed, the others are new,
        each in its trace."""
        new = {key: state for key, state in states.items() if key not in known}
        changed = {key: state for key, state in states.items() if key in known}
        homes = [[(traces or {}).get(key) for key in new]] if self._traced else []
        made = [Write(self._insert, [*self._arguments(new), *homes])] if new else []
        return [*made, Write(self._update, self._arguments(changed))] if changed else made

    async def insert(self, tx: Tx, states: Mapping[str, S]) -> None:
        """Write new documents. Raises `asyncpg.UniqueViolationError` where another process was first."""
        await together(tx, self.writes(states, ()))

    async def update(self, tx: Tx, states: Mapping[str, S]) -> None:
        """Write changed documents, which the caller has locked."""
        await together(tx, self.writes(states, states))

    async def save(self, tx: Tx, states: Mapping[str, S], known: Collection[str]) -> None:
        """Write a batch: those of `known` keys are changed, the others are new."""
        await together(tx, self.writes(states, known))

    def read(self, doc: str) -> S:
        """A document from its row."""
        return self.model.model_validate_json(doc)

    def _arguments(self, states: Mapping[str, S]) -> list[Sequence[Any]]:
        documents = list(states.values())
        return [
            list(states),
            [document.model_dump_json(by_alias=True) for document in documents],
            *([reader(document) for document in documents] for reader in self._readers),
        ]
