"""Where the services of a story that kills them are born: each in some milliseconds, in a process of its own."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


class Nursery:
    """The process that bears the others, and says when one of them has ended.

    With an `environment` of its own it may load another release's code.
    """

    def __init__(self, clock: Path, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._clock, self._folder, self._environment = clock, folder, environment
        self._born: asyncio.Queue[int] = asyncio.Queue()
        self._turn = asyncio.Lock()
        self._ended: dict[int, asyncio.Future[int]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load everything."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "nursery.cradle", str(self._clock)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=HERE.parent,
            env=self._environment,
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


@contextlib.asynccontextmanager
async def nursery(folder: Path, environment: Mapping[str, str] | None = None) -> AsyncIterator[Nursery]:
    """A nursery whose clock and logs lie in this folder, for as long as the block lasts."""
    made = Nursery(folder / "clock", folder, environment)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
