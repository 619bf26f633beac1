"""Whatever fits, or does not fit, an API's own description is answered as that description says: every check, every phase."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig

from house import House
from tierline.kit.auth import make_key

SERVICES = ("intake", "tier1", "tier2", "tier3", "notifier")
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
ENDLESS = "/stream$"  # streams have a story of their own
ATTACK = Path(__file__).parent / "attack"
PHASES = ("Examples", "Coverage", "Fuzzing", "Stateful")
AT_ONCE = 2
TICKETS = 4


@pytest.mark.timeout(600)
async def test_every_service_keeps_to_its_own_description(house: House, tmp_path: Path) -> None:
    key = _key_to_everything(house)
    turns = asyncio.Semaphore(AT_ONCE)

    async def attack(service: str) -> str:
        tickets = await asyncio.gather(*(_ticket_at(house, service) for _ in range(TICKETS)))
        async with turns:
            return await _attack(f"{house.machine.url}/{service}", key, tickets, tmp_path)

    said = await asyncio.gather(*map(attack, SERVICES))
    await _take_away_manuals(house, key)
    await _let_the_policys_liaisons_stand(house)
    assert not any(said), "\n".join(said)[:60_000]


def test_every_check_and_every_phase_is_on() -> None:
    load_all_checks()
    project = SchemathesisConfig.from_path(ATTACK / "schemathesis.toml").projects.get_default()
    checks = CHECKS.get_all_names()
    assert len(checks) >= 14
    assert [name for name in checks if not project.checks.get_by_name(name=name).enabled] == []
    assert all(getattr(project.phases, phase.lower()).enabled for phase in PHASES)


async def _attack(url: str, key: str, tickets: list[str], folder: Path) -> str:
    """What went wrong; empty where nothing did."""
    attacker = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", str(ATTACK / "schemathesis.toml"), "run", f"{url}/openapi.json"),
        *("-H", f"Authorization: Bearer {key}", "--exclude-path-regex", ENDLESS, "--no-color", "--warnings", "off"),
        cwd=folder,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": str(ATTACK / "hooks.py"),
            "ATTACK_URL": url,
            "ATTACK_KEY": key,
            "ATTACK_TICKETS": " ".join(tickets),
            "NO_PROXY": "127.0.0.1",
            "COLUMNS": "200",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await attacker.communicate()
    text = said.decode(errors="replace")
    return text if attacker.returncode or any(f"✅ {phase}\n" not in text for phase in PHASES) else ""


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


async def _take_away_manuals(house: House, key: str) -> None:
    """What was written into the manuals would answer, or pass on, the tickets of later stories."""
    head = {"Authorization": f"Bearer {key}"}
    while kept := (await house.client.get("/tier1/v1/manuals?limit=100", headers=head)).json()["items"]:
        for article in kept:
            version = {**head, "If-Match": f'"{article["version"]}"'}
            taken = await house.client.delete(f"/tier1/v1/manuals/{article['id']}", headers=version)
            assert taken.status_code == 204, taken.text


async def _let_the_policys_liaisons_stand(house: House) -> None:
    """Whoever was made a liaison would get the cases of later stories."""
    key = house.key("tier3")
    for one in (await house.client.get("/tier3/v1/liaisons", headers=key)).json()["items"]:
        if one["from"] != "policy":
            path = f"/tier3/v1/liaisons/{one['component']}?member={one['member']}"
            taken = await house.client.delete(path, headers={**key, "If-Match": f'"{one["version"]}"'})
            assert taken.status_code == 204, taken.text


def _key_to_everything(house: House) -> str:
    keys = house.machine.install.keys
    key_id, key, digest = make_key()
    known = json.loads(keys.read_text("utf-8"))
    keys.write_text(json.dumps({**known, key_id: {"hash": digest, "member": "alder", "scopes": SCOPES}}), "utf-8")
    return key
