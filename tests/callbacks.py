"""A reporter's own system: a small server that takes webhooks, and can be made to fail first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Callbacks:
    """What came, in order: headers and body. The first `failures` are answered with the `refusal`."""

    url: str = ""
    failures: int = 0
    refusal: str = "500 Broken"
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        """All that came, as soon as it is so many."""
        async with asyncio.timeout(40):
            while len(self.came) < count:
                self.news.clear()
                await self.news.wait()
        return self.came

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One webhook on one connection."""
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:-2]
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.came.append((headers, body))
            status = self.refusal if len(self.came) <= self.failures else "204 Taken"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            self.news.set()
        finally:
            writer.close()


@asynccontextmanager
async def callbacks(failures: int = 0) -> AsyncIterator[Callbacks]:
    """A receiver on this machine, for as long as the block lasts."""
    receiver = Callbacks(failures=failures)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/tickets"
    async with server:
        yield receiver
