"""Was every published event applied by each of its readers? Sums first; single events only where the sums differ."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from embedded.audit import statements as sql
from embedded.audit.places import Places
from embedded.audit.seen import Breach, Kind
from embedded.server import HOUSE
from tierline.domain.events import EVENTS
from tierline.kit import inbox
from tierline.kit.runtime import Service

Sums: TypeAlias = dict[str, tuple[int, int]]
"""By span of time: how many events, and a mark that their ids leave together."""

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


async def applied(places: Places) -> dict[str, Sums]:
    """What each reader's inbox holds, as sums; each database is asked once."""
    names = [service.name for service in HOUSE]
    found = await asyncio.gather(*(places.services[name].fetch(sql.APPLIED_SUMS, name) for name in names))
    return {
        name: {row["span"]: (row["many"], row["mark"]) for row in rows} for name, rows in zip(names, found, strict=True)
    }


async def unapplied(
    places: Places, told: Sequence[Mapping[str, Any]], done: Mapping[str, Sums], now: datetime
) -> list[Missing]:
    """What no reader's inbox shows, where what was `told` and what was `done` differ; nothing was carried but sums."""
    oldest = _oldest(now)
    due: dict[str, dict[str, tuple[int, int]]] = {service.name: defaultdict(lambda: (0, 0)) for service in HOUSE}
    for row in told:
        for service in HOUSE:
            if row["span"] >= oldest[:7] and reads(service, row["topic"], row["type"], row["route"]):
                many, mark = due[service.name][row["span"]]
                due[service.name][row["span"]] = (many + row["many"], mark ^ row["mark"])
    suspicious = {
        name: {span for span, sums in spans.items() if done[name].get(span) != sums} for name, spans in due.items()
    }
    return await _look_closer(places, suspicious, oldest)


async def still_unapplied(places: Places, missing: Sequence[Missing]) -> list[Missing]:
    """Those of these that are missing still."""
    by_reader: dict[str, list[Missing]] = defaultdict(list)
    for item in missing:
        by_reader[item.reader].append(item)
    return [item for reader, items in by_reader.items() for item in await _absent(places, reader, items)]


async def _look_closer(places: Places, suspicious: Mapping[str, set[str]], oldest: str) -> list[Missing]:
    spans = sorted(set().union(*suspicious.values()))
    found: list[Missing] = []
    if not spans:
        return found
    async with places.topics.transaction(readonly=True):
        asked = sql.TOLD_IN_SPANS.format(told=places.told)
        cursor = await places.topics.cursor(asked, list(EVENTS), oldest, spans, _began(spans[0]))
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


def _began(span: str) -> datetime:
    """When the first event of a span can have been told, by a clock that may be an hour apart."""
    try:
        return datetime.fromtimestamp((int(span.replace("-", ""), 16) << 20) / 1000, UTC) - timedelta(hours=1)
    except (ValueError, OverflowError, OSError):
        return datetime.min.replace(tzinfo=UTC)  # no id of ours
