"""Vendors' endpoints, calls, disclosures and wishes, through the doors of a running Tier 3."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from uuid_utils import uuid7

from callbacks import Callbacks, callbacks
from house import PATIENCE, House
from tierline.kit import webhooks

VENDOR, COMPONENT = "quarry-items", "item-authoring"


@asynccontextmanager
async def _endpoint(house: House, failures: int = 0) -> AsyncIterator[Callbacks]:
    """The vendor moves to a server of ours, and back to the sample vendor after the story."""
    known = house.people["vendors"][VENDOR]
    async with callbacks(failures) as receiver:
        await _put(house, url=receiver.url, secret=known["secret"], overlap_hours=0)
        try:
            yield receiver
        finally:
            await _put(house, url=known["url"], secret=known["secret"], overlap_hours=0)


async def _put(house: House, **form: Any) -> dict[str, Any]:
    answer = await house.client.put(f"/tier3/v1/vendors/{VENDOR}", json=form, headers=house.key("tier3"))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def _get(house: House, path: str) -> dict[str, Any]:
    answer = await house.client.get(f"/tier3/v1/{path}", headers=house.key("tier3"))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def _standing(house: House) -> dict[str, Any]:
    return next(item for item in (await _get(house, "vendors"))["items"] if item["slug"] == VENDOR)


async def _at_vendor(house: House, **more: Any) -> str:
    ticket = await house.submit("alder", COMPONENT, **more)
    for desk in ("tier1", "tier2"):
        assert (await house.move(desk, ticket, "escalate", text="Not solved here.")).status_code == 200
    await house.until(ticket, "waiting_on_vendor")
    return ticket


async def _until(house: House, path: str, fits: Any) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while not fits(found := await _get(house, path)):
            await asyncio.sleep(0.05)
    return found


async def test_while_a_secret_is_changed_both_count_in_both_directions(house: House) -> None:
    known = house.people["vendors"][VENDOR]["secret"]
    async with _endpoint(house) as receiver:
        made = (await _put(house, url=receiver.url, rotate=True))["secret"]
        ticket = await _at_vendor(house)
        headers, body = (await receiver.until(1))[0]
        for secret in (known, made):
            assert webhooks.verify([secret], headers, body, datetime.now(UTC))
        assert (await house.vendor_says(VENDOR, ticket, 1, "acknowledged")).status_code == 202
        await _put(house, url=receiver.url, secret=webhooks.new_secret(), overlap_hours=0)
        assert (await house.vendor_says(VENDOR, ticket, 2, "progress")).status_code == 401


async def test_an_endpoint_that_is_gone_is_disabled_told_and_resumed_in_order(house: House) -> None:
    async with _endpoint(house, failures=1) as receiver:
        receiver.refusal = "410 Gone"
        ticket = await _at_vendor(house)
        await receiver.until(1)
        async with asyncio.timeout(PATIENCE):
            while (found := await _standing(house))["state"] != "disabled":
                await asyncio.sleep(0.05)
            while not any(fact["why"] == "vendor_disabled" for fact in await house.timeline(ticket)):
                await asyncio.sleep(0.05)
        assert "410" in found["disabled_why"]
        assert 'tierline_targets_closed{service="tier3"} 1.0' in (await house.client.get("/tier3/metrics")).text
        assert (await house.wish(ticket, "replies", text="One more thing.")).status_code == 202
        await _until(house, f"calls?ticket_id={ticket}&status=pending", lambda page: len(page["items"]) == 2)
        assert len(receiver.came) == 1
        await _put(house, url=receiver.url)
        told = [json.loads(body)["type"] for _, body in await receiver.until(3)]
        assert told == ["case.assigned", "case.assigned", "case.reply"]
        assert (await _standing(house))["state"] == "enabled"


async def test_every_attempt_is_listed_and_calls_are_made_again_one_or_many(house: House) -> None:
    async with _endpoint(house) as receiver:
        ticket = await _at_vendor(house)
        await receiver.until(1)
        page = await _until(
            house, f"calls?ticket_id={ticket}&vendor={VENDOR}&status=delivered", lambda page: page["items"]
        )
        (call,) = page["items"]
        assert [(a["number"], a["outcome"], a["note"]) for a in call["attempts"]] == [(1, "delivered", "HTTP 204")]
        head = house.key("tier3")
        one = await house.client.post(f"/tier3/v1/calls/{call['id']}/redeliver", headers=head)
        assert (one.status_code, one.json()["count"]) == (202, 1)
        await receiver.until(2)
        await _until(house, f"calls?ticket_id={ticket}&status=delivered", lambda page: page["items"])
        many = await house.client.post(f"/tier3/v1/calls:redeliver?vendor={VENDOR}&ticket_id={ticket}", headers=head)
        assert (many.status_code, many.json()["count"]) == (202, 1)
        came = await receiver.until(3)
        assert {headers["webhook-id"] for headers, _ in came} == {call["id"]}
        assert (await house.client.post("/tier3/v1/calls:redeliver", headers=head)).status_code == 422
        assert (await house.client.post("/tier3/v1/calls/none/redeliver", headers=head)).status_code == 404


async def test_a_ping_says_what_came_back_and_a_gap_is_asked_for(house: House) -> None:
    async with _endpoint(house) as receiver:
        answer = await house.client.post(f"/tier3/v1/vendors/{VENDOR}/ping", headers=house.key("tier3"))
        assert (answer.json()["delivered"], answer.json()["note"]) == (True, "HTTP 204")
        ticket = await _at_vendor(house)
        assert (await house.vendor_says(VENDOR, ticket, 3, "progress")).status_code == 202
        asked = json.loads((await receiver.until(3))[2][1])
        assert (asked["type"], asked["missing"], asked["ticket_id"]) == ("case.missing", [1, 2], ticket)


async def test_each_disclosure_stands_with_its_fields_and_reason_and_the_wish_without_who_asked(house: House) -> None:
    body = "Pupil Ana Diaz, SSID 9876543210, loses work. Ask Rosa Quill, rosa@school.example.org."
    reporter = {**house.body()["reporter"], "name": "Rosa Quill"}
    ticket = await _at_vendor(house, subject="=Dark colours please", description=body, reporter=reporter)
    page = await _until(
        house, f"disclosures?ticket_id={ticket}", lambda page: page["items"] and page["items"][0]["sent_at"]
    )
    (told,) = page["items"]
    assert (told["vendor"], told["type"], told["status"]) == (VENDOR, "case.assigned", "delivered")
    assert {"subject", "description", "reporter_role"} <= set(told["fields"])
    assert {"student_id", "reporter_name", "email"} <= set(told["removed"])
    assert told["why"]
    assert (await house.move("tier3", ticket, "decline", text="Kept.", reason="enhancement")).status_code == 200
    wishes = await _get(house, f"wishes?component={COMPONENT}&since=2026-01-01T00:00:00Z&reason=enhancement")
    mine = next(wish for wish in wishes["items"] if wish["id"].startswith(ticket))
    assert (mine["member"], mine["impact"], mine["answer"]) == ("alder", "user_cannot_work", "Kept.")
    assert not any(word in json.dumps(mine) for word in ("Rosa", "Quill", "9876543210", "@"))
    exported = await house.client.get("/tier3/v1/wishes?format=csv", headers=house.key("tier3"))
    rows = list(csv.DictReader(exported.text.splitlines()))
    assert next(row for row in rows if row["id"] == mine["id"])["subject"] == "'=Dark colours please"


async def test_the_registry_is_the_consortiums_alone_and_refuses_what_points_nowhere(house: House) -> None:
    path, form = f"/tier3/v1/vendors/{uuid7()}", {"url": "https://vendor.example/hook"}
    assert (await house.client.put(path, json=form, headers=house.key("tier2"))).status_code == 403
    for wrong in ({"url": "ftp://vendor.example"}, {**form, "secret": "nonsense"}, {**form, "overlap_hours": -1}):
        assert (await house.client.put(path, json=wrong, headers=house.key("tier3"))).status_code == 422
    assert (await house.client.post(f"{path}/ping", headers=house.key("tier3"))).status_code == 404
    for query in ("cursor=x", "since=yesterday", "format=xml", "component=coffee"):
        assert (await house.client.get(f"/tier3/v1/wishes?{query}", headers=house.key("tier3"))).status_code == 422
