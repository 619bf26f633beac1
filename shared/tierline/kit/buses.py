"""Which adapter an address asks for."""

from tierline.kit.bus import EventBus
from tierline.kit.errors import Misconfigured


def open_bus(address: str, name: str) -> EventBus:
    """The bus at this address, not yet connected.

    Raises:
        Misconfigured: the address is neither `kafka://...` nor `postgresql://...`.
    """
    if address.startswith("kafka://"):
        # Each adapter's library is only loaded where it is used: aiokafka costs a one-machine install nothing.
        from tierline.kit.bus_kafka import KafkaBus  # noqa: PLC0415

        return KafkaBus(address.removeprefix("kafka://"), client_id=name)
    if address.startswith(("postgresql://", "postgres://")):
        from tierline.kit.bus_postgres import PostgresBus  # noqa: PLC0415

        return PostgresBus(address, application_name=f"{name}-bus")
    raise Misconfigured("TIERLINE_BUS: write kafka://host:port or postgresql://user:password@host:port/events")
