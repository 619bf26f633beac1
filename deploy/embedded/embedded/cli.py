"""The `tierline` command: run the house, play the sample day, submit, look, watch, and find out what is wrong."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from json import dumps as as_json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from embedded import asking, calibration, dead, doctoring, evaluating, labelled, preparing, proving, screen
from embedded.day import Day
from embedded.machine import POLICIES, Machine, running
from embedded.terminal import HOME, PORT, Folder, Json, Kafka, Port, dump, run, say
from embedded.vendor_check.command import app as vendor_app
from tierline.desk.policies import load_policies
from tierline.kit.errors import KitError

app = typer.Typer(no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(vendor_app, name="vendor")
console = Console()


@app.command()
def up(folder: Folder = HOME, port: Port = PORT, kafka: Kafka = None, json: Json = False) -> None:
    """Run the five services until Ctrl-C."""

    async def work() -> None:
        async with running(folder, port=port, kafka=kafka, quiet=False) as machine:
            say({"url": machine.url, "ready": True}, f"Tierline is up at {machine.url} (Ctrl-C ends it)", json)
            await _until_told_to_stop()

    run(work())


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
                sys.stdout.write(f"{dump(screen.as_json(day))}\n")
            else:
                screen.summary(day, console)
                _what_to_try(machine, folder)
            if not once:
                await _until_told_to_stop()
            return 0 if good else 1

    raise typer.Exit(run(work()))


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
def prepare(folder: Folder = HOME, env: Path = Path(".env"), json: Json = False) -> None:
    """Make the keys and secrets that `docker compose up` needs; what is there stays."""
    try:
        made = preparing.prepare(folder, env)
    except (KitError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from None
    say(made, "\n".join(f"{what}: {where}" for what, where in made.items()), json)


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
            say(fact, asking.line(fact), json)

    run(work())


@app.command()
def doctor(folder: Folder = HOME, port: Port = PORT, kafka: Kafka = None, json: Json = False) -> None:
    """Check each dependency, and say the remedy for what is missing."""
    findings = run(doctoring.examine(folder, port, kafka))
    if json:
        sys.stdout.write(f"{dump([finding.__dict__ for finding in findings])}\n")
    else:
        for finding in findings:
            mark = "[green]ok[/green]" if finding.ok else "[red]no[/red]"
            console.print(f"{mark}  {finding.what}: {finding.says}", soft_wrap=True)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


for command in (proving.audit, proving.catch_up, proving.replay, proving.export, proving.verify):
    app.command()(command)
app.add_typer(dead.app, name="dead")


@app.command()
def evaluate(
    questions: Annotated[Path, typer.Argument(metavar="FILE", help="Labelled questions, one JSON object a line")],
    manuals: Annotated[Path, typer.Option(help="A folder of Markdown articles with front matter")],
    policy: Annotated[Path, typer.Option(help="A folder of policies; the first member's rules judge")] = POLICIES,
    cross_validate: Annotated[
        bool, typer.Option(help="Be as sure as if learned from the other questions only")
    ] = False,
    fit: Annotated[bool, typer.Option(help="Print the weights that these questions teach, and nothing else")] = False,
    picture: Annotated[Path, typer.Option(help="Where the calibration picture goes (SVG)")] = Path("calibration.svg"),
    json: Json = False,
) -> None:
    """Measure how well questions are answered, sent to the state and kept private."""
    try:
        rules = next(iter(load_policies(policy).values()))
        outcomes = evaluating.judge(labelled.read_questions(questions), labelled.read_articles(manuals), rules)
        if fit:
            sys.stdout.write(f"{evaluating.learned(outcomes)}\n")
            return
        outcomes = evaluating.cross_validated(outcomes) if cross_validate else outcomes
        picture.write_text(calibration.draw(outcomes, rules.answers), "utf-8")
    except OSError as error:
        sys.stderr.write(f"{picture}: {error.strerror}; name another place with --picture\n")
        raise typer.Exit(2) from None
    except (labelled.Unreadable, KitError) as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from None
    found = evaluating.figures(outcomes, rules.answers)
    sys.stdout.write(f"{as_json(found) if json else calibration.as_text(found, outcomes, rules.answers)}\n")


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
        f"-H 'Content-Type: application/json' -d '{as_json(body)}'\n\n"
    )
    sys.stdout.flush()


async def _until_told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()


def _say_or_fail(work: Coroutine[Any, Any, dict[str, Any]], as_json: bool) -> None:
    found = run(work)
    say(found, asking.page(found), as_json)
