"""Clients who take their time, a thousand at once: they are let go, and nobody else waits for them."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator

import httpx
import psutil
import pytest

from house import House
from intake import streaming
from tierline.kit import connections

MANY = 1_000
HOST = b"Host: 127.0.0.1\r\n"
SILENT, HEADS, BODIES = b"", b"POST /intake/v1/tickets HTTP/1.1\r\n" + HOST, b"Content-Length: 90000\r\n\r\n{"


class Crowd:
    """Connections that say what they are told to say, and then a byte every now and then."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._held: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._task: asyncio.Task[None] | None = None

    async def come(self, count: int, first: bytes) -> None:
        """So many more."""
        for _ in range(count // 50):
            self._held += await asyncio.gather(*(self._one(first) for _ in range(50)))

    async def _one(self, first: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1024)
        writer.write(first)
        return reader, writer

    async def dribble(self, word: bytes) -> None:
        """A few bytes from each, until cancelled."""
        while True:
            for _, writer in self._held:
                writer.write(word)
            await asyncio.sleep(0.5)

    async def all_gone(self) -> list[bytes]:
        """What each was told before it was let go."""

        async def last_words(reader: asyncio.StreamReader) -> bytes:
            with contextlib.suppress(ConnectionError):
                return await reader.read()
            return b""

        async with asyncio.timeout(60):
            return await asyncio.gather(*(last_words(reader) for reader, _ in self._held))

    async def leave(self) -> None:
        """Hang up."""
        for _, writer in self._held:
            writer.transport.abort()
        await asyncio.sleep(0)


@pytest.fixture
async def crowd(house: House) -> AsyncIterator[Crowd]:
    """A crowd before the house."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    made = Crowd(int(house.machine.url.rpartition(":")[2]))
    yield made
    await made.leave()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same patience in less time."""
    monkeypatch.setattr(connections, "HEAD", 3.0)
    monkeypatch.setattr(connections, "BODY", 3.0)
    monkeypatch.setattr(connections, "LOOK", 0.1)


@pytest.mark.parametrize(
    ("first", "said"),
    [(SILENT, b"408"), (HEADS, b"408"), (HEADS + BODIES, b"")],
    ids=["silent", "slow heads", "slow bodies"],
)
async def test_whoever_takes_their_time_is_let_go_and_nobody_waits_for_them(
    house: House, crowd: Crowd, first: bytes, said: bytes
) -> None:
    before = psutil.Process().num_fds()
    await crowd.come(MANY, first)
    dribbling = asyncio.create_task(crowd.dribble(b"" if first == SILENT else b"a"))
    ticket = await house.submit()
    await house.move("tier1", ticket, "resolve", text="Done.")
    await house.until(ticket, "resolved")
    words = await crowd.all_gone()
    dribbling.cancel()
    assert [word.split(b" ", 2)[1] if word else b"" for word in words] == [said] * MANY
    await crowd.leave()
    async with asyncio.timeout(20):
        while psutil.Process().num_fds() > before + 50:
            await asyncio.sleep(0.1)


async def test_where_there_are_too_many_the_slowest_goes_and_the_newest_is_served(
    house: House, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD", 3600.0)
    owing = next(iter(_owing(house)))
    monkeypatch.setattr(owing, "most", 200)
    await crowd.come(MANY, HEADS)
    async with httpx.AsyncClient(base_url=house.machine.url, trust_env=False) as newest:
        assert (await newest.get("/intake/livez")).status_code == 200
    assert len(owing.heads) <= 200


async def test_a_head_without_end_is_cut_off(house: House, crowd: Crowd) -> None:
    await crowd.come(50, HEADS + b"X-Long: " + b"x" * 200_000)
    assert all(word.startswith((b"HTTP/1.1 431", b"")) for word in await crowd.all_gone())


async def test_there_are_only_so_many_live_streams_and_the_next_is_told_to_come_again(
    house: House, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "MOST", 50)
    key = house.key("client")["Authorization"].encode()
    await crowd.come(50, b"GET /intake/v1/stream HTTP/1.1\r\nAuthorization: " + key + b"\r\n" + HOST + b"\r\n")
    async with asyncio.timeout(20):
        while (refused := await _stream(house)) != 503:
            await asyncio.sleep(0.05)
    assert refused == 503
    ticket = await house.submit()
    await house.move("tier1", ticket, "resolve", text="Done.")
    await house.until(ticket, "resolved")
    await crowd.leave()
    async with asyncio.timeout(20):
        while await _stream(house) != 200:
            await asyncio.sleep(0.05)


async def _stream(house: House) -> int:
    async with house.client.stream("GET", "/intake/v1/stream", headers=house.key("client")) as answer:
        return answer.status_code


def _owing(house: House) -> list[connections.Owing]:
    return [house.machine.server.server_state.owing]  # type: ignore[attr-defined]
