"""The points of the check that need the vendor's own updates: does it answer, once, numbered, signed, and again when it must?"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from embedded.vendor_check.door import Door, Update
from embedded.vendor_check.findings import Weight
from embedded.vendor_check.shots import Caller, Reply, Shot

Send = Callable[[Shot], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Talk:
    """`hold` gives the vendor a case, watches what comes of it for at most `wait` seconds, and says what is wrong."""

    name: str
    asks: str
    weight: Weight
    hold: Callable[[Caller, Send, Door, float], Awaitable[str | None]]
    advice: str


async def _answers(caller: Caller, send: Send, door: Door, wait: float) -> str | None:
    ticket = caller.ticket()
    await send(caller.signed(caller.call(ticket=ticket)))
    if not await door.until(lambda: bool(door.of(ticket)), wait):
        return f"no update of the case came within {wait:g} seconds"
    first = door.of(ticket)[0]
    return None if first.genuine else "an update came whose signature does not fit"


async def _numbers(caller: Caller, send: Send, door: Door, wait: float) -> str | None:
    tickets = [caller.ticket(), caller.ticket()]
    for ticket in tickets:
        await send(caller.signed(caller.call(ticket=ticket)))
    await door.until(lambda: all(door.of(ticket) for ticket in tickets), wait)
    for ticket in tickets:
        numbers = {update.sequence for update in door.of(ticket)}
        if numbers and not _contiguous(numbers):
            return f"the updates of one case were numbered {sorted(map(str, numbers))}"
    return None if all(map(door.of, tickets)) else "not every case was answered"


async def _once(caller: Caller, send: Send, door: Door, wait: float) -> str | None:
    ticket = caller.ticket()
    body, name = caller.call(ticket=ticket), f"check-{caller.run}-once"
    for _ in range(2):
        await send(caller.signed(body, id=name))
    await door.until(lambda: len(_ids(door.of(ticket), "acknowledged")) > 1, wait)
    found = len(_ids(door.of(ticket), "acknowledged"))
    return f"the case was acknowledged {found} times" if found > 1 else None


async def _insists(caller: Caller, send: Send, door: Door, wait: float) -> str | None:
    ticket = caller.ticket()
    door.planned[ticket] = [503, 503]
    await send(caller.signed(caller.call(ticket=ticket)))
    await door.until(lambda: len(door.of(ticket)) > 2, wait)
    came = door.of(ticket)
    if len(came) < 3:
        return f"after 503 it was sent {len(came)} of 3 times within {wait:g} seconds"
    first, *others = came[:3]
    if any(other.id != first.id or other.body != first.body for other in others):
        return "the same update came under another webhook-id, or with other bytes"
    return None


async def _takes_no(caller: Caller, send: Send, door: Door, wait: float) -> str | None:
    ticket = caller.ticket()
    door.planned[ticket] = [410] * 50
    await send(caller.signed(caller.call(ticket=ticket)))
    await door.until(lambda: len(door.of(ticket)) > 1, wait)
    found = len(door.of(ticket))
    return f"after 410 it was sent {found} times" if found > 1 else None


async def _resends(caller: Caller, send: Send, door: Door, wait: float) -> str | None:
    ticket = caller.ticket()
    await send(caller.signed(caller.call(ticket=ticket)))
    if not await door.until(lambda: bool(door.of(ticket)), wait):
        return "no update of the case came"
    before = len(door.of(ticket))
    missing = caller.call("case.missing", ticket, missing=[1], heard=0, vendor_ref="")
    await send(caller.signed(missing))
    again = await door.until(lambda: any(u.sequence == 1 for u in door.of(ticket)[before:]), wait)
    return None if again else f"update 1 did not come again within {wait:g} seconds"


def _contiguous(numbers: set[object]) -> bool:
    return numbers == set(range(1, len(numbers) + 1)) and not any(isinstance(n, bool) for n in numbers)


def _ids(updates: list[Update], kind: str) -> set[str]:
    return {update.id for update in updates if update.type == kind}


TALKS = (
    Talk(
        "answers", "Answers a case with an update that is signed right", Weight.SAFETY, _answers,
        "Your test system acknowledges every case by itself; sign the bytes that you send, with the time of now.",
    ),
    Talk(
        "numbers", "Counts the updates of each case from 1, without a gap", Weight.MUST, _numbers,
        "`sequence` belongs to the case: 1, 2, 3. One counter for all cases leaves gaps, and Tierline waits for them.",
    ),
    Talk(
        "once", "Acts once on a call that comes twice", Weight.MUST, _once,
        "Write the webhook-id down in the transaction of the effect, and do nothing where it is there already.",
    ),
    Talk(
        "insists", "Sends an update again, the same one, after a 503", Weight.MUST, _insists,
        "Keep trying for three days with growing pauses; keep the webhook-id and the bytes, take the time anew.",
    ),
    Talk(
        "takes_no", "Lets go after a 410", Weight.SHOULD, _takes_no,
        "410 is a last word, and so is any 4xx but 408 and 429: tell a person, do not try again.",
    ),
    Talk(
        "resends", "Sends again what `case.missing` asks for", Weight.SHOULD, _resends,
        "Keep what you sent of a case, and send the numbers that are listed again, each with its webhook-id.",
    ),
)  # fmt: skip
