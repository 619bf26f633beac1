"""The topics that a service needs: made where they are missing, left alone where they are there."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import NoError, TopicAlreadyExistsError, for_code

from tierline.kit.bus import LARGEST_EVENT

REQUEST_MS = 10_000


async def make_topics(client: Mapping[str, Any], topics: Sequence[str], partitions: int, replication: int) -> None:
    """Make those that are missing. Raises what the library raises, a broker's refusal included."""
    admin = AIOKafkaAdminClient(**client, request_timeout_ms=REQUEST_MS)
    try:
        await admin.start()
        # Asked first, because a role that may not make topics may still use those that are there.
        missing = set(topics) - set(await admin.list_topics())
        if not missing:
            return
        settings = {"max.message.bytes": str(LARGEST_EVENT)}
        if replication >= 3:  # one copy may be away, and an acknowledged event still has two
            settings["min.insync.replicas"] = "2"
        answer = await admin.create_topics(
            [NewTopic(name, partitions, replication, topic_configs=settings) for name in sorted(missing)]
        )
        for name, code, *_ in answer.topic_errors:
            error = for_code(code)
            if error not in {NoError, TopicAlreadyExistsError}:
                raise error(f"topic {name}")
    finally:
        await admin.close()
