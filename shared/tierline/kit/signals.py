"""A nudge between the tasks of one process: there may be work now. Only a hint; who waits also looks by itself."""

import asyncio
import contextlib
from collections.abc import Iterator


class Signal:
    """Set by whoever made work, waited for by whoever does it."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """There may be work."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Until there may be work, but no longer than `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()


class Signals:
    """The three things a transaction can leave to do: events to tell, timers to watch, calls to make; and `news`,
    which every reader of live streams waits for."""

    def __init__(self) -> None:
        self.outbox, self.timers, self.calls = Signal(), Signal(), Signal()
        self._listeners: set[asyncio.Event] = set()

    def after_commit(self, *, timers: bool = False, calls: bool = False) -> None:
        """A transaction that changed something has been committed: deadlines, calls, or neither."""
        self.outbox.set()
        if timers:
            self.timers.set()
        if calls:
            self.calls.set()
        for listener in self._listeners:
            listener.set()

    @property
    def listeners(self) -> int:
        """How many wait for news."""
        return len(self._listeners)

    @contextlib.contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """An event that is set after each commit, for as long as the block lasts."""
        listener = asyncio.Event()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
