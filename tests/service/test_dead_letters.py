"""What nobody can read on the bus is set aside, with its reason; everything else goes on."""

import asyncio
import json
from datetime import UTC, datetime

import asyncpg
from uuid_utils import uuid7

from house import House
from tierline.kit.bus import Envelope
from tierline.kit.runtime import Runtime

INSERT = "INSERT INTO event_log (topic, key, headers, value) VALUES ('tickets.intake', $1, $2, $3)"
LETTERS = """
SELECT headers ->> 'dlq-reason' AS reason, headers ->> 'dlq-consumer' AS consumer, value
FROM event_log WHERE topic = 'tickets.intake.dead' AND key = $1
"""


def _headers(key: str, kind: str) -> str:
    moment = datetime.now(UTC)
    event = Envelope("tickets.intake", key, str(uuid7()), kind, "/stranger", moment, sequence=1, data=b"")
    return json.dumps({name: value.decode() for name, value in event.headers().items()})


async def test_what_cannot_be_read_is_set_aside_and_the_others_go_on(house: House) -> None:
    apps = house.machine.server.config.app.state.apps  # type: ignore[union-attr]
    intake: Runtime = apps["intake"].state.runtime
    key = f"strange-{uuid7()}"
    log = await asyncpg.connect(intake.settings.bus)
    try:
        await log.execute(INSERT, key.encode(), "{}", b"no headers")
        await log.execute(INSERT, key.encode(), _headers(key, "tierline.ticket.eaten.v1"), b"unknown fact")
        await log.execute(INSERT, key.encode(), _headers(key, "tierline.ticket.submitted.v1"), b"{not json")
        await log.execute(INSERT, key.encode(), '["no", "object"]', b"strange headers")
        ticket = await house.submit()
        assert (await house.case("tier1", ticket)).status_code == 200
        async with asyncio.timeout(20):
            while (
                len(letters := [row for row in await log.fetch(LETTERS, key.encode()) if row["consumer"] == "tier1"])
                < 4
            ):
                await asyncio.sleep(0.05)
    finally:
        await log.close()
    reasons = {row["value"]: row["reason"] for row in letters}
    assert len(reasons) == len(letters)
    assert reasons[b"no headers"] == "the header ce_specversion is missing"
    assert reasons[b"unknown fact"] == "no fact is called tierline.ticket.eaten.v1"
    assert reasons[b"{not json"] == "the data does not fit its fact"
    metrics = (await house.client.get("/tier1/metrics")).text
    assert (
        float(next(line for line in metrics.splitlines() if "dead_letters" in line and line[0] != "#").split()[-1]) >= 4
    )
