"""One service of a story as processes, one after the other: born again whenever it dies, at times with a guest beside it."""

import asyncio
import contextlib
import os
import signal
import socket
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from nursery.nursery import Nursery

AGAIN = 0.1
STOPPED = {0, -signal.SIGTERM}
"""A server that was told to stop, and did, ends by the same signal."""


@dataclass
class Lives:
    """One service: its process, the next after it, and its guests. `ends` counts how they ended."""

    nursery: Nursery
    service: str
    environment: Mapping[str, str]
    port: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    armed: str = ""
    pid: int | None = None
    over: bool = False

    def __post_init__(self) -> None:
        self.port = _free_port()

    async def live(self) -> None:
        """One life after another, until it is over."""
        while not self.over:
            armed = {"TIERLINE_CRASH_AT": self.arm()}
            self.pid = await self.nursery.bear(self.service, self.port, {**self.environment, **armed})
            self.count(await self.nursery.ended(self.pid))
            self.pid = None
            await asyncio.sleep(AGAIN)

    def arm(self) -> str:
        """At which crash point the next life shall end, if at any."""
        armed, self.armed = self.armed, ""
        return armed

    async def guest(self, seconds: float, how: str) -> None:
        """A second process beside the first: it joins, works along, and leaves again."""
        pid = await self.nursery.bear(self.service, _free_port(), {**self.environment, "TIERLINE_CRASH_AT": ""})
        await asyncio.sleep(seconds)
        _signal(pid, signal.SIGTERM if how == "stop" else signal.SIGKILL)
        try:
            async with asyncio.timeout(30):
                self.count(await self.nursery.ended(pid))
        except TimeoutError:
            self.ends["did not stop within 30 s"] += 1
            _signal(pid, signal.SIGKILL)

    def kill(self, armed: str = "") -> None:
        """End this life by SIGKILL; the next one may be armed with a crash point."""
        self.armed = armed
        if self.pid is not None:
            _signal(self.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Stop it as an operator does."""
        self.over = True
        if (pid := self.pid) is not None:
            _signal(pid, signal.SIGTERM)
            try:
                async with asyncio.timeout(30):
                    await self.nursery.ended(pid)
            except TimeoutError:
                self.ends["did not stop within 30 s"] += 1
                _signal(pid, signal.SIGKILL)

    def count(self, code: int) -> None:
        """A process of this service ended so."""
        self.kills += code == -signal.SIGKILL
        self.ends["killed" if code == -signal.SIGKILL else "stopped" if code in STOPPED else f"ended with {code}"] += 1


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
