"""Server-sent events: the timeline from a cursor on. The cursor is the place in the order in which transactions settle,
so a reader that comes back misses nothing and sees nothing twice."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse

from intake import store
from tierline.kit.errors import Invalid, Unavailable
from tierline.kit.runtime import Runtime

LOOK_AGAIN = 0.5
PING = 15.0
MOST = 500
"""Live streams of one process: each of them looks at the database after every commit."""


def read(entry: str) -> dict[str, Any]:
    """An entry as the reader gets it."""
    shown: dict[str, Any] = json.loads(entry)
    shown.pop("public", None)
    return shown


async def present(running: Runtime) -> str:
    """The cursor behind everything that is there."""
    async with running.database.connection() as tx:
        return f"{await tx.fetchval(store.NOW)}-0"


def stream(running: Runtime, cursor: str, ticket_id: str | None, member: str | None, staff: bool) -> StreamingResponse:
    """The live timeline behind `cursor`.

    Raises:
        Invalid: for a cursor that we never handed out.
        Unavailable: there are as many streams as this process can feed.
    """
    if running.signals.listeners >= MOST:
        raise Unavailable("too many live streams")
    found = re.fullmatch(r"([0-9]{1,18})-([0-9]{1,18})", cursor)
    if found is None:
        raise Invalid("Last-Event-ID is not one that was sent")
    lines = _lines(running, found[1], int(found[2]), ticket_id, member, staff)
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(lines, media_type="text/event-stream", headers=headers)


async def _lines(
    running: Runtime, xid: str, pos: int, ticket_id: str | None, member: str | None, staff: bool
) -> AsyncIterator[str]:
    yield "retry: 3000\n\n"
    quiet = 0.0
    with running.signals.listening() as news:
        while not running.stopping.is_set():
            news.clear()
            rows: list[Any] = []
            with contextlib.suppress(Unavailable):
                async with running.database.connection() as tx:
                    rows = await tx.fetch(store.FEED, xid, pos, ticket_id, member, staff)
            for row in rows:
                xid, pos = row["after_xid"], row["pos"]
                entry = read(row["entry"])
                yield f"id: {xid}-{pos}\nevent: {entry['fact']}\ndata: {json.dumps(entry)}\n\n"
            if rows:
                quiet = 0.0
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN):
                    await news.wait()
                    await asyncio.sleep(0.01)  # the transaction that made the news must settle first
            quiet += LOOK_AGAIN
            if quiet >= PING:
                quiet = 0.0
                yield ": still here\n\n"
