"""Keyset pages: a cursor says behind which row the next page begins, so pages neither skip nor repeat what was there."""

import base64
import binascii
import json
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator

from tierline.kit.errors import Invalid

MOST = 100


def _written_out(given: Any) -> Any:
    if isinstance(given, str) and "T" not in given.upper():
        raise ValueError("write a moment out, such as 2026-03-02T08:00:00Z")
    return given


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
"""A moment in a query, as RFC 3339 writes it; a plain number is a mistake, not a count of seconds."""


def cursor(*position: Any) -> str:
    """An opaque cursor behind the row at this position."""
    return base64.urlsafe_b64encode(json.dumps(position, default=str).encode()).decode().rstrip("=")


def position(given: str | None, *kinds: type) -> list[Any] | None:
    """Where a cursor points; None without one. Raises `Invalid` for what we never handed out."""
    if given is None:
        return None
    try:
        read = json.loads(base64.b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise Invalid("the cursor is not one that was handed out") from error
    fits = isinstance(read, list) and len(read) == len(kinds)
    if not fits or not all(isinstance(value, kind) for value, kind in zip(read, kinds, strict=True)):
        raise Invalid("the cursor is not one that was handed out")
    if any(isinstance(value, str) and "\x00" in value for value in read):
        raise Invalid("the cursor is not one that was handed out")
    return list(read)


def moment(text: str) -> datetime:
    """A moment out of a cursor; `infinity` is later than all. Raises `Invalid` for what we never handed out."""
    if text == "infinity":
        return datetime.max  # noqa: DTZ901 - what the driver calls infinity
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid("the cursor is not one that was handed out") from error
    if read.tzinfo is None:
        raise Invalid("the cursor is not one that was handed out")
    return read
