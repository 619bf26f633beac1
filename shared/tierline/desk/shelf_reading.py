"""What people bring to a shelf: front matter, ids and fields; whatever does not fit is named, with what to write."""

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tierline.desk.plain_yaml import NotPlain, read_plain
from tierline.desk.shelf import ID, RESERVED
from tierline.kit.errors import Invalid

LARGEST_FRONT = 2_048
FRONT = re.compile(r"\A\ufeff?---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)

F = TypeVar("F", bound=BaseModel)


def plain_lines(text: str) -> str:
    """The text with one kind of line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def front_matter(text: str) -> tuple[dict[str, Any], str] | None:
    """The front matter and what follows it; None where there is none. Raises `Invalid`, naming the line."""
    found = FRONT.match(text)
    if found is None:
        return None
    if len(found.group(1)) > LARGEST_FRONT:
        raise Invalid(f"the front matter may hold at most {LARGEST_FRONT} characters")
    try:
        _, front = read_plain(found.group(1))
    except NotPlain as error:
        raise Invalid(f"the front matter {error.said} (line {error.line + 1})") from None
    if not isinstance(front, dict):
        raise Invalid("the front matter is a list of `name: value` lines")
    return front, text[found.end() :]


def fitting(form: type[F], said: Any) -> F:
    """A form out of what was written. Raises `Invalid`, naming each field that does not fit."""
    try:
        return form.model_validate(said)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)[:5]
        raise Invalid("; ".join(f"{'/'.join(map(str, e['loc']))}: {e['msg']}".lstrip(": ") for e in found)) from None


def check_id(kept_id: str) -> str:
    """An id that something on a shelf may have. Raises `Invalid`."""
    if not re.fullmatch(ID, kept_id) or kept_id in RESERVED:
        raise Invalid("an id is 2 to 80 small letters, digits and hyphens, and not `search`")
    return kept_id
