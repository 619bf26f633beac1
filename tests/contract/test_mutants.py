"""The suite of both adapters is worth something: each way of breaking them fails it, and without one it passes.

The unbroken control is the suite itself, which runs beside this story. Without the inbox, and with a relay that shuffles,
the simulation fails (`tests/simulation/test_seeds.py`).
"""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from kafka_broker import Broker
from mutants import MUTANTS, OF_AN_ADAPTER

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("mutant", OF_AN_ADAPTER)
async def test_the_suite_finds_a_broken_adapter(mutant: str, kafka_broker: Broker) -> None:
    adapter = "kafka" if "kafka" in MUTANTS[mutant][0] else "postgres"
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "mutants",
            "-x",
            "-q",
            "--no-header",
            "-k",
            adapter,
        ),
        *("-p", "no:cacheprovider", str(TESTS / "contract" / "test_bus.py")),
        cwd=TESTS.parent,
        env={**os.environ, "MUTANT": mutant, "PYTHONPATH": str(TESTS), "TIERLINE_TEST_KAFKA": kafka_broker.servers},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(170):
        said, _ = await process.communicate()
    assert process.returncode == 1, said.decode()[-3000:]
    assert b"1 failed" in said, said.decode()[-3000:]
