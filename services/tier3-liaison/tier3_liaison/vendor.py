"""Out to the vendors: a signed webhook for each call, to the endpoint that stands in the registry at that moment."""

import json

from tier3_liaison import store
from tierline.kit import webhooks
from tierline.kit.calls import Result, Waiting
from tierline.kit.courier import Channel
from tierline.kit.egress import ForbiddenTarget, Unreachable
from tierline.kit.runtime import Runtime


def channel(running: Runtime) -> Channel:
    """How a call in the vendor's lane is made."""

    async def make(call: Waiting) -> Result:
        async with running.database.connection() as tx:
            vendor = await store.vendor(tx, call.target)
        if vendor is None:
            return Result(delivered=False, note="the vendor has no endpoint in the registry yet")
        return await post(running, call.id, vendor["url"], vendor["secrets"], call.body)

    return make


async def post(running: Runtime, id: str, url: str, secrets: list[str], body: object) -> Result:
    """Send one signed webhook. 2xx is delivered; 410 says never again."""
    raw, now = json.dumps(body).encode(), running.now()
    headers = {"content-type": "application/json", **webhooks.sign(secrets, id, now, raw)}
    try:
        answer = await running.egress.post(url, raw, headers)
    except Unreachable as error:
        return Result(delivered=False, note=str(error))
    except ForbiddenTarget as error:
        return Result(delivered=False, note=error.detail, final=True)
    wish = webhooks.parse_retry_after(answer.retry_after, now)
    return Result(
        delivered=200 <= answer.status < 300,
        note=f"HTTP {answer.status}",
        final=answer.status == 410,
        retry_after=wish.total_seconds() if wish else None,
    )
