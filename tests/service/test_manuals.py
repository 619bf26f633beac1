"""Tier 1 answers from the manuals: sent, offered or passed on; imported, searched, counted."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from embedded import places
from house import House
from paper import pdf

MANUALS = "/tier1/v1/manuals"
BODY = {"title": "Feed the axolotl", "body": "# Feed the axolotl\n\nOnce a day.", "components": ["item-authoring"]}
ASKED = {
    "component": "single-sign-on",
    "subject": "Forgot my password",
    "description": "How can I reset my password? The account is locked.",
}


async def test_a_sure_answer_is_sent_with_its_source_and_closed_when_it_helped(stocked_house: House) -> None:
    house = stocked_house
    ticket = await house.submit("alder", **ASKED)
    seen = await house.until(ticket, "resolved")
    assert "From the manual: " in seen["conversation"][-1]["text"]
    facts = await house.told(ticket, "ticket.resolved")
    assert [fact["by"] for fact in facts if fact["fact"] == "case.resolved"] == ["rule"]
    assert any("Did this help?" in text for text in _mails(house, ticket))
    before = await _summary(house)
    assert (await house.wish(ticket, "confirm")).status_code == 200
    await house.until(ticket, "closed")
    await _until(house, "helped", before["helped"] + 1)


async def test_an_answer_that_did_not_help_goes_on_to_tier_2_with_what_was_tried(stocked_house: House) -> None:
    house = stocked_house
    ticket = await house.submit("birch", **ASKED)
    await house.until(ticket, "resolved", "birch")
    before = await _summary(house, "birch")
    await house.wish(ticket, "reopen", "birch", text="It is still locked.")
    case = (await house.case("tier2", ticket, "birch")).json()
    assert (case["tried"][-1]["article"], case["tried"][-1]["by"]) == ("sso-reset-password", "rule")
    assert case["conversation"][-1]["text"] == "It is still locked."
    await _until(house, "did_not_help", before["did_not_help"] + 1, "birch")


async def test_what_nothing_covers_is_with_tier_2_at_once(stocked_house: House) -> None:
    ticket = await stocked_house.submit(
        "alder", "single-sign-on", subject="SAML", description="The metadata signature is invalid since the rotation."
    )
    case = (await stocked_house.case("tier2", ticket)).json()
    assert (case["tried"][-1]["reason"], case["tried"][-1]["by"]) == ("no_manual", "rule")


async def test_in_between_an_agent_is_offered_drafts_and_sends_one_by_naming_it(stocked_house: House) -> None:
    house = stocked_house
    ticket = await house.submit("alder", "single-sign-on", subject="Login trouble", description="It says invalid user.")
    case = (await house.case("tier1", ticket)).json()
    assert case["offers"]
    assert 0.1 <= case["confidence"] < 0.7
    nothing = await house.move("tier1", ticket, "resolve")
    assert (nothing.status_code, "article" in nothing.text) == (422, True)
    assert (await house.move("tier1", ticket, "resolve", article="no-such")).status_code == 404
    used = case["offers"][0]["article"].rpartition("/")[2]
    assert (await house.move("tier1", ticket, "resolve", article=used)).status_code == 200
    seen = await house.until(ticket, "resolved")
    assert seen["conversation"][-1]["text"] == case["offers"][0]["text"]
    read = await house.client.get(f"{MANUALS}/{used}", headers=house.key("tier1"))
    assert read.json()["used"] == 1


async def test_a_reporter_searches_first_and_what_it_solved_is_counted_once(stocked_house: House) -> None:
    house, key = stocked_house, stocked_house.key("client")
    answer = await house.client.get(
        f"{MANUALS}/search",
        params={"q": "SESION ID studnts cant see", "component": "test-delivery-system"},
        headers=key,
    )
    best = answer.json()["items"][0]
    assert best["id"] in {"tds-start-session", "tds-sign-in-error-messages"}
    assert best["snippet"]
    path, body = f"{MANUALS}/{best['id']}", {"search": answer.json()["search"]}
    for _ in range(2):
        assert (await house.client.post(f"{path}/solved", json=body, headers=key)).status_code == 204
    assert (await house.client.get(path, headers=key)).json()["deflected"] == 1
    assert (await house.client.post(f"{MANUALS}/no-such/solved", json=body, headers=key)).status_code == 404
    assert (await house.client.post(f"{path}/solved", json={"search": "x"}, headers=key)).status_code == 422
    assert (await house.client.get(f"{MANUALS}/search?q=x")).status_code == 401


async def test_an_article_is_written_changed_and_taken_away_by_its_member_only(house: House) -> None:
    key, path = house.key("tier1", "birch"), f"{MANUALS}/axolotl"
    made = await house.client.put(path, json=BODY, headers=key)
    assert (made.status_code, made.headers["etag"], made.json()["scope"]) == (201, '"1"', "birch")
    assert (await house.client.put(path, json=BODY, headers=key)).status_code == 428
    changed = await house.client.put(path, json={**BODY, "tags": ["pet"]}, headers={**key, "If-Match": '"1"'})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert (await house.client.get(path, headers=house.key("tier1"))).status_code == 404
    assert (await house.client.put(path, json=BODY, headers=house.key("client", "birch"))).status_code == 403
    found = await house.client.get(f"{MANUALS}/search?q=axolotls", headers=house.key("client", "birch"))
    assert [item["id"] for item in found.json()["items"]] == ["axolotl"]
    assert (await house.client.get(f"{MANUALS}/search?q=axolotl", headers=house.key("client"))).json()["items"] == []
    listed = await house.client.get(MANUALS, headers=key)
    assert "axolotl" in [item["id"] for item in listed.json()["items"]]
    assert (await house.client.delete(path, headers={**key, "If-Match": '"2"'})).status_code == 204
    assert (await house.client.get(f"{MANUALS}/search?q=axolotl", headers=key)).json()["items"] == []


async def test_a_members_own_hides_the_shared_one_from_that_member_alone_and_for_as_long_as_it_is_there(
    house: House,
) -> None:
    path, shared = f"{MANUALS}/axolotl-care", house.key("operator")

    async def found(member: str, word: str) -> list[str]:
        answer = await house.client.get(f"{MANUALS}/search?q={word}", headers=house.key("client", member))
        return [item["title"] for item in answer.json()["items"]]

    assert (await house.client.put(path, json={**BODY, "title": "Feed it"}, headers=shared)).status_code == 201
    assert await found("birch", "axolotl") == await found("cedar", "axolotl") == ["Feed it"]
    own = {**house.key("tier1", "birch"), "If-Match": '"1"'}
    assert (await house.client.put(path, json={**BODY, "title": "Ours"}, headers=own)).status_code in {200, 201}
    assert (await found("birch", "axolotl"), await found("cedar", "axolotl")) == (["Ours"], ["Feed it"])
    assert (await house.client.delete(path, headers=own)).status_code == 204
    assert await found("birch", "axolotl") == ["Feed it"]
    assert (await house.client.delete(path, headers={**shared, "If-Match": '"1"'})).status_code == 204
    assert await found("cedar", "axolotl") == []


async def test_what_an_older_release_beside_it_changes_is_found_too(house: House) -> None:
    path, key = f"{MANUALS}/axolotl-tank", house.key("tier1", "cedar")
    assert (await house.client.put(path, json={**BODY, "title": "Clean its tank"}, headers=key)).status_code == 201
    search = f"{MANUALS}/search?limit=1&q="
    assert (await house.client.get(f"{search}tank", headers=key)).json()["items"][0]["title"] == "Clean its tank"
    held = await asyncpg.connect(places.databases_of(house.machine.install.folder)["tier1"])
    try:
        async with held.transaction():
            await held.execute("UPDATE library SET revision = revision + 1")
            await held.execute(
                "UPDATE articles SET doc = replace(doc::text, 'Clean its tank', 'Empty the aquarium')::json WHERE id = 'axolotl-tank'"
            )
    finally:
        await held.close()
    assert (await house.client.get(f"{search}aquarium", headers=key)).json()["items"][0]["id"] == "axolotl-tank"
    assert (await house.client.delete(path, headers={**key, "If-Match": '"1"'})).status_code == 204


@pytest.mark.parametrize(
    ("kind", "content", "query", "ids"),
    [
        ("text/markdown", b"---\nid: md-one\ntitle: M\ncomponent: item-authoring\n---\nText", "", ["md-one"]),
        ("text/markdown", b"# Plain words\n\nText", "?component=item-authoring", ["plain-words"]),
        (
            "text/html; charset=utf-8",
            b"<h1>A page</h1><script>x</script><p>Text",
            "?id=web-page&component=item-authoring",
            ["web-page"],
        ),
        (
            "application/pdf",
            pdf(["One", "Two", "Three", "Four"]),
            "?id=book&title=Book&component=item-authoring",
            ["book-0001", "book-0002"],
        ),
    ],
)
async def test_what_people_have_is_imported(
    house: House, kind: str, content: bytes, query: str, ids: list[str]
) -> None:
    head = {**house.key("tier1", "cedar"), "Content-Type": kind}
    answer = await house.client.post(f"{MANUALS}:import{query}", content=content, headers=head)
    assert [json.loads(line)["id"] for line in answer.text.splitlines()] == ids
    again = await house.client.post(f"{MANUALS}:import{query}", content=content, headers=head)
    assert {json.loads(line)["result"] for line in again.text.splitlines()} == {"kept"}
    for article_id in ids:
        head = {**house.key("tier1", "cedar"), "If-Match": '"1"'}
        assert (await house.client.delete(f"{MANUALS}/{article_id}", headers=head)).status_code == 204


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("application/pdf", b"%PDF-1.7 and no more", 422),
        ("application/pdf", pdf([" "]), 422),
        ("text/markdown", b"\xff\xfe", 422),
        ("text/markdown", b"# T\n" + b"x" * 100_000, 422),
        ("text/markdown", b"x" * 300_000, 413),
        ("text/html", b"<div>" * 100_000, 422),
    ],
)
async def test_what_cannot_be_imported_is_refused_in_words(
    house: House, kind: str, content: bytes, status: int
) -> None:
    head = {**house.key("tier1"), "Content-Type": kind}
    answer = await house.client.post(f"{MANUALS}:import?id=bad-one", content=content, headers=head)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "Traceback" not in answer.text


async def test_a_question_of_ten_thousand_words_is_answered(stocked_house: House) -> None:
    words = " ".join(f"word{number}" for number in range(10_000))
    ticket = await stocked_house.submit("cedar", "interim-system", subject="Long", description=words[:19_000])
    assert ticket
    for length, status in ((19_000, 200), (20_001, 422)):
        asked = {"q": words[:length]}
        answer = await stocked_house.client.get(f"{MANUALS}/search", params=asked, headers=stocked_house.key("client"))
        assert answer.status_code == status


def _mails(house: House, ticket: str) -> list[str]:
    assert house.machine.mailbox is not None
    folder: Path = house.machine.mailbox.folder
    return [
        text for path in folder.rglob("*") if path.is_file() and ticket in (text := path.read_text("utf-8", "replace"))
    ]


async def _summary(house: House, member: str = "alder") -> dict[str, Any]:
    return dict((await house.client.get("/tier1/v1/answers", headers=house.key("tier1", member))).json())


async def _until(house: House, name: str, count: int, member: str = "alder") -> None:
    async with asyncio.timeout(20):
        while (await _summary(house, member))[name] != count:
            await asyncio.sleep(0.05)


async def test_an_id_that_stands_twice_in_one_import_is_changed_by_the_second(house: House) -> None:
    head = {**house.key("tier1", "cedar"), "Content-Type": "application/x-ndjson"}
    lines = [
        {"id": "twice-there", **BODY},
        {"id": "twice-there", **BODY, "title": "Other"},
        {"id": "twice-there", **BODY, "title": "Other"},
    ]
    answer = await house.client.post(
        f"{MANUALS}:import", content="\n".join(map(json.dumps, lines)).encode(), headers=head
    )
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [(one["version"], one["result"]) for one in results] == [(1, "new"), (2, "changed"), (2, "kept")]
    path = f"{MANUALS}/twice-there"
    assert (await house.client.get(path, headers=house.key("tier1", "cedar"))).json()["title"] == "Other"
    head = {**house.key("tier1", "cedar"), "If-Match": '"2"'}
    assert (await house.client.delete(path, headers=head)).status_code == 204
