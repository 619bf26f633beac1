"""Traces: whatever happens to one thing stands under one trace id, from the request that began it to the last call.

Spans are opened by hand, and every name of a span or an attribute is in this file: OpenTelemetry's words for messages
still change. No attribute holds what a person wrote: a route is its template, an address is left out, keys are ids.

What travels from span to span is text, a W3C `traceparent`: in the outbox, on the bus, in a call's row, and beside each
document, so that a deadline or an agent's request months later finds the trace of what it is about. A request
of somebody else's trace keeps that one, and the two are linked. Without an endpoint to send spans to, the text still
travels and no span is made.
"""

import os
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanKind, StatusCode

from tierline.kit.bus import Envelope
from tierline.kit.bus_delivery import in_one_line
from tierline.kit.corridor import Incoming
from tierline.kit.errors import Misconfigured
from tierline.kit.trace_context import CURRENT, parsed, same_trace, text, traceparent

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})

# OpenTelemetry's names (semantic conventions 1.45; those of messages are in development), and two of our own.
METHOD, ROUTE, STATUS = "http.request.method", "http.route", "http.response.status_code"
SYSTEM, TOPIC, GROUP = "messaging.system", "messaging.destination.name", "messaging.consumer.group.name"
OPERATION, KIND, MESSAGE = "messaging.operation.name", "messaging.operation.type", "messaging.message.id"
EVENT, ERROR = "cloudevents.event_type", "error.type"
KEY, ATTEMPT = "tierline.key", "tierline.attempt"

# Asked every few seconds by machines: no trace tells anything of them.
UNTRACED = ("/livez", "/readyz", "/metrics")
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

Close = Callable[[], Awaitable[None]]


class Tracing:
    """The spans of one service, whose readers are the group `name` of the bus `system`. Without a tracer it makes none."""

    def __init__(
        self, name: str = "", system: str = "", tracer: trace.Tracer | None = None, close: Close | None = None
    ) -> None:
        self._name, self._system, self._tracer, self._close = name, system, tracer, close

    async def close(self) -> None:
        """Send what has not been sent yet, within a moment."""
        if self._close is not None:
            await self._close()

    def request(self, method: str, path: str, incoming: str | None) -> tuple[str, Span | None]:
        """A request is served: what travels on from it, and its span."""
        if self._tracer is None or path.endswith(UNTRACED):
            return traceparent(incoming), None
        known = method if method in METHODS else "_OTHER"
        span = self._start(known, SpanKind.SERVER, incoming, {METHOD: known})
        return _context(span), span

    def answered(self, span: Span | None, method: str, route: str, status: int) -> None:
        """It was answered; `route` is the template, never the path."""
        if span is None:
            return
        span.update_name(f"{method if method in METHODS else '_OTHER'} {route}")
        span.set_attributes({ROUTE: route, STATUS: status})
        _end(span, str(status) if status >= 500 else None)

    @contextmanager
    def sending(self, events: Sequence[Envelope]) -> Iterator[Sequence[Envelope]]:
        """Events are published: the same events, from each of which its own span travels on."""
        if self._tracer is None:
            yield events
            return
        spans = [
            self._start(f"send {event.topic}", SpanKind.PRODUCER, event.traceparent, self._about("send", event))
            for event in events
        ]
        with _ended(spans):
            yield [replace(event, traceparent=_context(span)) for event, span in zip(events, spans, strict=True)]

    @contextmanager
    def processing(
        self, facts: Sequence[Incoming], failed: Mapping[str, tuple[Incoming, str]], began: int
    ) -> Iterator[Sequence[Incoming]]:
        """Events have their effect: the same facts, each with its span. `failed` says in the end which ones failed."""
        if self._tracer is None:
            yield facts
            return
        spans = {fact.id: self._process(fact, fact.envelope, began) for fact in facts if fact.envelope is not None}
        with _ended(spans.values()):
            yield [replace(fact, traceparent=_context(spans[fact.id])) for fact in facts]
            for id_ in spans.keys() & failed.keys():
                _end(spans[id_], failed[id_][1])

    @contextmanager
    def deciding(self, facts: Sequence[Incoming], homes: Mapping[str, str | None]) -> Iterator[list[Incoming]]:
        """Facts are decided. One that is no event joins the trace of what it is about, `homes` by key, from which
        a span of its own is linked to where it came from."""
        opened: list[Span] = []
        with _ended(opened):
            yield [f if f.envelope is not None else self._at_home(f, homes.get(f.key), opened) for f in facts]

    @contextmanager
    def calling(self, lane: str, key: str, attempt: int, parent: str | None) -> Iterator[Span | None]:
        """The outside world is called; the other side is told of the span where there is a way to."""
        if self._tracer is None:
            CURRENT.set(parent)
            yield None
            return
        span = self._start(f"call {lane}", SpanKind.CLIENT, parent, {KEY: key, ATTEMPT: attempt})
        CURRENT.set(_context(span))
        with _ended([span]):
            yield span

    def _at_home(self, fact: Incoming, home: str | None, opened: list[Span]) -> Incoming:
        own = fact.traceparent or CURRENT.get()
        if home is None or (own is not None and same_trace(own, home)):
            return replace(fact, traceparent=own)
        if self._tracer is None:
            return replace(fact, traceparent=home)
        opened.append(self._start(f"decide {fact.type}", SpanKind.INTERNAL, home, {KEY: fact.key}, own))
        return replace(fact, traceparent=_context(opened[-1]))

    def _process(self, fact: Incoming, event: Envelope, began: int) -> Span:
        about = {**self._about("process", event), GROUP: self._name}
        # Its parent, so that all is one trace; and linked, as one of a batch is.
        came = fact.traceparent
        return self._start(f"process {event.topic}", SpanKind.CONSUMER, came, about, came, began)

    def _about(self, verb: str, event: Envelope) -> dict[str, str]:
        told = {TOPIC: event.topic, MESSAGE: event.id, EVENT: event.type, KEY: event.key}
        return {SYSTEM: self._system, OPERATION: verb, KIND: verb, **told}

    def _start(
        self,
        name: str,
        kind: SpanKind,
        parent: str | None,
        about: Mapping[str, str | int],
        link: str | None = None,
        began: int | None = None,
    ) -> Span:
        assert self._tracer is not None
        before = parsed(parent)
        linked = before if link == parent else parsed(link)
        context = trace.set_span_in_context(NonRecordingSpan(before)) if before else Context()
        links = [Link(linked)] if linked else None
        return self._tracer.start_span(name, context, kind, about, links, began)


def open_tracing(name: str, bus: str, endpoint: str | None) -> Tracing:
    """The spans of a service, sent to the endpoint that a setting or OpenTelemetry's own variables name, if any.

    Raises:
        Misconfigured: one of those variables cannot be what it says.
    """
    if not endpoint and not any(os.environ.get(variable) for variable in ENDPOINTS):
        return Tracing()
    # The library that sends costs memory, so that only who wants traces loads it.
    from tierline.kit.tracing_export import Export  # noqa: PLC0415

    try:
        export = Export(name, endpoint)
    except (ValueError, OSError) as error:
        raise Misconfigured(f"OTEL_...: {in_one_line(error)}; correct or unset it") from error
    return Tracing(name, bus.partition(":")[0], export.tracer(), export.close)


def failed(span: Span | None, reason: str) -> None:
    """What a span stands for failed; `reason` is a word of ours."""
    if span is not None:
        _end(span, reason)


@contextmanager
def _ended(spans: Iterable[Span]) -> Iterator[None]:
    """The spans end with the block; what it raises is said by its name alone, since its text may quote a person."""
    reason = None
    try:
        yield
    except BaseException as error:
        reason = type(error).__name__
        raise
    finally:
        for span in spans:
            if span.is_recording():
                _end(span, reason)


def _end(span: Span, reason: str | None) -> None:
    if reason is not None:
        span.set_attribute(ERROR, reason)
        span.set_status(StatusCode.ERROR)
    span.end()


def _context(span: Span) -> str:
    return text(span.get_span_context())
