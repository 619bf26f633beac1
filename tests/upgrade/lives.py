"""Tickets in every state in which an upgrade may find them, and how each is seen to its end."""

from collections.abc import Awaitable, Callable

import httpx

from victims import People

VENDOR = "keystone-identity"
SILENT = "summit-delivery"
"""The vendor of another component, which on a bad day cannot be reached."""


class Household(People):
    """People at an install in which one port carries all five services."""

    def at(self, service: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports['machine']}/{service}{path}"

    async def say_to_intake(self, ticket: str, wish: str, text: str = "") -> None:
        """What a reporter does with a ticket."""
        path, body = f"/v1/tickets/{ticket}/{wish}", {"text": text} if text else None

        async def attempt() -> httpx.Response | None:
            made = await self.client.post(self.at("intake", path), json=body, headers=self.key("client"))
            return made if made.status_code in {200, 202} else None

        await self.insist(attempt)

    async def where(self, ticket: str) -> tuple[str, str | None]:
        """Its status and its desk, as the reporter reads them."""
        path = f"/v1/tickets/{ticket}"
        read = await self.insist(lambda: self.client.get(self.at("intake", path), headers=self.key("client")))
        return read.json()["status"], read.json()["desk"]

    async def end(self, ticket: str) -> None:
        """See a ticket to its end: whoever holds it resolves it, and the reporter agrees."""
        while (seen := await self.where(ticket))[1] is not None:
            await self.move(str(seen[1]), ticket, "resolve", text="Solved.")
        if seen[0] in {"resolved", "declined"}:
            await self.confirm(ticket)
            await self.until(ticket, "closed")


async def _fresh(people: Household, number: int) -> str:
    return await people.submit(number)


async def _claimed(people: Household, number: int) -> str:
    ticket = await people.submit(number)
    await people.move("tier1", ticket, "claim")
    await people.move("tier1", ticket, "note", text="Called back.")
    return ticket


async def _asked(people: Household, number: int) -> str:
    ticket = await people.submit(number)
    await people.move("tier1", ticket, "ask", text="Which room?")
    return ticket


async def _answered(people: Household, number: int) -> str:
    ticket = await _asked(people, number)
    await people.say_to_intake(ticket, "replies", "Room 12, student ID 1234567.")
    return ticket


async def _at_tier2(people: Household, number: int) -> str:
    ticket = await people.submit(number)
    await people.escalate("tier1", ticket)
    await people.move("tier2", ticket, "claim")
    return ticket


async def _returned(people: Household, number: int) -> str:
    ticket = await people.submit(number)
    await people.escalate("tier1", ticket)
    await people.move("tier2", ticket, "return", text="Which browser?")
    return ticket


async def _resolved(people: Household, number: int) -> str:
    ticket = await people.submit(number)
    await people.escalate("tier1", ticket)
    await people.move("tier2", ticket, "resolve", text="Sign in anew.")
    await people.until(ticket, "resolved")
    return ticket


async def _closed(people: Household, number: int) -> str:
    ticket = await people.submit(number)
    await people.end(ticket)
    return ticket


async def _reopened(people: Household, number: int) -> str:
    ticket = await _resolved(people, number)
    await people.say_to_intake(ticket, "reopen", "It did not help.")
    return ticket


async def _withdrawn(people: Household, number: int) -> str:
    ticket = await people.submit(number)
    await people.say_to_intake(ticket, "withdraw")
    await people.until(ticket, "withdrawn")
    return ticket


async def _with_the_vendor(people: Household, number: int, **more: str) -> str:
    ticket = await people.submit(number, **more)
    for desk in ("tier1", "tier2"):
        await people.escalate(desk, ticket)
    await people.until(ticket, "waiting_on_vendor")
    return ticket


async def _with_another_vendor(people: Household, number: int) -> str:
    return await _with_the_vendor(people, number, component="test-delivery-system")


async def _asked_by_the_vendor(people: Household, number: int) -> str:
    ticket = await _with_the_vendor(people, number)
    await people.say(VENDOR, people.credentials["vendors"][VENDOR]["secret"], ticket, "question")
    await people.until(ticket, "waiting_on_reporter")
    return ticket


async def _declined(people: Household, number: int) -> str:
    ticket = await _with_the_vendor(people, number)
    await people.move("tier3", ticket, "decline", text="A matter of taste.", reason="enhancement")
    await people.until(ticket, "declined")
    return ticket


async def _at_the_state(people: Household, number: int) -> str:
    ticket = await people.submit(number, component="paper-pencil-summative")
    await people.escalate("tier1", ticket)
    await people.move("state", ticket, "claim")
    return ticket


KINDS: tuple[Callable[[Household, int], Awaitable[str]], ...] = (
    _fresh,
    _claimed,
    _asked,
    _answered,
    _at_tier2,
    _returned,
    _resolved,
    _closed,
    _reopened,
    _withdrawn,
    _with_the_vendor,
    _with_another_vendor,
    _asked_by_the_vendor,
    _declined,
    _at_the_state,
)
"""Every state of a ticket's life that rests until somebody does something."""
