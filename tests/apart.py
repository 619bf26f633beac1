"""Services run apart, each as a process of its own, started together and stopped as an operator stops them."""

import asyncio
import contextlib
import json
import sys
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from embedded import places
from stand import MODULES, Stand, free_port

PATIENCE = 60.0
TICKETS = """
SELECT coalesce(t.doc -> 'file' ->> 'subject', o.subject) AS subject,
       count(DISTINCT t.key) AS tickets, count(DISTINCT o.id) AS told
FROM tickets t FULL JOIN (
    SELECT id, aggregateid, convert_from(payload, 'UTF8')::json -> 'case' ->> 'subject' AS subject
    FROM outbox WHERE type = 'tierline.ticket.submitted.v1' AND extensions IS NULL) o ON o.aggregateid = t.key
WHERE coalesce(t.doc -> 'file' ->> 'subject', o.subject) LIKE $1 GROUP BY 1
"""
GRACE = 20
"""Seconds for the requests at work, as in deploy/service.Dockerfile."""


@dataclass
class Apart:
    """The services of a stand: where each listens, and its process."""

    addresses: Mapping[str, str]
    credentials: Mapping[str, Any]
    story: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    client: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=30, trust_env=False))

    mounted: int | None = None
    """The one port of all, on one machine."""

    @classmethod
    def of_install(cls, folder: Path, port: int, client: httpx.AsyncClient) -> "Apart":
        """The five services of a one-machine install, asked in the same way."""
        credentials = json.loads((folder / "credentials.json").read_text())
        return cls(places.databases_of(folder), credentials, client=client, mounted=port)

    def at(self, service: str, path: str) -> str:
        """An address of a service."""
        if self.mounted:
            return f"http://127.0.0.1:{self.mounted}/{service}{path}"
        return f"http://127.0.0.1:{self.ports[service]}{path}"

    def key(self, who: str) -> dict[str, str]:
        """The headers of someone of Alder's, of the liaison or of the operator."""
        key = self.credentials.get(who) or self.credentials["members"]["alder"][who]
        return {"Authorization": f"Bearer {key}"}

    async def start(self, service: str, environment: Mapping[str, str]) -> None:
        """Start one, and return once it is ready."""
        self.ports[service] = free_port()
        options = ("--port", str(self.ports[service]), "--no-access-log", "--log-level", "error")
        self.processes[service] = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "uvicorn", MODULES[service], *options),
            *("--timeout-graceful-shutdown", str(GRACE)),
            env=dict(environment),
        )
        await self.until_ready(service)

    async def until_ready(self, service: str) -> None:
        """Wait until it says so."""
        async with asyncio.timeout(PATIENCE):
            while not await self._ready(service):
                await asyncio.sleep(0.05)

    async def readiness(self, service: str) -> str:
        """What it waits for, or nothing."""
        answer = await self.client.get(self.at(service, "/readyz"))
        return "" if answer.status_code == 200 else str(answer.json()["detail"])

    async def metric(self, service: str, name: str) -> float:
        """One of its metrics."""
        page = (await self.client.get(self.at(service, "/metrics"))).text
        return next(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(f"{name}{{"))

    async def submit(self, number: int, **more: str) -> httpx.Response:
        """Submit the issue of this number; said again, it is the same."""
        reporter = {"name": "A teacher", "email": "a@school.example.org", "role": "school", "organization": "A school"}
        body = {"component": "single-sign-on", "subject": f"Issue {self.story} {number}", "description": "It stops."}
        head = {**self.key("client"), "Idempotency-Key": f"{self.story}-{number}", **more}
        return await self.client.post(
            self.at("intake", "/v1/tickets"), json={**body, "reporter": reporter}, headers=head
        )

    async def tickets(self) -> dict[str, tuple[int, int]]:
        """Every ticket of this story by its number: how many have this number, and how often its first fact stands in the outbox.

        Read past the services, so that what is half there is seen.
        """
        intake = await asyncpg.connect(self.addresses["intake"])
        try:
            rows = await intake.fetch(TICKETS, f"Issue {self.story} %")
        finally:
            await intake.close()
        return {row["subject"].rpartition(" ")[2]: (row["tickets"], row["told"]) for row in rows}

    async def case(self, desk: str, ticket: str) -> httpx.Response:
        """The case as its desk reads it, once the desk holds it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                read = await self.client.get(self.at(desk, f"/v1/cases/{ticket}"), headers=self.key(desk))
                if read.status_code == 200 and read.json()["held"]:
                    return read
                await asyncio.sleep(0.05)

    async def move(self, desk: str, ticket: str, move: str, **body: Any) -> httpx.Response:
        """Make a move at the version that the case has now."""
        head = {**self.key(desk), "If-Match": (await self.case(desk, ticket)).headers["etag"]}
        return await self.client.post(self.at(desk, f"/v1/cases/{ticket}/{move}"), json=body, headers=head)

    async def end(self, service: str) -> int:
        """Stop it by SIGTERM; its exit code."""
        process = self.processes[service]
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(PATIENCE):
                return await process.wait()
        except TimeoutError:
            process.kill()
            raise

    async def _ready(self, service: str) -> bool:
        assert self.processes[service].returncode is None, f"{service} ended with {self.processes[service].returncode}"
        with contextlib.suppress(httpx.TransportError):
            return (await self.client.get(self.at(service, "/readyz"))).status_code == 200
        return False


@contextlib.asynccontextmanager
async def apart(
    stand: Stand, services: Sequence[str], kafka: str | None = None, **settings: str
) -> AsyncIterator[Apart]:
    """These services of the stand, for as long as the block lasts."""
    made = Apart(stand.addresses, stand.install.credentials)
    try:
        await asyncio.gather(*(made.start(name, {**stand.environment(name, kafka), **settings}) for name in services))
        yield made
    finally:
        await asyncio.gather(*(made.end(name) for name in made.processes if made.processes[name].returncode is None))
        await made.client.aclose()
