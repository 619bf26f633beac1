"""A signed update with any byte of it changed: refused, and without any effect. Only the real one comes in."""

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from random import Random

import asyncpg
from uuid_utils import uuid7

from house import PATIENCE, House
from tierline.kit import webhooks

VENDOR = "quarry-items"
Head = list[tuple[bytes, bytes]]


class Wire:
    """Requests as bytes, over a connection that is made anew where the server has ended it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, head: Head, body: bytes) -> int:
        """The status of the answer."""
        if self._open is None:
            self._open = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._open
        lines = b"".join(b"%s: %s\r\n" % pair for pair in head)
        start = b"POST /tier3/v1/vendors/%s/updates HTTP/1.1\r\nHost: localhost\r\n" % VENDOR.encode()
        writer.write(b"%s%sContent-Length: %d\r\n\r\n%s" % (start, lines, len(body), body))
        async with asyncio.timeout(PATIENCE):
            answer = await reader.readuntil(b"\r\n\r\n")
        named = dict(line.lower().split(b": ", 1) for line in answer.split(b"\r\n")[1:-2])
        await reader.readexactly(int(named[b"content-length"]))
        if named.get(b"connection") == b"close":
            self.close()
        return int(answer.split(b" ", 2)[1])

    def close(self) -> None:
        """Hang up."""
        if self._open is not None:
            self._open[1].close()
            self._open = None


async def test_with_any_byte_changed_an_update_is_refused_and_changes_nothing(house: House) -> None:
    ticket = await house.submit("alder", "item-authoring")
    for desk in ("tier1", "tier2"):
        await house.move(desk, ticket, "escalate", text="Not solved here.")
    await house.until(ticket, "waiting_on_vendor")
    update = {
        "type": "resolved",
        "ticket_id": ticket,
        "vendor_ref": "B-1",
        "sequence": 1,
        "message": "Mended.",
        "fixed_in": "7",
    }
    body = json.dumps(update).encode()
    signed = webhooks.sign([house.people["vendors"][VENDOR]["secret"]], str(uuid7()), datetime.now(UTC), body)
    head = [(name.encode(), value.encode()) for name, value in signed.items()]
    before = await house.timeline(ticket)
    port = int(house.machine.url.rpartition(":")[2])
    waiting = iter(forgeries(head, body))

    async def attack() -> None:
        wire = Wire(port)
        for forged_head, forged_body in waiting:
            status = await wire.post(forged_head, forged_body)
            # What no header may hold is no request, and no service ever sees it.
            assert status == (401 if _is_http(forged_head) else 400), (forged_head, forged_body)
        wire.close()

    await asyncio.gather(*(attack() for _ in range(8)))
    wire = Wire(port)
    assert await wire.post(head, body + b" " * 70_000) == 413
    assert await _received(house, ticket) == 0
    assert await house.timeline(ticket) == before
    for _ in range(2):
        assert await wire.post(head, body) == 202
    wire.close()
    assert await _received(house, ticket) == 1
    await house.until(ticket, "resolved")


def forgeries(head: Head, body: bytes) -> Iterable[tuple[Head, bytes]]:
    """Each byte of the id, the time, the signature and the body changed, or gone; and each header as a whole."""
    draw = Random(20261125)
    for changed in _changed(body, draw):
        yield head, changed
    for number, (name, value) in enumerate(head):
        rest = [*head[:number], *head[number + 1 :]]
        for changed in _changed(value, draw):
            if changed.strip(b" \t") != value:  # a header's value has no blanks around it
                yield [*rest, (name, changed)], body
        yield rest, body
        for odd in (
            b"",
            b"x" * 30_000,
            "\u202e\xe9".encode(),
            b"\xff\xfe",
            b"v1,",
            b"v1," * 700,
            b"1e9",
            b"-1",
            b"9" * 400,
        ):
            yield [*rest, (name, odd)], body
            yield [*head, (name, odd)], body  # twice, the forged one last
    yield [], body
    yield [(name, b"v1a," + value[3:] if b"signature" in name else value) for name, value in head], body


def _changed(whole: bytes, draw: Random) -> Iterable[bytes]:
    for place in range(len(whole)):
        before, after = whole[:place], whole[place + 1 :]
        yield before + after
        for other in {0, 0xFF, whole[place] ^ 1, draw.randrange(256)} - {whole[place]}:
            yield before + bytes([other]) + after


def _is_http(head: Head) -> bool:
    return not any((byte < 32 and byte != 9) or byte == 127 for _, value in head for byte in value)


async def _received(house: House, ticket: str) -> int:
    settings = house.machine.server.config.app.state.apps["tier3"].state.runtime.settings  # type: ignore[union-attr]
    held = await asyncpg.connect(settings.database_url)
    try:
        return int(await held.fetchval("SELECT count(*) FROM webhook_inbox WHERE body LIKE $1", f"%{ticket}%".encode()))
    finally:
        await held.close()
