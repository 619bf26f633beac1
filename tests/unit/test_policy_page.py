"""The page about policies: its example works as it stands, and no field is missing from it."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from tierline.domain.policy_file import PolicyFile, read_policy
from tierline.domain.words import Desk, Impact

PAGE = (Path(__file__).parents[2] / "docs/policy.md").read_text("utf-8")
EXAMPLE: dict[str, Any] = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])


def _fields(kind: Any) -> set[str]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        own = set(kind.model_fields)
        return own.union(*(_fields(field.annotation) for field in kind.model_fields.values()))
    return set().union(*map(_fields, get_args(kind))) if get_args(kind) else set()


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {str(key) for key in value}.union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def test_the_example_can_be_read() -> None:
    policy, problems = read_policy(EXAMPLE)
    assert problems == []
    assert policy is not None
    assert policy.answers.send_above == 0.7


def test_every_field_stands_in_the_example() -> None:
    assert _fields(PolicyFile) - _keys(EXAMPLE) == set()


@pytest.mark.parametrize("missing", ["member", "calendar", "matrix", "time_allowed"])
def test_what_must_be_there_is_asked_for(missing: str) -> None:
    _, problems = read_policy({name: value for name, value in EXAMPLE.items() if name != missing})
    assert missing in {path[0] for path, _ in problems}


def test_floors_that_cross_are_refused() -> None:
    _, problems = read_policy({**EXAMPLE, "answers": {"send_above": 0.2, "offer_above": 0.5}})
    assert problems[0][0] == ("answers", "offer_above")


def test_every_desk_and_impact_of_the_code_is_on_the_page() -> None:
    assert {str(word) for word in (*Desk, *Impact)} <= _keys(EXAMPLE)
