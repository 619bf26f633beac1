"""The bound of the outbox: closed at the limit, open again a tenth below it; while it is closed no door lets anything in."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierline.kit.backlog import Backlog
from tierline.kit.consumer import Consumer
from tierline.kit.errors import OutboxFull, Unavailable
from tierline.kit.signals import Signals
from tierline.kit.sweeper import sweep
from tierline.kit.telemetry import Metrics


@given(st.lists(st.integers(0, 150), max_size=40))
def test_it_is_closed_from_the_limit_until_a_tenth_is_told_and_open_otherwise(waiting: list[int]) -> None:
    backlog, closed = Backlog(100), False
    for count in waiting:
        backlog.measured(count)
        if count >= 100:
            closed = True
        elif count <= 90:
            closed = False
        assert backlog.full is closed
        if closed:
            with pytest.raises(OutboxFull, match=f"{count} events wait"):
                backlog.check()
        else:
            backlog.check()


class House(SimpleNamespace):
    """A service whose outbox is full, and whose database is missed by whoever reaches for it."""

    def __init__(self) -> None:
        super().__init__(backlog=Backlog(100), signals=Signals(), reached=0)
        self.backlog.measured(100)

    @property
    def database(self) -> Any:
        self.reached += 1
        raise AssertionError("reached for the database")

    def now(self) -> datetime:
        return datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


async def test_while_it_is_full_events_stay_on_the_bus_and_deadlines_wait() -> None:
    house: Any = House()
    consumer = Consumer(house, (), frozenset(), Metrics("intake"))
    with pytest.raises(Unavailable):
        await consumer.handle([])
    sweeping = asyncio.ensure_future(sweep(house, (), consumer))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not sweeping.done()
    assert house.reached == 0
    house.backlog.measured(0)
    house.signals.timers.set()
    with pytest.raises(AssertionError, match="reached"):
        await asyncio.wait_for(sweeping, 5)
