"""The front door: what is submitted is there once, can be followed, and is never half accepted."""

import asyncio
import json
from datetime import timedelta
from typing import Any

from house import House


async def test_fifty_submissions_with_one_key_open_one_ticket(house: House) -> None:
    head = {**house.key("client"), "Idempotency-Key": '"one-and-the-same"'}
    posts = [house.client.post("/intake/v1/tickets", json=house.body(), headers=head) for _ in range(50)]
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 49
    other = await house.client.post("/intake/v1/tickets", json=house.body(subject="Another"), headers=head)
    assert other.status_code == 422


async def test_a_reporter_follows_the_ticket_with_nothing_but_its_token(house: House) -> None:
    answer = await house.client.post("/intake/v1/tickets", json=house.body(), headers=house.key("client"))
    receipt = answer.json()
    read = await house.client.get(receipt["status_url"])
    assert read.json()["status"] == "open"
    same = await house.client.get(receipt["status_url"], headers={"If-None-Match": read.headers["etag"]})
    assert same.status_code in {200, 304}
    head = {"If-None-Match": (await house.client.get(receipt["status_url"])).headers["etag"]}
    await house.case("tier1", receipt["id"])
    await asyncio.sleep(0.3)
    head = {"If-None-Match": (await house.client.get(receipt["status_url"])).headers["etag"]}
    assert (await house.client.get(receipt["status_url"], headers=head)).status_code == 304
    await house.move("tier1", receipt["id"], "note", text="Only for staff.")
    base, _, query = receipt["status_url"].partition("?")
    await asyncio.sleep(0.3)
    public = (await house.client.get(f"{base}/timeline?{query}")).json()["items"]
    assert "case.noted" not in [fact["fact"] for fact in public]
    assert "case.noted" in [fact["fact"] for fact in await house.timeline(receipt["id"])]


async def test_pages_neither_skip_nor_repeat(house: House) -> None:
    for number in range(7):
        await house.submit("birch", subject=f"Page {number}")
    seen: list[str] = []
    cursor = ""
    while True:
        path = f"/intake/v1/tickets?limit=3{cursor}"
        page = (await house.client.get(path, headers=house.key("client", "birch"))).json()
        seen += [ticket["id"] for ticket in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
        await house.submit("birch", subject="Newer than the page")
    assert len(seen) == len(set(seen)) >= 7


async def test_a_stream_is_resumed_without_gap_or_repeat(house: House) -> None:
    ticket = await house.submit()
    await house.case("tier1", ticket)
    await house.told(ticket, "ticket.received")
    path = f"/intake/v1/tickets/{ticket}/stream"
    first = await _events(house, path, {}, 2)
    rest = await _events(house, path, {"Last-Event-ID": first[-1][0]}, 1)
    whole = await _events(house, path, {}, 3)
    assert [*first, *rest] == whole
    assert {fact["fact"] for _, fact in whole} == {"ticket.submitted", "case.accepted", "notice.delivered"}


async def _events(house: House, path: str, head: dict[str, str], count: int) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    number = ""
    async with asyncio.timeout(20), house.client.stream("GET", path, headers={**house.key("client"), **head}) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                number = line[4:]
            if line.startswith("data: "):
                found.append((number, json.loads(line[6:])))
                if len(found) == count:
                    return found
    return found


async def test_an_import_keeps_good_lines_and_names_bad_ones(house: House) -> None:
    good = json.dumps(house.body(external_ref="row-1"))
    lines = "\n".join([good, "{broken", json.dumps(house.body(component="no")), good]).encode()
    answer = await house.client.post("/intake/v1/tickets:import", content=lines, headers=house.key("client"))
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [("id" in result, result.get("repeated")) for result in results] == [
        (True, False),
        (False, None),
        (False, None),
        (True, True),
    ]
    assert "component" in results[2]["error"]


async def test_every_service_shows_operators_the_same_four_pages(house: House) -> None:
    for service in ("intake", "tier1", "tier2", "tier3", "notifier"):
        for page in ("livez", "readyz", "metrics", "openapi.json"):
            assert (await house.client.get(f"/{service}/{page}")).status_code == 200, (service, page)


async def test_the_matrix_says_who_staffs_what(house: House) -> None:
    answer = await house.client.get("/intake/v1/support-matrix", headers=house.key("client", "birch"))
    found = answer.json()["components"]
    assert found["test-delivery-system"]["tier3"] == "vendor"
    assert found["paper-pencil-summative"]["tier2"] == "not_applicable"
    assert found["single-sign-on"]["liaison"]["email"]


async def test_a_reader_says_how_long_it_has_heard_nothing(house: House) -> None:
    ticket = await house.submit()
    await house.case("tier1", ticket)

    async def idle() -> float:
        lines = (await house.client.get("/tier1/metrics")).text.splitlines()
        return float(next(line for line in lines if line.startswith("tierline_consumer_idle_seconds{")).split()[-1])

    house.machine.server.config.app.state.apps["tier1"].state.runtime.consumer.heard_at -= timedelta(hours=1)
    assert await idle() >= 3600
    await house.case("tier1", await house.submit())
    assert await idle() < 3600
