"""Tierline's door, as a vendor sees it, for the time of a check: takes updates, answers as planned, remembers what came."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tierline.kit import webhooks
from tierline.kit.errors import Misconfigured, Unauthenticated

LARGEST = 65_536


@dataclass(frozen=True, slots=True)
class Update:
    """One attempt of the vendor's."""

    id: str
    genuine: bool
    ticket: str
    sequence: Any
    type: Any
    body: bytes


@dataclass
class Door:
    """`planned` are the answers to a ticket's first attempts; then each is taken. What is not genuine is refused with 401."""

    secret: str
    planned: dict[str, list[int]] = field(default_factory=dict)
    came: list[Update] = field(default_factory=list)
    port: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, ticket: str) -> list[Update]:
        """What came for this ticket, in order."""
        return [update for update in self.came if update.ticket == ticket]

    async def until(self, enough: Callable[[], bool], wait: float) -> bool:
        """Whether it is enough, within `wait` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                while not enough():
                    self._news.clear()
                    await self._news.wait()
        return enough()

    async def receive(self, request: Request) -> Response:
        """One attempt of the vendor's."""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LARGEST:
                return JSONResponse({"title": "The request is too large"}, 413)
        try:
            webhook_id, genuine = webhooks.verify([self.secret], request.headers, body, datetime.now(UTC)), True
        except Unauthenticated:
            webhook_id, genuine = request.headers.get("webhook-id", ""), False
        said = _said(body)
        ticket = str(said.get("ticket_id", ""))
        self.came.append(Update(webhook_id, genuine, ticket, said.get("sequence"), said.get("type"), body))
        self._news.set()
        if not genuine:
            return JSONResponse({"title": "No valid credentials"}, 401)
        answers = self.planned.get(ticket, [])
        status = answers.pop(0) if answers else 202
        return JSONResponse({"accepted": status == 202}, status, {"Retry-After": "1"} if status == 503 else None)


@contextlib.asynccontextmanager
async def open_door(secret: str, host: str, port: int) -> AsyncIterator[Door]:
    """The door, for as long as the block lasts. Raises `Misconfigured` where the address cannot be used."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise Misconfigured(f"{host}:{port} cannot be listened on ({error.strerror}); name another one") from None
    door = Door(secret, port=listener.getsockname()[1])
    app = Starlette(routes=[Route("/{path:path}", door.receive, methods=["POST"])])
    server = _Server(uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", ws="none"))
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        yield door
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await serving


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leave the signals to the terminal."""
        yield


def _said(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
