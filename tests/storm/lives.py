"""The processes of a storm's services: each is born again whenever it dies, and may have a guest beside it for a while."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
AGAIN = 0.1
STOPPED = {0, -signal.SIGTERM}
"""A server that was told to stop, and did, ends by the same signal."""


class Nursery:
    """The process that bears the others, and says when one of them has ended."""

    def __init__(self, clock: Path, folder: Path) -> None:
        self._clock, self._folder = clock, folder
        self._born: asyncio.Queue[int] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._ended: dict[int, asyncio.Future[int]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load everything."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "storm.nursery", str(self._clock)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=HERE.parent,
            start_new_session=True,  # so that it may end all its own at once
        )
        assert self._process.stdout is not None
        if not await self._process.stdout.readline():
            raise RuntimeError("the nursery ended before it was ready; what it said stands above")
        self._listening = asyncio.ensure_future(self._listen(self._process.stdout))

    async def bear(self, service: str, port: int, environment: Mapping[str, str]) -> int:
        """A new process of a service; its number."""
        assert self._process is not None
        assert self._process.stdin is not None
        asked = {
            "service": service,
            "port": port,
            "environment": dict(environment),
            "log": str(self._folder / f"{service}.log"),
        }
        async with self._turn:
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            return await self._born.get()

    async def ended(self, pid: int) -> int:
        """How a process ended, as soon as it has."""
        return await self._end_of(pid)

    async def stop(self) -> None:
        """End all that still live."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()
        if self._listening is not None:
            await self._listening

    def _end_of(self, pid: int) -> "asyncio.Future[int]":
        return self._ended.setdefault(pid, asyncio.get_running_loop().create_future())

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            said: dict[str, Any] = json.loads(line)
            if "born" in said:
                self._born.put_nowait(said["born"])
            else:
                self._end_of(said["ended"]).set_result(said["code"])


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
            armed, self.armed = self.armed, ""
            self.pid = await self.nursery.bear(
                self.service, self.port, {**self.environment, "TIERLINE_CRASH_AT": armed}
            )
            self._count(await self.nursery.ended(self.pid))
            self.pid = None
            await asyncio.sleep(AGAIN)

    async def guest(self, seconds: float, how: str) -> None:
        """A second process beside the first: it joins, works along, and leaves again."""
        pid = await self.nursery.bear(self.service, _free_port(), {**self.environment, "TIERLINE_CRASH_AT": ""})
        await asyncio.sleep(seconds)
        _signal(pid, signal.SIGTERM if how == "stop" else signal.SIGKILL)
        try:
            async with asyncio.timeout(30):
                self._count(await self.nursery.ended(pid))
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

    def _count(self, code: int) -> None:
        self.kills += code == -signal.SIGKILL
        self.ends["killed" if code == -signal.SIGKILL else "stopped" if code in STOPPED else f"ended with {code}"] += 1


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
