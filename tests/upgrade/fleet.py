"""Services run apart, each as processes of one release or another, changed one after the other as an operator does."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from earlier import Release

from nursery.lives import STOPPED
from nursery.nursery import Nursery, nursery


@dataclass(frozen=True)
class Member:
    """One process of a service."""

    service: str
    release: Release
    port: int
    pid: int


@dataclass
class Fleet:
    """All processes; `settings` are a service's. As a mapping it says at which port a caller should try a service now.

    A caller is sent to every process in turn that was ready and was not told to stop yet, as by a load balancer that has
    not looked for a moment. `ends` is how processes ended that were told to.
    """

    settings: Mapping[str, Mapping[str, str]]
    births: Mapping[str, Nursery]
    members: dict[str, list[Member]] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)
    turns: Iterator[int] = field(default_factory=itertools.count)

    def __getitem__(self, service: str) -> int:
        ready = self.members[service]
        return ready[next(self.turns) % len(ready)].port

    async def start(self, service: str, release: Release) -> None:
        """Start one more process of a service, and send it callers once it is ready."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        pid = await self.births[release.name].bear(service, port, release.environment(self.settings[service]))
        await _ready(port)
        self.members.setdefault(service, []).append(Member(service, release, port, pid))

    async def replace(self, service: str, release: Release) -> None:
        """Start a process of this release beside the ones there are; then stop those."""
        before = list(self.members[service])
        await self.start(service, release)
        await asyncio.gather(*(self.stop(member) for member in before))

    async def stop(self, member: Member) -> None:
        """SIGTERM, as an operator stops a process; its callers learn of it by being refused."""
        os.kill(member.pid, signal.SIGTERM)
        await asyncio.sleep(0)
        self.members[member.service].remove(member)
        async with asyncio.timeout(30):
            self.ends.append(await self.births[member.release.name].ended(member.pid))

    async def end(self) -> None:
        """Stop whatever runs."""
        everyone = [member for members in self.members.values() for member in members]
        await asyncio.gather(*(self.stop(member) for member in everyone))

    def well_stopped(self) -> bool:
        """Whether every process ended by itself when it was told to."""
        return set(self.ends) <= STOPPED


@contextlib.asynccontextmanager
async def fleet(settings: Mapping[str, Mapping[str, str]], folder: Path, *releases: Release) -> AsyncIterator[Fleet]:
    """A fleet of these releases, without any process yet; their logs lie in a folder for each."""
    async with contextlib.AsyncExitStack() as stack:
        births = {}
        for release in releases:
            (folder / release.name).mkdir()
            born = nursery(folder / release.name, release.environment(os.environ))
            births[release.name] = await stack.enter_async_context(born)
        made = Fleet(settings, births)
        yield made
        await made.end()


def complaints(folder: Path) -> list[str]:
    """What any process wrote into its log: there is nothing but errors in it."""
    logs = sorted(folder.glob("*/*.log"))
    return [f"{path.parent.name} {path.stem}: {line}" for path in logs for line in path.read_text().splitlines()]


async def _ready(port: int) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
