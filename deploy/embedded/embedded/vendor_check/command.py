"""`tierline vendor check`: the check on the terminal."""

import asyncio
import json as as_text
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from embedded.vendor_check.examine import Examination
from embedded.vendor_check.findings import Finding, Outcome, as_report
from tierline.kit.egress import TIMEOUT
from tierline.kit.errors import KitError, Misconfigured

app = typer.Typer(no_args_is_help=True, help="For vendors: find out whether an endpoint is ready for Tierline.")
console = Console()
MARK = {Outcome.PASSED: "[green]ok[/green]", Outcome.FAILED: "[red]no[/red]", Outcome.NOT_EXAMINED: "[dim]--[/dim]"}


@app.callback()
def vendor() -> None:
    """For vendors: find out whether an endpoint is ready for Tierline."""


@app.command()
def check(
    url: Annotated[str, typer.Argument(help="The endpoint that takes Tierline's calls")],
    secret: Annotated[str, typer.Option(envvar="TIERLINE_VENDOR_SECRET", help="The secret of both sides, whsec_...")],
    json: Annotated[bool, typer.Option("--json", help="Answer in JSON")] = False,
    listen: Annotated[
        str | None, typer.Option(help="host:port to take your test system's updates on; without it they are not graded")
    ] = None,
    patience: Annotated[
        float, typer.Option(min=0.1, max=60, help="Seconds in which a call must be answered")
    ] = TIMEOUT,
    wait: Annotated[float, typer.Option(min=0.1, max=600, help="Seconds in which an update must come")] = 20.0,
) -> None:
    """Play good and bad calls against an endpoint and grade it: exit code 0 for A and B, 1 for C and F."""
    findings = _findings(url, secret, listen, patience, wait)
    report = as_report(url, findings)
    if json:
        sys.stdout.write(f"{as_text.dumps(report, ensure_ascii=False)}\n")
    else:
        _show(report, findings)
    raise typer.Exit(0 if report["grade"] in {"A", "B"} else 1)


def _findings(url: str, secret: str, listen: str | None, patience: float, wait: float) -> list[Finding]:
    async def work() -> list[Finding]:
        address = _address(listen) if listen else None
        return await Examination(url, secret, patience=patience, wait=wait).run(address)

    try:
        return asyncio.run(work())
    except KitError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise Misconfigured("--listen takes host:port, such as 0.0.0.0:9000")
    return host, int(port)


def _show(report: dict[str, Any], findings: list[Finding]) -> None:
    table = Table(title=f"Conformance of {report['url']}", expand=False)
    for head in ("", "point", "asked", "weight", "seen"):
        table.add_column(head, overflow="fold")
    for finding in findings:
        table.add_row(MARK[finding.outcome], finding.name, finding.asks, finding.weight, finding.saw)
    console.print(table)
    for finding in findings:
        if finding.outcome is Outcome.FAILED:
            console.print(f"[bold]{finding.name}[/bold]: {finding.advice}", soft_wrap=True)
    counts = f"{report['passed']} passed, {report['failed']} failed, {report['not_examined']} not examined"
    console.print(f"\nGrade [bold]{report['grade']}[/bold], {report['means']} ({counts})", soft_wrap=True)
