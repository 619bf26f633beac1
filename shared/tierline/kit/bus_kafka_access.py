"""How a service proves itself to Kafka, and Kafka to it: TLS and SASL, as the operator set them in `TIERLINE_KAFKA_...`."""

import ssl
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from tierline.kit.errors import Misconfigured
from tierline.kit.settings import read_settings

PROTOCOL = "TIERLINE_KAFKA_SECURITY_PROTOCOL"


class KafkaAccess(BaseSettings):
    """What Kafka's own clients call these things, too."""

    model_config = SettingsConfigDict(env_prefix="TIERLINE_KAFKA_", env_ignore_empty=True, extra="ignore", frozen=True)

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="As the brokers' listener: SASL_SSL wherever a network lies in between"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="How the user is proved, with SASL"
    )
    sasl_user: str | None = Field(default=None, description="The user, with SASL")
    sasl_password: SecretStr | None = Field(default=None, description="The password, with SASL")
    ca_file: Path | None = Field(
        default=None, description="Who signs the brokers' certificates, if no public authority"
    )
    cert_file: Path | None = Field(default=None, description="Our certificate, where brokers ask for one")
    key_file: Path | None = Field(default=None, description="Its key, without a passphrase")


def kafka_access(given: KafkaAccess | None = None) -> dict[str, Any]:
    """What Kafka's client is told; from the environment, unless given.

    Raises:
        Misconfigured: a setting is wrong, stands alone, or names a file that does not fit; never with the password.
    """
    asked = given or read_settings(KafkaAccess)
    protocol = asked.security_protocol
    _whole(asked, with_sasl=protocol.startswith("SASL"), with_tls=protocol.endswith("SSL"))
    access: dict[str, Any] = {"security_protocol": protocol}
    if asked.sasl_password is not None:
        access |= {
            "sasl_mechanism": asked.sasl_mechanism,
            "sasl_plain_username": asked.sasl_user,
            "sasl_plain_password": asked.sasl_password.get_secret_value(),
        }
    if protocol.endswith("SSL"):
        access["ssl_context"] = _tls(asked)
    return access


def _whole(asked: KafkaAccess, *, with_sasl: bool, with_tls: bool) -> None:
    groups = (
        (with_sasl, ("sasl_mechanism", "sasl_user", "sasl_password"), "SASL_SSL"),
        (with_tls, ("ca_file", "cert_file", "key_file"), "SSL or SASL_SSL"),
    )
    for used, names, protocols in groups:
        for name in names:
            there = getattr(asked, name) is not None
            if there and not used:
                raise _wrong(name, f"{PROTOCOL} is {asked.security_protocol}; make that {protocols}, or unset this")
            if used and not there and name.startswith("sasl"):
                raise _wrong(name, f"{PROTOCOL} is {asked.security_protocol}, which needs it; set it")
    if (asked.cert_file is None) != (asked.key_file is None):
        raise _wrong("key_file" if asked.key_file is None else "cert_file", "the other of the two is set; set both")


def _tls(asked: KafkaAccess) -> ssl.SSLContext:
    name = "ca_file"
    try:
        context = ssl.create_default_context(cafile=asked.ca_file)
        if asked.cert_file is not None:
            name = "cert_file"
            # An empty passphrase, so that nobody is asked for one on a terminal.
            context.load_cert_chain(asked.cert_file, asked.key_file, password="")
    except (OSError, ValueError) as error:
        reason = error.strerror or type(error).__name__ if isinstance(error, OSError) else type(error).__name__
        raise _wrong(name, f"the file cannot be read as PEM ({reason}); name another") from None
    return context


def _wrong(name: str, says: str) -> Misconfigured:
    return Misconfigured(f"TIERLINE_KAFKA_{name.upper()}: {says}")
