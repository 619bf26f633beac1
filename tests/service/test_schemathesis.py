"""Whatever fits, or does not fit, an API's own description: nothing is ever answered with a 5xx."""

import asyncio
import json
from typing import Any

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
    ticket = await house.submit()
    await house.case("tier1", ticket)
    # The house serves on this thread's loop, so its callers need a thread of their own.
    count = await asyncio.to_thread(_attack, f"{house.machine.url}/{service}", described, key, ticket)
    assert count >= len(described["paths"])


def _attack(url: str, described: dict[str, Any], key: str, ticket: str) -> int:
    schema = schemathesis.openapi.from_dict(described)
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
        @given(case=operation.as_strategy(), real=st.booleans(), version=st.integers(1, 9))
        def ask(case: schemathesis.Case, real: bool, version: int) -> None:
            nonlocal asked
            asked += 1
            if real and "ticket_id" in case.path_parameters:
                case.path_parameters["ticket_id"] = ticket
            if real and "If-Match" in case.headers:
                case.headers["If-Match"] = f'"{version}"'
            _keep_at_home(case.body)
            case.call_and_validate(
                base_url=url,
                headers={"Authorization": f"Bearer {key}"},
                checks=[schemathesis.checks.not_a_server_error],
                timeout=20,
            )

        ask()
    return asked


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
