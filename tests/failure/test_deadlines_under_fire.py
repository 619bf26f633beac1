"""Tickets that nobody touches climb by their deadlines alone, while every service dies at every point of firing one."""

import asyncio
from collections import Counter

import pytest

from embedded.audit.auditing import audit
from storm.crowd import Crowd
from storm.ledger import Life
from storm.town import Town, town
from victims import DEADLINE

FORGOTTEN = Life("forgotten", 0, {}, ())
DESKS = ("tier1", "tier2", "tier3")
A_MONTH = 28 * 86_400.0  # longer than any desk may take, nights and holidays included
EACH = 3


@pytest.mark.timeout(240)
async def test_a_deadline_fires_once_whatever_dies_while_it_does() -> None:
    async with town(kafka=False, seed=0) as (built, crowd):
        tickets: list[str] = []
        for point in DEADLINE:
            numbers = range(len(tickets), len(tickets) + EACH)
            tickets += [await crowd.submit(number, FORGOTTEN, called=False) for number in numbers]
            await _climb_and_die(built, crowd, point, tickets[-EACH:])
        for ticket in tickets:
            assert await _hand_offs(crowd, ticket) == Counter(DESKS), ticket
        async with asyncio.timeout(60):
            while (report := await audit(built.databases, built.bus, built.clock.now, pause=1)).breaches:
                await asyncio.sleep(1)
        assert report.tickets == len(tickets)


async def _climb_and_die(built: Town, crowd: Crowd, point: str, tickets: list[str]) -> None:
    """Each desk in turn, and then the state's, is killed at this point when the time of these tickets runs out there."""
    for desk, following in zip((*DESKS, "state"), (*DESKS[1:], "state", ""), strict=True):
        service = built.lives["intake" if desk == "state" else desk]
        async with asyncio.timeout(40):
            while not all([await _held(crowd, ticket, desk) for ticket in tickets]):
                await asyncio.sleep(0.05)
            before = service.kills
            service.kill(point)
            while service.kills == before or service.pid is None:
                await asyncio.sleep(0.02)
            built.clock.step(built.clock.offset + A_MONTH)
            while service.kills < before + 2:
                await asyncio.sleep(0.05)
            while following and not all([await _held(crowd, ticket, following) for ticket in tickets]):
                await asyncio.sleep(0.05)


async def _held(crowd: Crowd, ticket: str, desk: str) -> bool:
    read = await crowd.read(
        "intake" if desk == "state" else desk, f"/v1/cases/{ticket}", desk if desk != "tier3" else "liaison"
    )
    return read is not None and read.status_code == 200 and read.json()["held"]


async def _hand_offs(crowd: Crowd, ticket: str) -> Counter[str]:
    """By which desks' clocks it was passed on; all must have been passed on by them."""
    read = None
    while read is None or read.status_code != 200:
        read = await crowd.read("intake", f"/v1/tickets/{ticket}/timeline", "client")
    passed = [fact for fact in read.json()["items"] if fact["fact"] == "case.escalated"]
    assert all(fact["details"]["reason"] == "time_ran_out" for fact in passed), passed
    return Counter(fact["details"]["from"] for fact in passed)
