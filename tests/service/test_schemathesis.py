"""Whatever fits, or does not fit, an API's own description: nothing is ever answered with a 5xx."""

import asyncio
import json
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from house import House
from tierline.kit.auth import make_key

SCOPES = [
    "tickets:submit",
    "tickets:read",
    "desk:state",
    "desk:tier1",
    "desk:tier2",
    "desk:tier3",
    "notifier:read",
    "operate",
]
EXAMPLES = 40
ENDLESS = ("/v1/stream", "/v1/tickets/{ticket_id}/stream")  # streams have a story of their own
NOWHERE = "http://127.0.0.1:9/"
WHERE_ELSE = {"callback_url", "url"}


@pytest.mark.parametrize("service", ["intake", "tier1", "tier2", "tier3", "notifier"])
async def test_no_request_breaks_a_service(house: House, service: str) -> None:
    key = _key_to_everything(house)
    described = (await house.client.get(f"/{service}/openapi.json")).json()
    ticket = await _ticket_at(house, service)
    # The house serves on this thread's loop, so its callers need a thread of their own.
    count = await asyncio.to_thread(_attack, f"{house.machine.url}/{service}", described, key, ticket)
    assert count >= len(described["paths"])


def _attack(url: str, described: dict[str, Any], key: str, ticket: str) -> int:
    schema = schemathesis.openapi.from_dict(described)
    head = {"Authorization": f"Bearer {key}"}
    asked = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in ENDLESS:
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), real=st.booleans())
        def ask(case: schemathesis.Case, real: bool) -> None:
            nonlocal asked
            asked += 1
            if real and "ticket_id" in case.path_parameters:
                _aim(case, f"{url}/v1/cases/{ticket}", ticket, head)
            _keep_at_home(case.body)
            case.call_and_validate(
                base_url=url,
                headers=head,
                checks=[schemathesis.checks.not_a_server_error],
                timeout=20,
            )

        ask()
    return asked


def _aim(case: schemathesis.Case, read: str, ticket: str, head: dict[str, str]) -> None:
    """At a ticket that exists, at its present version: past the first refusals, into the decisions."""
    case.path_parameters["ticket_id"] = ticket
    case.query.pop("status_token", None)
    if "/cases/" in case.path:
        case.headers["If-Match"] = httpx.get(read, headers=head, trust_env=False).headers.get("etag", '"1"')


async def _ticket_at(house: House, service: str) -> str:
    """A ticket that the desk of this service holds; for services without a desk, any."""
    if service == "intake":
        return await house.submit(subject="A security breach")
    ticket = await house.submit()
    for desk, following in (("tier1", "tier2"), ("tier2", "tier3")):
        if service in {following, "tier3"}:
            await house.move(desk, ticket, "escalate", text="Not solved here.")
    if service != "notifier":
        await house.case(service, ticket)
    return ticket


def _keep_at_home(body: Any) -> None:
    """No made-up address of somebody else is ever called."""
    for name in WHERE_ELSE.intersection(body) if isinstance(body, dict) else ():
        if "//" in str(body[name]):
            body[name] = NOWHERE


def _key_to_everything(house: House) -> str:
    keys = house.machine.install.keys
    key_id, key, digest = make_key()
    known = json.loads(keys.read_text("utf-8"))
    keys.write_text(json.dumps({**known, key_id: {"hash": digest, "member": "alder", "scopes": SCOPES}}), "utf-8")
    return key
