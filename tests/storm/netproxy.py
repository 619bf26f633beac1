"""A wire between two sides on this machine that can go bad: late, cut, silent, half closed, or slow.

One proxy may carry the wires of several peers to the same place; a peer is known by what it says first. Whatever is
wrong on a wire is wrong for that peer alone.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

FAULTS = ("latency", "reset", "black_hole", "half_close", "slow")
CHUNK = 65_536
RESET = struct.pack("ii", 1, 0)
"""Linger for no time: what closes is a reset, as from a machine that lost its memory."""


@dataclass(eq=False)
class Link:
    """One connection: the side that came, and the side that it was brought to."""

    come: asyncio.StreamWriter
    there: asyncio.StreamWriter
    peer: str

    def cut(self) -> None:
        """End it at once, without a word of goodbye."""
        for side in (self.come, self.there):
            held = side.transport.get_extra_info("socket")
            if held is not None and not side.transport.is_closing():
                with contextlib.suppress(OSError):
                    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            side.transport.abort()

    def half_close(self) -> None:
        """Say to the side that came that nothing more will arrive, and listen on."""
        with contextlib.suppress(OSError, RuntimeError):
            self.come.write_eof()


@dataclass
class Proxy:
    """Brings whoever comes to `target`, which is looked up anew each time. `peer_of` reads a name off what is said first."""

    target: Callable[[], int]
    peer_of: Callable[[bytes], str] = lambda _: ""
    port: int = 0
    _wrong: dict[str, str] = field(default_factory=dict)
    _links: set[Link] = field(default_factory=set)
    _better: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more, and cut what is left."""
        if self._server is not None:
            self._server.close()
            for link in list(self._links):
                link.cut()

    async def go_wrong(self, peer: str, fault: str, seconds: float, *, then_cut: bool) -> None:
        """Have this fault on all wires of a peer for a while."""
        self._wrong[peer] = fault
        for link in self._of(peer):
            if fault == "reset":
                link.cut()
            elif fault == "half_close":
                link.half_close()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._wrong.pop(peer, None)
            if then_cut:
                for link in self._of(peer):
                    link.cut()
            self._better.set()
            self._better = asyncio.Event()

    def _of(self, peer: str) -> Iterator[Link]:
        return (link for link in list(self._links) if link.peer == peer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._wrong.get(self.peer_of(b"")) == "reset":
            return writer.transport.abort()
        try:
            there_reader, there = await asyncio.open_connection("127.0.0.1", self.target())
        except OSError:
            return writer.transport.abort()
        link = Link(writer, there, self.peer_of(b""))
        self._links.add(link)
        try:
            await asyncio.gather(self._pump(link, reader, there, names=True), self._pump(link, there_reader, writer))
        except (OSError, RuntimeError):
            link.cut()
        finally:
            self._links.discard(link)
            writer.close()
            there.close()
        return None

    async def _pump(
        self, link: Link, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, names: bool = False
    ) -> None:
        while chunk := await source.read(CHUNK):
            if names and not link.peer:
                link.peer = self.peer_of(chunk)
            match self._wrong.get(link.peer):
                case "reset":
                    return link.cut()
                case "latency":
                    await asyncio.sleep(random.uniform(0.02, 0.2))
                case "slow":
                    for place in range(0, min(len(chunk), CHUNK), 1024):
                        sink.write(chunk[place : place + 1024])
                        await sink.drain()
                        await asyncio.sleep(0.02)
                    continue
                case "black_hole":
                    while self._wrong.get(link.peer) == "black_hole":
                        await self._better.wait()
            sink.write(chunk)
            await sink.drain()
        with contextlib.suppress(OSError, RuntimeError):
            sink.write_eof()
        return None
