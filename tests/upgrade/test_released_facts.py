"""Whatever an earlier release wrote is read today, and whatever is written today is read by the release before."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from earlier import HEAD, Release

FACTS = Path(__file__).with_name("facts.py")
OF_EACH = 25


@pytest.mark.parametrize("name", ["previous", "oldest"])
async def test_an_earlier_release_is_run_by_its_own_code_alone(name: str, request: pytest.FixtureRequest) -> None:
    earlier: Release = request.getfixturevalue(name)
    places = [Path(line) for line in (await earlier.run(FACTS, "where")).splitlines()]
    assert len(places) == 7
    assert all(place.is_relative_to(earlier.folder) for place in places), places


@pytest.mark.parametrize("name", ["previous", "oldest"])
async def test_what_an_earlier_release_writes_is_read_today(name: str, request: pytest.FixtureRequest) -> None:
    earlier: Release = request.getfixturevalue(name)
    written = await _written(earlier) + _golden(earlier)
    for line, read in zip(written, await _read(HEAD, written), strict=True):
        assert within(json.loads(line.partition("\t")[2]), read), (line, read)


async def test_what_is_written_today_is_read_by_the_previous_release(previous: Release) -> None:
    written = await _written(HEAD)
    for line, read in zip(written, await _read(previous, written), strict=True):
        assert within(read, json.loads(line.partition("\t")[2])), (line, read)


async def test_the_check_finds_what_the_previous_release_cannot_read(previous: Release) -> None:
    good = next(line for line in _golden(HEAD) if line.startswith("tierline.case.resolved.v1"))
    unknown_word, unknown_fact = good.replace("single-sign-on", "abacus"), good.replace("resolved.v1", "mended.v1")
    assert unknown_word != good != unknown_fact
    kept, *refused = await _read(previous, [good, unknown_word, unknown_fact])
    assert "refused" not in kept
    assert all("refused" in answer for answer in refused)


async def _written(release: Release) -> list[str]:
    number = random.randrange(2**32)
    print(f"seed {number}")
    lines = (await release.run(FACTS, "write", str(OF_EACH), str(number))).split("\n")[:-1]
    assert len({line.partition("\t")[0] for line in lines}) >= 24
    return lines


def _golden(release: Release) -> list[str]:
    samples = sorted((release.folder / "tests/unit/golden").glob("*.json"))
    return [f"tierline.{path.stem}.v1\t{json.dumps(json.loads(path.read_bytes()))}" for path in samples]


async def _read(release: Release, lines: list[str]) -> list[dict[str, Any]]:
    said = await release.run(FACTS, "read", given="".join(f"{line}\n" for line in lines))
    return [json.loads(line) for line in said.split("\n")[:-1]]


def within(said: Any, understood: Any) -> bool:
    """Whether everything that was said was understood as it was meant; at every depth there may be more."""
    if isinstance(said, dict):
        return isinstance(understood, dict) and all(
            name in understood and within(value, understood[name]) for name, value in said.items()
        )
    if isinstance(said, list):
        return isinstance(understood, list) and len(said) == len(understood) and all(map(within, said, understood))
    return bool(said == understood)
