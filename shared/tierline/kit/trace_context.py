"""The trace context as text, as it travels everywhere: a W3C `traceparent`, which needs no library and no exporter."""

import secrets
from contextvars import ContextVar

from opentelemetry.trace import SpanContext, TraceFlags

HEX = frozenset("0123456789abcdef")

CURRENT: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""The trace context of the request that is served, or of the call that is made, in this task."""


def traceparent(incoming: str | None) -> str:
    """The caller's W3C trace context with a span of our own, or a new one where there is none or it is malformed."""
    span = secrets.token_hex(8)
    if (known := parsed(incoming)) is not None:
        return f"00-{known.trace_id:032x}-{span}-{known.trace_flags:02x}"
    return f"00-{secrets.token_hex(16)}-{span}-01"


def parsed(text: str | None) -> SpanContext | None:
    """The span that a `traceparent` names; None where there is none or it is malformed."""
    parts = (text or "").split("-")
    if [len(part) for part in parts] != [2, 32, 16, 2] or not HEX.issuperset("".join(parts)) or parts[0] == "ff":
        return None
    found = SpanContext(int(parts[1], 16), int(parts[2], 16), is_remote=True, trace_flags=TraceFlags(int(parts[3], 16)))
    return found if found.is_valid else None


def well_formed(context: str | None) -> str | None:
    """The context if it is one; what else a stranger may have written there goes no further."""
    return context if parsed(context) else None


def text(span: SpanContext) -> str:
    """The `traceparent` that names this span."""
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"


def same_trace(one: str, other: str) -> bool:
    """Whether two well-formed contexts belong to one trace."""
    return one[3:35] == other[3:35]
