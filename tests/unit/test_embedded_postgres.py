"""The install's own PostgreSQL: made once, found again, kept over restarts, and never somebody else's to stop."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from embedded.postgres import EmbeddedPostgres


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    """A running one, whose data may be lost."""
    made = EmbeddedPostgres(folder / "its own place", durable=False)
    made.start()
    yield made
    made.stop()


async def _ask(server: EmbeddedPostgres, query: str) -> object:
    held = await asyncpg.connect(server.dsn())
    try:
        return await held.fetchval(query)
    finally:
        await held.close()


async def test_it_serves_from_a_folder_with_a_space_in_its_name(server: EmbeddedPostgres) -> None:
    assert server.running()
    assert await _ask(server, "SELECT current_user::text") == "tierline"
    assert await _ask(server, "SHOW server_encoding") == "UTF8"


async def test_it_listens_to_this_machine_alone_and_wants_the_password(server: EmbeddedPostgres) -> None:
    assert await _ask(server, "SHOW listen_addresses") == "127.0.0.1"
    assert await _ask(server, "SHOW unix_socket_directories") == ""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.dsn(password="wrong"))


def test_its_password_is_for_the_owner_alone_and_lies_nowhere_else(server: EmbeddedPostgres) -> None:
    secret = server.folder / "password"
    assert secret.stat().st_mode & 0o077 == 0
    assert not (server.folder / "first-password").exists()


async def test_starting_it_twice_is_starting_it_once(server: EmbeddedPostgres) -> None:
    before = await _ask(server, "SELECT pg_postmaster_start_time()")
    again = EmbeddedPostgres(server.folder, durable=False)
    again.start()
    assert again.dsn() == server.dsn()
    assert await _ask(again, "SELECT pg_postmaster_start_time()") == before


async def test_data_and_password_outlive_a_restart(server: EmbeddedPostgres) -> None:
    secret = (server.folder / "password").read_text()
    await _ask(server, "CREATE TABLE kept AS SELECT 7 AS number")
    await _ask(server, "CHECKPOINT")
    server.stop()
    assert not server.running()
    server.start()
    assert await _ask(server, "SELECT number FROM kept") == 7
    assert (server.folder / "password").read_text() == secret


async def test_stopping_one_leaves_its_neighbour_alone(server: EmbeddedPostgres, folder: Path) -> None:
    neighbour = EmbeddedPostgres(folder / "neighbour", durable=False)
    neighbour.start()
    try:
        assert neighbour.dsn() != server.dsn()
    finally:
        neighbour.stop()
    assert not neighbour.running()
    assert server.running()


async def test_a_process_number_left_by_a_crash_is_not_taken_for_a_server(folder: Path) -> None:
    crashed = EmbeddedPostgres(folder / "crashed", durable=False)
    crashed.start()
    pidfile = folder / "crashed" / "data" / "postmaster.pid"
    left = pidfile.read_text()
    crashed.stop()
    # The number belongs to somebody else by now, whom the server's own user could stop.
    nobody = {"user": "nobody"} if os.geteuid() == 0 else {}
    stranger = subprocess.Popen(["sleep", "60"], **nobody)
    try:
        pidfile.write_text("\n".join([str(stranger.pid), *left.splitlines()[1:]]) + "\n")
        assert not crashed.running()
        crashed.stop()
        with pytest.raises(subprocess.TimeoutExpired):
            stranger.wait(0.3)
    finally:
        stranger.kill()
        stranger.wait()
    crashed.start()
    assert await _ask(crashed, "SELECT 1") == 1
    crashed.stop()
    assert not crashed.running()
