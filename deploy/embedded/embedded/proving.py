"""The commands that prove: audit, replay, export, verify; and the one that hands in what the audit found missing."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from embedded import asking, places
from embedded.audit import auditing
from embedded.catching_up import catch_up as hand_in
from embedded.machine import POLICIES
from embedded.replay import checking
from embedded.terminal import HOME, PORT, Folder, Json, Kafka, Port, run, say
from tierline.desk.policies import load_policies
from tierline.domain import chain


def audit(
    folder: Folder = HOME,
    kafka: Kafka = None,
    json: Json = False,
    chains: Annotated[bool, typer.Option("--chains", help="Check what every fact of every history says, too")] = False,
) -> None:
    """Prove that no ticket is lost, stuck, doubled or left untold; one line for each breach, 1 if there is any."""

    async def work() -> auditing.Report:
        return await auditing.audit(
            places.databases_of(folder), places.bus_of(folder, kafka), lambda: datetime.now(UTC), chains=chains
        )

    report = run(work())
    say(report.as_json(), "\n".join(report.lines()), json)
    raise typer.Exit(1 if report.breaches else 0)


def catch_up(folder: Folder = HOME, kafka: Kafka = None, json: Json = False) -> None:
    """Hand to each service the events that passed it by: once after an upgrade, when no older process runs any more."""

    async def work() -> dict[str, int]:
        return await hand_in(places.databases_of(folder), places.bus_of(folder, kafka), lambda: datetime.now(UTC))

    handed = run(work())
    lines = [f"{service}: {many} events handed in" for service, many in handed.items()]
    say({"handed_in": handed}, "\n".join(lines) or "no event has passed a service by", json)


def replay(
    check: Annotated[bool, typer.Option("--check", help="Compare, and change nothing")],
    folder: Folder = HOME,
    kafka: Kafka = None,
    json: Json = False,
) -> None:
    """Rebuild status pages, timelines and queues from the topics alone; 1 if any differs from what is kept."""

    async def work() -> tuple[int, list[str]]:
        policies = load_policies(Path(os.environ.get("TIERLINE_POLICIES", POLICIES)))
        return await checking.check(places.databases_of(folder), places.bus_of(folder, kafka), policies)

    many, different = run(work())
    lines = [*(f"DIFFERS {one}" for one in different), f"{many} tickets rebuilt, {len(different)} differences"]
    say({"tickets": many, "differences": different}, "\n".join(lines), json)
    raise typer.Exit(1 if different else 0)


def export(ticket_id: str, folder: Folder = HOME, port: Port = PORT) -> None:
    """A ticket's whole history as a chain of hashes, for keeping elsewhere."""
    sys.stdout.write(run(asking.export(folder, port, ticket_id)))


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
        say({"sound": False, "place": error.place, "says": str(error)}, f"ALTERED {exported}: {error}", json)
        raise typer.Exit(1) from None
    say({"sound": True, **first}, f"sound: {first['facts']} facts of {first['ticket_id']}, head {first['head']}", json)
