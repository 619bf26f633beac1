"""(f) Ten thousand clients who take their time, before one service run apart: is everybody else served, and at what cost?

A quarter says nothing, a quarter sends a head and a quarter a body a byte at a time, and a quarter opens live streams and
reads nothing. All come back as soon as they are let go, for a minute. Meanwhile one ordinary client submits and reads.
"""

import asyncio
import contextlib
import json
import resource
import time
from typing import Any

import httpx
import psutil

from stand import MODULES, at, middle, serving, stand

COUNT, SECONDS = 10_000, 60.0
KINDS = (
    b"",
    b"POST /v1/tickets HTTP/1.1\r\nHost: x\r\n",
    b"POST /v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n{",
    b"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n",
)


async def slow(port: int, first: bytes, until: float) -> int:
    """One slow client that comes back whenever it is let go; how often it came."""
    came = 0
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            came += 1
            writer.write(first)
            with contextlib.suppress(OSError):
                while time.monotonic() < until and not reader.at_eof() and reader.exception() is None:
                    await asyncio.sleep(3)
                    if first:
                        writer.write(b"a")
            writer.transport.abort()
        await asyncio.sleep(1)
    return came


async def measure() -> dict[str, Any]:
    """How an ordinary client fares beside them; what they cost the service."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    async with stand() as made:
        with serving(MODULES["intake"], made.environment("intake")) as (port, pid):
            service = psutil.Process(pid)
            key = made.install.credentials["members"]["alder"]["client"]
            first = [kind % key.encode() if b"%s" in kind else kind for kind in KINDS]
            await ordinary(port, key)
            before = service.memory_info().rss
            until = time.monotonic() + SECONDS
            crowd = [asyncio.create_task(slow(port, first[n % 4], until)) for n in range(COUNT)]
            took, most, handles, refused = list[float](), 0, 0, 0
            while time.monotonic() < until:
                try:
                    took.append(await ordinary(port, key))
                except httpx.HTTPError:
                    refused += 1
                most, handles = max(most, service.memory_info().rss), max(handles, service.num_fds())
                await asyncio.sleep(0.2)
            came = sum(await asyncio.gather(*crowd))
            await asyncio.sleep(5)
            await ordinary(port, key)
            after = service.memory_info().rss
    return {
        "slow_clients": COUNT,
        "connections_they_made": came,
        "ordinary_requests": len(took) * 2,
        "ordinary_failed": refused,
        "submit_and_read_ms": {"p50": round(middle(took) * 1000), "p99": round(at(took, 0.99) * 1000)},
        "descriptors_at_most": handles,
        "megabytes": {"before": before >> 20, "at_most": most >> 20, "after": after >> 20},
    }


async def ordinary(port: int, key: str) -> float:
    """Submit over a connection of its own, read what was submitted; the seconds that it took."""
    began = time.monotonic()
    reporter = {"name": "A", "email": "a@school.example.org", "role": "school", "organization": "A school"}
    body = {"component": "single-sign-on", "subject": "It stops", "description": "Since today.", "reporter": reporter}
    head = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False, headers=head
    ) as client:
        made = (await client.post("/v1/tickets", content=json.dumps(body))).raise_for_status().json()
        (await client.get(f"/v1/tickets/{made['id']}")).raise_for_status()
    return time.monotonic() - began
