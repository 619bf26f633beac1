"""Traces cost nothing until somebody wants them, reach a collector when somebody does, and never keep a service waiting."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tierline.kit import tracing_export
from tierline.kit.bus import Envelope
from tierline.kit.corridor import Incoming
from tierline.kit.errors import Misconfigured
from tierline.kit.settings import Settings, read_settings
from tierline.kit.testing import MONDAY_MORNING
from tierline.kit.trace_context import CURRENT, parsed, traceparent
from tierline.kit.tracing import ENDPOINTS, Tracing, open_tracing

HOME = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EVENT = Envelope("things", "k", "e-1", "thing.happened.v1", "/suite", MONDAY_MORNING, 1, b"{}", HOME)
FACT = Incoming("k", "thing.happened.v1", "e-1", MONDAY_MORNING, None, 1, HOME, EVENT)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No endpoint is set, unless a story sets one."""
    for name in ENDPOINTS:
        monkeypatch.delenv(name, raising=False)


def test_without_an_endpoint_no_service_loads_what_makes_and_sends_spans() -> None:
    code = (
        "import sys, embedded.server\n"
        "from tierline.kit.tracing import open_tracing\n"
        "open_tracing('intake', 'kafka://x', None)\n"
        "print([m for m in sys.modules if m.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_without_a_tracer_everything_is_handed_on_as_it_came() -> None:
    off, order = Tracing(), Incoming("k", "order.do", "o-1", MONDAY_MORNING, None)
    with off.sending([EVENT]) as sent, off.processing([FACT], {}, 0) as processed:
        assert (sent, processed) == ([EVENT], [FACT])
    with off.deciding([order, FACT], {"k": HOME}) as decided:
        assert [fact.traceparent for fact in decided] == [HOME, HOME]
    served, span = off.request("POST", "/v1/things", HOME)
    assert (span, served[:36], len(served)) == (None, HOME[:36], 55)


def test_a_request_in_the_trace_of_its_thing_stays_where_it_is() -> None:
    inside = traceparent(HOME)
    served = CURRENT.set(inside)
    with Tracing().deciding([Incoming("k", "order.do", "o-1", MONDAY_MORNING, None)], {"k": HOME}) as [fact]:
        assert fact.traceparent == inside
    CURRENT.reset(served)


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "",
        "00",
        HOME.upper(),
        HOME.replace("00-", "ff-", 1),
        HOME + "-more",
        f"00-{'0' * 32}-{'1' * 16}-01",
        "é" * 55,
    ],
)
def test_what_is_no_context_begins_a_trace_of_its_own(odd: str | None) -> None:
    assert parsed(odd) is None
    made = parsed(traceparent(odd))
    assert made is not None
    assert made.trace_flags.sampled


class Collector:
    """What came, by its path."""

    def __init__(self) -> None:
        self.url, self.came = "", list[tuple[str, bytes]]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        length = next(line.split(":")[1] for line in head if line.lower().startswith("content-length"))
        self.came.append((head[0], await reader.readexactly(int(length))))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """A collector on this machine."""
    made = Collector()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield made


@pytest.mark.parametrize("by", ["setting", *ENDPOINTS])
async def test_spans_reach_the_collector_that_is_named_whichever_way(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with collector() as there:
        if by != "setting":
            monkeypatch.setenv(by, there.url + ("/v1/traces" if "TRACES" in by else ""))
        tracing = open_tracing("tier1", "kafka://h:9092", there.url if by == "setting" else None)
        with pytest.raises(ValueError, match="Zenobia"), tracing.processing([FACT], {}, 1):
            raise ValueError("Zenobia")
        await tracing.close()
    [(path, body)] = there.came
    assert path == "POST /v1/traces HTTP/1.1"
    assert b"Zenobia" not in body
    [resource] = ExportTraceServiceRequest.FromString(body).resource_spans
    assert ("service.name", "tier1") in [(a.key, a.value.string_value) for a in resource.resource.attributes]
    [span] = resource.scope_spans[0].spans
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("process things", HOME[3:35], HOME[36:52])
    about = {a.key: a.value.string_value for a in span.attributes}
    assert (about["error.type"], about["messaging.system"], about["tierline.key"]) == ("ValueError", "kafka", "k")


async def test_a_collector_that_is_away_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    # Whatever level other stories have set.
    monkeypatch.setattr(tracing_export, "log", SimpleNamespace(warning=lambda event, **_: said.append(event)))
    tracing = open_tracing("tier1", "kafka://h:9092", "http://127.0.0.1:9")
    with tracing.processing([FACT], {}, 1):
        pass
    await tracing.close()
    assert set(said) == {"traces_lost"}


def test_a_variable_of_opentelemetrys_own_that_is_nonsense_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")  # less than a batch
    with pytest.raises(Misconfigured, match=r"^OTEL_.*unset it") as said:
        open_tracing("tier1", "kafka://h:9092", "http://127.0.0.1:9")
    assert "\n" not in str(said.value)


def test_an_endpoint_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"TIERLINE_OTLP_ENDPOINT: .* collector") as said:
        read_settings(
            Settings,
            database_url="x",
            bus="x",
            policies=tmp_path,
            keys=tmp_path,
            secret="s" * 32,
            otlp_endpoint="collector:4318",
        )
    assert "\n" not in str(said.value)
