"""Is every ticket's history still the chain that it was written as? Sums first; single facts only where the sums differ.

That proves the links: no fact is missing, doubled or moved, and the last is the one that the ticket holds as its head.
What each fact says is read as well where that is asked for: some microseconds for each, on all cores.
"""

import asyncio
import itertools
import multiprocessing
import os
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from embedded.audit import statements as sql
from embedded.audit.applying import MOST
from embedded.audit.judging import judge_entry, judge_history
from embedded.audit.places import EASE, Connection, Places
from embedded.audit.seen import Breach, History, Link
from tierline.kit.database import connect

PAGE = 2000


async def broken_chains(places: Places) -> list[Breach]:
    """The histories that are no chain, or end elsewhere than the ticket says."""
    held = places.services["intake"]
    spans = [row["span"] for row in await held.fetch(sql.ALTERED_SPANS)]
    found: list[Breach] = []
    if not spans:
        return found
    async with held.transaction(isolation="repeatable_read", readonly=True):
        async for history in _histories(held, spans):
            if (breach := judge_history(history)) is not None and len(found) < MOST:
                found.append(breach)
    return found


async def altered_facts(address: str) -> list[Breach]:
    """The facts that do not say what their hash was made of, from all that the front door's database holds."""
    held = await connect(address, "audit")
    try:
        before, last = await held.fetchrow(sql.ENDS)  # type: ignore[misc]
    finally:
        await held.close()
    many = max(1, os.cpu_count() or 1)
    places = [before + (last - before) * share // many for share in range(many + 1)]
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(many, multiprocessing.get_context("spawn")) as workers:
        shares = [loop.run_in_executor(workers, _read_share, address, *ends) for ends in itertools.pairwise(places)]
        return [breach for found in await asyncio.gather(*shares) for breach in found][:MOST]


def _read_share(address: str, before: int, last: int) -> list[Breach]:
    return asyncio.run(_altered_between(address, before, last))


async def _altered_between(address: str, before: int, last: int) -> list[Breach]:
    held = await connect(address, "audit")
    found: list[Breach] = []
    try:
        await held.execute(EASE)
        async with held.transaction(readonly=True):
            async for ticket, public, entry in held.cursor(sql.ENTRIES, before, last, prefetch=PAGE):
                if (breach := judge_entry(ticket, public, entry)) is not None and len(found) < MOST:
                    found.append(breach)
    finally:
        await held.close()
    return found


async def _histories(held: Connection, spans: list[str]) -> AsyncIterator[History]:
    links: list[Link] = []
    last: Any = None
    async for row in held.cursor(sql.LINKS_IN_SPANS, spans, prefetch=PAGE):
        if last is not None and row["key"] != last["key"]:
            yield History(last["key"], last["facts"], last["head"] or "", tuple(links))
            links = []
        if row["hash"] is not None:
            links.append(Link(row["number"], row["before"], row["hash"]))
        last = row
    if last is not None:
        yield History(last["key"], last["facts"], last["head"] or "", tuple(links))
