"""Importing to a shelf: many as lines of JSON; a bad line is named and harms no other."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Generic

from pydantic import BaseModel

from tierline.desk.shelf import K, Shelf
from tierline.desk.shelf_reading import check_id, fitting
from tierline.kit.auth import Principal
from tierline.kit.errors import Invalid, Unavailable
from tierline.kit.lines import split
from tierline.kit.runtime import Runtime

AT_ONCE = 100

Read = tuple[str, BaseModel]


@dataclass(frozen=True)
class Import(Generic[K]):
    """`read` makes an id and a form of a Markdown text; a line is `{"markdown": ...}`, or the fields of `form` with an `id`."""

    shelf: Shelf[K]
    form: type[BaseModel]
    read: Callable[[str], Read]
    longest: int

    async def whole(self, running: Runtime, who: Principal, read: list[Read], *, keep: bool) -> bytes:
        """Import what was read of one file, and say what became of it. Raises `Invalid`."""
        forms = {number: (check_id(kept_id), form) for number, (kept_id, form) in enumerate(read, 1)}
        return b"".join(map(as_line, await self._save(running, who, forms, keep=keep)))

    async def lines(
        self, running: Runtime, who: Principal, chunks: AsyncIterator[bytes], *, keep: bool
    ) -> AsyncIterator[bytes]:
        """One JSON line for each line that came: what became of it, or what is wrong with it."""
        number, good = 0, dict[int, Read]()
        async for line in split(chunks, self.longest):
            number += 1
            if not line.strip():
                continue
            try:
                good[number] = await asyncio.to_thread(self._read, line)
            except Invalid as error:
                yield as_line({"line": number, "error": error.detail})
            if len(good) >= AT_ONCE:
                for result in await self._save_or_say(running, who, good, keep=keep):
                    yield as_line(result)
                good = {}
        for result in await self._save_or_say(running, who, good, keep=keep):
            yield as_line(result)

    def _read(self, line: bytes) -> Read:
        if len(line) > self.longest:
            raise Invalid(f"a line may hold at most {self.longest} bytes")
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            raise Invalid("the line is not JSON") from None
        if not isinstance(said, dict):
            raise Invalid(f"a line is an object with a {self.shelf.one}'s `id` and fields, or with `markdown`")
        if isinstance(said.get("markdown"), str):
            kept_id, form = self.read(said["markdown"])
        else:
            kept_id, form = str(said.pop("id", "")), fitting(self.form, said)
        return check_id(kept_id), form

    async def _save_or_say(
        self, running: Runtime, who: Principal, good: dict[int, Read], *, keep: bool
    ) -> list[dict[str, Any]]:
        try:
            return await self._save(running, who, good, keep=keep) if good else []
        except Unavailable:
            said = "a part of the system is away; send this line again"
            return [{"line": number, "error": said} for number in good]

    async def _save(
        self, running: Runtime, who: Principal, forms: dict[int, Read], *, keep: bool
    ) -> list[dict[str, Any]]:
        async with running.database.transaction() as tx:
            by = f"{running.name}:{who.id}"
            return await self.shelf.save(tx, who, by, forms, keep=keep, now=running.now())


def as_line(result: dict[str, Any]) -> bytes:
    """A result as one line of JSON."""
    return json.dumps(result).encode() + b"\n"
