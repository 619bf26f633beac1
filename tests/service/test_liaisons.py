"""The named contact of a component: the policy's, until someone is put in their place; and a question straight to the state."""

from house import House

PATH = "/tier3/v1/liaisons"
FORM = {"name": "Reporting desk", "email": "reporting-desk@example.org", "vendor": None}


async def _liaison(house: House, member: str, component: str) -> dict[str, object]:
    answer = await house.client.get(PATH, headers=house.key("tier3"))
    found = [one for one in answer.json()["items"] if (one["member"], one["component"]) == (member, component)]
    return dict(found[0])


async def test_whoever_is_put_in_place_gets_the_cases_that_come_in_from_then_on(house: House) -> None:
    component, key = "data-warehouse-reporting", house.key("tier3")
    before = await _liaison(house, "cedar", component)
    assert (before["version"], before["from"]) == (0, "policy")
    other = await _liaison(house, "alder", component)
    made = await house.client.put(f"{PATH}/{component}?member=cedar", json=FORM, headers=key)
    assert (made.status_code, made.headers["etag"]) == (200, '"1"')
    assert (await house.client.put(f"{PATH}/{component}?member=cedar", json=FORM, headers=key)).status_code == 428
    stale = {**key, "If-Match": '"7"'}
    assert (await house.client.put(f"{PATH}/{component}?member=cedar", json=FORM, headers=stale)).status_code == 412
    assert (await _liaison(house, "cedar", component))["email"] == FORM["email"]
    assert await _liaison(house, "alder", component) == other
    ticket = await house.submit("cedar", component, subject="Empty", description="x")
    for desk in ("tier1", "tier2"):
        await house.move(desk, ticket, "escalate", "cedar", text="No.")
    case = (await house.case("tier3", ticket, "cedar")).json()
    assert (case["status"], case["vendor"]) == ("open", None)
    back = {**FORM, "vendor": before["vendor"]}
    current = {**key, "If-Match": '"1"'}
    assert (await house.client.put(f"{PATH}/{component}?member=cedar", json=back, headers=current)).json()[
        "version"
    ] == 2
    again = await house.submit("cedar", component, subject="Empty", description="x")
    for desk in ("tier1", "tier2"):
        await house.move(desk, again, "escalate", "cedar", text="No.")
    assert (await house.case("tier3", again, "cedar")).json()["vendor"] == before["vendor"]


async def test_the_policys_liaison_stands_again_when_the_other_is_taken_away(house: House) -> None:
    key, path = house.key("tier3"), f"{PATH}/digital-library?member=birch"
    before = await _liaison(house, "birch", "digital-library")
    made = await house.client.put(path, json=FORM, headers=key)
    assert (await house.client.delete(path, headers=key)).status_code == 428
    head = {**key, "If-Match": made.headers["etag"]}
    assert (await house.client.delete(path, headers=head)).status_code == 204
    after = await _liaison(house, "birch", "digital-library")
    assert (after["email"], after["from"]) == (before["email"], "policy")
    assert (await house.client.delete(path, headers=head)).status_code == 404


async def test_a_liaison_that_cannot_be_is_refused_in_words(house: House) -> None:
    key = house.key("tier3")
    for path, form, status in (
        ("data-warehouse-reporting?member=nowhere", FORM, 404),
        ("paper-pencil-summative?member=alder", FORM, 409),
        ("data-warehouse-reporting?member=alder", {**FORM, "vendor": "not-registered"}, 409),
        ("data-warehouse-reporting?member=alder", {**FORM, "email": "nobody"}, 422),
        ("coffee", FORM, 422),
    ):
        answer = await house.client.put(f"{PATH}/{path}", json=form, headers=key)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), path
    assert (await house.client.put(f"{PATH}/coffee", json=FORM, headers=house.key("client"))).status_code in {403, 422}


async def test_a_question_that_is_the_states_goes_there_from_any_desk_by_one_move(house: House) -> None:
    ticket = await house.submit("alder")
    moved = await house.move("tier1", ticket, "escalate", text="Only the state can say.", reason="state_rule")
    assert moved.status_code == 200
    case = (await house.case("state", ticket)).json()
    assert (case["path"], case["tried"][-1]["reason"]) == (["tier1", "state"], "state_rule")
    facts = await house.told(ticket, "ticket.routed_to_state")
    assert [fact["details"]["to"] for fact in facts if fact["fact"] == "case.escalated"] == ["state"]
    assert (await house.move("state", ticket, "resolve", text="Yes.")).status_code == 200
