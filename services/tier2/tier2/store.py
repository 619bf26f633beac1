"""Tables and queries: the cases with the rules that decide about them, what was resolved, the methods and their tallies."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tier2.handlers import ON, ON_RESOLUTIONS
from tier2.methods import Method, Tally
from tier2.resolutions import RESOLUTIONS, Count, Resolution, counts
from tierline.desk.cases import Case, case_room
from tierline.domain import events
from tierline.domain.words import Desk
from tierline.kit.database import Tx
from tierline.kit.room import Room

# One page of what a caller may read, by id; a member's own goes before the shared one of the same id.
PAGE = """
SELECT doc, id, owner FROM methods WHERE NOT deleted AND ($1::text IS NULL OR owner IN ('', $1))
AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR (id, owner) > ($3, $4::text))
ORDER BY id, owner LIMIT $5
"""
TALLIES = "SELECT method, used, reopened, confirmed FROM tallies WHERE method = ANY($1)"
COUNT = """
INSERT INTO tallies AS t (method, used, reopened, confirmed) SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::int[])
ON CONFLICT (method) DO UPDATE
SET used = t.used + excluded.used, reopened = t.reopened + excluded.reopened, confirmed = t.confirmed + excluded.confirmed
"""
# What was resolved and stands, the newest first: what gaps are found in.
STANDING = """
SELECT doc FROM resolutions WHERE stands AND ($1::text IS NULL OR member = $1) AND ($2::text IS NULL OR component = $2)
ORDER BY at DESC LIMIT $3
"""


async def tallies(tx: Tx, methods: Collection[Method]) -> Mapping[str, Tally]:
    """The tally of each method, by its key."""
    rows = await tx.fetch(TALLIES, [kept.key for kept in methods])
    found = {row["method"]: Tally(**{name: row[name] for name in Tally.model_fields}) for row in rows}
    return {kept.key: found.get(kept.key, Tally()) for kept in methods}


async def save_resolutions(tx: Tx, rows: Sequence[Any]) -> None:
    """Keep what was resolved, and count it for its method. The cases of these tickets are locked."""
    new: dict[str, Resolution] = {row.ticket_id: row for row in rows}
    known = await RESOLUTIONS.load(tx, list(new), lock=True)
    await RESOLUTIONS.save(tx, new, known)
    await save_counts(tx, [count for key, kept in new.items() for count in counts(kept, known.get(key))])


async def save_counts(tx: Tx, rows: Sequence[Count]) -> None:
    """Add to the methods' tallies, in the order of their keys, so that no two wait for each other."""
    sums: dict[str, list[int]] = {}
    for row in rows:
        before = sums.setdefault(row.method, [0, 0, 0])
        sums[row.method] = [a + b for a, b in zip(before, row.tally.model_dump().values(), strict=True)]
    if sums:
        keys = sorted(sums)
        await tx.execute(COUNT, keys, *([sums[key][place] for key in keys] for place in range(3)))


CASES = replace(case_room(Case, Desk.TIER2, ON), save_rows=save_resolutions)
RESOLVED = Room("resolutions", RESOLUTIONS, ON_RESOLUTIONS, events.decode, save_rows=save_counts)
