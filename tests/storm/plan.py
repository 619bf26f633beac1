"""What a storm does and when, drawn from its seed. Pure: the same seed and length make the same storm."""

import random
from dataclasses import dataclass

from storm.netproxy import FAULTS
from victims import POINTS

SERVICES = tuple(POINTS)
PER_MINUTE = {
    "kill": 32,
    "kafka": 2,
    "postgres": 2,
    "wire": 14,
    "guest": 4,
    "clock": 4,
}
"""How often each thing happens in a minute: in ten, over 300 kills, 20 restarts of Kafka and 20 of PostgreSQL."""
TICKETS_A_SECOND = 17.0
WIRES = (
    *(("postgres", service) for service in SERVICES),
    *(("bus", service) for service in SERVICES),
    *(("door", service) for service in SERVICES),
    ("mail", "notifier"),
    ("callback", "notifier"),
    ("vendor", "tier3"),
)
"""Every pair that speaks with one another: where, and who speaks."""
FURTHEST = 120.0  # a webhook's signature may be five minutes off, and the clock steps both ways


@dataclass(frozen=True, order=True)
class Blow:
    """At this second, `what` happens to `whom` for so long; `how` says more."""

    at: float
    what: str
    whom: str
    seconds: float = 0.0
    how: str = ""


def plan(seed: int, seconds: float, *, kafka: bool, point: str = "") -> list[Blow]:
    """Every blow of a storm, in order. With `point` it kills twice as often, and each next life ends at that crash point."""
    chance = random.Random(seed)
    blows = []
    for what, often in PER_MINUTE.items():
        many = max(1, round(often * seconds / 60)) * (2 if point and what == "kill" else 1)
        for number in range(many):
            # Spread evenly, each somewhere within its own share of the time.
            at = (number + chance.random()) * seconds / many
            if what != "kafka" or kafka:
                blows.append(_blow(what, number, at, chance, kafka=kafka, point=point))
    return sorted(blows)


def _blow(what: str, number: int, at: float, chance: random.Random, *, kafka: bool, point: str) -> Blow:
    if what == "kill":
        service = SERVICES[number % len(SERVICES)]
        # Every other time the next life is armed too: it ends by itself between two effects.
        points = (*POINTS[service], *(("bus.sending",) if kafka else ()))
        how = f"{point or chance.choice(points)}:{chance.randint(1, 30)}" if point or chance.random() < 0.5 else ""
        return Blow(at, what, service, how=how)
    if what in {"kafka", "postgres"}:
        return Blow(at, what, what, chance.uniform(0.2, 2.0), chance.choice(("stop", "kill")))
    if what == "wire":
        place, who = chance.choice(WIRES if kafka else [wire for wire in WIRES if wire[0] != "bus"])
        then = chance.choice(("cut", "on"))
        return Blow(at, what, f"{place}:{who}", chance.uniform(0.3, 5.0), f"{chance.choice(FAULTS)}:{then}")
    if what == "guest":
        return Blow(at, what, chance.choice(SERVICES), chance.uniform(2.0, 12.0), chance.choice(("stop", "kill")))
    return Blow(at, what, "clock", chance.uniform(-FURTHEST, FURTHEST))
