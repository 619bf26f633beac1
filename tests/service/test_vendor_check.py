"""The conformance check finds nothing wrong with the sample vendor, and finds each of its seeded faults."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from typer.testing import CliRunner

from embedded.cli import app
from embedded.sample_vendor import SampleVendor
from embedded.vendor_check.examine import Examination
from embedded.vendor_check.findings import Finding, Outcome, as_report, grade
from faulty_vendors import FAULTS
from tierline.kit.egress import ForbiddenTarget
from tierline.kit.errors import Misconfigured
from tierline.kit.webhooks import new_secret

SECRET = new_secret()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> object:  # type: ignore[override]
        yield


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def _serving(vendor: SampleVendor) -> AsyncIterator[str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        vendor.app, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/acme"
    finally:
        server.should_exit = True
        await serving


async def _examine(kind: type[SampleVendor]) -> dict[str, Finding]:
    port = _free_port()
    vendor = kind(f"http://127.0.0.1:{port}", {"acme": SECRET}, answers_all=True, pause=0.02)
    async with _serving(vendor) as url:
        findings = await Examination(url, SECRET, patience=1.5, wait=0.8).run(("127.0.0.1", port))
    return {finding.name: finding for finding in findings}


async def test_the_sample_vendor_passes_every_point() -> None:
    findings = await _examine(SampleVendor)
    assert [f for f in findings.values() if f.outcome is not Outcome.PASSED] == []
    assert grade(list(findings.values())) == "A"


@pytest.mark.parametrize(("kind", "point"), FAULTS.items(), ids=lambda given: getattr(given, "__name__", given))
async def test_every_seeded_fault_is_found_and_comes_with_advice(kind: type[SampleVendor], point: str) -> None:
    findings = await _examine(kind)
    assert findings[point].outcome is Outcome.FAILED
    assert findings[point].advice
    assert grade(list(findings.values())) != "A"


async def test_without_an_address_to_listen_on_the_updates_are_said_to_be_unexamined() -> None:
    async with _serving(SampleVendor("http://127.0.0.1:9", {"acme": SECRET})) as url:
        report = as_report(url, await Examination(url, SECRET, patience=2).run())
    assert (report["grade"], report["failed"], report["not_examined"]) == ("A", 0, 6)


async def test_the_command_says_it_all_in_one_json_object_and_one_exit_code() -> None:
    async with _serving(SampleVendor("http://127.0.0.1:9", {"acme": SECRET})) as url:
        good = await asyncio.to_thread(CliRunner().invoke, app, ["vendor", "check", url, "--secret", SECRET, "--json"])
        other = ["vendor", "check", url, "--secret", new_secret()]
        bad = await asyncio.to_thread(CliRunner().invoke, app, other)
    assert (good.exit_code, json.loads(good.stdout)["grade"]) == (0, "A")
    assert bad.exit_code == 1
    assert "Grade F" in bad.stdout


def test_what_cannot_be_examined_is_refused_in_one_line() -> None:
    with pytest.raises(Misconfigured):
        Examination("https://vendor.example/hook", "hunter2")
    with pytest.raises(ForbiddenTarget):
        Examination("ftp://vendor.example/hook", SECRET)
    said = CliRunner().invoke(app, ["vendor", "check", "https://a.example", "--secret", "nonsense"])
    assert said.exit_code == 2
    assert said.stderr.count("\n") == 1
