"""The sample day: real issues go in at the front door; agents, reporters and a vendor do their work through the public API."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from embedded.machine import Machine
from embedded.stories import Story

DAY = Path(__file__).parents[3] / "examples" / "day.jsonl"
PATIENCE = 60.0
CHAIN = ("tier1", "tier2", "tier3", "state")


class Day:
    """The people of the day, and what they see."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._people = machine.install.credentials
        plans = DAY.read_text("utf-8").splitlines()
        self.stories = [Story(json.loads(line)) for line in plans if line.strip()]
        self._by_id: dict[str, Story] = {}

    async def play(self) -> None:
        """Play all stories at once, until each has ended told or patience ends."""
        async with self._machine.client() as client, contextlib.AsyncExitStack() as stack:
            watching = asyncio.ensure_future(self._watch())
            stack.callback(watching.cancel)
            await asyncio.sleep(0.2)
            await asyncio.gather(*(self._tell(client, story, place) for place, story in enumerate(self.stories)))

    async def _tell(self, client: httpx.AsyncClient, story: Story, place: int) -> None:
        await asyncio.sleep(place * 0.15)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._submit(client, story)
                await self._work(client, story)
                while not story.ended_told:
                    await asyncio.sleep(0.05)
        except (TimeoutError, httpx.HTTPError, KeyError) as error:
            story.trouble = f"{type(error).__name__}: {error}".strip(": ")

    async def _submit(self, client: httpx.AsyncClient, story: Story) -> None:
        plan = story.plan
        reporter = {
            "name": f"A reporter of {plan['member'].title()}",
            "email": f"{plan['id']}@school.example.org",
            "role": plan["role"],
            "organization": f"A {plan['role']} office in {plan['member'].title()}",
        }
        body = {name: plan[name] for name in ("component", "impact", "subject", "description")}
        answer = await client.post(
            "/intake/v1/tickets",
            json={**body, "reporter": reporter, "external_ref": plan["id"]},
            headers=self._key(plan["member"], "client"),
        )
        answer.raise_for_status()
        story.ticket_id = answer.json()["id"]
        self._by_id[story.ticket_id] = story
        story.found = answer.json()["student_data"]
        self._machine.vendor.work_on(story.ticket_id, questions=len(plan.get("replies", ())))

    async def _work(self, client: httpx.AsyncClient, story: Story) -> None:
        plan, ends = story.plan, story.plan["ends"]
        if ends == "helped":
            await self._wish(client, story, "confirm", {})
            return
        if ends == "did_not_help":
            # The manual's answer was sent; the reporter says no, and the ticket goes on to Tier 2 by itself.
            await self._wish(client, story, "reopen", {"text": plan["feedback"]})
            await self._answer(client, story, "tier2")
            return
        if ends == "time":
            # Nobody at Tier 1 looks at it: the time allowed runs out, and Tier 2 answers.
            await self._answer(client, story, "tier2")
            return
        goal = {"declined": "tier3"}.get(ends, ends)
        for desk in CHAIN[: CHAIN.index(goal)] if goal != "state" else ():
            if not await self._move(client, story, desk, "claim", {}):
                continue  # it has gone on by itself: no manual covers it
            await asyncio.sleep(0.3)
            tried = "Not in our manuals." if desk == "tier1" else "No method helps; it is a fault of the system."
            await self._move(client, story, desk, "escalate", {"text": tried})
        if ends == "declined":
            await self._move(
                client, story, "tier3", "decline", {"text": plan["answer"], "reason": "style_or_preference"}
            )
        elif ends != "tier3":
            await self._answer(client, story, ends)
        else:
            await self._talk(client, story)

    async def _talk(self, client: httpx.AsyncClient, story: Story) -> None:
        """Answer each of the vendor's questions; then see what the vendor was not told."""
        for place, text in enumerate(story.plan.get("replies", ()), 1):
            while story.questions < place or story.status != "waiting_on_reporter":
                await asyncio.sleep(0.05)
            answer = await client.post(
                f"/intake/v1/tickets/{story.ticket_id}/replies",
                json={"text": text},
                headers=self._key(story.plan["member"], "client"),
            )
            answer.raise_for_status()
        while not story.ended_told:
            await asyncio.sleep(0.05)
        answer = await client.get(
            "/tier3/v1/disclosures", params={"ticket_id": story.ticket_id}, headers=self._key("", "tier3")
        )
        answer.raise_for_status()
        story.withheld = sorted({kind for told in answer.json()["items"] for kind in told["removed"]})

    async def _answer(self, client: httpx.AsyncClient, story: Story, desk: str) -> None:
        await self._move(client, story, desk, "claim", {})
        await asyncio.sleep(0.3)
        method = {"method": story.plan["method"]} if desk == "tier2" and "method" in story.plan else {}
        await self._move(client, story, desk, "resolve", {"text": story.plan["answer"], **method})

    async def _wish(self, client: httpx.AsyncClient, story: Story, wish: str, body: dict[str, str]) -> None:
        """Say whether the answer that was sent helped."""
        while story.status != "resolved":
            await asyncio.sleep(0.05)
        path = f"/intake/v1/tickets/{story.ticket_id}/{wish}"
        answer = await client.post(path, json=body, headers=self._key(story.plan["member"], "client"))
        answer.raise_for_status()

    async def _move(self, client: httpx.AsyncClient, story: Story, desk: str, move: str, body: dict[str, str]) -> bool:
        """Make a move at a desk as soon as the case is there; False where it has gone on from there by itself."""
        service = "intake" if desk == "state" else desk
        key = self._key(story.plan["member"], desk)
        case = f"/{service}/v1/cases/{story.ticket_id}"
        while True:
            read = await client.get(case, headers=key)
            if read.status_code == 200 and read.json()["held"]:
                made = await client.post(f"{case}/{move}", json=body, headers={**key, "If-Match": read.headers["etag"]})
                if made.status_code != 412:
                    made.raise_for_status()
                    return True
            elif story.gone_from(desk):
                return False
            await asyncio.sleep(0.05)

    async def _watch(self) -> None:
        """Follow every ticket live, as an operator does."""
        key = {"Authorization": f"Bearer {self._people['operator']}"}
        async with self._machine.client() as client:
            async for fact in _events(client, "/intake/v1/stream", key):
                story = self._by_id.get(fact["ticket_id"])
                while story is None and any(not one.ticket_id and not one.trouble for one in self.stories):
                    await asyncio.sleep(0.01)
                    story = self._by_id.get(fact["ticket_id"])
                if story is not None:
                    story.facts.append(fact)

    def _key(self, member: str, who: str) -> dict[str, str]:
        key = self._people["liaison"] if who == "tier3" else self._people["members"][member][who]
        return {"Authorization": f"Bearer {key}"}


async def _events(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> AsyncIterator[dict[str, Any]]:
    timeout = httpx.Timeout(30, read=None)
    async with client.stream("GET", path, headers=headers, timeout=timeout) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line[6:])
