"""A reply that reaches a desk before the hand-off does: the desk that let the ticket go died before it could tell."""

import asyncio
import contextlib

import asyncpg
import httpx
import psutil

from stand import MODULES, serving, stand
from victims import People

SECOND_TIME = "outbox.read:2"  # the first time it tells that it has taken the case, the second that it passed it on


async def test_a_reply_that_comes_before_the_hand_off_waits_for_it_and_is_taken_in() -> None:
    async with stand() as made, httpx.AsyncClient(timeout=10, trust_env=False) as client:
        environment = {service: made.environment(service) for service in ("intake", "tier1", "tier2")}
        with (
            serving(MODULES["intake"], environment["intake"]) as (front, _),
            serving(MODULES["tier2"], environment["tier2"]) as (second, _),
        ):
            dying = {**environment["tier1"], "TIERLINE_CRASH_AT": SECOND_TIME}
            with serving(MODULES["tier1"], dying) as (first, pid):
                people = People({"intake": front, "tier1": first, "tier2": second}, made.install.credentials, client)
                ticket = await people.submit(1)
                case = people.at("tier1", f"/v1/cases/{ticket}")
                read = await people.insist(lambda: _there(client, case, people.key("tier1")))
                head = {**people.key("tier1"), "If-Match": read.headers["etag"]}
                with contextlib.suppress(httpx.TransportError):
                    await client.post(f"{case}/escalate", json={"text": "Not solved here."}, headers=head)
                async with asyncio.timeout(20):
                    while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                        await asyncio.sleep(0.05)
            path = people.at("intake", f"/v1/tickets/{ticket}/replies")
            said = await client.post(path, json={"text": "It is room 12."}, headers=people.key("client"))
            assert said.status_code == 202
            tier2 = await asyncpg.connect(made.addresses["tier2"])
            async with asyncio.timeout(20):
                while await tier2.fetchval("SELECT count(*) FROM aside WHERE key = $1", ticket) != 1:
                    await asyncio.sleep(0.05)
            assert await tier2.fetchval("SELECT count(*) FROM cases WHERE key = $1", ticket) == 0
            with serving(MODULES["tier1"], environment["tier1"]):
                path = people.at("tier2", f"/v1/cases/{ticket}")
                taken = await people.insist(lambda: _there(client, path, people.key("tier2"), "It is room 12."))
                assert [one["text"] for one in taken.json()["conversation"]] == ["It is room 12."]
                assert await tier2.fetchval("SELECT count(*) FROM aside WHERE key = $1", ticket) == 0
            await tier2.close()


async def _there(client: httpx.AsyncClient, path: str, head: dict[str, str], said: str = "") -> httpx.Response | None:
    """The case, as soon as it is there and holds what was said."""
    read = await client.get(path, headers=head)
    return read if read.status_code == 200 and said in read.text else None
