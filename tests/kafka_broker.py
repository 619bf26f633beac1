"""A Kafka for tests: the one named in TIERLINE_TEST_KAFKA, else a container, else a broker without Docker."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from kafka_container import ContainerBroker, container

KAFKA_LOCAL = Path(__file__).resolve().parents[1] / "deploy" / "kafka-local" / "kafka_local.py"


class CannotRun(Exception):
    """No Kafka can run here, and why."""


class LocalBroker:
    """A broker of this test run alone: it can be stopped, killed and started on the same port with the same data.

    `more` is what else kafka-local is told, such as the port of a proxy at which clients shall come.
    """

    def __init__(self, data: Path, *more: str) -> None:
        with ExitStack() as held:
            sockets = [held.enter_context(socket.socket()) for _ in range(2)]
            for one in sockets:
                one.bind(("127.0.0.1", 0))
            self._port, self._controller_port = (one.getsockname()[1] for one in sockets)
        self._data, self._more = data, more
        self._process: subprocess.Popen[str] | None = None
        self.servers = f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start, and return once it serves. Raises `CannotRun` with what kafka-local said."""
        ports = ["--port", str(self._port), "--controller-port", str(self._controller_port)]
        run = [sys.executable, str(KAFKA_LOCAL), *self._more]
        self._process = subprocess.Popen(
            # It must never outlive a test run that was killed.
            [*run, *ports, "--data", str(self._data), "--print-ready", "--until-stdin-ends"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        if not self._process.stdout.readline().startswith("ready"):
            _, said = self._process.communicate()
            self._process = None
            raise CannotRun(said.strip() or "kafka-local ended without a word")

    def stop(self) -> None:
        """Stop it; its data stays."""
        if self._process is not None:
            self._process.communicate()  # closes its stdin, which is the sign to end
            self._process = None

    def kill(self) -> None:
        """End it in the middle of whatever it does; what it had acknowledged is in its files."""
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self.stop()

    def freeze(self) -> None:
        """Let it hang: connections stay, and nobody is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        keeper = self._process.pid
        for broker in Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split():
            os.kill(int(broker), number)


class GivenBroker:
    """A broker that is not ours to stop."""

    def __init__(self, servers: str) -> None:
        self.servers = servers

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """Tests that need an outage leave this one out."""
        pytest.skip("this Kafka is not ours to stop: unset TIERLINE_TEST_KAFKA to test an outage")


Broker: TypeAlias = LocalBroker | ContainerBroker | GivenBroker


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[Broker]:
    """The broker of this test run; `stop()` and `start()` make an outage."""
    if given := os.environ.get("TIERLINE_TEST_KAFKA"):
        yield GivenBroker(given)
        return
    with _broker() as broker:
        yield broker


@pytest.fixture
def own_kafka() -> Iterator[LocalBroker | ContainerBroker]:
    """A broker for one story alone, whose services must meet no other's."""
    with _broker() as broker:
        yield broker


@contextmanager
def _broker() -> Iterator[LocalBroker | ContainerBroker]:
    if (contained := container()) is None:
        with local_broker() as broker:
            yield broker
        return
    try:
        yield contained
    finally:
        contained.end()


@contextmanager
def local_broker(*more: str) -> Iterator[LocalBroker]:
    """A broker without Docker, for as long as the block lasts; `more` is what else kafka-local is told."""
    with tempfile.TemporaryDirectory(prefix="kafka-") as folder:
        broker = LocalBroker(Path(folder) / "data", *more)
        try:
            broker.start()
        except CannotRun as error:
            reason = f"no Kafka to test against: {error}; or name one in TIERLINE_TEST_KAFKA"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        try:
            yield broker
        finally:
            broker.stop()


@pytest.fixture(scope="session")
def kafka_servers(kafka_broker: Broker) -> str:
    """Where it listens."""
    return kafka_broker.servers
