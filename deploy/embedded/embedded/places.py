"""Where an install that was made before keeps its things: for commands that look at it from beside."""

import json
import os
from pathlib import Path

from embedded.databases import EVENTS, addresses_of
from embedded.install import SERVICES
from embedded.postgres import EmbeddedPostgres
from tierline.kit.errors import Misconfigured


def databases_of(folder: Path) -> dict[str, str]:
    """The address of each service's database. Raises `Misconfigured` where there is no running install."""
    return {name: address for name, address in _addresses(folder).items() if ":" not in name}


def bus_of(folder: Path, kafka: str | None) -> str:
    """The address of the bus: Kafka's, or that of the event log."""
    return f"kafka://{kafka}" if kafka else _addresses(folder)[f"intake:{EVENTS}"]


def _addresses(folder: Path) -> dict[str, str]:
    try:
        passwords = json.loads((folder / "install.json").read_text("utf-8"))["passwords"]
    except (OSError, ValueError, KeyError):
        raise Misconfigured(f"{folder} holds no install; start one with `tierline up`, or name its --folder") from None
    admin = os.environ.get("TIERLINE_DATABASE_URL")
    own = EmbeddedPostgres(folder / "postgres")
    if admin is None and not own.running():
        raise Misconfigured("the install's PostgreSQL is not running; start the install with `tierline up`")
    return addresses_of(admin or own.dsn(), SERVICES, passwords)
