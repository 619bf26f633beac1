"""What the command asks of a running install, with the keys that lie in its folder."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from tierline.kit.errors import KitError, Misconfigured


class Answered(KitError):
    """The install said no; the message is its own."""


async def submit(folder: Path, port: int, member: str, body: dict[str, Any]) -> dict[str, Any]:
    """Submit an issue in the name of a member's staff."""
    keys = _credentials(folder)["members"]
    if member not in keys:
        raise Answered(f"no member is called {member}; write one of {', '.join(keys)}")
    reporter = {
        "name": "Staff at the command line",
        "email": f"staff@{member}.example.org",
        "role": "state",
        "organization": member,
    }
    async with _client(port, keys[member]["client"]) as client:
        return await _ask(client, "POST", "/intake/v1/tickets", {**body, "reporter": reporter})


async def show(folder: Path, port: int, ticket_id: str) -> dict[str, Any]:
    """A ticket with its timeline."""
    async with _client(port, _credentials(folder)["operator"]) as client:
        ticket = await _ask(client, "GET", f"/intake/v1/tickets/{ticket_id}")
        timeline = await _ask(client, "GET", f"/intake/v1/tickets/{ticket_id}/timeline")
    return {**ticket, "timeline": timeline["items"]}


async def export(folder: Path, port: int, ticket_id: str) -> str:
    """A ticket's history as a chain, as `verify` reads it."""
    async with _client(port, _credentials(folder)["operator"]) as client:
        return (await _answer(client, "GET", f"/intake/v1/tickets/{ticket_id}/export")).text


async def as_operator(folder: Path, port: int, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """One call with the operator's key. Raises `Answered` with what the install says."""
    async with _client(port, _credentials(folder)["operator"]) as client:
        return await _ask(client, method, path, body)


async def watch(folder: Path, port: int, ticket_id: str | None) -> AsyncIterator[dict[str, Any]]:
    """Facts as they happen."""
    path = f"/intake/v1/tickets/{ticket_id}/stream" if ticket_id else "/intake/v1/stream"
    async with _client(port, _credentials(folder)["operator"]) as client:
        try:
            async with client.stream("GET", path, timeout=httpx.Timeout(30, read=None)) as answer:
                if answer.status_code != 200:
                    await answer.aread()
                    raise Answered(_reason(answer))
                async for text in answer.aiter_lines():
                    if text.startswith("data: "):
                        yield json.loads(text[6:])
        except httpx.TransportError:
            raise _away(port) from None


def line(fact: dict[str, Any]) -> str:
    """A fact in one line."""
    where = f" → {fact['desk']}" if fact["desk"] else ""
    notice = f" {fact['details']['notice']} by {fact['details']['channel']}" if "notice" in fact["details"] else ""
    used = fact["details"].get("method") or fact["details"].get("article")
    method = f" by {used}" if used else ""
    return f"{fact['at'][11:23]}  {fact['ticket_id'][-12:]}  {fact['fact']}{notice}{method}{where} ({fact['status']})"


def page(found: dict[str, Any]) -> str:
    """A ticket, or what came of a submission, for people."""
    lines = [f"{name}: {found[name]}" for name in ("id", "status", "desk", "subject", "status_url") if name in found]
    return "\n".join([*lines, *(line(fact) for fact in found.get("timeline", []))])


def _credentials(folder: Path) -> dict[str, Any]:
    path = folder / "credentials.json"
    try:
        read: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        raise Misconfigured(
            f"{path} cannot be read; start the install with `tierline up`, or name its --folder"
        ) from None
    return read


def _client(port: int, key: str) -> httpx.AsyncClient:
    head = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=head, trust_env=False, timeout=20)


async def _ask(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> dict[str, Any]:
    read: dict[str, Any] = (await _answer(client, method, path, body)).json()
    return read


async def _answer(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> httpx.Response:
    try:
        answer = await client.request(method, path, json=body)
    except httpx.TransportError:
        raise _away(client.base_url.port) from None
    if answer.is_error:
        raise Answered(_reason(answer))
    return answer


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError):
        return f"the install answered {answer.status_code}"


def _away(port: int | None) -> Misconfigured:
    return Misconfigured(f"nothing answers on port {port}; start the install with `tierline up`, or name its --port")
