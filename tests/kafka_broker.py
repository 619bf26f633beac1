"""A Kafka for tests: the one named in TIERLINE_TEST_KAFKA, else a container, else a broker without Docker."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

KAFKA_LOCAL = Path(__file__).resolve().parents[1] / "deploy" / "kafka-local" / "kafka_local.py"


class CannotRun(Exception):
    """No Kafka can run here, and why."""


class LocalBroker:
    """A broker of this test run alone: it can be stopped and started on the same port with the same data."""

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


class GivenBroker:
    """A broker that is not ours to stop."""

    def __init__(self, servers: str) -> None:
        self.servers = servers

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        """Tests that need an outage leave this one out."""
        pytest.skip("this Kafka is not ours to stop: unset TIERLINE_TEST_KAFKA to test an outage")


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[LocalBroker | GivenBroker]:
    """The broker of this test run; `stop()` and `start()` make an outage."""
    if given := os.environ.get("TIERLINE_TEST_KAFKA"):
        yield GivenBroker(given)
        return
    if (container := _container()) is not None:
        try:
            yield GivenBroker(container.get_bootstrap_server())
        finally:
            container.stop()
        return
    with local_broker() as broker:
        yield broker


@pytest.fixture
def own_kafka() -> Iterator[LocalBroker]:
    """A broker for one story alone, whose services must meet no other's."""
    with local_broker() as broker:
        yield broker


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
def kafka_servers(kafka_broker: LocalBroker | GivenBroker) -> str:
    """Where it listens."""
    return kafka_broker.servers


def _container() -> Any:
    """A started Kafka container, or nothing where no Docker engine answers or the image cannot be had."""
    docker = shutil.which("docker")
    if docker is None:
        return None
    try:
        asked = [docker, "version", "--format", "{{.Server.Version}}"]
        subprocess.run(asked, capture_output=True, check=True, timeout=5)
        from testcontainers.community.kafka import KafkaContainer

        return KafkaContainer().with_kraft().start()
    except Exception as error:  # any reason will do: there is another way
        sys.stderr.write(f"no Kafka container ({type(error).__name__}); using kafka-local\n")
        return None
