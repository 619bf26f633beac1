"""The port: how facts travel between services. Two verbs, and what an adapter promises for each.

`publish(events)` returns only when every event is durable, in the order given for each key. If it raises, the
outcome is unknown: some may be durable. The caller keeps its rows and publishes them again, so a reader may see
an event twice, always with the same `id`. With `EventTooLarge` trying again is no use: one of the events is larger than
the bus takes, and publishing them one by one shows which.

`consume(group, topics, handle)` calls `handle` with batches until it is cancelled:
- at least once: a batch is done when `handle` returns; if it raises, takes minutes, or the process dies, the same
  records come again (after a pause that grows while it keeps failing);
- in order: the records of one key in one topic arrive in the order in which they were published;
- shared: the members of one group divide the work, and no two hold the same key of a topic at the same time, apart
  from the moments of a take-over, which `handle` must survive by its inbox;
- from the start: a group that never read before begins with the oldest record;
- taken over within seconds when a member dies.

Adapters: `bus_kafka` (Apache Kafka 4.x) and `bus_postgres` (one machine). Both pass `tests/contract/test_bus.py`.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import repeat
from typing import Protocol

from tierline.kit.errors import EventTooLarge, Undecodable

SPEC_VERSION = "1.0"
NAMES = ("ce_id", "ce_type", "ce_source", "traceparent", "ce_route")
LONGEST_NAME = 500
"""What names something is short: it is kept in indexes."""

LARGEST_EVENT = 4 * 1024 * 1024
"""What a topic takes at once: an event's key, data and headers, and what the bus itself writes around them."""
AROUND = 64 * 1024


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event on its way: a CloudEvent 1.0 whose data is still bytes.

    `id` is a UUIDv7 and stays the same on every repetition; `sequence` is the version of the thing that `key` names;
    `time` is aware; `route` names the one addressee where there is one, so that others need not read the data;
    `extensions` carries further headers (a dead letter's reasons), all text.
    """

    topic: str
    key: str
    id: str
    type: str
    source: str
    time: datetime
    sequence: int
    data: bytes
    traceparent: str | None = None
    route: str = ""
    extensions: Mapping[str, str] = field(default_factory=dict)

    def headers(self) -> dict[str, bytes]:
        """The headers of CloudEvents' binary mode (Kafka protocol binding 1.0)."""
        named = {
            "ce_specversion": SPEC_VERSION,
            "ce_id": self.id,
            "ce_type": self.type,
            "ce_source": self.source,
            "ce_subject": self.key,
            "ce_time": self.time.isoformat().replace("+00:00", "Z"),
            "ce_sequence": str(self.sequence),
            "content-type": "application/json",
        }
        if self.traceparent:
            named["traceparent"] = self.traceparent
        if self.route:
            named["ce_route"] = self.route
        return {name: value.encode() for name, value in {**named, **self.extensions}.items()}


def refuse_large(events: Sequence[Envelope]) -> None:
    """Before any is sent. Raises `EventTooLarge` where one is larger than every bus takes."""
    for event in events:
        # A character of text is at most four bytes; what else stands in the headers is short.
        text = len(event.key) + sum(len(value) for value in event.extensions.values())
        if len(event.data) + 4 * text > LARGEST_EVENT - AROUND:
            raise EventTooLarge(f"an event of {event.topic} is larger than {LARGEST_EVENT - AROUND} bytes")


@dataclass(frozen=True, slots=True)
class Record:
    """One record as the broker holds it, nothing read into it yet. `position` is for people: where to find it again."""

    topic: str
    position: str
    key: bytes | None
    headers: Mapping[str, bytes]
    value: bytes | None

    def envelope(self) -> Envelope:
        """Read the record as a CloudEvent.

        Raises:
            Undecodable: a header is missing or malformed, or the key is not the subject.
        """
        try:
            text = {name.lower(): value.decode() for name, value in self.headers.items()}
            key = (self.key or b"").decode()
        except UnicodeDecodeError as error:
            raise Undecodable("a header or the key is not UTF-8") from error
        if any("\x00" in said or len(said) > LONGEST_NAME for said in (key, *map(text.get, NAMES, repeat("")))):
            raise Undecodable("a header or the key is too long, or holds a NUL")
        try:
            if text["ce_specversion"] != SPEC_VERSION or text["ce_subject"] != key or not key or not text["ce_id"]:
                raise Undecodable("ce_specversion is not 1.0, ce_id is empty, or ce_subject is not the record's key")
            return Envelope(
                topic=self.topic,
                key=key,
                id=text["ce_id"],
                type=text["ce_type"],
                source=text["ce_source"],
                time=_aware(text["ce_time"]),
                sequence=_count(text["ce_sequence"]),
                data=self.value or b"",
                traceparent=text.get("traceparent"),
                route=text.get("ce_route", ""),
            )
        except KeyError as error:
            raise Undecodable(f"the header {error.args[0]} is missing") from error
        except (ValueError, OverflowError) as error:
            raise Undecodable("ce_time or ce_sequence cannot be read") from error


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)  # raises where there is no such moment


def _count(text: str) -> int:
    if re.fullmatch("[0-9]{1,18}", text) is None:  # int() takes signs, underscores and other scripts' digits
        raise ValueError(text)
    return int(text)


Handle = Callable[[Sequence[Record]], Awaitable[None]]


class EventBus(Protocol):
    """The port. The promises are this file's docstring."""

    async def start(self, topics: Sequence[str]) -> None:
        """Connect, and make the topics that are missing. Raises `BusUnavailable` with the remedy."""

    async def publish(self, events: Sequence[Envelope]) -> None:
        """Make the events durable. Raises `BusUnavailable` when the outcome is unknown, or `EventTooLarge`."""

    async def consume(self, group: str, topics: Sequence[str], handle: Handle) -> None:
        """Call `handle` with batches until cancelled. Never returns by itself; survives a broker's absence."""

    async def ping(self) -> None:
        """Prove that the bus answers. Raises `BusUnavailable` with the remedy."""

    async def stop(self) -> None:
        """Let go of everything within seconds, even while the broker is away."""
