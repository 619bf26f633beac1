"""What a state desk declined is kept for product owners, as Tier 3's is: listed, exported, and without who asked."""

import csv
import json

import httpx

from house import House

COMPONENT = "paper-pencil-summative"


async def _wishes(house: House, who: str, member: str = "alder", query: str = "") -> httpx.Response:
    path = f"/intake/v1/wishes?component={COMPONENT}{query}"
    return await house.client.get(path, headers=house.key(who, member))


async def test_a_wish_that_the_state_declined_stands_where_product_owners_read(house: House) -> None:
    reporter = {**house.body()["reporter"], "name": "Rosa Quill"}
    said = "Pupil Ana Diaz, SSID 9876543210, wants larger boxes. Ask Rosa Quill, rosa@school.example.org."
    asked = {"subject": "+Larger boxes on paper", "description": said, "reporter": reporter}
    declined, resolved = [await house.submit("alder", COMPONENT, **asked) for _ in range(2)]
    for ticket in (declined, resolved):
        assert (await house.move("tier1", ticket, "escalate", text="Not ours.")).status_code == 200
    answer = await house.move("state", declined, "decline", text="Kept for Rosa Quill.", reason="enhancement")
    assert answer.status_code == 200, answer.text
    assert (await house.move("state", resolved, "resolve", text="They are on their way.")).status_code == 200

    page = (await _wishes(house, "state", query="&reason=enhancement&since=2026-01-01T00:00:00Z")).json()
    kept = [wish for wish in page["items"] if wish["id"].startswith((declined, resolved))]
    (mine,) = kept
    assert (mine["member"], mine["impact"], mine["reason"]) == ("alder", "user_cannot_work", "enhancement")
    assert not any(word in json.dumps(mine) for word in ("Rosa", "Quill", "Diaz", "9876543210", "@"))
    rows = list(csv.DictReader((await _wishes(house, "operator", query="&format=csv")).text.splitlines()))
    assert next(row for row in rows if row["id"] == mine["id"])["subject"] == "'+Larger boxes on paper"
    theirs = (await house.client.get("/tier3/v1/wishes", headers=house.key("tier3"))).json()["items"]
    assert all(wish.keys() == mine.keys() for wish in theirs)

    elsewhere = (await _wishes(house, "state", "birch")).json()["items"]
    assert mine["id"] not in {wish["id"] for wish in elsewhere}
    assert (await _wishes(house, "client")).status_code == 403
