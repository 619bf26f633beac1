"""Facts as a release writes them, and how it reads them. Run by any release: `facts.py write COUNT SEED`, `read`, `where`.

What is written is made from the release's own types, so every field, every word of a list and every empty thing occurs.
"""

import json
import sys
import types
import typing
from datetime import UTC, datetime
from enum import Enum
from importlib import import_module

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tierline.domain.events import EVENTS, decode

FIRST, LAST = datetime(2026, 1, 1), datetime(2036, 1, 1)  # noqa: DTZ001 - Hypothesis adds the zone
PLAIN = {
    str: st.text(max_size=12),
    int: st.integers(1, 2**40),
    bool: st.booleans(),
    datetime: st.datetimes(FIRST, LAST, timezones=st.just(UTC)),
    type(None): st.none(),
}


def any_of(kind):
    """Any value of a type that stands in a fact."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return any_of(arguments[0])
    if origin in {typing.Union, types.UnionType}:
        return st.one_of(*map(any_of, arguments))
    if origin is tuple:
        return st.lists(any_of(arguments[0]), max_size=3)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from([member.value for member in kind])
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = kind.model_fields.items()
        return st.fixed_dictionaries({field.alias or name: any_of(field.annotation) for name, field in fields})
    return PLAIN[kind]


def write(count: int, number: int) -> None:
    """Print so many of each fact, as this release writes it: its type, a tab, its data."""
    for type_, kind in EVENTS.items():

        @seed(number)
        @settings(max_examples=count, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(st.just(type_), any_of(kind).map(kind.model_validate))
        def one(type_, fact):
            print(f"{type_}\t{fact.model_dump_json(by_alias=True)}")

        one()


def read() -> None:
    """Read facts as they are printed above; print each as this release understands it, or why it cannot."""
    for line in sys.stdin:
        type_, _, data = line.partition("\t")
        try:
            print(decode(type_, data.encode()).model_dump_json(by_alias=True))
        except (KeyError, ValueError) as error:
            print(json.dumps({"refused": f"{type(error).__name__}: {error}"}))


def where() -> None:
    """Print the places from which this release is run."""
    for name in ("tierline", "embedded", "intake", "tier1", "tier2", "tier3_liaison", "notifier"):
        print(import_module(name).__file__)


if __name__ == "__main__":
    {"write": write, "read": read, "where": where}[sys.argv[1]](*map(int, sys.argv[2:]))
