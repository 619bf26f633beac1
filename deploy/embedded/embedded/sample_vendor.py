"""A sample vendor for the sample day: takes signed webhooks, answers with signed updates, out of order and twice.

It works only on tickets that it was told to; every other case it is sent is taken with 202 and left to a person. With
`answers_all` it acknowledges every case, as a vendor's own test system does while the conformance check runs.
"""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uuid_utils import uuid7

from tierline.kit import webhooks
from tierline.kit.errors import Unauthenticated

SERVER_ERROR = 500
QUESTIONS = ("When did it happen last, to the minute?", "And which version does the foot of the page name?")
TLS = httpx.create_ssl_context(trust_env=False)  # read once: it costs more than a call


class SampleVendor:
    """All vendors of the sample day: one endpoint each, under `/<slug>`. `pause` is the wait before work, in seconds."""

    attempts = 5

    def __init__(
        self, base_url: str, secrets: dict[str, str], *, answers_all: bool = False, pause: float = 0.4
    ) -> None:
        self.base_url, self.secrets, self.answers_all, self.pause = base_url, secrets, answers_all, pause
        self._asks: dict[str, int] = {}
        self._asked: dict[str, int] = {}
        self._work: set[asyncio.Task[None]] = set()
        self._seen: set[str] = set()
        self._said: dict[tuple[str, int], tuple[str, bytes]] = {}
        self.app = Starlette(routes=[Route("/{vendor}", self.receive, methods=["POST"])])

    def work_on(self, ticket_id: str, *, questions: int) -> None:
        """Answer what comes for this ticket, after so many `questions` to its reporter, one behind the other's answer."""
        self._asks[ticket_id] = questions

    async def receive(self, request: Request) -> Response:
        """One webhook: verified, remembered, answered at once; the work comes afterwards."""
        vendor, body = request.path_params["vendor"], await request.body()
        webhook_id = self.genuine(vendor, request, body)
        if webhook_id is None:
            return JSONResponse({"error": "the signature does not fit"}, 401)
        call = _read(body)
        if call is None:
            return JSONResponse({"error": "this is no call of a case"}, 400)
        if not self.is_repeat(webhook_id):
            self._seen.add(webhook_id)
            self.start(vendor, call)
        return JSONResponse({"accepted": True}, 202)

    def genuine(self, vendor: str, request: Request, body: bytes) -> str | None:
        """The webhook's id; None where the signature, its time or its secret is wrong."""
        secret = self.secrets.get(vendor) or webhooks.new_secret()
        try:
            return webhooks.verify([secret], request.headers, body, datetime.now(UTC))
        except Unauthenticated:
            return None

    def is_repeat(self, webhook_id: str) -> bool:
        """Whether this webhook had its effect already."""
        return webhook_id in self._seen

    def start(self, vendor: str, call: dict[str, Any]) -> None:
        """Work on a call, after it was answered."""
        if not self.answers_all and call["ticket_id"] not in self._asks:
            return
        task = asyncio.ensure_future(self._answer(vendor, call))
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _answer(self, vendor: str, call: dict[str, Any]) -> None:
        ticket, kind = call["ticket_id"], call["type"]
        await asyncio.sleep(self.pause)
        if kind == "case.missing":
            await self.say_again(vendor, ticket, call.get("missing", []))
        elif ticket not in self._asks:
            if kind == "case.assigned":
                await self.say(vendor, ticket, 1, "acknowledged", "We look into it.")
        elif kind == "case.assigned" and self._asks[ticket]:
            await self.say(vendor, ticket, 1, "acknowledged", "We look into it.")
            await self._ask(vendor, ticket)
        elif kind == "case.assigned":
            # The second before the first, and the first twice: a vendor's queue does such things.
            mended = "A fault in our software. It is mended."
            await self.say(vendor, ticket, 2, "resolved", mended, fixed_in="2026.11.2")
            await self.say(vendor, ticket, 1, "acknowledged", "We look into it.")
            await self.say_again(vendor, ticket, [1])
        elif kind == "case.reply" and self._asked.get(ticket, 0) < self._asks[ticket]:
            await self._ask(vendor, ticket)
        elif kind == "case.reply":
            mended = "Thank you: found in our log and mended."
            await self.say(vendor, ticket, self._asked.get(ticket, 0) + 2, "resolved", mended, fixed_in="2026.11.3")

    async def _ask(self, vendor: str, ticket: str) -> None:
        asked = self._asked[ticket] = self._asked.get(ticket, 0) + 1
        question = QUESTIONS[min(asked, len(QUESTIONS)) - 1]
        await self.say(vendor, ticket, asked + 1, "question", question)

    async def say(self, vendor: str, ticket: str, sequence: int, kind: str, message: str, **more: str) -> None:
        """Send an update, and remember it: it may be asked for again."""
        update = {"type": kind, "ticket_id": ticket, "vendor_ref": f"BUG-{ticket[-4:]}", "sequence": sequence}
        raw = json.dumps({**update, "message": message, **more}).encode()
        self._said[ticket, sequence] = (str(uuid7()), raw)
        await self.send(vendor, *self._said[ticket, sequence])

    async def say_again(self, vendor: str, ticket: str, sequences: list[int]) -> None:
        """Repeat what was said under these numbers, each with its own id."""
        for sequence in sequences:
            if (ticket, sequence) in self._said:
                await self.send(vendor, *self._said[ticket, sequence])

    async def send(self, vendor: str, webhook_id: str, raw: bytes) -> None:
        """Send one update until it is taken, with one id; anything but a 5xx or silence is an answer to accept."""
        for attempt in range(self.attempts):
            if await self.post(vendor, webhook_id, raw, self.secrets[vendor]) < SERVER_ERROR:
                return
            await asyncio.sleep(self.pause * 2**attempt)

    async def post(self, vendor: str, webhook_id: str, raw: bytes, secret: str) -> int:
        """One attempt, and the status of its answer; no answer is as good as a 5xx."""
        headers = webhooks.sign([secret], webhook_id, datetime.now(UTC), raw)
        async with httpx.AsyncClient(base_url=self.base_url, verify=TLS, trust_env=False, timeout=20) as client:
            try:
                answer = await client.post(f"/tier3/v1/vendors/{vendor}/updates", content=raw, headers=headers)
            except httpx.TransportError:
                return SERVER_ERROR
        return answer.status_code


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        call = json.loads(body)
    except ValueError:
        return None
    shaped = isinstance(call, dict) and isinstance(call.get("type"), str) and isinstance(call.get("ticket_id"), str)
    return call if shaped else None
