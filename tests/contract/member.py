"""A member of a group in a process of its own, to be killed: `member.py ADDRESS GROUP TOPIC [stuck]`."""

import asyncio
import sys
from collections.abc import Sequence

import mutants  # noqa: F401 - before the adapters: a broken one must be broken here too

# isort: split
from rigs import bus_at

from tierline.kit.bus import Record


async def show(records: Sequence[Record]) -> None:
    for record in records:
        print("did", record.headers["ce_id"].decode(), flush=True)


async def never_end(records: Sequence[Record]) -> None:
    print("began", flush=True)
    await asyncio.sleep(600)


if __name__ == "__main__":
    address, group, topic, *stuck = sys.argv[1:]
    asyncio.run(bus_at(address).consume(group, [topic], never_end if stuck else show))
