"""Tables and queries: the cases with the rules that decide about them, the answers and what came of them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from tier1.answers import ANSWERS, Answer
from tier1.cases import ManualCase
from tier1.handlers import ON, ON_ANSWERS
from tier1.library import look_up
from tierline.desk.cases import case_room
from tierline.domain import events
from tierline.domain.words import Desk
from tierline.kit.database import Tx
from tierline.kit.room import Room

# One page of what a caller may read, by id; a member's own goes before the shared one of the same id.
PAGE = """
SELECT doc, id, owner FROM articles WHERE NOT deleted AND ($1::text IS NULL OR owner IN ('', $1))
AND ($2::text IS NULL OR (id, owner) > ($2, $3::text)) ORDER BY id, owner LIMIT $4
"""
COUNTS = """
SELECT article, count(*) FILTER (WHERE sent) AS sent, count(*) FILTER (WHERE NOT sent) AS used,
    count(*) FILTER (WHERE helped) AS helped, count(*) FILTER (WHERE NOT helped) AS did_not_help,
    (SELECT count(*) FROM deflected WHERE deflected.article = answers.article) AS deflected
FROM answers WHERE article = ANY($1) GROUP BY article
UNION ALL
SELECT article, 0, 0, 0, 0, count(*) FROM deflected
WHERE article = ANY($1) AND NOT EXISTS (SELECT 1 FROM answers WHERE answers.article = deflected.article) GROUP BY article
"""
SUMMARY = """
SELECT count(*) FILTER (WHERE sent) AS sent, count(*) FILTER (WHERE NOT sent) AS used,
    count(*) FILTER (WHERE helped) AS helped, count(*) FILTER (WHERE NOT helped) AS did_not_help,
    (SELECT count(*) FROM deflected WHERE ($1::text IS NULL OR member = $1)) AS deflected
FROM answers WHERE ($1::text IS NULL OR member = $1)
"""
DEFLECT = (
    "INSERT INTO deflected (search, article, member, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING 1"
)
NONE = {"sent": 0, "used": 0, "helped": 0, "did_not_help": 0, "deflected": 0}


async def counts(tx: Tx, articles: Collection[str]) -> dict[str, dict[str, int]]:
    """What came of each article (its key): answers sent and used, what reporters said, tickets that were not needed."""
    rows = await tx.fetch(COUNTS, list(articles))
    return dict.fromkeys(articles, NONE) | {row["article"]: {name: row[name] for name in NONE} for row in rows}


async def save_answers(tx: Tx, rows: Sequence[Any]) -> None:
    """Keep what was answered. The cases of these tickets are locked."""
    new: dict[str, Answer] = {row.ticket_id: row for row in rows}
    await ANSWERS.save(tx, new, await ANSWERS.load(tx, list(new), lock=True))


CASES = replace(case_room(ManualCase, Desk.TIER1, ON), save_rows=save_answers, look_up=look_up)
ANSWERED = Room("answers", ANSWERS, ON_ANSWERS, events.decode)
