"""What all commands share on the terminal: their options, how they run, and how they speak."""

import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop

from tierline.kit.errors import KitError

Folder = Annotated[Path, typer.Option(envvar="TIERLINE_FOLDER", help="Where the install keeps its data")]
Port = Annotated[int, typer.Option(envvar="TIERLINE_PORT", min=0, max=65535, help="The one port of this machine")]
Kafka = Annotated[str | None, typer.Option(help="host:port of Kafka; without it events travel over PostgreSQL")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON")]
HOME, PORT = Path(".tierline"), 8080


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run something; whatever cannot be done is said in one line."""
    try:
        return uvloop.run(work)
    except KitError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def say(found: Any, text: str, as_json: bool) -> None:
    """Say it for people, or as JSON for programs."""
    sys.stdout.write(f"{dump(found) if as_json else text}\n")
    sys.stdout.flush()


def dump(found: Any) -> str:
    """JSON on one line."""
    return json.dumps(found, ensure_ascii=False, default=str)
