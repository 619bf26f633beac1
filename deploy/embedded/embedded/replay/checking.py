"""Hold what is kept against what the topics say; a ticket that moves meanwhile is looked at again."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from embedded.replay import rebuilding
from embedded.replay.rebuilding import Told
from tierline.domain.events import DESK_WRITER, TOPICS, decode
from tierline.domain.policy import Policies
from tierline.kit.aside import incoming
from tierline.kit.database import connect
from tierline.kit.errors import Undecodable
from tierline.kit.history import history

LOOKS = 3
PAUSE = 2.0

TICKETS = "SELECT key, doc FROM tickets"
ENTRIES = "SELECT ticket_id AS key, entry AS doc FROM timeline"
CASES = "SELECT key, doc FROM cases"


async def check(
    addresses: Mapping[str, str], bus: str, policies: Policies, pause: float = PAUSE
) -> tuple[int, list[str]]:
    """How many tickets were rebuilt, and a line for each thing that is not as the topics say.

    The topics are held in memory: some kilobytes a ticket. Raises `Unavailable` with the remedy.
    """
    many, different = await _compare(addresses, bus, policies)
    for _ in range(LOOKS - 1):
        if not different:
            break
        await asyncio.sleep(pause)
        many, again = await _compare(addresses, bus, policies)
        different &= again
    return many, sorted(different)


async def _compare(addresses: Mapping[str, str], bus: str, policies: Policies) -> tuple[int, set[str]]:
    pages = await _read(addresses["intake"], TICKETS)
    entries = await _read(addresses["intake"], ENTRIES)
    queues = {desk.value: await _read(addresses[service], CASES) for desk, service in DESK_WRITER.items()}
    told = await _told(bus)
    different: set[str] = set()
    for ticket, facts in told.items():
        try:
            page = rebuilding.status_page(facts, policies)
        except Exception as error:  # what no rule can take in waits at its readers too
            different.add(f"{ticket}: it cannot be rebuilt ({type(error).__name__})")
            continue
        if page is None:
            continue
        kept = [rebuilding.page_of(document) for document in pages.get(ticket, [])]
        if kept != [page]:
            different.add(f"{ticket}: the status page ({_first_difference(kept, page)})")
        shown = sorted((rebuilding.entry_of(document) for document in entries.get(ticket, [])), key=str)
        if shown != rebuilding.timeline(facts):
            different.add(f"{ticket}: the timeline")
        rows = rebuilding.cases(facts)
        for desk, queue in queues.items():
            if [rebuilding.case_of(document) for document in queue.get(ticket, [])] != [
                row for name, row in rows.items() if name == desk
            ]:
                different.add(f"{ticket}: the queue of {desk}")
    different |= {f"{ticket}: no topic tells of it" for ticket in pages.keys() - told.keys()}
    return len(told), different


async def _told(bus: str) -> dict[str, list[Told]]:
    told: dict[str, dict[str, Told]] = defaultdict(dict)
    async for records in history(bus, TOPICS):
        for record in records:
            try:
                event = record.envelope()
                fact = incoming(event, decode).data
            except (Undecodable, KeyError, ValueError):
                continue  # a dead letter of its readers
            if "ce_repeated" not in record.headers:
                told[event.key][event.id] = (event.time, event.id, fact)
    return {ticket: list(facts.values()) for ticket, facts in told.items()}


async def _read(address: str, statement: str) -> dict[str, list[Any]]:
    held = await connect(address, "replay")
    try:
        found: dict[str, list[Any]] = defaultdict(list)
        async with held.transaction(readonly=True):
            async for row in held.cursor(statement, prefetch=1000):
                found[row["key"]].append(json.loads(row["doc"]))
        return found
    finally:
        await held.close()


def _first_difference(kept: list[dict[str, Any]], page: dict[str, Any]) -> str:
    if not kept:
        return "it is missing"
    return ", ".join(name for name, value in page.items() if kept[0].get(name) != value)
