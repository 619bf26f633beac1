"""Services run apart, each as processes of one release or another, changed one after the other as an operator does."""

import asyncio
import contextlib
import itertools
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from earlier import Release

from stand import MODULES


@dataclass
class Member:
    """One process of a service."""

    service: str
    release: Release
    port: int
    process: asyncio.subprocess.Process


@dataclass
class Fleet:
    """All processes; `settings` are a service's. As a mapping it says at which port a caller should try a service now.

    A caller is sent to every process in turn that was ready and was not told to stop yet, as by a load balancer that has
    not looked for a moment.
    """

    settings: Mapping[str, Mapping[str, str]]
    folder: Path
    members: dict[str, list[Member]] = field(default_factory=dict)
    stopped: list[tuple[str, int | None]] = field(default_factory=list)
    turns: Iterator[int] = field(default_factory=itertools.count)

    def __getitem__(self, service: str) -> int:
        ready = self.members[service]
        return ready[next(self.turns) % len(ready)].port

    async def start(self, service: str, release: Release) -> None:
        """Start one more process of a service, and send it callers once it is ready."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with (self.folder / f"{service}-{release.name}.log").open("ab") as said:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "uvicorn", MODULES[service], "--port", str(port), "--no-access-log"),
                *("--log-level", "error", "--timeout-graceful-shutdown", "5"),
                env=release.environment(self.settings[service]),
                stdout=said,
                stderr=said,
            )
        member = Member(service, release, port, process)
        try:
            await _ready(port)
        except BaseException:
            process.kill()
            raise
        self.members.setdefault(service, []).append(member)

    async def replace(self, service: str, release: Release) -> None:
        """Start a process of this release beside the ones there are; then stop those."""
        before = list(self.members[service])
        await self.start(service, release)
        await asyncio.gather(*(self.stop(member) for member in before))

    async def stop(self, member: Member) -> None:
        """SIGTERM, as an operator stops a process; its callers learn of it by being refused."""
        member.process.terminate()
        await asyncio.sleep(0)
        self.members[member.service].remove(member)
        try:
            async with asyncio.timeout(30):
                self.stopped.append((f"{member.service} {member.release.name}", await member.process.wait()))
        finally:
            with contextlib.suppress(ProcessLookupError):
                member.process.kill()

    async def end(self) -> None:
        """Stop whatever runs."""
        everyone = [member for members in self.members.values() for member in members]
        await asyncio.gather(*(self.stop(member) for member in everyone))

    def complaints(self) -> list[str]:
        """What any process wrote into its log: there is nothing but errors in it."""
        return [f"{path.stem}: {line}" for path in self.folder.glob("*.log") for line in path.read_text().splitlines()]

    def well_stopped(self) -> bool:
        """Whether every process ended by itself when it was told to."""
        return all(code in {0, -signal.SIGTERM} for _, code in self.stopped)


async def _ready(port: int) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False, timeout=5) as client:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
