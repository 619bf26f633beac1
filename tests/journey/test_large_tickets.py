"""However much is said of one ticket, it goes on to the next desk, and no other ticket waits for it."""

import asyncio
from datetime import UTC, datetime

import pytest

from embedded import places
from embedded.audit.auditing import audit
from house import PATIENCE, House
from tierline.kit import bus, outbox
from tierline.kit.runtime import Runtime

LONG = "\x01" * 20_000
"""The longest reply there is, of letters that take six bytes each on their way."""


@pytest.fixture(params=["house", "kafka_house"])
def home(request: pytest.FixtureRequest) -> House:
    """Every story is told on both adapters."""
    made: House = request.getfixturevalue(request.param)
    return made


async def test_a_ticket_that_holds_all_it_can_takes_no_more_talk_and_still_reaches_its_end(home: House) -> None:
    ticket = await home.submit()
    replies = []
    while not replies or replies[-1].status_code == 202:
        replies.append(await home.wish(ticket, "replies", text=LONG))
    assert (len(replies), replies[-1].status_code) == (10, 409)
    assert replies[-1].json()["type"].endswith("/full")
    await _taken_in(home, ticket, 9)
    for move in ("note", "ask"):
        refused = await home.move("tier1", ticket, move, text="One more thing.")
        assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "full")
        assert "escalate" in refused.json()["allowed"]
        assert "note" not in refused.json()["allowed"]
    assert (await home.move("tier1", ticket, "escalate", text="Read all of it.")).status_code == 200
    case = (await home.case("tier2", ticket)).json()
    assert [message["text"] for message in case["conversation"]] == [LONG] * 9
    assert (await home.move("tier2", ticket, "resolve", text="Done.")).status_code == 200
    await home.told(ticket, "ticket.resolved")
    assert (await home.wish(ticket, "reopen", text="No.")).status_code == 409
    assert (await home.wish(ticket, "reopen")).status_code == 200
    await home.case("tier3", ticket)


async def test_an_event_that_the_bus_never_takes_waits_alone_with_its_ticket_and_is_seen(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps = home.machine.server.config.app.state.apps  # type: ignore[union-attr]
    intake: Runtime = apps["intake"].state.runtime
    stuck, other = await home.submit(), await home.submit()
    for ticket in (stuck, other):
        await home.case("tier1", ticket)
    # As on a broker whose limit is lower than ours.
    monkeypatch.setattr(bus, "LARGEST_EVENT", bus.AROUND + 15_000)
    await home.wish(stuck, "replies", text="x" * 20_000)
    await home.wish(stuck, "replies", text="And one more.")
    await home.wish(other, "replies", text="Mine is short.")
    await _taken_in(home, other, 1)
    assert (await home.case("tier1", stuck)).json()["conversation"] == []
    assert await _refused(home) == 1
    assert await _unpublished(intake) == 0
    async with intake.database.connection() as held:
        await held.execute("UPDATE outbox SET time = time - interval '5 minutes' WHERE refused IS NOT NULL")
    folder = home.machine.install.folder
    report = await audit(places.databases_of(folder), str(intake.settings.bus), lambda: datetime.now(UTC), pause=0.3)
    assert ("unpublished", stuck) in {(str(breach.kind), breach.ticket) for breach in report.breaches}
    assert other not in {breach.ticket for breach in report.breaches}

    monkeypatch.undo()  # the limit is raised, and whoever leads next tries again
    async with intake.database.connection() as held:
        await held.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'intake-lead' AND usename = current_user"
        )
    await _taken_in(home, stuck, 2)
    case = (await home.case("tier1", stuck)).json()
    assert [message["text"][:3] for message in case["conversation"]] == ["xxx", "And"]
    assert await _refused(home) == 0


async def _taken_in(home: House, ticket: str, replies: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len((await home.case("tier1", ticket)).json()["conversation"]) < replies:
            await asyncio.sleep(0.05)


async def _refused(home: House) -> float:
    page = (await home.client.get("/intake/metrics")).text
    return float(page.partition('tierline_outbox_refused{service="intake"} ')[2].partition("\n")[0])


async def _unpublished(running: Runtime) -> int:
    """What a service that stops would wait for: nothing that cannot be told."""
    async with running.database.connection() as held:
        return int((await held.fetchrow(outbox.BACKLOG) or [0])[0])
