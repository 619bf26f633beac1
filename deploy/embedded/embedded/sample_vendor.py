"""A sample vendor for the sample day: takes signed webhooks, answers with signed updates, out of order and twice.

It works only on tickets that it was told to; every other case it is sent is taken with 202 and left to a person.
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


class SampleVendor:
    """All vendors of the sample day: one endpoint each, under `/<slug>`."""

    def __init__(self, base_url: str, secrets: dict[str, str]) -> None:
        self._base_url, self._secrets = base_url, secrets
        self._asks: dict[str, bool] = {}
        self._work: set[asyncio.Task[None]] = set()
        self._seen: set[str] = set()
        self.app = Starlette(routes=[Route("/{vendor}", self._receive, methods=["POST"])])

    def work_on(self, ticket_id: str, *, asks: bool) -> None:
        """Answer what comes for this ticket; `asks` puts a question to the reporter first."""
        self._asks[ticket_id] = asks

    async def _receive(self, request: Request) -> Response:
        vendor, body = request.path_params["vendor"], await request.body()
        secret = self._secrets.get(vendor)
        try:
            webhook_id = webhooks.verify([secret or webhooks.new_secret()], request.headers, body, datetime.now(UTC))
        except Unauthenticated:
            return JSONResponse({"error": "the signature does not fit"}, 401)
        call = json.loads(body)
        if call["ticket_id"] in self._asks and webhook_id not in self._seen:
            self._seen.add(webhook_id)
            task = asyncio.ensure_future(self._answer(vendor, call))
            self._work.add(task)
            task.add_done_callback(self._work.discard)
        return JSONResponse({"accepted": True}, 202)

    async def _answer(self, vendor: str, call: dict[str, Any]) -> None:
        ticket, asks = call["ticket_id"], self._asks[call["ticket_id"]]
        await asyncio.sleep(0.4)
        if call["type"] == "case.assigned" and asks:
            await self._say(vendor, ticket, 1, "acknowledged", "We look into it.")
            await self._say(vendor, ticket, 2, "question", "When did it happen last, to the minute?")
        elif call["type"] == "case.assigned":
            # The second before the first, and the first twice: a vendor's queue does such things.
            await self._say(
                vendor, ticket, 2, "resolved", "A fault in our software. It is mended.", fixed_in="2026.11.2"
            )
            await self._say(vendor, ticket, 1, "acknowledged", "We look into it.", times=2)
        elif call["type"] == "case.reply":
            await self._say(
                vendor, ticket, 3, "resolved", "Thank you: found in our log and mended.", fixed_in="2026.11.3"
            )

    async def _say(
        self, vendor: str, ticket: str, sequence: int, kind: str, message: str, *, times: int = 1, **more: str
    ) -> None:
        update = {"type": kind, "ticket_id": ticket, "vendor_ref": f"BUG-{ticket[-4:]}", "sequence": sequence}
        raw = json.dumps({**update, "message": message, **more}).encode()
        headers = webhooks.sign([self._secrets[vendor]], str(uuid7()), datetime.now(UTC), raw)
        async with httpx.AsyncClient(base_url=self._base_url, trust_env=False, timeout=20) as client:
            for _ in range(times):
                await client.post(f"/tier3/v1/vendors/{vendor}/updates", content=raw, headers=headers)
