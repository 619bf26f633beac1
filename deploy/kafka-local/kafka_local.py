"""A real Apache Kafka without Docker: one broker on 127.0.0.1, its jars fetched once through Maven.

    python deploy/kafka-local/kafka_local.py            # stays up until Ctrl-C; data is kept in .kafka/data

Needs Java 17 or later, and Maven for the first start only.
"""

import argparse
import base64
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parents[1] / ".kafka"
REMEDY = "apt-get install openjdk-17-jre-headless maven"
OLDEST_JAVA = 17


class CannotRun(Exception):
    """Kafka cannot run on this machine as it is; the message is one line that names the remedy."""


def find_java() -> str:
    """The `java` to run. Raises `CannotRun` when there is none, or only one too old for Kafka 4."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    java = java or shutil.which("java")
    if java is None:
        raise CannotRun(f"Kafka needs Java {OLDEST_JAVA}, and there is no `java` here: {REMEDY}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = said.partition('"')[2].partition('"')[0].partition(".")[0].partition("-")[0]
    if not version.isdigit() or int(version) < OLDEST_JAVA:
        raise CannotRun(f"Kafka needs Java {OLDEST_JAVA}, {java} is Java {version or 'unknown'}: {REMEDY}")
    return java


def fetch_jars() -> Path:
    """The folder of Kafka's jars, filled by Maven the first time and whenever pom.xml has changed."""
    libs, pom = HOME / "libs", HERE / "pom.xml"
    stamp, wanted = libs / "complete", hashlib.sha256(pom.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return libs  # also for one who may read the folder but not write it
    HOME.mkdir(exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may start at the same moment
        if stamp.exists() and stamp.read_text() == wanted:
            return libs
        maven = shutil.which("mvn")
        if maven is None:
            raise CannotRun(f"Kafka's jars are fetched through Maven, and there is no `mvn` here: {REMEDY}")
        shutil.rmtree(libs, ignore_errors=True)
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={libs}"]
        done = subprocess.run([maven, "-B", "-q", "-f", str(pom), *goal], capture_output=True, text=True, check=False)
        if done.returncode:
            reasons = [line for line in done.stdout.splitlines() if "ERROR" in line] or [done.stderr.strip()]
            raise CannotRun(f"Maven could not fetch Kafka's jars: {reasons[0]}")
        stamp.write_text(wanted)
    return libs


class Broker:
    """One broker and its data folder. Started again on the same folder, it still has every record."""

    def __init__(
        self,
        port: int,
        controller_port: int,
        data: Path,
        advertised: int | None = None,
        also: Path | None = None,
        scram: str | None = None,
    ) -> None:
        self.port, self.controller_port, self.data = port, controller_port, data.resolve()
        self._advertised, self._also, self._scram = advertised or port, also, scram
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, timeout: float = 60.0) -> None:
        """Start, and return once the broker serves. Raises `CannotRun`."""
        java, libs = find_java(), fetch_jars()
        for port in (self.port, self.controller_port):
            _claim(port)
        properties = self._write_properties()
        run = [java, "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", f"{libs}/*"]
        run += [f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"]
        if not (self.data / "meta.properties").exists():
            tool = ["kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(properties)]
            if self._scram:
                user, _, password = self._scram.partition(":")
                tool += ["--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]"]
            done = subprocess.run([*run, *tool], capture_output=True, text=True, check=False)
            if done.returncode:
                raise CannotRun(f"Kafka could not format {self.data}: {(done.stderr or done.stdout).strip()}")
        # Its own session, so that Ctrl-C reaches only us and the broker is stopped in order.
        self._process = subprocess.Popen(
            [*run, "kafka.Kafka", str(properties)], stdout=subprocess.DEVNULL, start_new_session=True
        )
        self._wait_until_it_serves(timeout)

    def running(self) -> bool:
        """Whether the broker's process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self, timeout: float = 20.0) -> None:
        """Stop in order; a broker that takes too long is killed, and checks its files at the next start."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _write_properties(self) -> Path:
        self.data.mkdir(parents=True, exist_ok=True)
        text = (HERE / "server.properties").read_text() + (self._also.read_text() if self._also else "")
        facts = {"port": self.port, "controller_port": self.controller_port, "data": self.data}
        facts["advertised"] = self._advertised
        for name, value in facts.items():
            text = text.replace(f"{{{name}}}", str(value))
        properties = self.data.with_name(f"{self.data.name}.properties")
        properties.write_text(text)
        return properties

    def _wait_until_it_serves(self, timeout: float) -> None:
        until = time.monotonic() + timeout
        while not serves(self.port):
            if not self.running():
                raise CannotRun("Kafka ended while starting; its reason stands above")
            if time.monotonic() > until:
                self.stop()
                raise CannotRun(f"Kafka did not serve within {timeout:.0f} s; is the machine busy?")
            time.sleep(0.1)


def serves(port: int) -> bool:
    """Whether a broker answers here and counts itself among the living (a Metadata request, by hand)."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            # size, api key 3, version 1, correlation id, no client id, no topics
            connection.sendall(struct.pack(">ihhihi", 14, 3, 1, 1, -1, 0))
            answer = connection.recv(12, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(answer) == 12 and int.from_bytes(answer[8:], "big", signed=True) > 0


def _claim(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotRun(f"port {port} is taken: choose by --port and --controller-port") from error


def _cluster_id() -> str:
    while (name := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass  # it would be read as an option
    return name


def _set_when_stdin_ends(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def main() -> int:
    """Run until a signal, or until stdin ends when asked so; return the exit code."""
    parser = argparse.ArgumentParser(description="A real Apache Kafka on 127.0.0.1, without Docker.")
    parser.add_argument("--port", type=int, default=9092)
    parser.add_argument("--controller-port", type=int, default=9093)
    parser.add_argument("--advertised-port", type=int, help="where clients are told to come, for a proxy in between")
    parser.add_argument("--also", type=Path, help="more lines of server.properties, such as listeners with TLS")
    parser.add_argument("--scram", metavar="USER:PASSWORD", help="a user for SCRAM-SHA-512, made with new data")
    parser.add_argument("--data", type=Path, default=HOME / "data")
    parser.add_argument("--print-ready", action="store_true", help="print one line once the broker serves")
    parser.add_argument("--until-stdin-ends", action="store_true", help="stop when the caller dies")
    asked = parser.parse_args()
    broker = Broker(asked.port, asked.controller_port, asked.data, asked.advertised_port, asked.also, asked.scram)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    if asked.until_stdin_ends:
        threading.Thread(target=_set_when_stdin_ends, args=(ended,), daemon=True).start()
    try:
        broker.start()
        if asked.print_ready:
            sys.stdout.write(f"ready 127.0.0.1:{broker.port}\n")
            sys.stdout.flush()
        while broker.running() and not ended.wait(0.5):
            pass
    except CannotRun as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        lived = broker.running()
        broker.stop()
    return 0 if lived else 1


if __name__ == "__main__":
    sys.exit(main())
