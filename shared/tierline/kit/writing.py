"""Writes that go to PostgreSQL together: all that a decision changes is one statement, and so one trip there and back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tierline.kit.database import Tx

PLACE = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Write:
    """A statement that changes rows, with its arguments. It must not need what another of the same batch writes."""

    sql: str
    arguments: Sequence[Any]


async def together(tx: Tx, writes: Sequence[Write]) -> None:
    """Carry out a batch of writes at once: all of them, or none."""
    if writes:
        statement = _statement(tuple((write.sql, len(write.arguments)) for write in writes))
        await tx.execute(statement, *(argument for write in writes for argument in write.arguments))


@lru_cache(maxsize=512)
def _statement(parts: tuple[tuple[str, int], ...]) -> str:
    """One statement: each part but the last is a common table expression, with its places counted on."""
    counted, before = [], 0
    for sql, arguments in parts:
        counted.append(PLACE.sub(lambda place, shift=before: f"${int(place[1]) + shift}", sql))  # type: ignore[misc]
        before += arguments
    *first, last = counted
    names = ", ".join(f"w{number} AS ({sql})" for number, sql in enumerate(first))
    return f"WITH {names} {last}" if first else last
