"""The people of a storm: they submit, work from their queues, answer what they get by mail, and try again until they are heard."""

import asyncio
import contextlib
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from nursery.clock import Clock
from storm.ledger import LIVES, Ledger, Life
from tierline.kit import webhooks

COMPONENT, VENDOR = "single-sign-on", "keystone-identity"
DESKS = ("tier1", "tier2")
AT_ONCE = 8
CALLED_BACK = 0.2
ANSWER = "It still does not work, as I said."
AGAIN = "It came back, I am sorry to say."
TROUBLE = (httpx.TransportError, httpx.InvalidURL)


class Crowd:
    """Everyone outside. `ports` are where the services are reached, `ledger` is where they write down what they are told."""

    def __init__(
        self,
        ports: Mapping[str, int],
        credentials: Mapping[str, Any],
        clock: Clock,
        ledger: Ledger,
        *,
        seed: int,
        callback: str,
        secret: str,
    ) -> None:
        self._ports, self._keys, self._clock, self.ledger = ports, credentials, clock, ledger
        self._seed, self._callback, self._secret = seed, callback, secret
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(8), trust_env=False, limits=httpx.Limits(max_connections=200)
        )
        self._doing: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()

    async def submit_all(self, count: int, seconds: float) -> None:
        """Submit so many, evenly over these seconds or later where nobody answers in time."""
        began = asyncio.get_running_loop().time()
        turns = asyncio.Semaphore(64)

        async def one(number: int) -> None:
            chance = random.Random(f"{self._seed}:{number}")
            life = chance.choices(list(LIVES.values()), [life.share for life in LIVES.values()])[0]
            async with turns:
                await self.submit(number, life, called=chance.random() < CALLED_BACK)

        async with asyncio.TaskGroup() as group:
            for number in range(count):
                await asyncio.sleep(began + number * seconds / count - asyncio.get_running_loop().time())
                await turns.acquire()  # whoever waits outside keeps the rest away
                turns.release()
                group.create_task(one(number))

    async def submit(self, number: int, life: Life, *, called: bool) -> str:
        """Submit once, however often it must be said; the ticket's id."""
        body = {
            "component": COMPONENT,
            "subject": f"{life.name} {number}",
            "description": "It stops, and nothing in the manual helps.",
            "impact": "question",
            "reporter": {
                "name": "A teacher",
                "email": f"teacher{number}@school.example.org",
                "role": "school",
                "organization": "A school",
            },
            **({"callback_url": self._callback} if called else {}),
        }
        head = {"Idempotency-Key": f"storm-{number}"}
        answer = await self._insist(lambda: self._post("intake", "/v1/tickets", body, "client", head), {201})
        ticket = str(answer.json()["id"])
        self.ledger.accept(number, life, ticket, callback=called)
        return ticket

    async def work(self, desk: str) -> None:
        """Work down a desk's queue, again and again."""
        moves = asyncio.Semaphore(AT_ONCE)
        while not self._over.is_set():
            page = await self.read(desk, "/v1/cases?status=open&limit=100", desk)
            items = page.json()["items"] if page is not None and page.status_code == 200 else []
            async with asyncio.TaskGroup() as group:
                for case in items:
                    group.create_task(self._move(desk, case, moves))
            await asyncio.sleep(0.1 if items else 0.3)

    async def read(self, service: str, path: str, who: str) -> httpx.Response | None:
        """Look at something; nothing where nobody answers."""
        with contextlib.suppress(*TROUBLE):
            return await self._client.get(self._at(service, path), headers=self._key(who))
        return None

    def told(self, lane: str, identity: str) -> None:
        """A notice arrived; a mail is read by its reporter, who acts on it once."""
        ticket, notice, new = self.ledger.arrive(lane, identity)
        if new and lane == "mail":
            self._begin(self._react(ticket, notice, first=len(self.ledger.first[lane, ticket]) <= 2))

    def assigned(self, webhook_id: str, raw: bytes) -> None:
        """A vendor was called; it answers an assignment once, if the ticket's life wants it."""
        said = json.loads(raw)
        if said.get("type") != "case.assigned":
            return
        ticket = str(said["ticket_id"])
        self.ledger.assigned[ticket, webhook_id] += 1
        if self.ledger.assigned[ticket, webhook_id] == 1:
            self._begin(self._answer_as_vendor(ticket))

    async def end(self) -> None:
        """Go home."""
        self._over.set()
        doing = list(self._doing)
        for task in doing:
            task.cancel()
        await asyncio.gather(*doing, return_exceptions=True)
        await self._client.aclose()

    async def register_vendor(self, url: str) -> None:
        """Tell Tier 3 where the vendor listens."""
        body = {"url": url, "secret": self._secret}
        await self._insist(lambda: self._put("tier3", f"/v1/vendors/{VENDOR}", body, "liaison"), {200})

    def _begin(self, doing: Any) -> None:
        task = asyncio.ensure_future(doing)
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    async def _move(self, desk: str, case: dict[str, Any], turns: asyncio.Semaphore) -> None:
        life = LIVES.get(case["subject"].partition(" ")[0])
        move = life.moves.get(desk) if life else None
        if move == "ask" and any(ANSWER in said["text"] for said in case["conversation"]):
            move = "resolve"
        if move is None:
            return
        head = {"If-Match": f'"{case["version"]}"'}
        async with turns:
            path = f"/v1/cases/{case['ticket_id']}/{move}"
            await self._post(desk, path, {"text": "This is what we know."}, desk, head)

    async def _react(self, ticket: str, notice: str, *, first: bool) -> None:
        while ticket not in self.ledger.lives:  # the mail may come before the answer to the submission
            await asyncio.sleep(0.1)
        life = self.ledger.lives[ticket].name
        if notice == "received" and life == "taken_back":
            await self._wish(ticket, "withdraw", done=lambda read: read["status"] == "withdrawn")
        elif notice == "question":
            await self._wish(ticket, "replies", {"text": ANSWER}, done=lambda read: ANSWER in json.dumps(read))
        elif notice == "resolved" and life == "reopened" and first:
            await self._wish(ticket, "reopen", {"text": AGAIN}, done=lambda read: AGAIN in json.dumps(read))
        elif notice == "resolved":
            await self._wish(ticket, "confirm", done=lambda read: read["status"] == "closed")

    async def _wish(self, ticket: str, wish: str, body: Any = None, *, done: Callable[[dict[str, Any]], bool]) -> None:
        """Whoever does not know whether they were heard looks at their ticket before they say it again."""
        while True:
            answer = await self._post("intake", f"/v1/tickets/{ticket}/{wish}", body, "client")
            if answer is not None and answer.status_code in {200, 201, 202}:
                return
            await asyncio.sleep(0.3)
            read = await self.read("intake", f"/v1/tickets/{ticket}", "client")
            while read is None or read.status_code != 200:
                await asyncio.sleep(0.3)
                read = await self.read("intake", f"/v1/tickets/{ticket}", "client")
            if done(read.json()):
                return

    async def _answer_as_vendor(self, ticket: str) -> None:
        while ticket not in self.ledger.lives:
            await asyncio.sleep(0.1)
        if not (says := self.ledger.lives[ticket].vendor_says):
            return
        update = {
            "type": says,
            "ticket_id": ticket,
            "vendor_ref": "B-1",
            "sequence": 1,
            "message": "We looked at it.",
        }
        raw = json.dumps(update).encode()

        async def attempt() -> httpx.Response | None:
            head = webhooks.sign([self._secret], f"answer-{ticket}", self._clock.now(), raw)
            with contextlib.suppress(*TROUBLE):
                return await self._client.post(
                    self._at("tier3", f"/v1/vendors/{VENDOR}/updates"), content=raw, headers=head
                )
            return None

        await self._insist(attempt, {202})

    async def _insist(
        self, attempt: Callable[[], Awaitable[httpx.Response | None]], wanted: set[int]
    ) -> httpx.Response:
        while True:
            answer = await attempt()
            if answer is not None and answer.status_code in wanted:
                return answer
            if answer is not None and answer.status_code >= 500 and answer.status_code != 503:
                self.ledger.oddities.append(f"BROKEN ANSWER {answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(0.2)

    async def _post(
        self, service: str, path: str, body: Any, who: str, head: Mapping[str, str] | None = None
    ) -> httpx.Response | None:
        with contextlib.suppress(*TROUBLE):
            return await self._client.post(
                self._at(service, path), json=body, headers={**self._key(who), **(head or {})}
            )
        return None

    async def _put(self, service: str, path: str, body: Any, who: str) -> httpx.Response | None:
        with contextlib.suppress(*TROUBLE):
            return await self._client.put(self._at(service, path), json=body, headers=self._key(who))
        return None

    def _at(self, service: str, path: str) -> str:
        return f"http://127.0.0.1:{self._ports[service]}{path}"

    def _key(self, who: str) -> dict[str, str]:
        key = self._keys["liaison"] if who == "liaison" else self._keys["members"]["alder"][who]
        return {"Authorization": f"Bearer {key}"}
