"""Whatever stands on a topic: the readers go on, real tickets reach their end, and what is strange waits for a person."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from embedded import places
from embedded.audit.auditing import audit
from embedded.machine import POLICIES, running
from embedded.replay.checking import check
from hostile_events import Strange, strange_records
from house import House, in_order
from spans import Spans
from tierline.desk.policies import load_policies
from tierline.kit import bus_delivery, bus_kafka, bus_postgres

SERVICES = ("intake", "tier1", "tier2", "tier3", "notifier")
SEED = 20261125
INSERT = "INSERT INTO event_log (topic, key, headers, value) VALUES ($1, $2, $3, $4)"


class Heard:
    """What the adapters had to say meanwhile."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, level: str) -> Any:
        return lambda event, **more: self.said.append((event, more))

    def of(self, *events: str) -> list[tuple[str, dict[str, Any]]]:
        """Those of these names."""
        return [one for one in self.said if one[0] in events]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """The adapters' log."""
    made = Heard()
    for module in (bus_delivery, bus_kafka, bus_postgres):
        monkeypatch.setattr(module, "log", made)
    return made


@pytest.fixture(params=["event log", "kafka"])
async def attacked(request: pytest.FixtureRequest, folder: Path, heard: Heard) -> AsyncIterator[House]:
    """A house of its own: what is put onto its topics would be found by the audits of other stories."""
    kafka = request.getfixturevalue("own_kafka").servers if request.param == "kafka" else None
    name = f"attacked-{request.param.replace(' ', '-')}"
    async with running(folder / name, port=0, kafka=kafka, manuals=False) as machine, machine.client() as client:
        yield House(machine, client, Spans())


async def test_whatever_stands_on_a_topic_real_tickets_reach_their_end(attacked: House, heard: Heard) -> None:
    strange = list(strange_records(SEED, of_each_fact=8))
    before = [await attacked.submit() for _ in range(3)]
    real = [*before]
    put, lives = asyncio.create_task(_put(attacked, strange)), [_life(attacked, ticket) for ticket in before]
    await asyncio.gather(put, *lives)
    real.append(await attacked.submit())
    await _life(attacked, real[-1])  # it comes behind all that was strange, on every topic
    await _until_all_is_told(attacked)
    for service in SERVICES:
        letters = await _letters(attacked, service)
        assert len(letters) > 100, service
        for letter in letters[:: len(letters) // 25]:
            shown = await _get(attacked, f"/{service}/v1/dead/{letter['pos']}")
            assert shown["reason"]
    await _the_operators_checks_go_on(attacked, real)
    assert not heard.of("batch_failed", "consumer_restarted"), heard.said[:5]
    assert sorted(more["group"] for _, more in heard.of("consumer_started")) == sorted(SERVICES)


async def _life(house: House, ticket: str) -> None:
    for desk in ("tier1", "tier2"):
        await house.move(desk, ticket, "escalate", text="Not solved here.")
    await house.move("tier3", ticket, "resolve", text="Solved.")
    await house.until(ticket, "resolved")
    await house.wish(ticket, "confirm")
    steps = in_order(await house.told(ticket, "ticket.closed"))
    assert steps[0] == "ticket.submitted"
    assert steps[-1] == "ticket.confirmed"


async def _the_operators_checks_go_on(house: House, real: list[str]) -> None:
    addresses = places.databases_of(house.machine.install.folder)
    report = await audit(addresses, _bus(house), lambda: datetime.now(UTC), pause=0.1)
    assert [breach for breach in report.breaches if breach.ticket in real] == []
    _, different = await check(addresses, _bus(house), load_policies(POLICIES), pause=0.1)
    assert [one for one in different if one.partition(":")[0] in real] == []


def _bus(house: House) -> str:
    apps = house.machine.server.config.app.state.apps  # type: ignore[union-attr]
    return str(apps["intake"].state.runtime.settings.bus)


async def _until_all_is_told(house: House) -> None:
    async with asyncio.timeout(40):
        for service in SERVICES:
            while await _metric(house, service, "tierline_outbox_unpublished") > 0:
                await asyncio.sleep(0.1)


async def _metric(house: House, service: str, name: str) -> float:
    answer = await house.client.get(f"/{service}/metrics")
    assert answer.status_code == 200, answer.text
    return float(next(line for line in answer.text.splitlines() if line.startswith(name)).split()[-1])


async def _letters(house: House, service: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        page = await _get(house, f"/{service}/v1/dead?limit=100&after={after}")
        found += page["items"]
        if page["next"] is None:
            return found
        after = page["next"]


async def _get(house: House, path: str) -> dict[str, Any]:
    answer = await house.client.get(path, headers=house.key("operator"))
    assert answer.status_code == 200, f"{path}: {answer.text[:300]}"
    return dict(answer.json())


async def _put(house: House, strange: list[Strange]) -> None:
    """Raw, past everything of ours that would refuse it."""
    bus = _bus(house)
    if bus.startswith("kafka://"):
        async with AIOKafkaProducer(bootstrap_servers=bus.removeprefix("kafka://"), max_request_size=4_194_304) as to:
            for one in strange:
                await to.send_and_wait(one.topic, one.value, one.key, headers=list(one.headers))
        return
    log = await asyncpg.connect(places.bus_of(house.machine.install.folder, None))
    try:
        for one in strange:
            await log.execute(INSERT, one.topic, one.key, _as_json(one), one.value)
    finally:
        await log.close()


def _as_json(one: Strange) -> str:
    """Headers as they can be written by hand into the log: bytes that are no text become lone surrogates."""
    return json.dumps({name: value.decode("utf-8", "surrogateescape") for name, value in one.headers})
