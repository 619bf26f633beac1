"""Services that die, each at one crash point after the other, and come back; and people who go on working meanwhile."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from callbacks import Callbacks
from nursery.lives import Lives
from tierline.kit import webhooks

EVENT_IN = ("inbox.claimed", "room.saved", "consumer.uncommitted", "consumer.committed", "bus.handled", "bus.moved")
EVENT_OUT = ("outbox.read", "outbox.sent", "outbox.marked")
REQUEST = ("door.uncommitted", "door.committed")
CALL = ("call.due", "call.made", "call.uncommitted", "call.recorded")
DEADLINE = ("timer.taken", "timer.uncommitted", "timer.fired")
POINTS: Mapping[str, tuple[str, ...]] = {
    "intake": (*REQUEST, *EVENT_IN, *EVENT_OUT),
    "tier1": (*EVENT_IN, *REQUEST, *EVENT_OUT),
    "tier2": (*EVENT_IN, *REQUEST, *EVENT_OUT),
    "tier3": (*EVENT_IN, *CALL, *DEADLINE, *EVENT_OUT),
    "notifier": (*EVENT_IN, *CALL, *EVENT_OUT),
}
"""Every point that a service passes while people, vendors and mail servers do their ordinary work."""


@dataclass
class Victim(Lives):
    """One service that dies at each of its points in turn; `passed` are those where it did."""

    points: tuple[str, ...] = ()
    passed: list[str] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether it has died everywhere that it should."""
        return len(self.passed) == len(self.points)

    def arm(self) -> str:
        """The next point; at last none."""
        return "" if self.done else self.points[len(self.passed)]

    def count(self, code: int) -> None:
        """It died where it should, or was stopped; nothing else may end it."""
        super().count(code)
        if not (self.done or self.over):
            assert code == -signal.SIGKILL, f"{self.service}, armed with {self.arm()}, ended with {code}"
            self.passed.append(self.arm())


@dataclass
class People:
    """Whoever submits, works and reports back; a call to a dead service is made again until it is alive."""

    ports: Mapping[str, int]
    credentials: Mapping[str, Any]
    client: httpx.AsyncClient

    async def insist(self, attempt: Callable[[], Awaitable[httpx.Response | None]]) -> httpx.Response:
        """Try until there is an answer that says something: not an error of ours, and not that it is too early."""
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await attempt()
                if answer is not None and answer.status_code < 500:
                    return answer
            await asyncio.sleep(0.05)

    def key(self, who: str) -> dict[str, str]:
        """The headers of someone of Alder's, or of the liaison, who is the desk of Tier 3."""
        liaison = who in {"liaison", "tier3"}
        key = self.credentials["liaison"] if liaison else self.credentials["members"]["alder"][who]
        return {"Authorization": f"Bearer {key}"}

    def at(self, service: str, path: str) -> str:
        """An address of a service."""
        return f"http://127.0.0.1:{self.ports[service]}{path}"

    async def submit(self, number: int, **more: str) -> str:
        """Submit once, however often it must be said."""
        reporter = {"name": "A teacher", "email": "a@school.example.org", "role": "school", "organization": "A school"}
        body = {
            "component": "single-sign-on",
            "subject": f"Issue {number}",
            "description": "It stops.",
            "reporter": reporter,
            **more,
        }
        head = {**self.key("client"), "Idempotency-Key": f"issue-{number}"}
        answer = await self.insist(lambda: self.client.post(self.at("intake", "/v1/tickets"), json=body, headers=head))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def escalate(self, desk: str, ticket: str) -> None:
        """Pass a case on, as soon as it is at the desk."""
        await self.move(desk, ticket, "escalate", text="Not solved here.")

    async def move(self, desk: str, ticket: str, move: str, **body: str) -> None:
        """Make a move, as soon as the case is at the desk; whoever does not know whether it was done looks again."""

        async def attempt() -> httpx.Response | None:
            case = self.at("intake" if desk == "state" else desk, f"/v1/cases/{ticket}")
            read = await self.client.get(case, headers=self.key(desk))
            if read.status_code != 200:
                return None
            if not read.json()["held"]:
                return read
            head = {**self.key(desk), "If-Match": read.headers["etag"]}
            made = await self.client.post(f"{case}/{move}", json=body, headers=head)
            return None if made.status_code in {409, 412} else made

        assert (await self.insist(attempt)).status_code == 200

    async def until(self, ticket: str, status: str) -> None:
        """Wait until the reporter reads this status."""

        async def attempt() -> httpx.Response | None:
            read = await self.client.get(self.at("intake", f"/v1/tickets/{ticket}"), headers=self.key("client"))
            return read if read.status_code == 200 and read.json()["status"] == status else None

        await self.insist(attempt)

    async def confirm(self, ticket: str) -> None:
        """Say that it helped, once."""

        async def attempt() -> httpx.Response | None:
            return await self.client.post(
                self.at("intake", f"/v1/tickets/{ticket}/confirm"), headers=self.key("client")
            )

        assert (await self.insist(attempt)).status_code in {200, 409}

    async def whole_life(self, number: int, into: list[str]) -> None:
        """One ticket from the front door up to the vendor, back, and closed; it is in `into` as soon as it has an id."""
        into.append(ticket := await self.submit(number))
        for desk in ("tier1", "tier2"):
            await self.escalate(desk, ticket)
        await self.until(ticket, "resolved")
        await self.confirm(ticket)
        await self.until(ticket, "closed")

    async def register(self, vendor: str, url: str, secret: str) -> None:
        """Tell Tier 3 where a vendor listens."""
        body = {"url": url, "secret": secret}
        path = f"/v1/vendors/{vendor}"
        answer = await self.insist(
            lambda: self.client.put(self.at("tier3", path), json=body, headers=self.key("liaison"))
        )
        assert answer.status_code == 200, answer.text

    async def answer_as_vendor(self, vendor: str, secret: str, told: Callbacks) -> None:
        """Resolve each case that comes, once, for as long as this goes on."""
        seen = 0
        while True:
            await asyncio.sleep(0.05)
            for _, raw in told.came[seen:]:
                seen += 1
                said = json.loads(raw)
                if said.get("type") == "case.assigned":
                    await self.say(vendor, secret, said["ticket_id"], "resolved")

    async def say(self, vendor: str, secret: str, ticket: str, kind: str) -> None:
        """Send an update as a vendor, under one id however often it must be said; it is the first of the case."""
        update = {"type": kind, "ticket_id": ticket, "vendor_ref": "B-1", "sequence": 1, "message": "Mended."}
        raw, webhook_id = json.dumps(update).encode(), f"{kind}-{ticket}"

        async def attempt() -> httpx.Response | None:
            path = self.at("tier3", f"/v1/vendors/{vendor}/updates")
            head = webhooks.sign([secret], webhook_id, datetime.now(UTC), raw)
            made = await self.client.post(path, content=raw, headers=head)
            return made if made.status_code == 202 else None

        await self.insist(attempt)
