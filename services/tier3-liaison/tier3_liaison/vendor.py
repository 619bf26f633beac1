"""Out to the vendors: a signed webhook for each call, to the endpoint that stands in the registry at that moment."""

import json

import structlog

from tier3_liaison import mailing, store
from tier3_liaison.registry import Endpoint, after_attempt
from tierline.kit import webhooks
from tierline.kit.calls import Result, Waiting
from tierline.kit.courier import Channel
from tierline.kit.egress import ForbiddenTarget, Unreachable
from tierline.kit.runtime import Runtime

log = structlog.get_logger()

UNREGISTERED = Result(delivered=False, note="the vendor has no endpoint in the registry yet", hold=True)


def channel(running: Runtime) -> Channel:
    """How a call in the vendor's lane is made."""

    async def make(call: Waiting) -> Result:
        async with running.database.connection() as tx:
            endpoint = await store.vendor(tx, call.target)
            running.metrics.set("targets_closed", await tx.fetchval(store.CLOSED))
        if endpoint is None:
            return UNREGISTERED
        if endpoint.disabled_at is not None:
            return Result(delivered=False, note=endpoint.disabled_why, hold=True)
        result = await post(running, call.id, endpoint, call.body)
        after = after_attempt(endpoint, result, running.now())
        if after != endpoint:
            await _note(running, after)
        if after.disabled_at is None:
            return result
        log.error("vendor_disabled", action="vendor_disabled", name=after.slug, reason=after.disabled_why)
        return Result(delivered=False, note=after.disabled_why, hold=True)

    return make


async def _note(running: Runtime, after: Endpoint) -> None:
    """Keep how an endpoint does; where it has closed, its liaisons are told by the same transaction."""
    async with running.database.transaction() as tx:
        if await store.note_health(tx, after) and after.disabled_at is not None:
            await mailing.tell(tx, running, after, "vendor.closed")
        running.metrics.set("targets_closed", await tx.fetchval(store.CLOSED))
    running.signals.after_commit(calls=True)


async def post(running: Runtime, id: str, endpoint: Endpoint, body: object) -> Result:
    """Send one webhook, signed with every secret that counts. 2xx is delivered; 410 says never again."""
    raw, now = json.dumps(body).encode(), running.now()
    signed = webhooks.sign(endpoint.valid_secrets(now), id, now, raw)
    try:
        answer = await running.egress.post(endpoint.url, raw, {"content-type": "application/json", **signed})
    except Unreachable as error:
        return Result(delivered=False, note=str(error))
    except ForbiddenTarget as error:
        # The name leads inside today; whoever corrects it within three days loses no call.
        return Result(delivered=False, note=error.detail)
    wish = webhooks.parse_retry_after(answer.retry_after, now)
    return Result(
        delivered=200 <= answer.status < 300,
        note=f"HTTP {answer.status}",
        final=answer.status == 410,
        retry_after=wish.total_seconds() if wish else None,
    )
