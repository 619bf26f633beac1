"""An operator's screen in a storm: it follows everything live, comes back where it was cut, and must miss and repeat nothing."""

import asyncio
import contextlib
from collections import Counter

import httpx

from storm.crowd import TROUBLE


class Follower:
    """Reads intake's stream of all timelines; `seen` are the ids of the entries that arrived whole."""

    def __init__(self, port: int, key: str) -> None:
        self._address, self._key = f"http://127.0.0.1:{port}/v1/stream", key
        self.seen: Counter[str] = Counter()
        self._last = "0-0"

    async def follow(self) -> None:
        """Until cancelled."""
        async with httpx.AsyncClient(timeout=httpx.Timeout(5, read=25), trust_env=False) as client:
            while True:
                head = {"Authorization": f"Bearer {self._key}", "Last-Event-ID": self._last}
                with contextlib.suppress(*TROUBLE):
                    async with client.stream("GET", self._address, headers=head) as answer:
                        if answer.status_code == 200:
                            await self._read(answer)
                await asyncio.sleep(0.2)

    async def _read(self, answer: httpx.Response) -> None:
        began = ""
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                began = line.removeprefix("id: ")
            elif not line and began:  # only the empty line behind it makes an event whole
                self._last, began = began, ""
                self.seen[self._last] += 1
