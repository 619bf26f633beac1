"""A rule that takes minutes, and a look-up that never comes back: only the ticket that they are about waits, in order."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from house import House
from tier1 import library
from tier1.store import CASES
from tierline.domain.events import TicketReplied, event_type
from tierline.kit import consumer, overtime

REPLIED = event_type(TicketReplied)


@pytest.fixture(params=["house", "kafka_house"])
def home(request: pytest.FixtureRequest) -> House:
    """Every story is told on both adapters."""
    made: House = request.getfixturevalue(request.param)
    return made


class Slow:
    """A rule that does not come to its end for one ticket, until it is `well`."""

    def __init__(self, rule: Any) -> None:
        self.rule, self.key, self.well, self.tried = rule, "", False, 0

    def __call__(self, state: Any, fact: Any, book: Any, now: Any) -> Any:
        if fact.key == self.key and not self.well:
            self.tried += 1
            if self.tried % 2:
                time.sleep(3600)
            while True:
                pass
        return self.rule(state, fact, book, now)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    """Tier 1's rule for a reply."""
    made = Slow(CASES.on[REPLIED])
    monkeypatch.setitem(CASES.on, REPLIED, made)
    monkeypatch.setattr(overtime, "LONGEST", 0.4)
    yield made
    made.well = True


async def test_a_rule_that_takes_minutes_keeps_nobody_waiting_but_its_own_ticket(home: House, slow: Slow) -> None:
    slow.key, other = await home.submit(), await home.submit()
    for ticket in (slow.key, other):
        await home.case("tier1", ticket)
    for text in ("first", "second", "third"):
        await home.wish(slow.key, "replies", text=text)
        await home.wish(other, "replies", text=text)
    await _heard(home, other, ["first", "second", "third"])
    await home.move("tier1", other, "resolve", text="Done.")
    await home.until(other, "resolved")
    assert await _heard(home, slow.key, []) == []
    while slow.tried < 2:  # caught in a sleep, and then in a loop
        await asyncio.sleep(0.05)
    assert 'tierline_parked{service="tier1"} 3.0' in (await home.client.get("/tier1/metrics")).text
    slow.well = True
    await _heard(home, slow.key, ["first", "second", "third"])


async def test_many_slow_ones_in_one_batch_do_not_add_up(
    house: House, monkeypatch: pytest.MonkeyPatch, slow: Slow
) -> None:
    """The time of a batch ends too: what it did not reach is tried by itself, and the reader stays in its group."""
    monkeypatch.setattr("tierline.kit.corridor.LONGEST_BATCH", 0.5)
    tickets = [await house.submit() for _ in range(6)]
    for ticket in tickets:
        await house.case("tier1", ticket)
    sound, slow.key = slow.rule, ""

    def all_slow(state: Any, fact: Any, book: Any, now: Any) -> Any:
        if fact.key in tickets and not slow.well:
            while True:
                pass
        return sound(state, fact, book, now)

    monkeypatch.setattr(slow, "rule", all_slow)
    other = await house.submit()
    for ticket in (*tickets, other):
        await house.wish(ticket, "replies", text="first")
    await _heard(house, other, ["first"])
    slow.well = True
    for ticket in tickets:
        await _heard(house, ticket, ["first"])


async def test_a_look_up_that_never_comes_back_leaves_the_ticket_to_an_agent(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def never(*_: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(consumer, "LOOK_UP", 0.5)
    monkeypatch.setattr(library.LIBRARY, "now", never)
    ticket = await house.submit()
    assert (await house.case("tier1", ticket)).json()["status"] == "open"
    assert asked.is_set()


async def _heard(home: House, ticket: str, texts: list[str]) -> list[str]:
    """What the desk knows the reporter to have said, once it is at least as much."""
    async with asyncio.timeout(40):
        while True:
            case = (await home.case("tier1", ticket)).json()
            said = [message["text"] for message in case["conversation"]]
            if len(said) >= len(texts):
                assert said == texts
                return said
            await asyncio.sleep(0.05)
