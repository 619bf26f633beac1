"""Draw what the docs show from the code: the life of a ticket, the events, their schemas, the AsyncAPI document.

`python -m tierline.desk.publish docs` writes them; with `--check` it names those that are stale, and fails.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tierline.domain.events import EVENTS, TOPIC, Fact, Notice
from tierline.domain.lifecycle import FACT, TABLE, Move
from tierline.domain.words import Status

FRONT = ("ticket.",)


def documents() -> dict[str, str]:
    """Every generated file, by its path below the docs folder."""
    schemas = {f"schemas/{fact.name}.json": _json(fact.model_json_schema(by_alias=True)) for fact in EVENTS.values()}
    return {"lifecycle.md": lifecycle(), "events.md": events(), "asyncapi.json": _json(asyncapi()), **schemas}


def lifecycle() -> str:
    """The diagram and the whole table, every cell."""
    arrows = [
        f"    {before} --> {after}: {move}"
        for before, moves in TABLE.items()
        for move, after in moves.items()
        if before is not after
    ]
    diagram = "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> open: submit", *arrows, "```"])
    head = "| | " + " | ".join(Status) + " | told by |"
    rule = "|---" * (len(Status) + 2) + "|"
    rows = [
        f"| **{move}** | " + " | ".join(TABLE[status].get(move, "-") for status in Status) + f" | `{FACT[move]}` |"
        for move in Move
    ]
    intro = (
        "Drawn from `domain/lifecycle.py` by `make docs`. A dash is an illegal move: it is refused and changes nothing."
    )
    return "\n".join(["# The life of a ticket", "", intro, "", diagram, "", head, rule, *rows, ""])


def events() -> str:
    """Every fact, who writes it, and what it says."""
    lines = [
        "# Events",
        "",
        "Drawn from `domain/events.py` by `make docs`. CloudEvents 1.0; the key is the ticket's id.",
        "",
    ]
    for type_, fact in EVENTS.items():
        own = [name for name in _fields(fact) if name not in _fields(Fact)]
        lines += [
            f"## `{type_}`",
            (fact.__doc__ or "").strip(),
            "",
            f"Written by {', '.join(_writers(fact))}. "
            + ("A step: raises the version." if fact.raises else "Raises no version."),
            f"Beside what every fact says: {', '.join(f'`{name}`' for name in own) or 'nothing'}.",
            "",
        ]
    return "\n".join(lines)


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document: one channel a topic, one message a fact."""
    messages = {
        fact.name: {
            "name": type_,
            "contentType": "application/json",
            "summary": (fact.__doc__ or "").strip().splitlines()[0],
            "payload": {"$ref": f"schemas/{fact.name}.json"},
        }
        for type_, fact in EVENTS.items()
    }
    channels = {
        writer: {
            "address": topic,
            "messages": {
                fact.name: {"$ref": f"#/components/messages/{fact.name}"}
                for fact in EVENTS.values()
                if writer in _writers(fact)
            },
        }
        for writer, topic in TOPIC.items()
    }
    operations = {f"{writer}Tells": {"action": "send", "channel": {"$ref": f"#/channels/{writer}"}} for writer in TOPIC}
    info = {"title": "Tierline events", "version": "1.0.0"}
    return {
        "asyncapi": "3.0.0",
        "info": info,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def stale(folder: Path) -> list[str]:
    """The generated files that are missing or differ from what the code says."""
    return [path for path, text in documents().items() if not _same(folder / path, text)]


def main() -> None:
    """Write the files, or check them."""
    folder = Path(sys.argv[1])
    if "--check" in sys.argv:
        old = stale(folder)
        sys.exit(f"stale: {', '.join(old)}; run `make docs`" if old else 0)
    for path, text in documents().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")


def _writers(fact: type[Fact]) -> list[str]:
    if issubclass(fact, Notice):
        return ["notifier"]
    if fact.name.startswith(FRONT):
        return ["intake"]
    if fact.name.startswith("vendor."):
        return ["tier3"]
    return ["intake", "tier1", "tier2", "tier3"]


def _fields(fact: type[Fact]) -> list[str]:
    return [field.alias or name for name, field in fact.model_fields.items()]


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    main()
