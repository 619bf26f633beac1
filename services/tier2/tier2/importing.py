"""Importing methods: one Markdown file, or many as lines of JSON; a bad one is named and harms no other."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from tier2 import store
from tier2.methods import METHODS, MethodForm, first, key_of
from tier2.reading import LARGEST, check_id, fitting, read_markdown
from tierline.kit.auth import Principal
from tierline.kit.database import Tx
from tierline.kit.errors import Conflict, Invalid, Unavailable
from tierline.kit.lines import split
from tierline.kit.runtime import Runtime

LONGEST = 4 * LARGEST
AT_ONCE = 100

Read = tuple[int, str, MethodForm]


async def one(running: Runtime, who: Principal, body: bytes, *, keep: bool) -> bytes:
    """Import a single Markdown file. Raises `Invalid`."""
    try:
        method_id, form = await asyncio.to_thread(read_markdown, body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Invalid("the file is not UTF-8") from None
    return _line((await _save(running, who, [(1, check_id(method_id), form)], keep=keep))[0])


async def many(running: Runtime, who: Principal, chunks: AsyncIterator[bytes], *, keep: bool) -> AsyncIterator[bytes]:
    """One JSON line for each line that came: what became of it, or what is wrong with it."""
    number, good = 0, list[Read]()
    async for line in split(chunks, LONGEST):
        number += 1
        if not line.strip():
            continue
        try:
            good.append((number, *await asyncio.to_thread(_read, line)))
        except Invalid as error:
            yield _line({"line": number, "error": error.detail})
        if len(good) >= AT_ONCE:
            for result in await _save_or_say(running, who, good, keep=keep):
                yield _line(result)
            good = []
    for result in await _save_or_say(running, who, good, keep=keep):
        yield _line(result)


def _read(line: bytes) -> tuple[str, MethodForm]:
    """A line: `{"markdown": "..."}`, or a method's fields with its `id`."""
    if len(line) > LONGEST:
        raise Invalid(f"a line may hold at most {LONGEST} bytes")
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        raise Invalid("the line is not JSON") from None
    if not isinstance(said, dict):
        raise Invalid("a line is an object with a method's `id` and fields, or with `markdown`")
    if isinstance(said.get("markdown"), str):
        method_id, form = read_markdown(said["markdown"])
    else:
        method_id, form = str(said.pop("id", "")), fitting(said)
    return check_id(method_id), form


async def _save_or_say(running: Runtime, who: Principal, good: list[Read], *, keep: bool) -> list[dict[str, Any]]:
    try:
        return await _save(running, who, good, keep=keep) if good else []
    except Unavailable:
        said = "a part of the system is away; send this line again"
        return [{"line": number, "error": said} for number, _, _ in good]


async def _save(running: Runtime, who: Principal, good: list[Read], *, keep: bool) -> list[dict[str, Any]]:
    async with running.database.transaction() as tx:
        await tx.execute(store.CHANGE_LIBRARY)
        return [await _save_one(tx, who, item, keep=keep, now=running.now()) for item in good]


async def _save_one(tx: Tx, who: Principal, item: Read, *, keep: bool, now: datetime) -> dict[str, Any]:
    number, method_id, form = item
    owner, by = who.member or "", f"tier2:{who.id}"
    key = key_of(owner, method_id)
    known = (await METHODS.load(tx, [key], lock=True)).get(key)
    result = {"line": number, "id": method_id}
    if known is None:
        try:
            await store.add(tx, first(owner, method_id, form, by, now))
        except Conflict as full:
            return {**result, "error": full.detail}
        return {**result, "version": 1, "result": "new"}
    if keep or known.says_the_same(form):
        return {**result, "version": known.version, "result": "kept"}
    after = known.changed(form, by, now)
    await METHODS.update(tx, {key: after})
    return {**result, "version": after.version, "result": "changed"}


def _line(result: dict[str, Any]) -> bytes:
    return json.dumps(result).encode() + b"\n"
