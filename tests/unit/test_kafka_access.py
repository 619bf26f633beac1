"""What an operator sets of Kafka's TLS and SASL is whole, or refused in one line that names the setting and the remedy."""

from pathlib import Path

import pytest

from tierline.kit.bus_kafka_access import KafkaAccess, kafka_access
from tierline.kit.buses import open_bus
from tierline.kit.errors import Misconfigured

SASL = {"sasl_mechanism": "SCRAM-SHA-512", "sasl_user": "tierline", "sasl_password": "correct-horse"}


def _given(**settings: object) -> KafkaAccess:
    return KafkaAccess(**settings)  # type: ignore[arg-type]


def _without(name: str) -> dict[str, object]:
    return {other: value for other, value in SASL.items() if other != name}


def test_nothing_set_is_a_broker_without_a_lock() -> None:
    assert kafka_access(_given()) == {"security_protocol": "PLAINTEXT"}


def test_what_is_whole_is_handed_on() -> None:
    access = kafka_access(_given(security_protocol="SASL_SSL", **SASL))
    assert access.pop("ssl_context").check_hostname
    assert access == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "tierline",
        "sasl_plain_password": "correct-horse",
    }


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        *(({"security_protocol": "SASL_PLAINTEXT", **_without(name)}, name) for name in SASL),
        *(({"security_protocol": "SSL", name: SASL[name]}, name) for name in SASL),
        ({"ca_file": Path("/ca.pem")}, "ca_file"),
        ({"security_protocol": "SASL_PLAINTEXT", **SASL, "ca_file": Path("/ca.pem")}, "ca_file"),
        ({"security_protocol": "SSL", "cert_file": Path("/c.pem")}, "key_file"),
        ({"security_protocol": "SSL", "key_file": Path("/k.pem")}, "cert_file"),
        ({"security_protocol": "SSL", "ca_file": Path("/not/there.pem")}, "ca_file"),
        ({"security_protocol": "SSL", "ca_file": Path(__file__)}, "ca_file"),
        ({"security_protocol": "SSL", "cert_file": Path(__file__), "key_file": Path(__file__)}, "cert_file"),
    ],
)
def test_what_is_half_set_is_named(settings: dict[str, object], named: str) -> None:
    with pytest.raises(Misconfigured, match=f"^TIERLINE_KAFKA_{named.upper()}: ") as said:
        kafka_access(_given(**settings))
    assert "\n" not in str(said.value)
    assert "correct-horse" not in str(said.value)


def test_a_wrong_word_is_named_and_a_password_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "correct-horse" not in repr(_given(**SASL))
    monkeypatch.setenv("TIERLINE_KAFKA_SECURITY_PROTOCOL", "TLS")
    monkeypatch.setenv("TIERLINE_KAFKA_SASL_PASSWORD", "correct-horse")
    with pytest.raises(Misconfigured, match=r"^TIERLINE_KAFKA_SECURITY_PROTOCOL: .*SASL_SSL") as said:
        open_bus("kafka://127.0.0.1:9092", "suite")
    assert "correct-horse" not in str(said.value)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(Misconfigured, match="TIERLINE_KAFKA_SASL_USER") as said:
        open_bus("kafka://tierline:correct-horse@127.0.0.1:9092", "suite")
    assert "correct-horse" not in str(said.value)
