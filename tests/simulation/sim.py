"""`make sim`: 100,000 seeds over all cores, or one seed with its whole story (`make sim SEED=n`)."""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator
from multiprocessing import get_context

from simulation.weather import Weather, weather

CHUNK = 50


def broken_promises(seeds: Iterable[int]) -> Iterator[str | None]:
    """What each seed came to, over all cores, in order."""
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        yield from pool.imap(weather, seeds, CHUNK)


def main() -> int:
    """Run what was asked for; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="live through this one alone, and tell its story")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100_000)
    asked = parser.parse_args()
    if asked.seed is not None:
        failure = weather(asked.seed)
        print(failure or _story(asked.seed))
        return int(failure is not None)
    began = time.monotonic()
    for done, failure in enumerate(broken_promises(range(asked.first, asked.first + asked.count)), 1):
        if failure:
            print(failure)
            return 1
        if done % 1000 == 0 or done == asked.count:
            rate = done / (time.monotonic() - began)
            sys.stderr.write(f"\r{done:,} of {asked.count:,} seeds, every promise kept, {rate:,.0f} a second ")
    sys.stderr.write("\n")
    return 0


def _story(seed: int) -> str:
    made = Weather(seed)
    made.live()
    return f"{made.world!r}\n\nseed {seed}: every promise kept"


if __name__ == "__main__":
    sys.exit(main())
