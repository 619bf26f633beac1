"""The chain of a ticket's history: each fact holds the hash of the fact before it, so that none can be altered unseen.

An export is lines of JSON: first what it is of, how many facts it holds and the hash of the last, with
a hash of its own; then the facts. Every
line is written in the one form that `line` gives it, so that not even a blank can be changed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

FORM = "tierline-history-1"


class Altered(Exception):
    """The export is not what was exported; the message names the place."""

    def __init__(self, place: str, says: str) -> None:
        super().__init__(f"{place}: {says}")
        self.place = place


def line(content: Mapping[str, Any]) -> str:
    """The one way to write it."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(fact: Mapping[str, Any]) -> str:
    """The hash of a fact, of all that it says but the hash itself."""
    return hashlib.sha256(line({name: said for name, said in fact.items() if name != "hash"}).encode()).hexdigest()


def export(ticket_id: str, facts: Sequence[Mapping[str, Any]]) -> str:
    """The export of a ticket's facts, in the order of their numbers."""
    ordered = sorted(facts, key=lambda fact: int(fact["number"]))
    head = ordered[-1]["hash"] if ordered else ""
    first = {"form": FORM, "ticket_id": ticket_id, "facts": len(ordered), "head": head}
    return "".join(f"{line(content)}\n" for content in ({**first, "hash": digest(first)}, *ordered))


def verify(exported: bytes) -> dict[str, Any]:
    """What the export is of: its first line. Raises `Altered` at the first place that is not as it was exported."""
    try:
        text = exported.decode("utf-8")
    except UnicodeDecodeError as error:
        number = exported[: error.start].count(b"\n") + 1
        raise Altered(f"line {number}", "it is not UTF-8") from error
    lines = text.split("\n")
    if lines[-1] != "" or len(lines) < 2:
        raise Altered(f"line {len(lines)}", "the end is missing")
    read = [_read(number, raw) for number, raw in enumerate(lines[:-1], 1)]
    first, facts = read[0], read[1:]
    if set(first) != {"form", "ticket_id", "facts", "head", "hash"} or first["form"] != FORM:
        raise Altered("line 1", f"it does not begin a {FORM}")
    if first["hash"] != digest(first):
        raise Altered("line 1", "what it says is not what its hash was made of")
    before = ""
    for number, fact in enumerate(facts, 1):
        place = f"line {number + 1} ({fact.get('fact', 'no fact')})"
        if fact.get("hash") != digest(fact):
            raise Altered(place, "what it says is not what its hash was made of")
        if (fact.get("number"), fact.get("before")) != (number, before):
            raise Altered(place, f"it does not follow the fact before it: number {number} was expected")
        if fact.get("ticket_id") != first["ticket_id"]:
            raise Altered(place, "it tells of another ticket than line 1")
        before = str(fact["hash"])
    if (first["facts"], first["head"]) != (len(facts), before):
        raise Altered("line 1", f"it promises {first['facts']} facts up to another hash than the last")
    return first


def _read(number: int, raw: str) -> dict[str, Any]:
    try:
        content = json.loads(raw)
        same = isinstance(content, dict) and line(content) == raw
    except (ValueError, RecursionError) as error:
        raise Altered(f"line {number}", "it is not JSON") from error
    if not same:
        raise Altered(f"line {number}", "it is not written in the form of an export")
    return dict(content)
