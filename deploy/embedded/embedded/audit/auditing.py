"""The audit from end to end: read all, judge each ticket, look again at what is suspicious, and say what remains.

The services go on working meanwhile, and their databases are not read at the same instant. So a ticket that looks
wrong may merely be moving: it is looked at again, and it is a breach when it was wrong at every look and
stood still between the last two. The chains of histories need no second look: they stand in one database, which is read
as it was at one moment.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from embedded.audit import statements as sql
from embedded.audit.applying import MOST, Missing, Sums, applied, still_unapplied, unapplied
from embedded.audit.chaining import altered_facts, broken_chains
from embedded.audit.judging import judge, listed_untold
from embedded.audit.merging import merged
from embedded.audit.places import Places, places
from embedded.audit.seen import Breach, Seen

LOOKS, MOST_LOOKS = 2, 15
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


async def audit(
    addresses: Mapping[str, str], bus: str, now: Callable[[], datetime], pause: float = PAUSE, *, chains: bool = False
) -> Report:
    """Audit a running install, with `chains` every fact's content too.

    Raises `Unavailable` where a database or the bus does not answer.
    """
    report = Report()
    async with places(addresses, bus) as looked, places(addresses, bus) as beside:
        told: list[Any] = []
        suspects, (done, altered) = await asyncio.gather(_first_look(looked, report, told, now), _sums(beside))
        missing = await unapplied(looked, told, done, now())
        altered += await altered_facts(addresses["intake"]) if chains else []
        report.suspicious = len(suspects) + len(missing)
        report.breaches = [*await _look_again(looked, suspects, missing, now, pause), *altered]
        for breach in report.breaches:
            path = await looked.services["intake"].fetchval(sql.PATH, breach.ticket)
            report.paths[breach.ticket] = json.loads(path) if path else []
    return report


async def _sums(places: Places) -> tuple[dict[str, Sums], list[Breach]]:
    return await applied(places), await broken_chains(places)


async def _first_look(looked: Places, report: Report, told: list[Any], now: Callable[[], datetime]) -> dict[str, Seen]:
    suspects: dict[str, Seen] = {}
    await looked.gather()
    moment = now()
    async with looked.still():
        async for seen in merged(looked.questions(told=told)):
            report.tickets += seen.front is not None
            if judge(seen, moment):
                report.more |= len(suspects) >= MOST
                if not report.more:
                    suspects[seen.ticket] = seen
            elif (cause := listed_untold(seen)) is not None and len(report.untold) < MOST:
                report.untold.append((seen.ticket, cause))
    return suspects


async def _look_again(
    looked: Places, suspects: dict[str, Seen], missing: Sequence[Missing], now: Callable[[], datetime], pause: float
) -> list[Breach]:
    """What stays wrong. While each look finds some of it mended, somebody works on a backlog, and another look follows."""
    found: list[Breach] = []
    for look in range(1, MOST_LOOKS + 1):
        before = len(suspects) + len(missing)
        if not before:
            return []
        await asyncio.sleep(pause)
        suspects, found = await _still_wrong(looked, suspects, now)
        missing = await still_unapplied(looked, missing)
        if look >= LOOKS and len(suspects) + len(missing) == before:
            break
    return [*found, *(item.breach() for item in missing)]


async def _still_wrong(
    looked: Places, suspects: dict[str, Seen], now: Callable[[], datetime]
) -> tuple[dict[str, Seen], list[Breach]]:
    wrong: dict[str, Seen] = {}
    found: list[Breach] = []
    if suspects:
        await looked.gather()
        async with looked.still():
            turns = await looked.turns()
            async for seen in merged(looked.questions(list(suspects))):
                if breaches := judge(seen, now(), turns):
                    wrong[seen.ticket] = seen
                    found += breaches if seen == suspects[seen.ticket] else []
    return wrong, found
