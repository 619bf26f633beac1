"""`tierline dead`: the events that wait for a person, in every service; looked at, tried again, given up."""

from pathlib import Path
from typing import Annotated, Any

import typer

from embedded.asking import as_operator
from embedded.install import SERVICES
from embedded.terminal import HOME, PORT, Folder, Json, Port, run, say
from tierline.kit.errors import Misconfigured

app = typer.Typer(no_args_is_help=True, help="Dead letters: events that wait for a person.")

Letter = Annotated[str, typer.Argument(help="The service and the number, as `list` shows them: tier1/12")]
Reason = Annotated[str, typer.Option(help="Why; it is written down with the key that acts")]


@app.command("list")
def list_all(folder: Folder = HOME, port: Port = PORT, json: Json = False) -> None:
    """Every dead letter of every service, the oldest first."""
    found = run(_all(folder, port))
    say(found, "\n".join(_line(letter) for letter in found) or "no dead letters", json)


@app.command()
def show(letter: Letter, folder: Folder = HOME, port: Port = PORT, json: Json = False) -> None:
    """One dead letter as it came. It may hold what people wrote."""
    found = run(_ask(folder, port, "GET", letter))
    say(found, "\n".join(f"{name}: {value}" for name, value in found.items()), json)


@app.command()
def replay(letter: Letter, reason: Reason, folder: Folder = HOME, port: Port = PORT, json: Json = False) -> None:
    """Try it again, now; what waited behind it follows. 2 if it fails again, and nothing has changed."""
    say(run(_ask(folder, port, "POST", letter, "/replay", {"reason": reason})), f"{letter} had its effect", json)


@app.command()
def discard(letter: Letter, reason: Reason, folder: Folder = HOME, port: Port = PORT, json: Json = False) -> None:
    """Give it up for good; what waited behind it goes on."""
    say(run(_ask(folder, port, "POST", letter, "/discard", {"reason": reason})), f"{letter} is given up", json)


async def _all(folder: Path, port: int) -> list[dict[str, Any]]:
    found = []
    for service in SERVICES:
        after: int | None = 0
        while after is not None:
            page = await as_operator(folder, port, "GET", f"/{service}/v1/dead?limit=100&after={after}")
            found += [{"letter": f"{service}/{one['pos']}", **one} for one in page["items"]]
            after = page["next"]
    return sorted(found, key=lambda one: str(one["dead_at"]))


async def _ask(folder: Path, port: int, method: str, letter: str, verb: str = "", body: Any = None) -> dict[str, Any]:
    service, _, number = letter.partition("/")
    if service not in SERVICES or not number.isdecimal():
        raise Misconfigured(f"{letter} is no dead letter; write the service and the number, such as tier1/12")
    return await as_operator(folder, port, method, f"/{service}/v1/dead/{number}{verb}", body)


def _line(letter: dict[str, Any]) -> str:
    behind = f", {letter['waiting']} wait behind it" if letter["waiting"] else ""
    what = f"{letter['type'] or 'unreadable'} of {letter['key']}"
    return f"{letter['letter']}  {letter['dead_at']}  {what}: {letter['reason']}{behind}"
