"""Dead letters in a person's hands: look, replay, discard; and who did it stands written down beside the effect."""

import json
from datetime import datetime
from typing import Any

import asyncpg

from tierline.kit import inbox
from tierline.kit.bus import Record
from tierline.kit.consumer import Consumer
from tierline.kit.database import Tx
from tierline.kit.errors import Conflict, Missing, Undecodable

TABLE = """
CREATE TABLE letter_actions (
    nr bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    who text NOT NULL,
    action text NOT NULL CHECK (action IN ('replay', 'discard')),
    letter bigint NOT NULL,
    key text NOT NULL,
    topic text NOT NULL,
    position text NOT NULL,
    event_id text,
    failed_as text,
    reason text NOT NULL
);
"""
# One page of dead letters, the oldest first; `waiting` counts the events of its key that wait behind it.
PAGE = """
SELECT pos, key, topic, position, event_id, headers, reason, attempts, parked_at, dead_at,
(SELECT count(*) FROM parked AS b WHERE p.blocks AND b.key = p.key AND b.pos > p.pos) AS waiting
FROM parked AS p WHERE dead_at IS NOT NULL AND pos > $1 ORDER BY pos LIMIT $2
"""
ONE = "SELECT * FROM parked WHERE pos = $1 AND dead_at IS NOT NULL"
EARLIER = "SELECT min(pos) FROM parked WHERE blocks AND key = $1 AND pos < $2"
REMOVE = "DELETE FROM parked WHERE pos = $1"
WRITE_DOWN = """
INSERT INTO letter_actions (at, who, action, letter, key, topic, position, event_id, failed_as, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
ACTIONS = "SELECT * FROM letter_actions WHERE nr < $1 ORDER BY nr DESC LIMIT $2"


async def replay(tx: Tx, consumer: Consumer, name: str, pos: int, who: str, reason: str, now: datetime) -> None:
    """Give a dead letter its effect, once, in this transaction.

    Raises:
        Missing: there is no such dead letter.
        Conflict: it failed again, or an earlier event of its key has to go first; undo the transaction.
    """
    letter = await _locked(tx, pos)
    earlier = await tx.fetchval(EARLIER, letter["key"], pos)
    if letter["blocks"] and earlier is not None:
        raise Conflict(f"an earlier event of the same key waits as {earlier}; it goes first")
    record = _record(letter)
    try:
        # What could never be read was never claimed as an event: it may have come in another way since.
        if letter["event_id"] or await inbox.claim(tx, name, [record.envelope().id]):
            failure = await consumer.once_more(tx, record)
            if failure is not None:
                raise Conflict(f"it failed again ({failure}); nothing was changed")
    except (Undecodable, ValueError, asyncpg.PostgresError) as error:
        says = str(error) if isinstance(error, Undecodable) else type(error).__name__
        raise Conflict(f"it failed again ({says}); nothing was changed") from error
    await _end(tx, letter, "replay", who, reason, now)


async def discard(tx: Tx, pos: int, who: str, reason: str, now: datetime) -> None:
    """Give a dead letter up; the events that waited behind it go on. Raises `Missing`."""
    await _end(tx, await _locked(tx, pos), "discard", who, reason, now)


async def one(tx: Tx, pos: int) -> dict[str, Any]:
    """A dead letter as it came. Raises `Missing`."""
    letter = dict(await tx.fetchrow(ONE, pos) or {})
    if not letter:
        raise Missing("no such dead letter")
    return {
        **letter,
        "headers": json.loads(letter["headers"]),
        "value": (letter["value"] or b"").decode("utf-8", "replace"),
    }


async def page(tx: Tx, after: int, most: int) -> list[dict[str, Any]]:
    """The next dead letters, the oldest first; of their headers the type alone."""
    return [_named(dict(row)) for row in await tx.fetch(PAGE, after, most)]


def _named(letter: dict[str, Any]) -> dict[str, Any]:
    # Read here: a header may hold what PostgreSQL takes for json and cannot give as text.
    letter["type"] = json.loads(letter.pop("headers")).get("ce_type")
    return letter


async def _locked(tx: Tx, pos: int) -> Any:
    letter = await tx.fetchrow(f"{ONE} FOR UPDATE", pos)
    if letter is None:
        raise Missing("no such dead letter")
    return letter


async def _end(tx: Tx, letter: Any, action: str, who: str, reason: str, now: datetime) -> None:
    about = [letter[name] for name in ("pos", "key", "topic", "position", "event_id", "reason")]
    await tx.execute(WRITE_DOWN, now, who, action, *about, reason)
    await tx.execute(REMOVE, letter["pos"])


def _record(letter: Any) -> Record:
    headers = {name: value.encode("latin-1") for name, value in json.loads(letter["headers"]).items()}
    return Record(letter["topic"], letter["position"], letter["key"].encode(), headers, letter["value"])
