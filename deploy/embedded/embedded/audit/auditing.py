"""The audit from end to end: read all, judge each ticket, look again at what is suspicious, and say what remains.

The services go on working meanwhile, and their databases are not read at the same instant. So a ticket that looks
wrong may merely be moving: it is looked at again, and it is a breach when it was wrong at every look and
stood still between the last two.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from embedded.audit import statements as sql
from embedded.audit.applying import MOST, still_unapplied, unapplied
from embedded.audit.judging import judge, listed_untold
from embedded.audit.merging import merged
from embedded.audit.places import Places, gather, places
from embedded.audit.seen import Breach, Seen

LOOKS = 2
PAUSE = 4.0


@dataclass(slots=True)
class Report:
    """What the audit came to. `untold` are ended tickets whose reporter does not know yet, each with the cause."""

    tickets: int = 0
    suspicious: int = 0
    breaches: list[Breach] = field(default_factory=list)
    untold: list[tuple[str, str]] = field(default_factory=list)
    paths: dict[str, list[str]] = field(default_factory=dict)
    more: bool = False

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "tickets": self.tickets,
            "sound": not self.breaches,
            "breaches": [{**breach._asdict(), "path": self.paths.get(breach.ticket, [])} for breach in self.breaches],
            "untold": [{"ticket": ticket, "cause": cause} for ticket, cause in self.untold],
            "more": self.more,
        }

    def lines(self) -> list[str]:
        """For people: a line for each breach with the ticket's path, then what is listed, then the sum."""
        lines = [
            f"BREACH {breach.kind} {breach.ticket} ({' > '.join(self.paths.get(breach.ticket, [])) or 'no desk'}): "
            f"{breach.says}"
            for breach in self.breaches
        ]
        lines += [f"untold {ticket}: {cause}" for ticket, cause in self.untold]
        lines += [f"only the first {MOST} suspicious tickets were looked at again"] if self.more else []
        return [*lines, f"{self.tickets} tickets, {len(self.breaches)} breaches, {len(self.untold)} listed as untold"]


async def audit(addresses: Mapping[str, str], bus: str, now: Callable[[], datetime], pause: float = PAUSE) -> Report:
    """Audit a running install. Raises `Unavailable` where a database or the bus does not answer."""
    if not bus.startswith("kafka://"):
        # Where somebody wrote headers that PostgreSQL takes for json and cannot give as text, it cannot look by itself.
        with contextlib.suppress(asyncpg.DataError):
            return await _audit(addresses, bus, now, pause, gathered=False)
    return await _audit(addresses, bus, now, pause, gathered=True)


async def _audit(
    addresses: Mapping[str, str], bus: str, now: Callable[[], datetime], pause: float, *, gathered: bool
) -> Report:
    report = Report()
    async with places(addresses, bus, gathered) as looked, places(addresses, bus, gathered) as beside:
        suspects, missing = await asyncio.gather(_first_look(looked, report, now), unapplied(beside, now()))
        report.suspicious = len(suspects) + len(missing)
        report.breaches = await _look_again(looked, suspects, bus, now, pause)
        if missing:
            await asyncio.sleep(pause)
            missing = await still_unapplied(looked, missing)
        report.breaches += [item.breach() for item in missing]
        for breach in report.breaches:
            path = await looked.services["intake"].fetchval(sql.PATH, breach.ticket)
            report.paths[breach.ticket] = json.loads(path) if path else []
    return report


async def _first_look(looked: Places, report: Report, now: Callable[[], datetime]) -> dict[str, Seen]:
    suspects: dict[str, Seen] = {}
    moment = now()
    async with looked.still():
        async for seen in merged(looked.questions()):
            report.tickets += seen.front is not None
            if judge(seen, moment):
                report.more |= len(suspects) >= MOST
                if not report.more:
                    suspects[seen.ticket] = seen
            elif (cause := listed_untold(seen)) is not None and len(report.untold) < MOST:
                report.untold.append((seen.ticket, cause))
    return suspects


async def _look_again(
    looked: Places, suspects: dict[str, Seen], bus: str, now: Callable[[], datetime], pause: float
) -> list[Breach]:
    found: list[Breach] = []
    for _ in range(LOOKS):
        if not suspects:
            return []
        await asyncio.sleep(pause)
        if looked.told == sql.GATHERED:
            await gather(looked.topics, bus)
        found, wrong = [], {}
        async with looked.still():
            async for seen in merged(looked.questions(list(suspects))):
                if breaches := judge(seen, now()):
                    wrong[seen.ticket] = seen
                    found += breaches if seen == suspects[seen.ticket] else []
        suspects = wrong
    return found
