"""A method out of a Markdown file: front matter for what it is, sections for what it says.

The sections `When to use`, `Steps`, `Checks` and `When not to use` are read by their headings. A file without
them is read as people write: what stands before the first list is when to use it, the list is the steps, and
the rest are notes; without a list each paragraph behind the first is a step. Nothing of the text is lost.
"""

import re
from typing import Any

from markdown_it import MarkdownIt

from tier2.methods import MethodForm
from tierline.desk.shelf_reading import fitting, front_matter, plain_lines
from tierline.kit.errors import Invalid

LARGEST = 32_768
BLOCKS = MarkdownIt("commonmark").enable("table").disable("inline")
SECTIONS = {
    "when to use": "when_to_use",
    "steps": "steps",
    "checks": "checks",
    "when not to use": "when_not_to_use",
    "when not to": "when_not_to_use",
    "notes": "notes",
}
KNOWN = ("id", "title", "component", "components", "tags", "state")
LISTS = frozenset({"steps", "checks"})


def read_markdown(text: str) -> tuple[str, MethodForm]:
    """The id and the method of one file.

    Raises:
        Invalid: with what is wrong and what to write.
    """
    if len(text) > LARGEST:
        raise Invalid(f"a method may hold at most {LARGEST} characters")
    found = front_matter(plain_lines(text))
    if found is None:
        raise Invalid("a method begins with front matter: a line ---, then `id:` and `title:`, then a line ---")
    front, body = found
    said = {name: value for name, value in front.items() if name in KNOWN and value is not None}
    method_id = said.pop("id", None)
    if not isinstance(method_id, str):
        raise Invalid("the front matter needs an `id`, such as `id: tds-proxy`")
    title, sections = _sections(body)
    said = {"title": title, **sections, **said}
    return method_id, fitting(MethodForm, said)


def _sections(body: str) -> tuple[str, dict[str, Any]]:
    """The title, and the text or the items of each section."""
    lines = body.split("\n")
    title, current = "", ""
    parts: dict[str, list[str]] = {}
    for start, end, kind, level in _blocks(body):
        block = "\n".join(lines[start:end]).strip()
        if kind == "heading":
            name = block.strip("# \t=-\n")
            if level == "h1" and not title:
                title = name
                continue
            current = SECTIONS.get(name.casefold().rstrip(":"), "notes")
            if current == "notes" and name.casefold() != "notes":
                parts.setdefault("notes", []).append(name)
            continue
        place = current or ("notes" if parts.get("steps") else "when_to_use")
        if kind == "list" and (place in LISTS or not current):
            place = place if place in LISTS else "notes" if parts.get("steps") else "steps"
            parts.setdefault(place, []).extend(_items(block))
        else:
            parts.setdefault(place, []).append(block)
    if parts.keys() == {"when_to_use"} and len(parts["when_to_use"]) > 1 and not current:
        first, *rest = parts["when_to_use"]
        parts = {"when_to_use": [first], "steps": rest}
    joined = {name: values if name in LISTS else "\n\n".join(values) for name, values in parts.items()}
    return title, joined


def _blocks(body: str) -> list[tuple[int, int, str, str]]:
    found = []
    for token in BLOCKS.parse(body):
        if token.level or token.map is None or token.nesting < 0:
            continue
        kind = "heading" if token.type == "heading_open" else "list" if "list_open" in token.type else "text"
        found.append((token.map[0], token.map[1], kind, token.tag))
    return found


def _items(block: str) -> list[str]:
    lines = block.split("\n")
    tokens = BLOCKS.parse(block)
    places = [token.map for token in tokens if token.type == "list_item_open" and token.level == 1 and token.map]
    marker = re.compile(r"^\s*(?:[-*+]|\d{1,9}[.)])[ \t]+")
    return [marker.sub("", "\n".join(lines[start:end]).strip()) for start, end in places]
