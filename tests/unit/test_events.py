"""What was once released is read for ever; what the docs show is what the code says."""

import json
from pathlib import Path
from typing import Any

import pytest

from tierline.desk.publish import stale
from tierline.domain.events import EVENTS, decode

GOLDEN = Path(__file__).parent / "golden"
DOCS = Path(__file__).parents[2] / "docs"


def test_the_drawn_docs_are_fresh() -> None:
    assert stale(DOCS) == [], "run `make docs`"


@pytest.mark.parametrize("type_", EVENTS)
def test_a_golden_sample_is_read_and_written_as_it_was(type_: str) -> None:
    raw = (GOLDEN / f"{EVENTS[type_].name}.json").read_bytes()
    written = json.loads(decode(type_, raw).model_dump_json(by_alias=True))
    assert _within(json.loads(raw), written)


def test_a_field_of_a_newer_release_is_passed_over() -> None:
    raw = json.loads((GOLDEN / "case.resolved.json").read_bytes()) | {"field_of_tomorrow": 1}
    assert decode("tierline.case.resolved.v1", json.dumps(raw).encode()).version == 3


def _within(released: Any, written: Any) -> bool:
    """Whether everything that was released is written as it was; at every depth a field may have come."""
    if isinstance(released, dict):
        return isinstance(written, dict) and all(
            name in written and _within(value, written[name]) for name, value in released.items()
        )
    if isinstance(released, list):
        return len(released) == len(written) and all(map(_within, released, written))
    return bool(released == written)
