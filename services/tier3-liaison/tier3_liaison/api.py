"""HTTP in: the desk's calls, and the door through which vendors report back."""

from fastapi import APIRouter, Request
from pydantic import ValidationError

from tier3_liaison import store
from tier3_liaison.api_calls import router as calls_router
from tier3_liaison.api_liaisons import router as liaisons_router
from tier3_liaison.api_records import router as records_router
from tier3_liaison.api_registry import Slug
from tier3_liaison.api_registry import router as registry_router
from tier3_liaison.cases import VendorUpdate
from tier3_liaison.policy import carry_out_and_tell
from tierline.desk.api import desk_router
from tierline.desk.wishes_api import wishes_router
from tierline.domain.words import Desk
from tierline.kit import timers, webhooks
from tierline.kit.corridor import Timer
from tierline.kit.errors import Full, Invalid, Missing, TooLarge, Unauthenticated
from tierline.kit.service import Running
from tierline.kit.writing import together

router = APIRouter(tags=["vendors"])

LARGEST = 65_536
TALK = frozenset({"acknowledged", "progress", "question"})
"""What a vendor may say of a case without ending it."""


@router.post("/v1/vendors/{vendor}/updates", status_code=202)
async def receive_update(vendor: Slug, request: Request, running: Running) -> dict[str, bool]:
    """A vendor's update, signed by Standard Webhooks. Durable before it is answered; a repeat changes nothing."""
    body = await request.body()
    if len(body) > LARGEST:
        raise TooLarge(f"an update may hold at most {LARGEST} bytes")
    async with running.database.connection() as tx:
        known = await store.vendor(tx, vendor)
    # An unknown vendor costs the same work as a wrong signature, and gets the same answer.
    secrets = known.valid_secrets(running.now()) if known else [webhooks.new_secret()]
    webhook_id = webhooks.verify(secrets, request.headers, body, running.now())
    if known is None:
        raise Unauthenticated("the signature does not fit")
    try:
        update = VendorUpdate.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)[:10]
        places = [{"pointer": "/" + "/".join(map(str, i["loc"])), "detail": i["msg"]} for i in found]
        raise Invalid("the update does not fit the contract", errors=places) from None
    async with running.database.transaction() as tx:
        case = (await store.CASES.documents.load(tx, [update.ticket_id], lock=False)).get(update.ticket_id)
        if case is None or case.vendor != vendor:
            raise Missing("no case of this ticket was assigned to this vendor")
        if await tx.fetchval(store.RECEIVE, vendor, webhook_id, body) is not None:
            if update.type in TALK and case.file.full:
                raise Full("this case holds all that can be passed on; end it under this same sequence, in a few words")
            # A deadline that is due at once: the sweeper carries it through the corridor, and tries again if it must.
            name = f"vendor_update:{vendor}:{webhook_id}"
            timer = Timer(running.now(), {"update": update.model_dump(mode="json")})
            await together(tx, timers.writes(store.CASES.name, {(update.ticket_id, name): timer}))
    running.signals.after_commit(timers=True)
    return {"accepted": True}


ROUTERS = [
    desk_router(Desk.TIER3, carry_out_and_tell),
    router,
    liaisons_router,
    registry_router,
    calls_router,
    records_router,
    wishes_router(Desk.TIER3),
]
