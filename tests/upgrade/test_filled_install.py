"""An install full of tickets in every state, run by an earlier release and killed at work, goes on under today's."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import httpx
import pytest
from breaking_down import FEW, BadDay, Post
from earlier import Release
from lives import KINDS, VENDOR, Household
from shape import shape

from callbacks import callbacks
from embedded import databases, places
from embedded.audit.auditing import audit
from embedded.catching_up import catch_up
from embedded.databases import EVENTS
from embedded.install import SERVICES
from embedded.machine import running
from embedded.postgres import EmbeddedPostgres
from embedded.server import HOUSE
from intake.main import SERVICE as INTAKE
from tierline.kit.buses import open_bus
from tierline.kit.migrate import migrate

AT_ONCE = 12
IN_FLIGHT = 16  # so many calls the courier has under way at once


@pytest.fixture
async def server(folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A PostgreSQL server of this story's own; its administrator's address."""
    postgres = EmbeddedPostgres(folder / f"filled-{request.node.callspec.id}", durable=False)
    await asyncio.to_thread(postgres.start)
    yield postgres.dsn()
    await asyncio.to_thread(postgres.stop)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "of_each"), [("previous", 10), ("oldest", 4)], ids=["previous", "oldest"])
async def test_an_install_that_was_killed_at_work_goes_on_under_todays_release(
    name: str,
    of_each: int,
    request: pytest.FixtureRequest,
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release: Release = request.getfixturevalue(name)
    install, post = tmp_path / "install", Post(tmp_path / "mail")
    post.start()
    settings = {"DATABASE_URL": server, "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(post.port)}
    for setting, value in {**settings, "POLICIES": str(release.policies)}.items():
        monkeypatch.setenv(f"TIERLINE_{setting}", value)
    try:
        async with callbacks() as vendor, _up(release, install) as (people, process):
            await people.register(VENDOR, vendor.url, people.credentials["vendors"][VENDOR]["secret"])
            tickets = await _fill(people, 0, of_each // 2)
            addresses = {**places.databases_of(install), f"intake:{EVENTS}": places.bus_of(install, None)}
            if name == "previous":
                # Its tables are today's from here on, and it works on as if nothing had happened.
                await _bring_up_to_date(addresses)
            tickets += await _fill(people, 5000, of_each // 2)
            bad_day = BadDay(places.databases_of(install), server, post)
            await bad_day.begin(people)
            os.kill(process.pid, signal.SIGKILL)
        assert {place: count for place, count in (await bad_day.waiting()).items() if count < FEW} == {}
        await _bring_up_to_date(addresses)
        await bad_day.end()
        await _has_the_shape_of_a_new_one(server, addresses)
        tickets += bad_day.tickets
        async with running(install, port=0, manuals=False) as machine, machine.client() as client:
            people = Household({"machine": int(machine.url.rpartition(":")[2])}, machine.install.credentials, client)
            for ticket in bad_day.late:
                await _until_at(people, ticket, "tier2")
            await _each(tickets, people.end)
            await _nothing_is_lost(install, tickets)
    finally:
        post.stop()
    _each_was_told_once(post, tickets)


@asynccontextmanager
async def _up(release: Release, install: Path) -> AsyncIterator[tuple[Household, asyncio.subprocess.Process]]:
    """An earlier release's own `tierline up`, and the people at it. What it complains of fails the story."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from embedded.cli import main; main()"),
        *("up", "--folder", str(install), "--port", str(port), "--json"),
        env=release.environment({**os.environ, "TIERLINE_LOG_LEVEL": "ERROR"}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert json.loads(await process.stdout.readline())["ready"]
        async with httpx.AsyncClient(timeout=20, trust_env=False) as client:
            credentials = json.loads((install / "credentials.json").read_text("utf-8"))
            yield Household({"machine": port}, credentials, client), process
    finally:
        if process.returncode is None:
            process.kill()
        complaints = (await process.stdout.read()).decode().splitlines()
        await process.wait()
    assert [line for line in complaints if "event_parked" not in line] == []


async def _fill(people: Household, first: int, of_each: int) -> list[str]:
    """So many tickets in each state."""
    orders = [
        (kind, first + number * len(KINDS) + place) for number in range(of_each) for place, kind in enumerate(KINDS)
    ]
    made: list[str] = []

    async def open_one(order: int) -> None:
        kind, number = orders[order]
        made.append(await kind(people, number))

    await _each(range(len(orders)), open_one)
    return made


async def _each(things, work) -> None:
    """Do the same for each, some at once."""
    waiting = iter(things)

    async def worker() -> None:
        for thing in waiting:
            await work(thing)

    async with asyncio.timeout(90):
        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


async def _bring_up_to_date(addresses: Mapping[str, str]) -> None:
    await migrate(*((addresses[service.name], service.migrations) for service in HOUSE))


async def _has_the_shape_of_a_new_one(server: str, addresses: Mapping[str, str]) -> None:
    """Whatever way the tables came: an upgraded database has what a new one has, and nothing else."""
    passwords = databases.new_passwords(SERVICES)
    new = await databases.ensure(server, SERVICES, passwords, prefix="new-")
    await _bring_up_to_date(new)
    bus = open_bus(new[f"intake:{EVENTS}"], "intake")
    await bus.start(INTAKE.topics)
    await bus.stop()
    for service in (*SERVICES, f"intake:{EVENTS}"):
        assert await shape(addresses[service]) == await shape(new[service]), service


async def _until_at(people: Household, ticket: str, desk: str) -> None:
    async with asyncio.timeout(30):
        while (await people.where(ticket))[1] != desk:
            await asyncio.sleep(0.05)


async def _nothing_is_lost(install: Path, tickets: list[str]) -> None:
    """What passed a service by, as an older release had no rule for it, is handed in; then the audit has nothing to say."""
    addresses, bus = places.databases_of(install), places.bus_of(install, None)
    await catch_up(addresses, bus, _now, pause=1)
    async with asyncio.timeout(40):
        while (report := await audit(addresses, bus, _now, pause=0.5)).untold or report.breaches:
            await asyncio.sleep(0.5)
    assert report.tickets == len(set(tickets)) == len(tickets)
    assert await catch_up(addresses, bus, _now, pause=1) == {}


def _now() -> datetime:
    return datetime.now(UTC)


def _each_was_told_once(post: Post, tickets: list[str]) -> None:
    """A notice has one identity, whichever release sent it; only what was under way at the kill may have come twice."""
    mails = Counter(str(message_from_bytes(path.read_bytes())["Message-ID"]) for path in post.folder.glob("*.eml"))
    assert mails.total() - len(mails) <= IN_FLIGHT
    for ticket in tickets:
        mine = [mail for mail in mails if ticket in mail]
        assert sum("-received-" in mail for mail in mine) == 1, mine
        assert any("-closed-" in mail for mail in mine), mine
