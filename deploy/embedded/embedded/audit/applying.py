"""Was every published event applied by each of its readers? Sums first; single events only where the sums differ."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from embedded.audit import statements as sql
from embedded.audit.places import Places
from embedded.audit.seen import Breach, Kind
from embedded.server import HOUSE
from tierline.domain.events import EVENTS
from tierline.kit import inbox
from tierline.kit.runtime import Service

MOST = 10_000
"""More missing events than this are counted no further: what is wrong then is not a single ticket."""


class Missing(NamedTuple):
    """An event that a reader has not applied."""

    reader: str
    topic: str
    ticket: str
    event: str
    type: str

    def breach(self) -> Breach:
        """As a line of the audit."""
        return Breach(Kind.UNAPPLIED, self.ticket, f"{self.reader} has not applied {self.type} {self.event}")


def reads(service: Service, topic: str, type_: str, route: str) -> bool:
    """Whether an event is for this service."""
    return topic in service.reads and any(
        type_ in room.on and (room.route is None or route in {"", room.route}) for room in service.rooms
    )


async def unapplied(places: Places, now: datetime) -> list[Missing]:
    """What no reader's inbox shows; each database is asked once, and nothing is carried but sums."""
    known = list(EVENTS)
    oldest = _oldest(now)
    told: dict[str, dict[str, tuple[int, int]]] = {service.name: defaultdict(lambda: (0, 0)) for service in HOUSE}
    for row in await places.topics.fetch(sql.TOLD_SUMS.format(told=places.told), known, oldest):
        for service in HOUSE:
            if reads(service, row["topic"], row["type"], row["route"]):
                many, mark = told[service.name][row["span"]]
                told[service.name][row["span"]] = (many + row["many"], mark ^ row["mark"])
    suspicious: dict[str, set[str]] = {}
    for service in HOUSE:
        rows = await places.services[service.name].fetch(sql.APPLIED_SUMS, service.name)
        applied = {row["span"]: (row["many"], row["mark"]) for row in rows}
        suspicious[service.name] = {span for span, sums in told[service.name].items() if applied.get(span) != sums}
    return await _look_closer(places, suspicious, known, oldest)


async def still_unapplied(places: Places, missing: Sequence[Missing]) -> list[Missing]:
    """Those of these that are missing still."""
    by_reader: dict[str, list[Missing]] = defaultdict(list)
    for item in missing:
        by_reader[item.reader].append(item)
    return [item for reader, items in by_reader.items() for item in await _absent(places, reader, items)]


async def _look_closer(places: Places, suspicious: dict[str, set[str]], known: list[str], oldest: str) -> list[Missing]:
    spans = sorted(set().union(*suspicious.values()))
    found: list[Missing] = []
    if not spans:
        return found
    async with places.topics.transaction(readonly=True):
        cursor = await places.topics.cursor(sql.TOLD_IN_SPANS.format(told=places.told), known, oldest, spans)
        while (rows := await cursor.fetch(5000)) and len(found) < MOST:
            for service in HOUSE:
                events = [
                    Missing(service.name, row["topic"], row["key"], row["id"], row["type"])
                    for row in rows
                    if row["id"][:7] in suspicious[service.name]
                    and reads(service, row["topic"], row["type"], row["route"])
                ]
                found += await _absent(places, service.name, events)
    return found


async def _absent(places: Places, reader: str, events: Sequence[Missing]) -> list[Missing]:
    rows = await places.services[reader].fetch(sql.NOT_APPLIED, reader, [item.event for item in events])
    absent = {row["id"] for row in rows}
    return [item for item in events if item.event in absent]


def _oldest(now: datetime) -> str:
    """The id of the oldest event that an inbox still has to remember: a UUIDv7 begins with its time."""
    began = now - inbox.KEEP + timedelta(days=1)
    text = f"{max(0, int(began.timestamp() * 1000)):012x}"
    return f"{text[:8]}-{text[8:]}"
