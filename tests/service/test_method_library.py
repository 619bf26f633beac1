"""Tier 2 at work by methods: found, suggested, followed, counted, drafted; and the manuals' gaps."""

import asyncio
import json

import httpx
import pytest

from house import House
from tier2.methods import METHODS as SHELF

METHODS = "/tier2/v1/methods"
BODY = {
    "title": "Wake the flux capacitor",
    "components": ["item-authoring"],
    "steps": ["Wind it up."],
    "tags": ["flux"],
}


async def test_a_method_is_written_changed_and_taken_away_only_by_who_read_it(house: House) -> None:
    key, path = house.key("tier2"), f"{METHODS}/flux-capacitor"
    made = await house.client.put(path, json=BODY, headers=key)
    assert (made.status_code, made.headers["etag"], made.json()["scope"]) == (201, '"1"', "alder")
    assert (await house.client.put(path, json=BODY, headers=key)).status_code == 428
    current = {**key, "If-Match": '"1"'}
    both = [house.client.put(path, json={**BODY, "title": f"Title {n}"}, headers=current) for n in range(2)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*both)) == [200, 412]
    assert (await house.client.get(path, headers=house.key("tier2", "birch"))).status_code == 404
    assert (await house.client.put(path, json=BODY, headers=house.key("client"))).status_code == 403
    assert (await house.client.delete(path, headers=key)).status_code == 428
    assert (await house.client.delete(path, headers={**key, "If-Match": '"2"'})).status_code == 204
    assert (await house.client.get(path, headers=key)).status_code == 404
    assert (await house.client.put(path, json=BODY, headers=key)).headers["etag"] == '"4"'


async def test_a_search_finds_shared_and_own_methods_and_nobody_elses(house: House) -> None:
    await house.client.put(
        f"{METHODS}/birch-only", json={**BODY, "title": "Zyzzyva"}, headers=house.key("tier2", "birch")
    )
    own = await _search(house, "zyzzyvas", "birch")
    assert [found["id"] for found in own][:1] == ["birch-only"]
    assert "birch-only" not in [found["id"] for found in await _search(house, "zyzzyvas", "alder")]
    shared = await _search(house, "secure broswer keeps loking for an internet conection", "cedar")
    assert "tds-proxy-no-internet" in [found["id"] for found in shared[:3]]
    none = await house.client.get(f"{METHODS}/search?q=proxy&component=coffee", headers=house.key("tier2"))
    assert none.status_code == 422


async def test_an_import_keeps_good_methods_and_names_bad_ones(house: House) -> None:
    head = {**house.key("tier2", "cedar"), "Content-Type": "application/x-ndjson"}
    markdown = "---\nid: from-markdown\ntitle: From Markdown\n---\n1. One\n2. Two\n"
    lines = [
        json.dumps({"markdown": markdown}),
        "{broken",
        json.dumps({"id": "plain", **BODY}),
        json.dumps({"id": "search", **BODY}),
    ]
    answer = await house.client.post(f"{METHODS}:import", content="\n".join(lines).encode(), headers=head)
    results = {result["line"]: result for result in map(json.loads, answer.text.splitlines())}
    assert [results[1]["result"], results[3]["result"]] == ["new", "new"]
    assert "JSON" in results[2]["error"]
    assert "id" in results[4]["error"]
    one = {**head, "Content-Type": "text/markdown"}
    assert (await house.client.post(f"{METHODS}:import", content=markdown, headers=one)).json()["result"] == "kept"
    changed = markdown.replace("Two", "Three")
    assert (await house.client.post(f"{METHODS}:import?keep=true", content=changed, headers=one)).json()[
        "result"
    ] == "kept"
    assert (await house.client.post(f"{METHODS}:import", content=changed, headers=one)).json()["version"] == 2
    assert (await house.client.post(f"{METHODS}:import", content="nothing", headers=one)).status_code == 422
    assert (await house.client.post(f"{METHODS}:import", content=b"\xff", headers=one)).status_code == 422


async def test_a_case_comes_with_methods_and_what_resolved_it_counts_until_it_is_reopened(house: House) -> None:
    await house.client.put(f"{METHODS}/count-me", json={**BODY, "title": "Quokka"}, headers=house.key("tier2"))
    ticket = await _at_tier2(house, "A quokka sits on the item", "It will not move.")
    suggested = (await house.case("tier2", ticket)).json()["suggested_methods"]
    assert suggested[0]["id"] == "count-me"
    assert (await house.move("tier2", ticket, "resolve", text="Fed it.", method="no-such")).status_code == 422
    assert (await house.move("tier2", ticket, "resolve", text="Fed it.", method="count-me")).status_code == 200
    assert await _tally(house, "count-me") == (1, 0, 1.0)
    await house.until(ticket, "resolved")
    await house.wish(ticket, "reopen", text="It is back.")
    tried = (await house.case("tier3", ticket)).json()["tried"]
    assert tried[-1]["method"] == "count-me"
    async with asyncio.timeout(20):
        while await _tally(house, "count-me") != (1, 1, 0.0):
            await asyncio.sleep(0.05)
    refused = await house.client.post(f"/tier2/v1/cases/{ticket}/draft-method", headers=house.key("tier2"))
    assert refused.status_code == 409


async def test_a_good_resolution_becomes_a_draft_and_the_draft_a_method(house: House) -> None:
    ticket = await _at_tier2(house, "Wombat in the rubric", "A wombat, since SSID 9912345678 signed in.")
    path = f"/tier2/v1/cases/{ticket}/draft-method"
    assert (await house.client.post(path, headers=house.key("tier2"))).status_code == 409
    await house.move("tier2", ticket, "resolve", text="Open the gate. Lure it out with grass.")
    made = await house.client.post(path, headers=house.key("tier2"))
    assert made.status_code == 201
    draft = made.json()
    assert draft["steps"] == ["Open the gate.", "Lure it out with grass."]
    assert (draft["state"], draft["from_ticket"], "9912345678" in made.text) == ("draft", ticket, False)
    assert (await house.client.post(path, headers=house.key("tier2"))).status_code == 200
    assert draft["id"] not in [found["id"] for found in await _search(house, "wombat", "alder")]
    drafts = await house.client.get(f"{METHODS}?state=draft&limit=100", headers=house.key("tier2"))
    assert draft["id"] in [found["id"] for found in drafts.json()["items"]]
    body = {**{name: draft[name] for name in ("title", "components", "steps")}, "state": "established"}
    head = {**house.key("tier2"), "If-Match": made.headers["etag"]}
    assert (await house.client.put(f"{METHODS}/{draft['id']}", json=body, headers=head)).status_code == 200
    assert (await _search(house, "wombat", "alder"))[0]["id"] == draft["id"]


async def test_what_tier_2_kept_resolving_is_listed_as_a_gap(house: House) -> None:
    for description in (
        "the numbat chart is upside down",
        "our numbat chart upside down too",
        "numbat chart, upside down",
    ):
        ticket = await _at_tier2(house, "numbat chart", description, "digital-library", "birch")
        await house.move("tier2", ticket, "resolve", "birch", text="Turn it round.")
    path = "/tier2/v1/manual-gaps?component=digital-library"
    gap = (await house.client.get(path, headers=house.key("tier2", "birch"))).json()["items"][0]
    assert (gap["component"], gap["count"], gap["unanswered"]) == ("digital-library", 3, 3)
    assert {"numbat", "chart", "upside"} <= set(gap["words"])
    assert "teacher" not in json.dumps(gap)
    assert (await house.client.get(path, headers=house.key("tier2"))).json()["items"] == []
    assert (await house.client.get(path, headers=house.key("client", "birch"))).status_code == 403


async def test_a_full_library_says_so_and_takes_nothing_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(SHELF), "most", 0)
    key = house.key("tier2", "birch")
    assert (await house.client.put(f"{METHODS}/too-many", json=BODY, headers=key)).status_code == 409
    lines = json.dumps({"id": "too-many", **BODY}).encode()
    answer = await house.client.post(f"{METHODS}:import", content=lines, headers=key)
    assert "at most" in json.loads(answer.text)["error"]
    assert (await house.client.get(f"{METHODS}/too-many", headers=key)).status_code == 404


async def _at_tier2(
    house: House, subject: str, description: str, component: str = "item-authoring", member: str = "alder"
) -> str:
    ticket = await house.submit(member, component, subject=subject, description=description)
    await house.move("tier1", ticket, "escalate", member, text="Not in the manuals.", reason="no_manual")
    await house.case("tier2", ticket, member)
    return ticket


async def _search(house: House, words: str, member: str) -> list[dict[str, str]]:
    answer = await house.client.get(f"{METHODS}/search", params={"q": words}, headers=house.key("tier2", member))
    return list(answer.json()["items"])


async def _tally(house: House, method: str) -> tuple[int, int, float]:
    answer: httpx.Response = await house.client.get(f"{METHODS}/{method}", headers=house.key("tier2"))
    found = answer.json()
    return found["used"], found["reopened"], found["success_rate"]
