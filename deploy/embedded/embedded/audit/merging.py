"""Many answers, each in the order of tickets, become one: a ticket at a time, and never more than a page of each in memory."""

import heapq
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
    """The rows of one question, a page at a time."""

    def __init__(self, question: Question) -> None:
        self.question, self.enter = question, question.enter
        self.rows: list[Any] = []
        self.place = 0
        self._cursor: Any = None

    async def turn(self) -> bool:
        """The next page; False where there is none."""
        if self._cursor is None:
            self._cursor = await self.question.connection.cursor(self.question.statement, *self.question.arguments)
        self.rows, self.place = await self._cursor.fetch(PAGE), 0
        return bool(self.rows)


async def merged(questions: Iterable[Question]) -> AsyncIterator[Seen]:
    """Everything seen of each ticket, in the order of their ids. Each connection must be in a transaction."""
    answers = [_Answer(question) for question in questions]
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
