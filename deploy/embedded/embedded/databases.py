"""Five databases with five roles, and one for events: made where they are missing, each service at home in its own."""

import secrets
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from tierline.kit.database import connect

EVENTS = "events"


async def ensure(admin: str, services: Sequence[str], passwords: Mapping[str, str], prefix: str = "") -> dict[str, str]:
    """The address of each service's database, and under `<service>:events` that of the event log, as the service's role.

    A service's role can connect to its own database and to the events, and to no other.
    """
    held = await connect(admin, "install")
    try:
        keeper = f"{prefix}{EVENTS}"
        await _role(held, keeper, None)
        for service in services:
            await _role(held, f"{prefix}{service}", passwords[service])
            await held.execute(f'GRANT "{keeper}" TO "{prefix}{service}"')
            await _database(held, f"{prefix}{service}", f"{prefix}{service}")
        await _database(held, keeper, keeper)
        for service in services:
            # The log's tables have one owner, whichever service makes them first.
            await held.execute(f'ALTER ROLE "{prefix}{service}" IN DATABASE "{keeper}" SET role = "{keeper}"')
    finally:
        await held.close()
    return addresses_of(admin, services, passwords, prefix)


def addresses_of(admin: str, services: Sequence[str], passwords: Mapping[str, str], prefix: str = "") -> dict[str, str]:
    """The addresses that `ensure` answers with, of databases that are there."""
    addresses, keeper = {}, f"{prefix}{EVENTS}"
    for service in services:
        role = f"{prefix}{service}"
        addresses[service] = at(admin, role, role, passwords[service])
        addresses[f"{service}:{EVENTS}"] = at(admin, keeper, role, passwords[service])
    return addresses


def new_passwords(services: Sequence[str]) -> dict[str, str]:
    """A random password for each service."""
    return {service: secrets.token_hex(16) for service in services}


def at(admin: str, database: str, role: str, password: str) -> str:
    """The same server, another database and role."""
    parts = urlsplit(admin)
    place = f"{quote(role)}:{quote(password)}@{parts.netloc.rpartition('@')[2]}"
    return urlunsplit(("postgresql", place, f"/{database}", parts.query, ""))


async def _role(held: "asyncpg.Connection[asyncpg.Record]", name: str, password: str | None) -> None:
    if await held.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name) is None:
        await held.execute(f'CREATE ROLE "{name}"')
    if password is not None:
        # Names and passwords are our own: letters, digits, hyphens.
        await held.execute(f"ALTER ROLE \"{name}\" LOGIN PASSWORD '{password}'")


async def _database(held: "asyncpg.Connection[asyncpg.Record]", name: str, owner: str) -> None:
    if await held.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name) is None:
        await held.execute(f'CREATE DATABASE "{name}"')
    await held.execute(f'ALTER DATABASE "{name}" OWNER TO "{owner}"')
    await held.execute(f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC')
