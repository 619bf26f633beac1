"""One ticket, one trace: whatever is done to it, by whom and when, stands under the trace in which it was submitted."""

import asyncio
import json
import secrets

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from callbacks import callbacks
from house import PATIENCE, House
from tierline.domain.events import TOPIC
from tierline.kit.history import history
from tierline.kit.tracing import KEY

SERVICES = {"intake", "tier1", "tier2", "tier3", "notifier"}
VENDOR, COMPONENT = "meadow-library", "digital-library"


@pytest.fixture(params=["house", "kafka_house"])
def home(request: pytest.FixtureRequest) -> House:
    """Every story is told on both adapters."""
    made: House = request.getfixturevalue(request.param)
    return made


def service(span: ReadableSpan) -> str:
    """Who opened it."""
    return str(span.resource.attributes["service.name"])


async def until(home: House, trace_id: int, name: str, count: int = 1) -> list[ReadableSpan]:
    """The spans of a trace, as soon as so many of this name have ended."""
    async with asyncio.timeout(PATIENCE):
        while [span.name for span in home.spans.of_trace(trace_id)].count(name) < count:
            await asyncio.sleep(0.05)
    return home.spans.of_trace(trace_id)


async def test_a_ticket_that_climbs_to_the_vendor_and_back_is_one_trace_in_all_services(home: House) -> None:
    caller, trace_id = secrets.token_hex(8), secrets.token_hex(16)
    async with callbacks() as machine:
        answer = await home.client.post(
            "/intake/v1/tickets",
            json=home.body(COMPONENT, callback_url=machine.url),
            headers={**home.key("client"), "traceparent": f"00-{trace_id}-{caller}-01"},
        )
        ticket = answer.json()["id"]
        for desk in ("tier1", "tier2"):
            assert (await home.move(desk, ticket, "escalate", text="Not solved here.")).status_code == 200
        await home.until(ticket, "waiting_on_vendor")
        assert (await home.vendor_says(VENDOR, ticket, 1, "resolved", fixed_in="7.2")).status_code == 202
        await home.told(ticket, "ticket.resolved")
        assert (await home.wish(ticket, "confirm")).status_code == 200
        await home.told(ticket, "ticket.closed")
        told = await machine.until(5)
    spans = await until(home, int(trace_id, 16), "call webhook", 5)
    assert {service(span) for span in spans} == SERVICES
    assert all((span.attributes or {}).get(KEY, ticket) == ticket for span in spans)
    _hang_together(spans, int(caller, 16))
    _name_no_one(home, ticket)
    moves = [span for span in spans if span.name == "decide order.escalate"]
    assert {service(span) for span in moves} == {"tier1", "tier2"}
    assert {span.name for span in spans} >= {
        "POST /v1/tickets",
        "call mail",
        "call vendor",
        "decide timer.vendor_update",
    }
    # An agent's request stays in the trace of whoever sent it; the step that it led to is linked to it.
    requests = {
        span.context.span_id: span.name for span in home.spans.all() if span.context.trace_id != int(trace_id, 16)
    }
    assert {requests[move.links[0].context.span_id] for move in moves} == {"POST /v1/cases/{ticket_id}/escalate"}
    calls = {f"{span.context.span_id:016x}" for span in spans if span.kind is SpanKind.CLIENT}
    for headers, _ in told:
        _, its_trace, its_span, _ = headers["traceparent"].split("-")
        assert (its_trace, its_span in calls) == (trace_id, True)
    await _events_carry(home, ticket, trace_id)


def _hang_together(spans: list[ReadableSpan], caller: int) -> None:
    """Every span has its parent in the trace, and what reads an event is linked to what sent it."""
    by_id = {span.context.span_id: span for span in spans}
    assert {span.parent.span_id for span in spans if span.parent} <= {*by_id, caller}
    processed = [span for span in spans if span.kind is SpanKind.CONSUMER]
    assert {service(span) for span in processed} == SERVICES
    for span in processed:
        sent = by_id[span.links[0].context.span_id]
        assert (sent.kind, sent.name.removeprefix("send ")) == (SpanKind.PRODUCER, span.name.removeprefix("process "))


def _name_no_one(home: House, ticket: str) -> None:
    """A name is one of few: it holds no id, and a route is its template."""
    assert not [span.name for span in home.spans.all() if ticket in span.name or "?" in span.name]


async def _events_carry(home: House, ticket: str, trace_id: str) -> None:
    bus = home.machine.server.config.app.state.apps["intake"].state.runtime.settings.bus  # type: ignore[union-attr]
    found = [
        record.headers["traceparent"].decode().split("-")[1]
        async for records in history(bus, list(TOPIC.values()))
        for record in records
        if record.key == ticket.encode()
    ]
    assert len(found) > 10
    assert set(found) == {trace_id}


async def test_each_line_of_an_import_is_a_trace_of_its_own(house: House) -> None:
    lines = "\n".join(json.dumps(house.body()) for _ in range(2))
    answer = await house.client.post("/intake/v1/tickets:import", content=lines, headers=house.key("client"))
    tickets = [json.loads(line)["id"] for line in answer.text.splitlines()]
    for ticket in tickets:
        await house.case("tier1", ticket)
    traces = [{span.context.trace_id for span in house.spans.of_key(ticket)} for ticket in tickets]
    assert [len(found) for found in traces] == [1, 1]
    assert traces[0] != traces[1]


async def test_what_a_stranger_writes_as_a_trace_goes_no_further(house: House) -> None:
    odd = "00-Zenobia Quackenbush-and so on-01"
    answer = await house.client.post(
        "/intake/v1/tickets", json=house.body(), headers={**house.key("client"), "traceparent": odd}
    )
    ticket = answer.json()["id"]
    await house.case("tier1", ticket)
    [found] = {span.context.trace_id for span in house.spans.of_key(ticket)}
    served = [span for span in house.spans.of_trace(found) if span.kind is SpanKind.SERVER]
    assert [(span.name, span.parent) for span in served] == [("POST /v1/tickets", None)]
