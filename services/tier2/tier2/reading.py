"""A method out of a Markdown file: front matter for what it is, sections for what it says.

The sections `When to use`, `Steps`, `Checks` and `When not to use` are read by their headings. A file without
them is read as people write: what stands before the first list is when to use it, the list is the steps, and
the rest are notes; without a list each paragraph behind the first is a step. Nothing of the text is lost.
"""

import re
from typing import Any

import yaml
from markdown_it import MarkdownIt
from pydantic import ValidationError

from tier2.methods import ID, MethodForm
from tierline.kit.errors import Invalid

LARGEST = 32_768
LARGEST_FRONT, MOST_LISTS = 2_048, 20  # a reader of YAML takes the square of the time for what is nested
BLOCKS = MarkdownIt("commonmark").enable("table").disable("inline")
FRONT = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
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
    front, body = _front(text.replace("\r\n", "\n").replace("\r", "\n"))
    said = {name: value for name, value in front.items() if name in KNOWN and value is not None}
    method_id = said.pop("id", None)
    if not isinstance(method_id, str):
        raise Invalid("the front matter needs an `id`, such as `id: tds-proxy`")
    title, sections = _sections(body)
    said = {"title": title, **sections, **said}
    return method_id, fitting(said)


def fitting(said: Any) -> MethodForm:
    """A form out of what was written. Raises `Invalid`, naming each field that does not fit."""
    try:
        return MethodForm.model_validate(said)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)[:5]
        raise Invalid("; ".join(f"{'/'.join(map(str, e['loc']))}: {e['msg']}".lstrip(": ") for e in found)) from None


def check_id(method_id: str) -> str:
    """An id that a method may have. Raises `Invalid`."""
    if not re.fullmatch(ID, method_id) or method_id == "search":
        raise Invalid("an id is 2 to 80 small letters, digits and hyphens, and not `search`")
    return method_id


def _front(text: str) -> tuple[dict[str, Any], str]:
    found = FRONT.match(text)
    if found is None:
        raise Invalid("a method begins with front matter: a line ---, then `id:` and `title:`, then a line ---")
    if len(found.group(1)) > LARGEST_FRONT:
        raise Invalid(f"the front matter may hold at most {LARGEST_FRONT} characters")
    if sum(map(found.group(1).count, "[{")) > MOST_LISTS:
        raise Invalid(f"the front matter may hold at most {MOST_LISTS} lists in brackets")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(found.group(1), yaml.SafeLoader)):
            raise Invalid("the front matter holds a YAML alias (*name); write the value out")
        front = yaml.safe_load(found.group(1))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise Invalid(f"the front matter is not YAML (line {mark.line + 2 if mark else 2})") from None
    if not isinstance(front, dict):
        raise Invalid("the front matter is a list of `name: value` lines")
    return front, text[found.end() :]


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
