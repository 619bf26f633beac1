"""Dead letters in an operator's hands: seen, shown, tried again, given up; and written down who did it."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
from typer.testing import CliRunner, Result
from uuid_utils import uuid7

from embedded import places
from embedded.cli import app
from house import House
from tierline.kit.bus import Envelope

PARK = """
INSERT INTO parked (key, topic, position, event_id, headers, value, reason, not_before, parked_at, dead_at)
VALUES ($1, 'tickets.intake', '1', $2, $3, $4, 'cases: KeyError', now(), now(), $5)
"""


async def _ask(house: House, method: str, path: str, who: str = "operator", **body: Any) -> httpx.Response:
    return await house.client.request(method, f"/tier1/v1/dead{path}", headers=house.key(who), json=body or None)


async def _command(house: House, *words: str) -> Result:
    port = house.machine.url.rpartition(":")[2]
    line = ["dead", *words, "--folder", str(house.machine.install.folder), "--port", port]
    return await asyncio.to_thread(CliRunner().invoke, app, line)


async def _letter(house: House, key: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            items = (await _ask(house, "GET", "?limit=100")).json()["items"]
            for item in items:
                if item["key"] == key:
                    return dict(item)
            await asyncio.sleep(0.05)


async def test_what_cannot_be_read_is_seen_tried_again_and_given_up_in_somebodys_name(house: House) -> None:
    key = f"strange-{uuid7()}"
    event = Envelope(
        "tickets.intake", key, str(uuid7()), "tierline.ticket.eaten.v1", "/stranger", datetime.now(UTC), 1, b""
    )
    log = await asyncpg.connect(places.bus_of(house.machine.install.folder, None))
    try:
        headers = json.dumps({name: value.decode() for name, value in event.headers().items()})
        await log.execute(
            "INSERT INTO event_log (topic, key, headers, value) VALUES ('tickets.intake', $1, $2, 'what is this')",
            key.encode(),
            headers,
        )
    finally:
        await log.close()
    letter = (await _letter(house, key))["pos"]
    shown = (await _ask(house, "GET", f"/{letter}")).json()
    assert (shown["value"], shown["headers"]["ce_type"]) == ("what is this", "tierline.ticket.eaten.v1")
    assert f"tier1/{letter}" in (await _command(house, "list")).stdout
    again = await _ask(house, "POST", f"/{letter}/replay", reason="is it readable now?")
    assert (again.status_code, "no fact is called" in again.json()["detail"]) == (409, True)
    assert (await _command(house, "replay", f"tier1/{letter}", "--reason", "and now?")).exit_code == 2
    assert (await _command(house, "discard", f"tier1/{letter}", "--reason", "no sender knows it")).exit_code == 0
    assert (await _ask(house, "GET", f"/{letter}")).status_code == 404
    done = (await _ask(house, "GET", "/actions")).json()["items"][0]
    assert (done["action"], done["letter"], done["reason"]) == ("discard", letter, "no sender knows it")
    assert done["who"] in house.people["operator"]


async def test_an_event_that_works_again_has_its_effect_and_those_behind_it_follow(house: House) -> None:
    ticket = await house.submit()
    await house.case("tier1", ticket)
    await house.wish(ticket, "replies", text="One more thing.")
    async with asyncio.timeout(20):
        while len((await house.case("tier1", ticket)).json()["conversation"]) == 0:
            await asyncio.sleep(0.03)
    folder = house.machine.install.folder
    log, tier1 = (
        await asyncpg.connect(places.bus_of(folder, None)),
        await asyncpg.connect(places.databases_of(folder)["tier1"]),
    )
    try:  # as if tier1 had failed on the submission, and the reply had waited behind it
        told = await log.fetch(
            "SELECT headers, value FROM event_log WHERE key = $1 AND topic = 'tickets.intake' ORDER BY pos",
            ticket.encode(),
        )
        await tier1.execute("DELETE FROM cases WHERE key = $1", ticket)
        for row, dead in zip(told, [datetime.now(UTC), None], strict=True):
            await tier1.execute(PARK, ticket, json.loads(row["headers"])["ce_id"], row["headers"], row["value"], dead)
    finally:
        await log.close()
        await tier1.close()
    found = await _letter(house, ticket)
    assert (found["waiting"], found["reason"]) == (1, "cases: KeyError")
    done = await _command(house, "replay", f"tier1/{found['pos']}", "--reason", "the policy is mended")
    assert done.exit_code == 0, done.output
    async with asyncio.timeout(20):
        while len((await house.case("tier1", ticket)).json()["conversation"]) == 0:
            await asyncio.sleep(0.03)
    assert (await _ask(house, "POST", f"/{found['pos']}/replay", reason="twice")).status_code == 404


async def test_only_the_install_s_own_operators_may(house: House) -> None:
    for who in ("client", "tier1", "state"):
        assert (await _ask(house, "GET", "", who)).status_code == 403
        assert (await _ask(house, "POST", "/1/discard", who, reason="mine")).status_code == 403
    assert (await _ask(house, "POST", "/1/discard", reason=" ")).status_code == 422
    assert (await _ask(house, "GET", "/0")).status_code == 422
    assert (await _command(house, "show", "tier9/1")).exit_code == 2
    assert (await _command(house, "show", "tier1/4611686018427387904")).exit_code == 2
