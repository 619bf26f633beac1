"""Every span of the five services, kept in memory: what a collector would have got."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

from tierline.kit import runtime
from tierline.kit.tracing import KEY, Tracing


class Spans:
    """The spans that have ended."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()

    def tracer(self, service: str) -> Tracer:
        """A service's own way of opening spans."""
        provider = TracerProvider(resource=Resource({"service.name": service}), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        return provider.get_tracer("tests")

    def all(self) -> tuple[ReadableSpan, ...]:
        """All of them, in the order of their ends."""
        return self._kept.get_finished_spans()

    def of_trace(self, trace_id: int) -> list[ReadableSpan]:
        """Those of one trace."""
        return [span for span in self.all() if span.context.trace_id == trace_id]

    def of_key(self, key: str) -> list[ReadableSpan]:
        """Those that name this ticket."""
        return [span for span in self.all() if (span.attributes or {}).get(KEY) == key]


@contextmanager
def kept_spans() -> Iterator[Spans]:
    """Services that start within the block keep their spans here."""
    kept = Spans()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "open_tracing", lambda name, bus, _: Tracing(name, bus, kept.tracer(name)))
        yield kept
