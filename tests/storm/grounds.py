"""What a storm breaks from below: a PostgreSQL and a Kafka that go away and come back with all that they had."""

import asyncio
import contextlib
import os
import re
import signal
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from embedded.postgres import EmbeddedPostgres
from kafka_broker import LocalBroker
from tierline.kit.errors import Misconfigured


class Ground(Protocol):
    """Something below the services that can go away; `back` returns when it serves again."""

    async def away(self, how: str) -> None:
        """Stop it in order, or kill it."""

    async def back(self) -> None:
        """Start it on what it had."""


class Postgres:
    """The PostgreSQL of a stand. Killed, it recovers from its write-ahead log."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server

    def port(self) -> int:
        """Where it listens at present. Raises `OSError` while it does not run."""
        port = urlsplit(self._server.dsn()).netloc.rpartition(":")[2]
        if not port.isdigit():
            raise ConnectionRefusedError
        return int(port)

    async def away(self, how: str) -> None:
        """Stop it in order, or have it give up at once, as after a crash."""
        if how == "stop":
            await asyncio.to_thread(self._server.stop)
            return
        files = self._server.folder.glob("**/data/postmaster.pid")
        os.kill(int(next(files).read_text().split()[0]), signal.SIGQUIT)
        while await asyncio.to_thread(self._server.running):
            await asyncio.sleep(0.05)

    async def back(self) -> None:
        """Start it; for a moment after a crash the old one's memory is still there."""
        for _ in range(100):
            with contextlib.suppress(Misconfigured):
                return await asyncio.to_thread(self._server.start)
            await asyncio.sleep(0.2)
        raise RuntimeError("PostgreSQL did not come back")


class Kafka:
    """A broker that tells its clients to come through a proxy."""

    def __init__(self, folder: Path, advertised: int) -> None:
        self._broker = LocalBroker(folder / "kafka", "--advertised-port", str(advertised))

    def port(self) -> int:
        """Where it listens, or will again."""
        return int(self._broker.servers.rpartition(":")[2])

    async def away(self, how: str) -> None:
        """Stop it in order, or kill it."""
        await asyncio.to_thread(self._broker.kill if how == "kill" else self._broker.stop)

    async def back(self) -> None:
        """Start it on the records that it had."""
        await asyncio.to_thread(self._broker.start)


def through(dsn: str, port: int) -> str:
    """A database's address, by way of another port of this machine."""
    parts = urlsplit(dsn)
    place = f"{parts.netloc.rpartition(':')[0]}:{port}"
    return urlunsplit((parts.scheme, place, parts.path, parts.query, parts.fragment))


def user_of(said: bytes) -> str:
    """Who begins a session with PostgreSQL, from the first message that says so."""
    found = re.search(rb"\x00user\x00([a-z0-9]+)\x00", said)
    return found[1].decode() if found else ""


def client_of(said: bytes) -> str:
    """Who speaks to Kafka, from a request's head: size, key, version, number, then the client's name with its length."""
    return said[14 : 14 + int.from_bytes(said[12:14], "big")].decode("latin-1") if len(said) > 14 else ""
