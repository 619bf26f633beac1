"""SIGTERM in the midst of work: whoever was being served gets the answer, streams end in order, the exit code is 0."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from apart import GRACE, Apart, apart
from embedded import places
from embedded.install import SERVICES
from stand import Stand, free_port

AT_ONCE = 4
LISTS = {"tier1": "/v1/cases", "tier2": "/v1/cases", "tier3": "/v1/cases", "notifier": "/v1/deliveries"}
TABLES = {"intake": "tickets", "notifier": "calls"}

Ask = Callable[[], Awaitable[httpx.Response]]


async def test_each_service_answers_whom_it_serves_and_ends_within_its_grace(ground: Stand) -> None:
    async with apart(ground, SERVICES) as running:
        ticket = str((await running.submit(0)).json()["id"])
        version = running.key("tier1") | {"If-Match": (await running.case("tier1", ticket)).headers["etag"]}
        note = running.at("tier1", f"/v1/cases/{ticket}/note")
        load = asyncio.create_task(_submit_until_it_is_gone(running))
        stream = asyncio.create_task(_whole(running.client, running.at("intake", "/v1/stream"), running.key("client")))
        for service in ("notifier", "tier3", "tier2", "tier1", "intake"):
            asks = [_list(running, service)] * AT_ONCE
            if service == "tier1":
                asks.append(lambda: running.client.post(note, json={"text": "Looked at."}, headers=version))
            if service == "intake":
                asks = [lambda n=n: running.submit(1_000_000 + n) for n in range(AT_ONCE)]  # type: ignore[misc]
            async with _kept_waiting(ground.addresses[service], TABLES.get(service, "cases")):
                asked = await _all_asked(ground.addresses[service], asks)
                running.processes[service].send_signal(signal.SIGTERM)
                await _until_closed(running.ports[service])
                assert not any(task.done() for task in asked), "answered, though nothing could be read"
            answers = await asyncio.gather(*asked)
            assert {answer.status_code for answer in answers} <= {200, 201}, [answer.text for answer in answers]
            async with asyncio.timeout(GRACE):
                assert await running.processes[service].wait() == 0
        assert (await stream).startswith("retry:")
        accepted, unanswered = await load
        there = await running.tickets()
        assert accepted
        assert all(there[number] == (1, 1) for number in accepted)
        assert not unanswered & set(there), "accepted, and nobody was told so"


@pytest.mark.timeout(120)
async def test_the_one_machine_install_answers_whom_it_serves_and_ends_within_its_grace(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    port, folder = free_port(), tmp_path / "install"
    up = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("tierline")), "up", "--folder", str(folder), "--port", str(port)),
        stdout=asyncio.subprocess.PIPE,
    )
    async with (
        _gone_at_last(up),
        httpx.AsyncClient(timeout=60, trust_env=False) as client,
    ):
        assert up.stdout is not None
        while b"is up at" not in await up.stdout.readline():
            pass
        running = Apart.of_install(folder, port, client)
        assert (await running.submit(0)).status_code == 201
        stream = asyncio.create_task(_whole(client, running.at("intake", "/v1/stream"), running.key("client")))
        addresses = places.databases_of(folder)
        async with contextlib.AsyncExitStack() as stack:
            asked: list[asyncio.Task[httpx.Response]] = []
            for service in SERVICES:
                await stack.enter_async_context(_kept_waiting(addresses[service], TABLES.get(service, "cases")))
                asks = [_list(running, service)] if service in LISTS else [lambda: running.submit(1)]
                asked += await _all_asked(addresses[service], asks)
            up.send_signal(signal.SIGTERM)
            await _until_closed(port)
            assert not any(task.done() for task in asked)
        assert {answer.status_code for answer in await asyncio.gather(*asked)} <= {200, 201}
        assert (await stream).startswith("retry:")
        async with asyncio.timeout(GRACE):
            assert await up.wait() == 0


@contextlib.asynccontextmanager
async def _gone_at_last(process: asyncio.subprocess.Process) -> AsyncIterator[None]:
    """It does not outlive the story, however that ends."""
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _list(running: Apart, service: str) -> Ask:
    who = {"tier3": "liaison", "notifier": "operator"}.get(service, service)
    return lambda: running.client.get(running.at(service, LISTS[service]), headers=running.key(who))


@contextlib.asynccontextmanager
async def _kept_waiting(address: str, table: str) -> AsyncIterator[None]:
    """Whoever asks for something of this table is not answered before the block ends."""
    holder = await asyncpg.connect(address)
    try:
        async with holder.transaction():
            await holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await holder.close()


async def _all_asked(address: str, asks: Sequence[Ask]) -> list["asyncio.Task[httpx.Response]"]:
    """Ask, and return once all of them wait in the database."""
    looker = await asyncpg.connect(address)
    before = await looker.fetchval(WAITING)
    asked = [asyncio.ensure_future(ask()) for ask in asks]
    async with asyncio.timeout(10):
        while await looker.fetchval(WAITING) < before + len(asks):
            await asyncio.sleep(0.01)
    await looker.close()
    return asked


WAITING = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE NOT granted AND datname = current_database()"


async def _until_closed(port: int) -> None:
    """Until nobody listens there any more."""
    async with asyncio.timeout(10):
        while True:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", port)) != 0:
                    return
            await asyncio.sleep(0.02)


async def _whole(client: httpx.AsyncClient, url: str, head: dict[str, str]) -> str:
    """A stream to its end; raises where it is torn off."""
    async with client.stream("GET", url, headers=head) as answer:
        return "".join([text async for text in answer.aiter_text()])


async def _submit_until_it_is_gone(running: Apart) -> tuple[set[str], set[str]]:
    """Submissions one after the other, side by side; which were accepted, and which had no answer."""
    accepted: set[str] = set()
    unanswered: set[str] = set()

    async def worker(first: int) -> None:
        number = first
        while True:
            try:
                answer: Any = await running.submit(number)
            except httpx.ConnectError:
                return
            except httpx.TransportError:
                unanswered.add(str(number))
            else:
                assert answer.status_code == 201, answer.text
                accepted.add(str(number))
            number += AT_ONCE

    await asyncio.gather(*(worker(1 + first) for first in range(2)))
    return accepted, unanswered
