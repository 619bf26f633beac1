"""Numbers that are missing between a vendor's updates: after a moment, the vendor is asked for them, once each. Pure."""

from datetime import datetime, timedelta

from tier3_liaison.cases import VendorCase
from tier3_liaison.telling import calling
from tierline.kit.corridor import NOTHING, Decision, Incoming, Timer

MISSING = "missing"
PATIENCE = timedelta(seconds=5)
"""What comes in another order than it was sent comes within a moment; only then is something missing."""
MOST = 100


def missing(case: VendorCase) -> list[int]:
    """The numbers that the vendor must still send, and was not asked for; those next in turn, at most 100."""
    if not case.early:
        return []
    there = {update.sequence for update in case.early}
    last = min(case.early[-1].sequence, case.heard + MOST)
    return [number for number in range(max(case.heard, case.asked) + 1, last + 1) if number not in there]


def watch(before: VendorCase, after: VendorCase, now: datetime) -> dict[str, Timer | None]:
    """The clock that runs while something is missing."""
    if bool(missing(before)) is bool(missing(after)):
        return {}
    return {MISSING: Timer(now + PATIENCE) if missing(after) else None}


def ask_for_missing(case: VendorCase | None, fact: Incoming, book: object, now: datetime) -> Decision[VendorCase]:
    """The moment has passed: ask for what is missing, and remember that it was asked for."""
    if case is None or case.vendor is None or not (numbers := missing(case)):
        return NOTHING
    asked = case.model_copy(update={"asked": numbers[-1]})
    more = {"missing": numbers, "heard": case.heard}
    return calling(Decision(asked), "case.missing", now, more=more, part=f"-{numbers[0]}")
