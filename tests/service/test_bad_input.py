"""Bad input of every kind: a clear answer, never a 500, nothing lost."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from embedded.machine import running
from house import House
from tierline.kit.errors import Misconfigured


def _is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["detail"]
    return problem


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"component": "coffee-machine"}, "/body/component"),
        ({"subject": ""}, "/body/subject"),
        ({"subject": None}, "/body/subject"),
        ({"description": 7}, "/body/description"),
        ({"description": "a\x00b"}, "/body/description"),
        ({"reporter": {"name": "A"}}, "/body/reporter/email"),
        ({"surprise": 1}, "/body/surprise"),
        ({"impact": "terrible"}, "/body/impact"),
    ],
)
async def test_a_wrong_field_is_named(house: House, change: dict[str, Any], pointer: str) -> None:
    answer = await house.client.post("/intake/v1/tickets", json=house.body() | change, headers=house.key("client"))
    assert pointer in [error["pointer"] for error in _is_problem(answer, 422)["errors"]]


async def test_what_is_not_json_or_too_large_is_refused(house: House) -> None:
    head = {**house.key("client"), "Content-Type": "application/json"}
    _is_problem(await house.client.post("/intake/v1/tickets", content=b"{nope", headers=head), 400)
    large = json.dumps(house.body() | {"description": "x" * 1_100_000}).encode()
    _is_problem(await house.client.post("/intake/v1/tickets", content=large, headers=head), 413)

    async def chunks() -> Any:
        for _ in range(40):
            yield b"x" * 32_768

    _is_problem(await house.client.post("/intake/v1/tickets", content=chunks(), headers=head), 413)
    surrogate = json.dumps(house.body()).replace("Since today.", "\\ud800").encode()
    answer = await house.client.post("/intake/v1/tickets", content=surrogate, headers=head)
    assert answer.status_code in {400, 422}


async def test_who_may_not_is_told_so_and_sees_nothing(house: House) -> None:
    path, body = "/intake/v1/tickets", house.body()
    for wrong in (
        {},
        {"Authorization": "Bearer tl_live_x_y"},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer \xff"},
    ):
        raw = {name: value.encode("latin-1") for name, value in wrong.items()}
        _is_problem(await house.client.post(path, json=body, headers=raw), 401)
    _is_problem(await house.client.post(path, json=body, headers=house.key("tier1")), 403)
    ticket = await house.submit()
    await house.case("tier1", ticket)
    _is_problem(await house.client.get(f"{path}/{ticket}", headers=house.key("client", "birch")), 404)
    _is_problem(await house.client.get(f"/tier1/v1/cases/{ticket}", headers=house.key("tier1", "birch")), 404)
    head = {**house.key("tier1", "birch"), "If-Match": '"2"'}
    _is_problem(await house.client.post(f"/tier1/v1/cases/{ticket}/claim", json={}, headers=head), 404)
    _is_problem(await house.client.get(f"{path}/{ticket}?status_token=st_wrong"), 401)
    _is_problem(
        await house.client.get(f"/intake/v1/tickets/{ticket}/timeline", headers=house.key("client", "cedar")), 404
    )


async def test_a_move_needs_the_version_that_it_was_decided_on(house: House) -> None:
    ticket = await house.submit()
    read = await house.case("tier1", ticket)
    path, key = f"/tier1/v1/cases/{ticket}", house.key("tier1")
    _is_problem(await house.client.post(f"{path}/claim", json={}, headers=key), 428)
    _is_problem(await house.client.post(f"{path}/claim", json={}, headers={**key, "If-Match": '"1"'}), 412)
    _is_problem(await house.client.post(f"{path}/claim", json={}, headers={**key, "If-Match": "W/x"}), 412)
    current = {**key, "If-Match": read.headers["etag"]}
    _is_problem(await house.client.post(f"{path}/resolve", json={"text": "  "}, headers=current), 422)
    both = [house.client.post(f"{path}/claim", json={}, headers=current) for _ in range(2)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*both)) == [200, 412]


async def test_an_illegal_move_changes_nothing_and_says_what_is_possible(house: House) -> None:
    ticket = await house.submit()
    await house.move("tier1", ticket, "resolve", text="Done.")
    await house.until(ticket, "resolved")
    read = await house.client.get(f"/tier1/v1/cases/{ticket}", headers=house.key("tier1"))
    head = {**house.key("tier1"), "If-Match": read.headers["etag"]}
    problem = _is_problem(await house.client.post(f"/tier1/v1/cases/{ticket}/claim", json={}, headers=head), 409)
    assert problem["allowed"] == []
    assert _is_problem(await house.wish(ticket, "replies", text="?"), 409)["allowed"] == ["reopen", "confirm"]
    at_state = await house.submit("cedar", "paper-pencil-summative", subject="The order deadline")
    problem = _is_problem(await _escalate_at_state(house, at_state), 404)
    assert problem["title"]


async def _escalate_at_state(house: House, ticket: str) -> httpx.Response:
    read = await house.case("state", ticket, "cedar")
    head = {**house.key("state", "cedar"), "If-Match": read.headers["etag"]}
    return await house.client.post(f"/intake/v1/cases/{ticket}/escalate", json={}, headers=head)


async def test_a_forged_or_unfit_vendor_update_is_refused(house: House) -> None:
    path = "/tier3/v1/vendors/summit-delivery/updates"
    _is_problem(await house.client.post(path, content=b"{}"), 401)
    _is_problem(await house.client.post("/tier3/v1/vendors/nobody/updates", content=b"{}"), 401)
    _is_problem(await house.vendor_says("summit-delivery", "no-such-ticket", 1, "progress"), 404)
    _is_problem(await house.vendor_says("summit-delivery", "no-such-ticket", 1, "nonsense"), 422)


async def test_cursors_and_event_ids_that_we_never_gave_are_refused(house: House) -> None:
    for path in (
        "/intake/v1/tickets?cursor=zzz",
        "/intake/v1/tickets?cursor=WyIxIiwgIjIiXQ",
        "/intake/v1/cases?cursor=!",
    ):
        key = house.key("state" if "cases" in path else "client")
        _is_problem(await house.client.get(path, headers=key), 422)
    head = {**house.key("client"), "Last-Event-ID": "yesterday"}
    _is_problem(await house.client.get("/intake/v1/stream", headers=head), 422)
    _is_problem(await house.client.get("/intake/v1/nowhere", headers=head), 404)
    _is_problem(await house.client.delete("/intake/v1/tickets", headers=head), 405)


async def test_a_port_in_use_is_said_in_one_line(house: House, folder: Any) -> None:
    port = int(house.machine.url.rpartition(":")[2])
    with pytest.raises(Misconfigured, match=f"port {port} cannot be used"):
        async with running(folder / "second", port=port):
            pass


async def test_the_longest_words_fit_behind_what_a_policy_says(house: House) -> None:
    ticket = await house.submit(subject="A security breach")
    await house.case("state", ticket)
    _is_problem(await house.move("state", ticket, "decline", text="x" * 19_001), 422)
    assert (await house.move("state", ticket, "decline", text="x" * 19_000)).status_code == 200


async def test_a_page_that_is_not_there_and_a_method_that_a_page_lacks_are_problems_everywhere(house: House) -> None:
    for path in ("/nowhere", "/tier2/nowhere"):
        _is_problem(await house.client.get(path), 404)
    refused = await house.client.request("PATCH", "/tier2/v1/methods/tds-proxy-no-internet")
    _is_problem(refused, 405)
    assert refused.headers["allow"] == "DELETE, GET, PUT"
