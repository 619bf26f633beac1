"""A member of a group in a process of its own, to be killed: `member.py ADDRESS GROUP TOPIC`."""

import asyncio
import sys
from collections.abc import Sequence

from rigs import bus_at

from tierline.kit.bus import Record


async def show(records: Sequence[Record]) -> None:
    for record in records:
        print("did", record.headers["ce_id"].decode(), flush=True)


if __name__ == "__main__":
    address, group, topic = sys.argv[1:]
    asyncio.run(bus_at(address).consume(group, [topic], show))
