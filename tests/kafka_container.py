"""The same Kafka that docker-compose.yml runs, in a container of this test run alone, where a Docker engine answers."""

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

COMPOSE = Path(__file__).resolve().parents[1] / "docker-compose.yml"
WITHIN = 90.0


class ContainerBroker:
    """A broker that can be stopped and started on the same port with the same data, as `LocalBroker`."""

    def __init__(self) -> None:
        from testcontainers.core.container import DockerContainer

        asked: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]["kafka"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.servers = f"127.0.0.1:{port}"
        self._look = asked["healthcheck"]["test"][1:]
        self._container = DockerContainer(asked["image"])
        self._container.with_envs(**{name: str(value) for name, value in asked["environment"].items()})
        self._container.with_env("KAFKA_ADVERTISED_LISTENERS", f"PLAINTEXT://{self.servers}")
        self._container.with_env("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@127.0.0.1:9093")
        # Inside, too, it is reached at the port that it names.
        self._container.with_env("KAFKA_LISTENERS", f"PLAINTEXT://:{port},CONTROLLER://:9093")
        self._look[-1] = self.servers
        self._container.ports[f"{port}/tcp"] = ("127.0.0.1", port)

    def make(self) -> None:
        """Make the container and start it; return once the broker serves."""
        self._container.start()
        self._until_it_serves()

    def start(self) -> None:
        """Start it again."""
        self._container.get_wrapped_container().start()
        self._until_it_serves()

    def stop(self) -> None:
        """Stop it in order; its data stays."""
        self._container.get_wrapped_container().stop(timeout=20)

    def freeze(self) -> None:
        """Let it hang: connections stay, and nobody is answered."""
        self._container.get_wrapped_container().pause()

    def thaw(self) -> None:
        """Let it go on."""
        self._container.get_wrapped_container().unpause()

    def end(self) -> None:
        """Leave nothing behind."""
        self._container.stop()

    def _until_it_serves(self) -> None:
        until = time.monotonic() + WITHIN
        while self._container.exec(self._look).exit_code:
            if time.monotonic() > until:
                raise TimeoutError(f"the container of Kafka did not serve within {WITHIN:.0f} s")
            time.sleep(0.2)


def container() -> ContainerBroker | None:
    """A started one, or nothing where no Docker engine answers or the image cannot be had."""
    docker = shutil.which("docker")
    if docker is None:
        return None
    broker = None
    try:
        asked = [docker, "version", "--format", "{{.Server.Version}}"]
        subprocess.run(asked, capture_output=True, check=True, timeout=5)
        broker = ContainerBroker()
        broker.make()
    except Exception as error:  # any reason will do: there is another way
        sys.stderr.write(f"no Kafka container ({type(error).__name__}); using kafka-local\n")
        if broker is not None:
            broker.end()
        return None
    return broker
