"""Whatever ends the work of a leader, it leads again: else nothing would be told until someone restarts the service."""

import asyncio
from typing import Any

import asyncpg
import pytest

from tierline.kit import leader
from tierline.kit.errors import DatabaseUnavailable


class _Held:
    async def fetchval(self, *_: Any) -> bool:
        return True

    async def execute(self, *_: Any, **__: Any) -> None: ...

    async def close(self, **_: Any) -> None: ...


BROKEN = asyncpg.InternalClientError("cannot switch to state 12")
"""What the client of PostgreSQL says when the server goes away in the middle of a word."""


@pytest.mark.parametrize("error", [DatabaseUnavailable("away"), RuntimeError("a fault of ours"), BROKEN])
async def test_it_leads_again_after_its_work_has_failed(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    async def connected(*_: Any) -> _Held:
        return _Held()

    monkeypatch.setattr(leader, "connect", connected)
    monkeypatch.setattr(leader, "LOOK_AGAIN", 0.001)
    again, began = asyncio.Event(), 0

    async def work() -> None:
        nonlocal began
        began += 1
        if began == 1:
            async with asyncio.TaskGroup() as group:
                group.create_task(_fail(error))
        again.set()
        await asyncio.Event().wait()

    leading = asyncio.ensure_future(leader.lead("postgresql://nowhere", "intake", work))
    await asyncio.wait_for(again.wait(), 5)
    leading.cancel()


@pytest.mark.parametrize("where", ["connect", "fetchval", "close"])
async def test_it_leads_at_last_however_the_connection_breaks(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    times = 0

    async def breaks(*_: Any, **__: Any) -> Any:
        nonlocal times
        times += 1
        if times < 3:
            raise BROKEN
        return True

    held = _Held()
    if where != "connect":
        monkeypatch.setattr(held, where, breaks)

    async def connected(*_: Any) -> _Held:
        if where == "connect":
            await breaks()
        return held

    monkeypatch.setattr(leader, "connect", connected)
    monkeypatch.setattr(leader, "LOOK_AGAIN", 0.001)
    led, began = asyncio.Event(), 0

    async def work() -> None:
        nonlocal began
        began += 1
        if began == 4 or (began == 1 and where != "close"):
            led.set()
            await asyncio.Event().wait()
        raise DatabaseUnavailable("away")

    leading = asyncio.ensure_future(leader.lead("postgresql://nowhere", "intake", work))
    await asyncio.wait_for(led.wait(), 5)
    leading.cancel()


async def _fail(error: Exception) -> None:
    raise error
