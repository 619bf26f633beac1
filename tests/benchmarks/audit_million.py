"""How long the audit takes on many tickets, and in how much memory: `audit_million.py [TICKETS]`, a million by default.

Before it, one ticket in 100,000 is deleted and one fact's hash in its history is altered, so that a silent audit cannot
pass for a quick one. Beside the time stand the seconds of processor that this process and PostgreSQL took for it.
"""

import asyncio
import os
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from million import make

from embedded.audit.auditing import audit
from embedded.server import HOUSE
from stand import Stand, stand

DELETE = "DELETE FROM tickets WHERE right(key, 12) = ANY($1)"
ALTER = """
UPDATE timeline SET entry = replace(entry::text, entry ->> 'hash', repeat('0', 64))::json
WHERE pos = (SELECT min(pos) FROM timeline)
"""


async def main(many: int) -> None:
    """Make the tickets, break some, audit them without and with what every fact says, say what it took."""
    async with stand() as made:
        addresses, bus = (
            {service.name: made.addresses[service.name] for service in HOUSE},
            made.addresses["intake:events"],
        )
        print(f"{many:,} tickets made in {await make(addresses, bus, many):.0f} s")
        deleted = await _break(addresses["intake"], many)
        for chains in (False, True):
            await _audited(made, addresses, bus, deleted, chains)


async def _audited(made: Stand, addresses: dict[str, str], bus: str, deleted: int, chains: bool) -> None:
    before, spent, began = _memory(), _processor(made), time.monotonic()
    report = await audit(addresses, bus, lambda: datetime.now(UTC), pause=1, chains=chains)
    took = time.monotonic() - began
    await asyncio.sleep(1)  # until the server has buried the processes that worked for us
    cost = [after - first for after, first in zip(_processor(made), spent, strict=True)]
    print(
        f"audited {report.tickets:,}{' with --chains' if chains else ''} in {took:.1f} s, memory {before} -> {_memory()} MiB, "
        f"processor: {cost[0]:.1f} s here, {cost[1]:.1f} s in PostgreSQL; load {os.getloadavg()[0]:.1f}"
    )
    print("\n".join(report.lines()))
    found = {(str(breach.kind), breach.ticket) for breach in report.breaches}
    assert sorted(kind for kind, _ in found) == ["altered"] * (deleted + 1) + ["lost"] * deleted


async def _break(address: str, many: int) -> int:
    held = await asyncpg.connect(address)
    ids = [f"{number * 100_000 - 1:08x}0000" for number in range(1, many // 100_000 + 1)]
    await held.execute(DELETE, ids)
    await held.execute(ALTER)
    await held.close()
    return len(ids)


def _memory() -> int:
    """The most that this process, or one of those that it started, has held, in MiB."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) // 1024


def _processor(made: Stand) -> tuple[float, float]:
    """Seconds of processor: of this process and those that it started, and of PostgreSQL's that are gone."""
    here = sum(os.times()[:4])
    number = (made.folder / "postgres/data/postmaster.pid").read_text().split()[0]
    there = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return here, sum(int(ticks) for ticks in there[11:15]) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
