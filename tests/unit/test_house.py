"""The house keeps its shape: what a floor may say, how large a room may be, which rooms a service has."""

import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KIT = sorted((ROOT / "shared/tierline/kit").rglob("*.py"))
CODE = [
    path
    for folder in ("shared/tierline", "services", "deploy")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not {"migrations", "build", "versions"} & set(path.parts)
]
DECISIONS = [path for path in CODE if path.parent.name == "domain" or path.name.endswith("policy.py")]
BUSINESS = re.compile(
    r"\b(ticket|tier[123]?|desk|vendor|liaison|escalat\w+|reporter|manual|student|member state)s?\b", re.IGNORECASE
)
CLOCK = re.compile(r"\.now\(|\.utcnow\(|\.today\(|time\.time\(|perf_counter|monotonic")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", KIT, ids=_name)
def test_the_kit_knows_nothing_of_the_business(path: Path):
    assert BUSINESS.findall(path.read_text()) == []


@pytest.mark.parametrize("path", DECISIONS, ids=_name)
def test_a_decision_is_told_the_time(path: Path):
    assert CLOCK.findall(path.read_text()) == []


def test_only_the_kafka_adapter_knows_aiokafka():
    knowing = {path.name for path in CODE if re.search(r"^\s*(import|from) aiokafka", path.read_text(), re.MULTILINE)}
    assert {name for name in knowing if not name.startswith("bus_kafka")} == set()


def test_rooms_are_small():
    sizes = {_name(path): len(path.read_text().splitlines()) for path in CODE}
    assert {path: size for path, size in sizes.items() if size > 300} == {}
    assert statistics.median(size for size in sizes.values() if size > 10) < 150


@pytest.mark.parametrize("service", ["intake", "tier1", "tier2", "tier3-liaison", "notifier"])
def test_a_service_has_the_rooms_that_every_service_has(service: str):
    package = ROOT / "services" / service / service.replace("-", "_")
    rooms = {path.name for path in package.iterdir()}
    assert {"main.py", "api.py", "handlers.py", "store.py", "migrations"} <= rooms
    main = (package / "main.py").read_text()
    assert "SERVICE = Service(" in main
    assert "app = create_app(SERVICE)" in main


def test_no_two_stories_share_a_file_name():
    """pytest would take the second for the first, and refuse to begin."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
