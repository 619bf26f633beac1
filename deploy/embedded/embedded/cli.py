"""The `tierline` command: run the house, play the sample day, submit, look, watch, and find out what is wrong."""

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from embedded import asking, doctoring, places, screen
from embedded.audit import auditing
from embedded.day import Day
from embedded.machine import Machine, running
from embedded.vendor_check.command import app as vendor_app
from tierline.domain import chain
from tierline.kit.errors import KitError

app = typer.Typer(no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(vendor_app, name="vendor")
console = Console()

Folder = Annotated[Path, typer.Option(envvar="TIERLINE_FOLDER", help="Where the install keeps its data")]
Port = Annotated[int, typer.Option(envvar="TIERLINE_PORT", min=0, max=65535, help="The one port of this machine")]
Kafka = Annotated[str | None, typer.Option(help="host:port of Kafka; without it events travel over PostgreSQL")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON")]
HOME, PORT = Path(".tierline"), 8080


@app.command()
def up(folder: Folder = HOME, port: Port = PORT, kafka: Kafka = None, json: Json = False) -> None:
    """Run the five services until Ctrl-C."""

    async def work() -> None:
        async with running(folder, port=port, kafka=kafka, quiet=False) as machine:
            _say({"url": machine.url, "ready": True}, f"Tierline is up at {machine.url} (Ctrl-C ends it)", json)
            await _until_told_to_stop()

    _run(work())


@app.command()
def demo(
    folder: Folder = HOME,
    port: Port = PORT,
    kafka: Kafka = None,
    once: Annotated[bool, typer.Option("--once", help="End after the day; 0 only if every ticket ended told")] = False,
    json: Json = False,
) -> None:
    """Run the five services and play the sample day; then stay up."""

    async def work() -> int:
        if not json:
            console.print("Starting PostgreSQL and the five services...")
        async with running(folder, port=port, kafka=kafka) as machine:
            day = Day(machine)
            await _play(day, show=not json)
            good = all(story.ended_told for story in day.stories)
            if json:
                sys.stdout.write(f"{_dump(screen.as_json(day))}\n")
            else:
                screen.summary(day, console)
                _what_to_try(machine, folder)
            if not once:
                await _until_told_to_stop()
            return 0 if good else 1

    raise typer.Exit(_run(work()))


@app.command()
def submit(
    component: str,
    subject: str,
    description: str,
    member: str = "alder",
    impact: str = "question",
    folder: Folder = HOME,
    port: Port = PORT,
    json: Json = False,
) -> None:
    """Submit an issue to the running install."""
    body = {"component": component, "subject": subject, "description": description, "impact": impact}
    _say_or_fail(asking.submit(folder, port, member, body), json)


@app.command()
def show(ticket_id: str, folder: Folder = HOME, port: Port = PORT, json: Json = False) -> None:
    """A ticket and its timeline."""
    _say_or_fail(asking.show(folder, port, ticket_id), json)


@app.command()
def watch(
    ticket_id: Annotated[str | None, typer.Argument()] = None,
    folder: Folder = HOME,
    port: Port = PORT,
    json: Json = False,
) -> None:
    """Every fact as it happens, of one ticket or of all, until Ctrl-C."""

    async def work() -> None:
        async for fact in asking.watch(folder, port, ticket_id):
            _say(fact, asking.line(fact), json)

    _run(work())


@app.command()
def doctor(folder: Folder = HOME, port: Port = PORT, kafka: Kafka = None, json: Json = False) -> None:
    """Check each dependency, and say the remedy for what is missing."""
    findings = _run(doctoring.examine(folder, port, kafka))
    if json:
        sys.stdout.write(f"{_dump([finding.__dict__ for finding in findings])}\n")
    else:
        for finding in findings:
            mark = "[green]ok[/green]" if finding.ok else "[red]no[/red]"
            console.print(f"{mark}  {finding.what}: {finding.says}", soft_wrap=True)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@app.command()
def audit(folder: Folder = HOME, kafka: Kafka = None, json: Json = False) -> None:
    """Prove that no ticket is lost, stuck, doubled or left untold; one line for each breach, 1 if there is any."""

    async def work() -> auditing.Report:
        return await auditing.audit(places.databases_of(folder), places.bus_of(folder, kafka), _now)

    report = _run(work())
    _say(report.as_json(), "\n".join(report.lines()), json)
    raise typer.Exit(1 if report.breaches else 0)


@app.command()
def export(ticket_id: str, folder: Folder = HOME, port: Port = PORT) -> None:
    """A ticket's whole history as a chain of hashes, for keeping elsewhere."""
    sys.stdout.write(_run(asking.export(folder, port, ticket_id)))


@app.command()
def verify(
    exported: Annotated[Path, typer.Argument(help="What `tierline export` wrote")],
    head: Annotated[str | None, typer.Option(help="The hash that the history must end with")] = None,
    json: Json = False,
) -> None:
    """Check an exported history, offline: 1 and the place if a single byte of it was changed."""
    try:
        first = chain.verify(exported.read_bytes())
        if head is not None and first["head"] != head:
            raise chain.Altered("the end", "it is sound, and it is another history than the one with this head")
    except OSError as error:
        sys.stderr.write(f"{exported} cannot be read ({error.strerror})\n")
        raise typer.Exit(2) from None
    except chain.Altered as error:
        _say({"sound": False, "place": error.place, "says": str(error)}, f"ALTERED {exported}: {error}", json)
        raise typer.Exit(1) from None
    _say({"sound": True, **first}, f"sound: {first['facts']} facts of {first['ticket_id']}, head {first['head']}", json)


def main() -> None:
    """The command's entry."""
    app()


async def _play(day: Day, *, show: bool) -> None:
    playing = asyncio.ensure_future(day.play())
    if show and console.is_terminal:
        with Live(screen.live(day), console=console, refresh_per_second=8) as view:
            while not playing.done():
                view.update(screen.live(day))
                await asyncio.wait({playing}, timeout=0.12)
            view.update(screen.live(day))
    elif show:
        await _print_hops(day, playing)
    await playing


async def _print_hops(day: Day, playing: "asyncio.Task[None]") -> None:
    """Where there is no terminal to draw on: one line a fact."""
    shown: dict[str, int] = {}
    while True:
        over = playing.done()
        for story in day.stories:
            for fact in story.facts[shown.get(story.plan["id"], 0) :]:
                console.print(f"{asking.line(fact)}  {story.plan['subject']}", soft_wrap=True, markup=False)
            shown[story.plan["id"]] = len(story.facts)
        if over:
            return
        await asyncio.wait({playing}, timeout=0.2)


def _what_to_try(machine: Machine, folder: Path) -> None:
    key = machine.install.credentials["members"]["alder"]["client"]
    reporter = {
        "name": "A teacher",
        "email": "teacher@school.example.org",
        "role": "school",
        "organization": "A school",
    }
    body = {
        "component": "test-delivery-system",
        "subject": "The test will not load",
        "description": "A white page on every device.",
        "impact": "student_cannot_test",
        "reporter": reporter,
    }
    console.print(f"\nMail lies in [bold]{folder / 'mail'}[/bold], keys in [bold]{folder / 'credentials.json'}[/bold].")
    console.print(f"Tierline is up at {machine.url} (Ctrl-C ends it). Try:\n")
    sys.stdout.write(
        f"curl -s -X POST {machine.url}/intake/v1/tickets -H 'Authorization: Bearer {key}' "
        f"-H 'Content-Type: application/json' -d '{json.dumps(body)}'\n\n"
    )
    sys.stdout.flush()


async def _until_told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()


def _now() -> datetime:
    return datetime.now(UTC)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run something; whatever cannot be done is said in one line."""
    try:
        return asyncio.run(work)
    except KitError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _say_or_fail(work: Coroutine[Any, Any, dict[str, Any]], as_json: bool) -> None:
    found = _run(work)
    _say(found, asking.page(found), as_json)


def _say(found: Any, text: str, as_json: bool) -> None:
    sys.stdout.write(f"{_dump(found) if as_json else text}\n")
    sys.stdout.flush()


def _dump(found: Any) -> str:
    return json.dumps(found, ensure_ascii=False, default=str)
