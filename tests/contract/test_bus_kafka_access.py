"""Kafka behind TLS and SASL: who knows the password and trusts the certificate gets in, and no line ever says a password."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from rigs import KafkaRig
from stage import Reader, Stage, ids, until

from kafka_broker import GivenBroker, local_broker
from tierline.kit.bus_kafka import KafkaBus
from tierline.kit.buses import open_bus
from tierline.kit.errors import BusUnavailable
from tierline.kit.history import history

USER, PASSWORD = "tierline", "correct-horse"
ALSO = """
listeners=PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller_port}},{listeners}
advertised.listeners=PLAINTEXT://127.0.0.1:{{advertised}},{listeners}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
listener.name.sasl_ssl.sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""


@dataclass(frozen=True)
class Guarded:
    """A broker's three guarded listeners, and the certificate to trust."""

    servers: dict[str, str]
    certificate: Path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A broker that proves itself by a certificate made for it, and knows one user."""
    place = tmp_path_factory.mktemp("guarded")
    key, made = place / "key.pem", place / "certificate.pem"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(made)]
    name = ["-subj", "/CN=a broker", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run([*new, *name], check=True, capture_output=True)
    keystore, also = place / "keystore.pem", place / "also.properties"
    keystore.write_text(key.read_text() + made.read_text())
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(3)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        names = ("SSL", "SASL_SSL", "SASL_PLAINTEXT")
        servers = {name: f"127.0.0.1:{one.getsockname()[1]}" for name, one in zip(names, sockets, strict=True)}
    listeners = ",".join(f"{name}://{where}" for name, where in servers.items())
    also.write_text(ALSO.format(listeners=listeners, keystore=keystore, user=USER, password=PASSWORD))
    with local_broker("--also", str(also), "--scram", f"{USER}:{PASSWORD}"):
        yield Guarded(servers, made)


def _set(patch: pytest.MonkeyPatch, **settings: object) -> None:
    for name, value in settings.items():
        patch.setenv(f"TIERLINE_KAFKA_{name.upper()}", str(value))


WAYS = {
    "SSL": {},
    "SASL_SSL": {"sasl_mechanism": "PLAIN", "sasl_user": USER, "sasl_password": PASSWORD},
    "SASL_PLAINTEXT": {"sasl_mechanism": "SCRAM-SHA-512", "sasl_user": USER, "sasl_password": PASSWORD},
}


@pytest.mark.parametrize("protocol", WAYS)
async def test_events_go_in_and_out_by_each_guarded_way(
    protocol: str, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, security_protocol=protocol, **WAYS[protocol])
    if protocol.endswith("SSL"):
        _set(monkeypatch, ca_file=guarded.certificate)
    address = f"kafka://{guarded.servers[protocol]}?session_timeout=6"
    async with AsyncExitStack() as ending:
        stage = Stage(_rig(address), ending)
        bus, reader = await stage.bus(), Reader()
        events = stage.events(20, keys=4)
        await bus.publish(events)
        await bus.ping()
        async with stage.reading(bus, reader):
            await until(lambda: len(reader.records) >= 20)
        assert sorted(reader.ids) == sorted(ids(events))
        assert len([record async for records in history(address, [stage.topic]) for record in records]) == 20


@pytest.mark.parametrize(
    ("protocol", "changed"),
    [
        ("SASL_PLAINTEXT", {"sasl_password": "wrong-battery"}),
        ("SASL_SSL", {"sasl_password": "wrong-battery"}),
        ("SASL_SSL", {"ca_file": None}),
        ("SSL", {"ca_file": None}),
    ],
)
async def test_who_does_not_fit_is_told_so_in_one_line_without_the_password(
    protocol: str, changed: dict[str, str | None], guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, security_protocol=protocol, **WAYS[protocol])
    if protocol.endswith("SSL"):
        _set(monkeypatch, ca_file=guarded.certificate)
    for name, value in changed.items():
        _set(monkeypatch, **{name: value or ""})
    bus = open_bus(f"kafka://{guarded.servers[protocol]}", "suite")
    with pytest.raises(BusUnavailable, match="TIERLINE_KAFKA_") as said:
        await bus.start(["things"])
    await bus.stop()
    assert "\n" not in str(said.value)
    assert PASSWORD not in str(said.value)
    assert "wrong-battery" not in str(said.value)


class _Rig(KafkaRig):
    def bus(self, send_timeout: float = 15.0) -> KafkaBus:
        made = open_bus(self.address, "suite")
        assert isinstance(made, KafkaBus)
        return made


def _rig(address: str) -> KafkaRig:
    rig = _Rig(GivenBroker(address))
    rig.address = address
    return rig
