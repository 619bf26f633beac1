"""The trace context as text, as it travels everywhere: a W3C `traceparent`, which needs no library and no exporter."""

import re
import secrets
from contextvars import ContextVar

from opentelemetry.trace import SpanContext, TraceFlags

FORM = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")

CURRENT: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""The trace context of the request that is served, or of the call that is made, in this task."""


def traceparent(incoming: str | None) -> str:
    """The caller's W3C trace context with a span of our own, or a new one where there is none or it is malformed."""
    span = secrets.token_hex(8)
    if (known := FORM.fullmatch(incoming or "")) is not None:
        return f"00-{known[1]}-{span}-{known[3]}"
    return f"00-{secrets.token_hex(16)}-{span}-01"


def well_formed(context: str | None) -> str | None:
    """The context if it is one; what else a stranger may have written there goes no further."""
    return context if context is not None and FORM.fullmatch(context) else None


def parsed(context: str | None) -> SpanContext | None:
    """The span that a `traceparent` names; None where there is none or it is malformed."""
    found = FORM.fullmatch(context or "")
    if found is None:
        return None
    return SpanContext(int(found[1], 16), int(found[2], 16), True, TraceFlags(int(found[3], 16)))


def text(span: SpanContext) -> str:
    """The `traceparent` that names this span."""
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"


def same_trace(one: str, other: str) -> bool:
    """Whether two well-formed contexts belong to one trace."""
    return one[3:35] == other[3:35]
