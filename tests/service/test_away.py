"""What is needed is not there: said in one line, answered with 503, and nothing that was accepted is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from embedded.machine import running
from house import House
from intake.main import SERVICE
from tierline.kit.errors import Misconfigured
from tierline.kit.runtime import Runtime
from tierline.kit.service import create_app

AWAY = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"


@asynccontextmanager
async def _front_door(house: House, **change: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The house's intake once more, beside it, with something else set."""
    apps = house.machine.server.config.app.state.apps  # type: ignore[union-attr]
    beside: Runtime = apps["intake"].state.runtime
    app = create_app(SERVICE, beside.settings.model_copy(update=change))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://front-door") as client:
            yield client


async def test_without_its_database_it_lives_but_accepts_nothing(house: House) -> None:
    async with _front_door(house, database_url=AWAY) as client:
        answer = await client.post("/v1/tickets", json=house.body(), headers=house.key("client"))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.headers["content-type"] == "application/problem+json"
        assert "127.0.0.1" not in answer.text
        ready = await client.get("/readyz")
        assert (ready.status_code, "retry-after" in ready.headers) == (503, True)
        assert "waiting for the database" in ready.json()["detail"]
        assert (await client.get("/livez")).status_code == 200


@pytest.mark.parametrize("bus", [AWAY, "kafka://127.0.0.1:9"])
async def test_without_its_bus_it_accepts_what_is_told_once_the_bus_is_there(house: House, bus: str) -> None:
    async with _front_door(house, bus=bus) as client:
        async with asyncio.timeout(20):
            while "event bus" not in (await client.get("/readyz")).json().get("detail", ""):
                await asyncio.sleep(0.05)
        answer = await client.post("/v1/tickets", json=house.body(), headers=house.key("client"))
    assert answer.status_code == 201
    # The intake of the house has a bus, and finds in the outbox what the other one could not tell.
    assert (await house.case("tier1", answer.json()["id"])).json()["held"]


async def test_a_policy_with_a_dead_end_is_refused_at_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policies = folder / "policies"
    policies.mkdir()
    (policies / "alder.yaml").write_text("member: alder\nmatrix: {coffee-machine: {tier1: state}}\n")
    monkeypatch.setenv("TIERLINE_POLICIES", str(policies))
    with pytest.raises(Misconfigured, match=r"alder\.yaml"):
        async with running(folder / "refused", port=0):
            pass
