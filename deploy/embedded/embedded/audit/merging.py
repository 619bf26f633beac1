"""Many answers, each in the order of tickets, become one: a ticket at a time, and never more than two pages of each in memory.

Every database works on its next page while this one's are read, so that their cores and ours are busy together.
"""

import asyncio
import heapq
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from embedded.audit.seen import Seen

PAGE = 2000

Enter = Callable[[Seen, Any], None]
"""How a row is written into what was seen of its ticket."""


@dataclass(frozen=True, slots=True)
class Question:
    """One statement, asked on one connection, and what becomes of its rows. The first column is the ticket's id."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    statement: str
    arguments: Sequence[Any]
    enter: Enter


class _Answer:
    """The rows of one question, a page at a time; the page after it is under way already."""

    def __init__(self, question: Question, turn: asyncio.Lock) -> None:
        self.question, self.enter = question, question.enter
        self.rows: list[Any] = []
        self.place = 0
        self._connection_is_free = turn
        self._cursor: Any = None
        self._coming = asyncio.create_task(self._fetch())

    async def turn(self) -> bool:
        """The next page; False where there is none."""
        self.rows, self.place = await self._coming, 0
        if self.rows:
            self._coming = asyncio.create_task(self._fetch())
        return bool(self.rows)

    async def leave(self) -> None:
        """Let the page that is under way go."""
        self._coming.cancel()
        await asyncio.gather(self._coming, return_exceptions=True)

    async def _fetch(self) -> list[Any]:
        asked = self.question
        async with self._connection_is_free:
            if self._cursor is None:
                self._cursor = await asked.connection.cursor(asked.statement, *asked.arguments)
            return list(await self._cursor.fetch(PAGE))


async def merged(questions: Iterable[Question]) -> AsyncIterator[Seen]:
    """Everything seen of each ticket, in the order of their ids. Each connection must be in a transaction."""
    turns: defaultdict[Any, asyncio.Lock] = defaultdict(asyncio.Lock)
    answers = [_Answer(question, turns[question.connection]) for question in questions]
    try:
        async for seen in _merge(answers):
            yield seen
    finally:
        for answer in answers:
            await answer.leave()


async def _merge(answers: Sequence[_Answer]) -> AsyncIterator[Seen]:
    waiting = [(answer.rows[0][0], number) for number, answer in enumerate(answers) if await answer.turn()]
    heapq.heapify(waiting)
    while waiting:
        key = waiting[0][0]
        seen = Seen(key)
        while waiting and waiting[0][0] == key:
            number = waiting[0][1]
            answer = answers[number]
            rows, place = answer.rows, answer.place
            while place < len(rows) and rows[place][0] == key:
                answer.enter(seen, rows[place])
                place += 1
            answer.place = place
            if place < len(rows):
                heapq.heapreplace(waiting, (rows[place][0], number))
            elif await answer.turn():
                heapq.heapreplace(waiting, (answer.rows[0][0], number))
            else:
                heapq.heappop(waiting)
        yield seen
