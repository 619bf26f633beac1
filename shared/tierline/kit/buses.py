"""Which adapter an address asks for."""

from typing import Any
from urllib.parse import parse_qsl

from tierline.kit.bus import EventBus
from tierline.kit.errors import Misconfigured

TIMES = ("send_timeout", "session_timeout", "stall")


def open_bus(address: str, name: str) -> EventBus:
    """The bus at this address, not yet connected.

    Raises:
        Misconfigured: the address is neither `kafka://...` nor `postgresql://...`, or `TIERLINE_KAFKA_...` does not fit.
    """
    if address.startswith("kafka://"):
        # Each adapter's library is only loaded where it is used: aiokafka costs a one-machine install nothing.
        from tierline.kit.bus_kafka import KafkaBus  # noqa: PLC0415
        from tierline.kit.bus_kafka_access import kafka_access  # noqa: PLC0415

        servers, _, asked = address.removeprefix("kafka://").partition("?")
        if "@" in servers:  # it would be printed wherever the address is
            raise Misconfigured(
                "TIERLINE_BUS: no user or password stands in it; set TIERLINE_KAFKA_SASL_USER and _PASSWORD"
            )
        return KafkaBus(servers, client_id=name, access=kafka_access(), **_seconds(asked))
    if address.startswith(("postgresql://", "postgres://")):
        from tierline.kit.bus_postgres import PostgresBus  # noqa: PLC0415

        return PostgresBus(address, application_name=f"{name}-bus")
    raise Misconfigured(
        "TIERLINE_BUS: write kafka://host:port[?session_timeout=10] or postgresql://user:password@host/events"
    )


def _seconds(asked: str) -> dict[str, Any]:
    """What an address sets of Kafka's times, in seconds: how long a silent member keeps its partitions, and so on."""
    try:
        given = {name: float(value) for name, value in parse_qsl(asked, strict_parsing=True)} if asked else {}
    except ValueError:
        given = {asked: 0.0}
    if any(name not in TIMES or not 0 < value <= 600 for name, value in given.items()):
        raise Misconfigured(f"TIERLINE_BUS: behind the ? may stand {', '.join(TIMES)}, each with seconds up to 600")
    return given
