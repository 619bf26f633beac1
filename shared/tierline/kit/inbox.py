"""The inbox: which events have had their effect here. Insert first, in the transaction of the effect."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tierline.kit.database import Database, Tx

KEEP = timedelta(days=90)
"""Longer than any topic keeps its records and any dead letter waits to be replayed."""

# Claim a batch: the ids that come back are new, the others have had their effect.
CLAIM = """
INSERT INTO inbox (consumer, event_id) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING RETURNING event_id
"""
PURGE = "DELETE FROM inbox WHERE at < $1"


async def claim(tx: Tx, consumer: str, ids: Sequence[str]) -> set[str]:
    """Claim these events for this transaction; those that come back are new."""
    return {row["event_id"] for row in await tx.fetch(CLAIM, consumer, list(dict.fromkeys(ids)))}


async def purge(database: Database, now: datetime) -> None:
    """Forget events too old to come again."""
    async with database.connection() as held:
        await held.execute(PURGE, now - KEEP)
