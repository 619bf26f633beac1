"""(a) How many submissions a second, beside the floor."""

import json
from pathlib import Path

from stand import load, middle, serving, stand

ROUNDS, COUNT = 5, 1500
# Of 300 teachers, each of whom writes again and again.
BODIES = [
    json.dumps(
        {
            "component": "test-delivery-system",
            "subject": "The test will not load",
            "description": "A white page on every device, since this morning. " * 8,
            "impact": "user_cannot_work",
            "reporter": {
                "name": "A teacher",
                "email": f"teacher-{number}@school-{number % 20}.example.org",
                "role": "school",
                "organization": "S",
            },
        }
    ).encode()
    for number in range(300)
]


async def measure() -> dict[str, float]:
    async with stand() as made:
        key = made.install.credentials["members"]["alder"]["client"]
        environment = made.environment("intake")
        ours, floors = [], []
        with (
            serving("intake.main:app", environment) as (port, _),
            serving("intake_floor:app", environment, str(Path(__file__).parent)) as (floor, _),
        ):
            head = {"Authorization": f"Bearer {key}"}
            for number in range(ROUNDS + 1):
                rates = (
                    await load(floor, "/v1/tickets", BODIES, {}, COUNT),
                    await load(port, "/v1/tickets", BODIES, head, COUNT),
                )
                if number:  # the first round warms up
                    floors.append(rates[0])
                    ours.append(rates[1])
    return {
        "floor_per_s": middle(floors),
        "tierline_per_s": middle(ours),
        "ratio": middle(ours) / middle(floors),
    }
