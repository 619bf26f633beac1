"""Where spans go: to an OTLP collector over HTTP, in batches, by a thread of its own. Loaded only where one is named."""

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from importlib.metadata import version

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer

log = structlog.get_logger()

LAST_BATCH = 3.0


class Export:
    """One service's spans on their way. What does not fit into the queue is dropped; nobody waits for a collector."""

    def __init__(self, service: str, endpoint: str | None) -> None:
        about = {"service.name": service, "service.namespace": "tierline", "service.version": version("tierline")}
        # What OpenTelemetry's own variables say of headers, certificates and sampling counts here too.
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None)
        self._exporter = exporter
        self._provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(_Heard(exporter, service)))

    def tracer(self) -> Tracer:
        """What opens spans that go this way."""
        return self._provider.get_tracer("tierline")

    async def close(self) -> None:
        """Send what is left, but wait only a moment for a collector that does not answer."""
        done, loop = asyncio.Event(), asyncio.get_running_loop()

        def shut() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # the service has ended meanwhile
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=shut, daemon=True).start()
        try:
            async with asyncio.timeout(LAST_BATCH):
                await done.wait()
        except TimeoutError:
            log.warning("traces_lost", action="traces_lost", reason="the collector does not answer")
            self._exporter.shutdown()  # type: ignore[no-untyped-call]  # no thread goes on trying behind our back
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await done.wait()


class _Heard(SpanExporter):
    """The exporter, whose failures are said in one line of our own."""

    def __init__(self, exporter: SpanExporter, service: str) -> None:
        self._exporter, self._service = exporter, service

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            log.warning("traces_lost", action="traces_lost", service=self._service, count=len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()
