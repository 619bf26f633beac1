"""The clock of the services that a nursery bears: the true time and an offset that whoever tells the story may step."""

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

SECONDS = struct.Struct("d")


class Clock:
    """One offset, in seconds, in a small file that all processes of a story have in memory."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(SECONDS.size))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), SECONDS.size)

    @property
    def offset(self) -> float:
        """How far the services' clock is ahead of the true time, in seconds."""
        return float(SECONDS.unpack(self._shared[:])[0])

    def step(self, offset: float) -> None:
        """Set it, as an operator or a time server does, in one step."""
        self._shared[:] = SECONDS.pack(offset)

    def now(self) -> datetime:
        """What the services take for the time."""
        return datetime.now(UTC) + timedelta(seconds=self.offset)
