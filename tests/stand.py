"""What all benchmarks stand on: a PostgreSQL, an install's keys, service processes, and a load client that costs little."""

import asyncio
import contextlib
import itertools
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path

import httpx

from embedded import databases
from embedded.install import SERVICES, Install
from embedded.machine import POLICIES
from embedded.postgres import EmbeddedPostgres
from tierline.desk.policies import load_policies

MODULES = {name: f"{name}.main:app" for name in SERVICES} | {"tier3": "tier3_liaison.main:app"}


class Stand:
    """A PostgreSQL with everything durable, five databases, and keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = EmbeddedPostgres(folder / "postgres")
        self.install = Install(folder, load_policies(POLICIES))
        self.addresses: dict[str, str] = {}

    async def start(self) -> None:
        """Start it."""
        await asyncio.to_thread(self.postgres.start)
        self.install.prepare("http://127.0.0.1:9/{vendor}")
        self.addresses = await databases.ensure(self.postgres.dsn(), SERVICES, self.install.state["passwords"])

    def environment(self, service: str, kafka: str | None = None) -> dict[str, str]:
        """The settings of one service run apart."""
        return {
            **os.environ,
            "TIERLINE_DATABASE_URL": self.addresses[service],
            "TIERLINE_BUS": f"kafka://{kafka}" if kafka else self.addresses[f"{service}:events"],
            "TIERLINE_POLICIES": str(POLICIES),
            "TIERLINE_KEYS": str(self.install.keys),
            "TIERLINE_SECRET": self.install.state["secret"],
            "TIERLINE_LOG_LEVEL": "ERROR",
            "TIERLINE_ALLOW_PRIVATE_TARGETS": "true",
        }


def free_port() -> int:
    """A port of this machine that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def stand() -> AsyncIterator[Stand]:
    """A stand, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder).chmod(0o755)
        made = Stand(Path(folder))
        await made.start()
        try:
            yield made
        finally:
            await asyncio.to_thread(made.postgres.stop)


@contextlib.contextmanager
def serving(app: str, environment: Mapping[str, str], folder: str | None = None) -> Iterator[tuple[int, int]]:
    """An app in a process of its own; its port and process id, once it is ready."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        app,
        "--port",
        str(port),
        "--no-access-log",
        "--log-level",
        "error",
        "--http",
        "tierline.kit.connections:Bounded",
    ]
    process = subprocess.Popen([*command, "--timeout-graceful-shutdown", "5"], env=dict(environment), cwd=folder)
    try:
        for _ in range(600):
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200:
                    break
            time.sleep(0.1)
        else:
            raise RuntimeError(f"{app} did not get ready")
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)


async def load(
    port: int, path: str, body: bytes | Sequence[bytes], headers: Mapping[str, str], count: int, connections: int = 16
) -> float:
    """Post `count` times over kept connections, one body or several in turn; how many a second were answered with 201."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    start = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{head}Content-Length: "
    bodies = [body] if isinstance(body, bytes) else body
    requests = itertools.cycle([f"{start}{len(body)}\r\n\r\n".encode() + body for body in bodies])
    left = count

    async def worker() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while left > 0:
            left -= 1
            writer.write(next(requests))
            answer = await reader.readuntil(b"\r\n\r\n")
            if b" 201 " not in answer.split(b"\r\n", 1)[0]:
                raise RuntimeError(answer.decode())
            length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(connections)))
    return count / (time.perf_counter() - began)


def middle(values: list[float]) -> float:
    """The median."""
    return statistics.median(values)


def at(values: list[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
