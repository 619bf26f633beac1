"""A minute of storm in which nothing is lost, doubled or left untold; and the proof that a shorter one would have noticed."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from mutants import IN_A_STORM
from storm.run import CANNOT_RUN

TESTS = Path(__file__).parents[1]
SEED = "2611"  # the broken code and the sound one meet the same blows; `make storm` draws its own
SHORT = "20"


async def _storm(*asked: str, mutant: str = "") -> tuple[int, str]:
    """Live through one in a process of its own; its exit code and what it said."""
    broken = {"MUTANT": mutant} if mutant else {}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "storm.run", *asked),
        cwd=TESTS,
        env={**os.environ, **broken},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    code = process.returncode
    assert code is not None
    if code == CANNOT_RUN and os.environ.get("CI") != "true":
        pytest.skip(said.decode().splitlines()[-1])
    return code, said.decode()


@pytest.mark.timeout(300)
async def test_a_minute_of_storm_on_kafka_breaks_no_promise() -> None:
    code, said = await _storm("--seconds", "60", "--seed", SEED, "--adapter", "kafka")
    assert code == 0, said


@pytest.mark.timeout(240)
async def test_a_short_storm_on_the_event_log_breaks_no_promise() -> None:
    code, said = await _storm("--seconds", SHORT, "--seed", SEED, "--adapter", "log", "--point", "bus.handled")
    assert code == 0, said


@pytest.mark.timeout(240)
@pytest.mark.parametrize("mutant", IN_A_STORM)
async def test_a_short_storm_finds_what_is_broken(mutant: str) -> None:
    adapter, point = IN_A_STORM[mutant]
    dying = ("--point", point) if point else ()
    code, said = await _storm("--seconds", SHORT, "--seed", SEED, "--adapter", adapter, *dying, mutant=mutant)
    assert code == 1, said
    assert " breaches" in said, said
