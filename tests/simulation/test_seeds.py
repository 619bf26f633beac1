"""Two thousand seeds of bad weather keep every promise; a seed repeats its story; a missing safeguard is seen."""

from itertools import islice

import pytest

from simulation.sim import broken_promises
from simulation.weather import Weather

SEEDS = 2000


def test_every_promise_holds_in_any_weather() -> None:
    assert next((failure for failure in broken_promises(range(SEEDS)) if failure), None) is None


def test_a_seed_repeats_its_story_to_the_line() -> None:
    for seed in range(20):
        first, again = Weather(seed), Weather(seed)
        first.live()
        again.live()
        assert first.world.story == again.world.story


@pytest.mark.parametrize("missing", ["inbox", "ordered_relay"])
def test_a_missing_safeguard_breaks_a_promise(missing: str) -> None:
    broken = (seed for seed in range(400) if _breaks(Weather(seed, **{missing: False})))
    assert list(islice(broken, 1)), f"400 seeds without {missing}, and no promise was broken"


def _breaks(weather: Weather) -> bool:
    try:
        weather.live()
    except AssertionError:
        return True
    return False
