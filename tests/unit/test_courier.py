"""What was sent is not sent again because nobody could write down that it was."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from tierline.kit import calls, courier
from tierline.kit.calls import Result, Waiting
from tierline.kit.courier import HELD, Courier
from tierline.kit.errors import DatabaseUnavailable
from tierline.kit.tracing import Tracing

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CALL = Waiting("call-1", "room", "key", "mail", "someone", {}, {}, 0, NOW)


@pytest.fixture
def sent() -> list[str]:
    """What the channel was given."""
    return []


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """When calls are to be made again."""
    moments: list[datetime] = []

    async def noted(_: Any, __: Waiting, at: datetime) -> None:
        moments.append(at)

    monkeypatch.setattr(calls, "again", noted)
    monkeypatch.setattr(courier, "LOOK_AGAIN", 0.0)
    return moments


def _courier(sent: list[str], failures: list[Exception], recorded: list[Result]) -> Courier:
    @asynccontextmanager
    async def transaction() -> Any:
        yield None

    async def channel(call: Waiting) -> Result:
        sent.append(call.id)
        return Result(delivered=True, note="taken")

    async def record(_: Waiting, result: Result, __: float) -> None:
        if failures:
            raise failures.pop(0)
        recorded.append(result)

    database = SimpleNamespace(transaction=transaction)
    house: Any = SimpleNamespace(database=database, now=lambda: NOW, tracing=Tracing())
    made = Courier(house, [], {"mail": channel})
    made._record = record  # type: ignore[method-assign]
    return made


async def test_while_the_database_is_not_well_the_result_waits_and_nothing_is_sent_twice(
    sent: list[str], again: list[datetime]
) -> None:
    recorded: list[Result] = []
    failures = [DatabaseUnavailable("away"), asyncpg.ReadOnlySQLTransactionError("a standby"), DatabaseUnavailable("")]
    await _courier(sent, failures, recorded)._make(CALL)
    assert (sent, len(recorded), again) == (["call-1"], 1, [])


async def test_a_result_that_can_never_be_kept_is_no_reason_to_send_again_at_once(
    sent: list[str], again: list[datetime]
) -> None:
    recorded: list[Result] = []
    await _courier(sent, [ValueError("what is kept cannot be read")], recorded)._make(CALL)
    assert (sent, recorded, again) == (["call-1"], [], [NOW + HELD])
    assert timedelta(minutes=1) < HELD
