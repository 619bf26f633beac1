"""A rule that does not come to its end is stopped, whatever it is caught in, and its process lives and ends as always."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from tierline.kit import corridor, overtime
from tierline.kit.corridor import NOTHING, Decision, Incoming, fold
from tierline.kit.overtime import NotReached, TookTooLong, in_time

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def _loop() -> None:
    while True:
        pass


def _pattern() -> None:
    re.match(r"(a+)+$", "a" * 60 + "b")


def _sleep() -> None:
    time.sleep(3600)


def _lock() -> None:
    lock = threading.Lock()
    with lock:
        lock.acquire()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in less time."""
    monkeypatch.setattr(overtime, "LONGEST", 0.2)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("caught", [_loop, _pattern, _sleep, _lock])
def test_whatever_a_rule_is_caught_in_it_is_stopped(caught: Callable[[], None]) -> None:
    for _ in range(2):
        with pytest.raises(TookTooLong):
            in_time(caught)
    assert in_time(lambda: 7) == 7


class Thing(BaseModel):
    """What the rules keep."""

    seen: tuple[str, ...] = ()


def _rule(state: Thing | None, fact: Incoming, book: Any, now: datetime) -> Decision[Thing]:
    if fact.data == "slow":
        _loop()
    if fact.data == "nothing":
        return NOTHING
    return Decision(Thing(seen=(*(state.seen if state else ()), fact.id)))


def _fact(key: str, number: int, data: str = "") -> Incoming:
    return Incoming(key, "thing.happened", f"{key}-{number}", NOW, data, number)


def test_only_the_slow_ones_key_waits_and_in_order() -> None:
    facts = [_fact("a", 1), _fact("b", 1), _fact("a", 2, "slow"), _fact("a", 3), _fact("b", 2)]
    outcome = fold({"thing.happened": _rule}, {}, {}, facts, None, NOW)
    assert [(fact.id, type(error)) for fact, error in outcome.failed] == [("a-2", TookTooLong), ("a-3", type(None))]
    assert {key: thing.seen for key, thing in outcome.states.items()} == {"a": ("a-1",), "b": ("b-1", "b-2")}


def test_what_a_batch_does_not_reach_in_its_time_fails_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corridor, "LONGEST_BATCH", 0.3)
    facts = [_fact(key, 1, "slow") for key in "abcdefgh"] + [_fact("h", 2)]
    outcome = fold({"thing.happened": _rule}, {}, {}, facts, None, NOW)
    kinds = [type(error) for _, error in outcome.failed]
    assert set(kinds[:2]) == {TookTooLong}
    assert kinds[-2:] == [NotReached, type(None)]


def test_a_process_that_had_rules_ends_as_always() -> None:
    code = (
        "from intake import main\nfrom tierline.kit import overtime\novertime.LONGEST = 0.01\novertime.in_time(int)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
