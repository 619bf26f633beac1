"""Records that no service of ours would write: every header garbled, every field of every fact replaced, JSON at its worst."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from uuid_utils import uuid7

from tierline.domain.events import EVENTS, TOPIC, TOPICS
from tierline.kit.bus import Envelope

GOLDEN = Path(__file__).parent / "unit" / "golden"
LARGEST = 3_900_000
"""Just what a broker still takes."""

HEADERS: tuple[bytes | None, ...] = (
    None,
    b"",
    b" ",
    b"\x00",
    b"a\x00b",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    "\u202e\u200b\ufeff\U0001f9e8".encode(),
    b"x" * 5_000,
    b"-1",
    b"0",
    b"1e9",
    b"1_0",
    "١٢".encode(),
    b"9223372036854775807",
    b"9223372036854775808",
    b"9" * 5_000,
    b"0001-01-01T00:00:00+14:00",
    b"9999-12-31T23:59:59-14:00",
    b"2026-11-23",
    b"2026-11-23T09:00:00",
    b"2026-02-30T09:00:00Z",
    b"tierline.ticket.eaten.v1",
    b"tierline.ticket.submitted.v2",
    b"0.3",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    2**63,
    -(2**63) - 1,
    10**400,
    "",
    "\x00",
    "a\x00b",
    "\ud800",
    "\udfff\ud800",
    "\u202e\u2066\u200b\ufeff\u0301" * 20,
    "x" * 30_000,
    "\U0001f9e8" * 4_000,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "From nobody\r\nBcc: everybody@example.org\r\n\r\n.\r\n",
    [],
    {},
    [[]] * 50,
    {"": {"": ""}},
)
BODIES: tuple[bytes | None, ...] = (
    None,
    b"",
    b"\x00",
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b"[]",
    b"null",
    b"0",
    b'"text"',
    b"NaN",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"ticket_id": "a", "ticket_id": "b"}',
    b'{"version": ' + b"9" * 100_000 + b"}",
    b'"' + b"x" * LARGEST + b'"',
)


@dataclass(frozen=True)
class Strange:
    """A record, and a word on what is strange about it."""

    what: str
    topic: str
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None


def strange_records(seed: int, of_each_fact: int) -> Iterator[Strange]:
    """All of them; which fields of which fact are replaced by what hangs on the seed."""
    yield from _strange_headers()
    yield from _strange_bodies()
    yield from _strange_facts(Random(seed), of_each_fact)


def _strange_headers() -> Iterator[Strange]:
    sample = _sample("ticket.submitted")
    for number, name in enumerate(_good("k", "tierline.ticket.submitted.v1", 1)):
        topic = TOPICS[number % len(TOPICS)]
        for bad in HEADERS:
            key = str(uuid7())
            headers = _good(key, "tierline.ticket.submitted.v1", 1)
            if bad is None:
                del headers[name]
            else:
                headers[name] = bad
            yield Strange(f"{name}={bad!r:.40}", topic, key.encode(), tuple(headers.items()), _about(sample, key))
            if name == "ce_subject" and bad:  # and the key says the same
                yield Strange(f"key={bad!r:.40}", topic, bad, tuple(headers.items()), _about(sample, key))
    good = _good("somebody", "tierline.ticket.submitted.v1", 1)
    for strange in (None, b"", b"another", b"\xff\x00"):
        yield Strange(f"key {strange!r}", TOPICS[0], strange, tuple(good.items()), _about(sample, "somebody"))
    many = {**good, **{f"x-{number}": b"y" * 2_000 for number in range(500)}}
    yield Strange("a million bytes of headers", TOPICS[0], b"somebody", tuple(many.items()), b"{}")


def _strange_bodies() -> Iterator[Strange]:
    for topic in TOPICS:
        for body in BODIES:
            key = str(uuid7())
            headers = tuple(_good(key, "tierline.case.escalated.v1", 2).items())
            yield Strange(f"body {body!r:.40}", topic, key.encode(), headers, body)
    whole = json.dumps(_sample("case.escalated")).encode()
    for cut in range(0, len(whole), 97):
        key = str(uuid7())
        headers = tuple(_good(key, "tierline.case.escalated.v1", 2).items())
        yield Strange(f"torn at {cut}", TOPIC["tier1"], key.encode(), headers, whole[:cut])


def _strange_facts(draw: Random, of_each: int) -> Iterator[Strange]:
    for type_, fact in EVENTS.items():
        sample = _sample(fact.name)
        paths = list(_paths(sample))
        for path in draw.sample(paths, min(of_each, len(paths))):
            bad, topic = draw.choice(VALUES), draw.choice(TOPICS)
            key = str(uuid7())
            changed = json.loads(_about(sample, key))
            _put(changed, path, bad)
            headers = tuple(_good(key, type_, draw.choice((1, 2, 3, 7))).items())
            value = json.dumps(changed).encode("utf-8", "surrogatepass")
            yield Strange(f"{fact.name}:{path}={bad!r:.40}", topic, key.encode(), headers, value)


def _good(key: str, type_: str, sequence: int) -> dict[str, bytes]:
    event = Envelope("", key, str(uuid7()), type_, "/stranger", datetime.now(UTC), sequence, b"")
    return {**event.headers(), "traceparent": b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01", "ce_route": b""}


def _sample(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_bytes())
    return read


def _about(sample: dict[str, Any], key: str) -> bytes:
    case = {"case": {**sample["case"], "ticket_id": key}} if "case" in sample else {}
    return json.dumps({**sample, "ticket_id": key, **case}).encode()


def _paths(value: Any, so_far: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, below in inner:
        yield (*so_far, name)
        yield from _paths(below, (*so_far, name))


def _put(value: Any, path: tuple[str | int, ...], bad: Any) -> None:
    for part in path[:-1]:
        value = value[part]
    value[path[-1]] = bad
