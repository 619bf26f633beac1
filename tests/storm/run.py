"""`make storm`: a seeded storm over the five services, and the count afterwards. 0 only if the ledger and the audit agree.

make storm                        # ten minutes on Kafka, a seed by chance
make storm SECONDS=60 SEED=4711   # the same blows at the same seconds again
make storm ADAPTER=log            # on the event log
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import uvloop

from embedded.audit.auditing import Report, audit
from kafka_broker import CannotRun
from storm import proofs
from storm.crowd import DESKS
from storm.follower import Follower
from storm.ledger import Ledger
from storm.plan import FURTHEST, SERVICES, TICKETS_A_SECOND, Blow, plan
from storm.town import Town, town

CALM_STEPS = (FURTHEST, 0, 360, 2400, 10_800, 21_600, 43_200, 86_400)
"""After the storm the clock is set forward, in seconds, as far as what still waits for its next attempt needs it."""
PATIENCE = 12.0
CANNOT_RUN = 2
FINAL = "unapplied"
"""What a reader has passed over does not come again, however long one waits."""


@dataclass
class Outcome:
    """What a storm came to."""

    seed: int
    seconds: float
    tickets: int = 0
    ends: dict[str, Counter[str]] = field(default_factory=dict)
    kills: int = 0
    blows: Counter[str] = field(default_factory=Counter)
    repeats: dict[str, int] = field(default_factory=dict)
    told_again: int = 0
    breaches: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For people."""
        told = ", ".join(f"{many} {what}" for what, many in sorted(self.blows.items()))
        again = ", ".join(f"{many} {what}" for what, many in self.repeats.items())
        return [
            *self.breaches[:40],
            f"seed {self.seed}: {self.tickets:,} tickets, {self.kills} kills; {told}",
            f"sent again with the same identity: {again}; steps that the watchdog told again: {self.told_again}",
            f"{len(self.breaches)} breaches" if self.breaches else "0 lost, 0 held twice, 0 untold, 0 doubled",
        ]


async def storm(seed: int, seconds: float, *, kafka: bool, point: str, say: Callable[[str], None]) -> Outcome:
    """Live through one storm and count."""
    outcome = Outcome(seed, seconds)
    async with town(kafka=kafka, seed=seed) as (built, crowd):
        say("everything runs; the storm begins")
        follower = Follower(built.wires["door:intake"].port, built.made.install.credentials["operator"])
        beside = [
            *(asyncio.ensure_future(crowd.work(desk)) for desk in DESKS),
            asyncio.ensure_future(follower.follow()),
            asyncio.ensure_future(_progress(built, say)),
        ]
        submitting = asyncio.ensure_future(crowd.submit_all(round(seconds * TICKETS_A_SECOND), seconds * 0.9))
        await _blow(built, plan(seed, seconds, kafka=kafka, point=point))
        say("the storm is over; what is under way goes to its end")
        await submitting
        report = await _calm(built, say)
        outcome.told_again = await proofs.told_again(built)
        outcome.breaches = [line async for line in proofs.found(built, follower)]
        for task in beside:
            task.cancel()
    ledger = built.ledger
    outcome.tickets, outcome.blows, outcome.repeats = len(ledger.tickets), built.done, ledger.repeats()
    outcome.ends = {service: built.lives[service].ends for service in SERVICES}
    outcome.kills = sum(built.lives[service].kills for service in SERVICES)
    outcome.breaches = [
        *outcome.breaches,
        *ledger.breaches(),
        *report.lines()[: len(report.breaches) + len(report.untold)],
        *(
            []
            if report.tickets == len(ledger.tickets)
            else [f"COUNT {report.tickets} of {len(ledger.tickets)} tickets"]
        ),
        *(
            f"DIED {service} {how}, {many} times"
            for service, ends in outcome.ends.items()
            for how, many in ends.items()
            if how not in {"killed", "stopped"}
        ),
    ]
    return outcome


async def _blow(built: Town, blows: list[Blow]) -> None:
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for blow in blows:
            await asyncio.sleep(began + blow.at - time.monotonic())
            group.create_task(built.strike(blow))


async def _calm(built: Town, say: Callable[[str], None]) -> Report:
    """Wait until all is told, helped by the clock where the next attempt is far off; the audit says what remains."""
    ahead, report = 0.0, Report()
    for step in CALM_STEPS:
        ahead += step
        built.clock.step(ahead)
        await _until_nothing_comes(built.ledger)
        report = await audit(built.databases, built.bus, built.clock.now, pause=1.5)
        if not (report.breaches or report.untold or built.ledger.missing()):
            break
        say(f"not yet: {built.ledger.missing()} to come, {len(report.breaches)} breaches, {len(report.untold)} untold")
        if any(breach.kind == FINAL for breach in report.breaches):
            break
    return report


async def _until_nothing_comes(ledger: Ledger) -> None:
    """As long as notices go on to arrive, and some time more."""
    missing, since = ledger.missing(), time.monotonic()
    while missing and time.monotonic() - since < PATIENCE:
        await asyncio.sleep(0.2)
        if ledger.missing() != missing:
            missing, since = ledger.missing(), time.monotonic()


async def _progress(built: Town, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(5)
        kills = sum(lives.kills for lives in built.lives.values())
        say(
            f"{time.monotonic() - began:4.0f} s  {len(built.ledger.tickets):,} tickets in, "
            f"{built.ledger.missing():,} notices to come, {kills} kills, {built.done['postgres']} restarts of PostgreSQL, "
            f"{built.done['kafka']} of Kafka"
        )


def main() -> int:
    """Run what was asked for; 1 where a promise was broken, 2 where there can be no storm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--adapter", choices=("kafka", "log"), default="kafka")
    parser.add_argument(
        "--point", default="", help="kill twice as often, and let each next life end at this crash point"
    )
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if asked.seed is None else asked.seed
    print(f"seed {seed}, {asked.seconds:.0f} s, on {'Kafka' if asked.adapter == 'kafka' else 'the event log'}")

    def say(what: str) -> None:
        sys.stderr.write(f"{what}\n")

    try:
        outcome = uvloop.run(storm(seed, asked.seconds, kafka=asked.adapter == "kafka", point=asked.point, say=say))
    except CannotRun as error:
        print(f"no Kafka to storm: {error}; or let it rage on the event log with ADAPTER=log")
        return CANNOT_RUN
    print("\n".join(outcome.lines()))
    return int(bool(outcome.breaches))


if __name__ == "__main__":
    sys.exit(main())
