"""Everything that stands on the topics now, oldest first: read without a group, so nobody's position moves."""

import json
from collections.abc import AsyncIterator, MutableMapping, Sequence

from tierline.kit.bus import Record
from tierline.kit.database import connect

PAGE = 2000
READ = """
SELECT topic, xid::text AS number, pos, key, headers, value FROM event_log
WHERE topic = $1 AND (xid, pos) > ($2::text::xid8, $3) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY event_log.xid, pos LIMIT $4
"""


async def history(
    address: str, topics: Sequence[str], read_to: MutableMapping[str, int] | None = None
) -> AsyncIterator[list[Record]]:
    """The records, a batch at a time, in the order of each key of each topic. Raises `Unavailable` with the remedy.

    From Kafka, `read_to` remembers how far they were read: given again, only what came since is read.
    """
    if address.startswith("kafka://"):
        # As in `buses`: the library is loaded only where it is used.
        from tierline.kit.bus_kafka_access import kafka_access  # noqa: PLC0415
        from tierline.kit.bus_kafka_history import kafka_history  # noqa: PLC0415

        servers = address.removeprefix("kafka://").partition("?")[0]
        async for records in kafka_history(servers, topics, kafka_access(), read_to):
            yield records
        return
    held = await connect(address, "history")
    try:
        for topic in topics:
            number, pos = "0", 0
            while rows := await held.fetch(READ, topic, number, pos, PAGE):
                number, pos = rows[-1]["number"], rows[-1]["pos"]
                yield [
                    Record(row["topic"], str(row["pos"]), row["key"], _headers(row["headers"]), row["value"])
                    for row in rows
                ]
    finally:
        await held.close()


def _headers(raw: str) -> dict[str, bytes]:
    headers = json.loads(raw)
    named = headers.items() if isinstance(headers, dict) else ()
    return {name: str(value).encode("utf-8", "surrogatepass") for name, value in named}
