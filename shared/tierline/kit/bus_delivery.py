"""What the adapters share in handing a batch over: trying, telling, and pauses that grow."""

import asyncio
from collections.abc import Sequence

import structlog

from tierline.kit.bus import Handle, Record

log = structlog.get_logger()

SHORTEST, LONGEST = 0.1, 10.0
PATIENCE = 120.0
"""Seconds for a batch: less than a broker waits for a member that reads nothing more, so that it stays one."""


class Pause:
    """How long to wait before the next try: twice as long after each failure, short again after a success."""

    def __init__(self) -> None:
        self._next = SHORTEST

    def after_failure(self) -> float:
        """The seconds to wait now."""
        now, self._next = self._next, min(self._next * 2, LONGEST)
        return now

    def after_success(self) -> None:
        """Begin with the shortest again."""
        self._next = SHORTEST


async def handled(handle: Handle, records: Sequence[Record], group: str) -> bool:
    """Hand the records over and say whether that went well. If not, the caller brings them again."""
    try:
        async with asyncio.timeout(PATIENCE):
            await handle(records)
    except Exception as error:  # whatever it was, the records are not done
        log.warning("batch_failed", action="batch_failed", group=group, reason=in_one_line(error))
        return False
    return True


def in_one_line(error: BaseException) -> str:
    """What an error says, short enough for a log line or a remedy."""
    name, text = type(error).__name__, str(error).partition("\n")[0]
    return text if text.startswith(name) else f"{name}: {text}" if text else name
