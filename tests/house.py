"""A running house, and what the people around it do: submit, take a case, move it, answer as a vendor."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import httpx
from uuid_utils import uuid7

from embedded.machine import Machine
from spans import Spans
from tierline.kit import webhooks

PATIENCE = 40.0


class House:
    """The machine through its public API."""

    def __init__(self, machine: Machine, client: httpx.AsyncClient, spans: Spans) -> None:
        self.machine, self.client, self.spans = machine, client, spans
        self.people = machine.install.credentials

    def key(self, who: str, member: str = "alder") -> dict[str, str]:
        """The headers of someone: client, state, tier1, tier2, tier3 (the liaison), operator."""
        known = {"tier3": "liaison", "operator": "operator"}
        key = self.people[known[who]] if who in known else self.people["members"][member][who]
        return {"Authorization": f"Bearer {key}"}

    def body(self, component: str = "test-delivery-system", **more: Any) -> dict[str, Any]:
        """A submission."""
        reporter = {
            "name": "A teacher",
            "email": "teacher@school.example.org",
            "role": "school",
            "organization": "A school",
        }
        plain = {
            "component": component,
            "subject": "It stops",
            "description": "Since today.",
            "impact": "user_cannot_work",
        }
        return {**plain, "reporter": reporter, **more}

    async def submit(self, member: str = "alder", component: str = "test-delivery-system", **more: Any) -> str:
        """Submit, and return the ticket's id."""
        answer = await self.client.post(
            "/intake/v1/tickets", json=self.body(component, **more), headers=self.key("client", member)
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def case(self, desk: str, ticket: str, member: str = "alder") -> httpx.Response:
        """The case as the desk reads it, as soon as the desk holds it."""
        service = "intake" if desk == "state" else desk
        async with asyncio.timeout(PATIENCE):
            while True:
                read = await self.client.get(f"/{service}/v1/cases/{ticket}", headers=self.key(desk, member))
                if read.status_code == 200 and read.json()["held"]:
                    return read
                await asyncio.sleep(0.03)

    async def move(self, desk: str, ticket: str, move: str, member: str = "alder", **body: Any) -> httpx.Response:
        """Make a move at the version that the case has now."""
        service = "intake" if desk == "state" else desk
        while True:
            read = await self.case(desk, ticket, member)
            head = {**self.key(desk, member), "If-Match": read.headers["etag"]}
            made = await self.client.post(f"/{service}/v1/cases/{ticket}/{move}", json=body, headers=head)
            if made.status_code != 412:
                return made

    async def ticket(self, ticket: str, member: str = "alder") -> dict[str, Any]:
        """The ticket as its reporter sees it."""
        answer = await self.client.get(f"/intake/v1/tickets/{ticket}", headers=self.key("client", member))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def until(self, ticket: str, status: str, member: str = "alder") -> dict[str, Any]:
        """The ticket, as soon as it has this status."""
        async with asyncio.timeout(PATIENCE):
            while (seen := await self.ticket(ticket, member))["status"] != status:
                await asyncio.sleep(0.03)
            return seen

    async def wish(self, ticket: str, wish: str, member: str = "alder", **body: Any) -> httpx.Response:
        """What a reporter does with a ticket."""
        return await self.client.post(
            f"/intake/v1/tickets/{ticket}/{wish}", json=body or None, headers=self.key("client", member)
        )

    async def timeline(self, ticket: str) -> list[dict[str, Any]]:
        """Every fact, as an operator reads it."""
        answer = await self.client.get(f"/intake/v1/tickets/{ticket}/timeline", headers=self.key("operator"))
        return list(answer.json()["items"])

    async def told(self, ticket: str, notice: str) -> list[dict[str, Any]]:
        """The timeline, as soon as this notice stands there as delivered."""
        async with asyncio.timeout(PATIENCE):
            while True:
                facts = await self.timeline(ticket)
                if any(fact["details"].get("notice") == notice for fact in facts if fact["fact"] == "notice.delivered"):
                    return facts
                await asyncio.sleep(0.03)

    async def vendor_says(self, vendor: str, ticket: str, sequence: int, kind: str, **more: Any) -> httpx.Response:
        """A signed update."""
        update = {"type": kind, "ticket_id": ticket, "vendor_ref": "B-1", "sequence": sequence, "message": kind, **more}
        raw = json.dumps(update).encode()
        secret = self.people["vendors"][vendor]["secret"]
        head = webhooks.sign([secret], str(uuid7()), datetime.now(UTC), raw)
        return await self.client.post(f"/tier3/v1/vendors/{vendor}/updates", content=raw, headers=head)


def in_order(facts: list[dict[str, Any]]) -> list[str]:
    """The steps of a ticket's life by version; fails where a version is missing or stands twice."""
    steps = sorted((fact for fact in facts if fact["version"]), key=lambda fact: int(fact["version"]))
    assert [fact["version"] for fact in steps] == list(range(1, len(steps) + 1)), steps
    return [str(fact["fact"]) for fact in steps]
