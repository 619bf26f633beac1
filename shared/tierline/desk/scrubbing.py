"""A record without student data: for the letter that tells of one that could not be read, which anyone on duty may open.

The record itself stays where it was set aside, in the service's own database; what is replayed is that one.
"""

import json
from typing import Any

from tierline.domain.privacy import redact


def scrubbed(value: bytes) -> bytes:
    """The same record with student data taken out of every text in it; untouched where there is none."""
    try:
        read = json.loads(value)
        clean = _every_text(read)
    except (ValueError, RecursionError):
        return _plain(value)
    return value if clean == read else json.dumps(clean, ensure_ascii=False).encode(errors="surrogatepass")


def _every_text(read: Any) -> Any:
    if isinstance(read, str):
        return redact(read)[0]
    if isinstance(read, dict):
        return {redact(name)[0]: _every_text(value) for name, value in read.items()}
    if isinstance(read, list):
        return [_every_text(value) for value in read]
    return read


def _plain(value: bytes) -> bytes:
    text = value.decode(errors="surrogateescape")
    kept, kinds = redact(text)
    return kept.encode(errors="surrogateescape") if kinds else value
