"""The audit's judgement of one ticket and of its history, from what was seen of it. Pure: no clock is looked at."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from embedded.audit.seen import Breach, History, Kind, Seen
from tierline.domain.chain import digest
from tierline.domain.events import DESK_WRITER
from tierline.domain.lifecycle import Move, allowed
from tierline.domain.words import ENDED, Desk, Status

GRACE = timedelta(seconds=60)
"""How late a deadline may fire and how long a fact may lie in the outbox, before it counts."""

NO_QUEUE: Mapping[str, datetime] = {}

_ENDED = frozenset(status.value for status in ENDED)
_CLOSES = frozenset(status.value for status in ENDED if Move.CLOSE in allowed(status))
_WRITER = {desk.value: service for desk, service in DESK_WRITER.items()}


def judge(seen: Seen, now: datetime, turns: Mapping[str, datetime] = NO_QUEUE) -> list[Breach]:
    """Everything that is wrong with a ticket; most often nothing.

    After an outage many deadlines are late at once, and their services fire them one batch after the other. `turns` says
    up to which one it is each service's turn: those behind it are late, and not forgotten.
    """
    found = [*_holders(seen), *_versions(seen), *_outcome(seen), *_deadlines(seen, now - GRACE, turns)]
    found += [
        Breach(Kind.UNPUBLISHED, seen.ticket, f"{service} decided a step at {since:%H:%M:%S} and has not told it")
        for service, since in seen.unpublished.items()
        if since < now - GRACE
    ]
    found += [
        Breach(Kind.WAITS, seen.ticket, f"an event waits at {service}: {reason}")
        for service, reason in seen.parked.items()
    ]
    return found


def judge_history(history: History) -> Breach | None:
    """The first place at which a history is no chain up to the head that the ticket holds."""
    before = ""
    for number, link in enumerate(history.links, 1):
        if link.number != number:
            return Breach(Kind.ALTERED, history.ticket, f"fact {number} of its history is not there, or twice")
        if link.before != before:
            return Breach(
                Kind.ALTERED, history.ticket, f"fact {number} of its history does not follow the fact before it"
            )
        before = link.hash
    there = len(history.links)
    if history.facts is None:
        says = f"{there} facts of its history stand there, and no ticket tells of them"
        return Breach(Kind.ALTERED, history.ticket, says) if there else None
    if (history.facts, history.head) != (there, before):
        says = f"its history has {there} facts, and the ticket tells of {history.facts} with another end"
        return Breach(Kind.ALTERED, history.ticket, says)
    return None


def judge_entry(ticket: str, public: bool, entry: str) -> Breach | None:
    """Whether a kept fact still says what its hash was made of. One from before histories were chained has none."""
    try:
        fact = json.loads(entry)
        if not fact.get("hash"):
            return None
        sound = (fact["ticket_id"], fact["public"], fact["hash"]) == (ticket, public, digest(fact))
        place = f"fact {fact['number']} of its history ({fact['fact']})"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Breach(Kind.ALTERED, ticket, "a fact of its history cannot be read")
    return None if sound else Breach(Kind.ALTERED, ticket, f"{place} is not what its hash was made of")


def listed_untold(seen: Seen) -> str | None:
    """Why the reporter of an ended ticket does not know yet, where that is known: listed, and no breach."""
    if seen.told is None or not seen.told.untold or not (seen.told.cause or seen.told.pending):
        return None
    return seen.told.cause or "the notice is under way"


def _holders(seen: Seen) -> Iterator[Breach]:
    front, holders = seen.front, sorted(seen.held)
    if front is None:
        if holders or seen.steps:
            yield Breach(Kind.LOST, seen.ticket, "it was told, and the front door does not have it")
        return
    if len(holders) > 1:
        yield Breach(Kind.HELD_TWICE, seen.ticket, f"held by {' and '.join(holders)}")
    if front.status in _ENDED:
        if holders:
            yield Breach(Kind.HELD_AFTER_END, seen.ticket, f"it is {front.status}, and {holders[0]} still holds it")
    elif not holders:
        yield Breach(Kind.HELD_BY_NONE, seen.ticket, f"it is {front.status} at {front.desk}, and no desk holds it")
    elif len(holders) == 1:
        held = seen.held[holders[0]]
        here, there = (holders[0], held.status, held.version), (front.desk, front.status, front.version)
        if here != there:
            yield Breach(
                Kind.DISAGREES, seen.ticket, f"the desk has {_as_words(here)}, the front door {_as_words(there)}"
            )


def _versions(seen: Seen) -> Iterator[Breach]:
    steps = seen.steps
    if steps is None:
        if seen.front is not None:
            yield Breach(Kind.GAP, seen.ticket, "no step of it stands on any topic")
        return
    if steps.first != 1 or steps.versions != steps.last:
        yield Breach(Kind.GAP, seen.ticket, f"{steps.versions} versions are told, from {steps.first} to {steps.last}")
    if steps.facts > steps.versions:
        yield Breach(Kind.FORKED, seen.ticket, f"{steps.facts} facts tell {steps.versions} versions")
    known = {"the front door": seen.front and seen.front.version, "the notifier": seen.told and seen.told.version}
    for who, version in known.items():
        if version is not None and version != steps.last:
            yield Breach(Kind.BEHIND, seen.ticket, f"{who} is at version {version}, told is {steps.last}")


def _outcome(seen: Seen) -> Iterator[Breach]:
    if seen.front is None:
        return
    if seen.told is None:
        yield Breach(Kind.UNTOLD, seen.ticket, "the notifier does not know it")
    elif seen.told.untold and listed_untold(seen) is None:
        yield Breach(Kind.UNTOLD, seen.ticket, "it ended, nobody was told, and nothing is on its way")


def _deadlines(seen: Seen, latest: datetime, turns: Mapping[str, datetime]) -> Iterator[Breach]:
    for service, deadlines in seen.deadlines.items():
        for name, due in deadlines.items():
            if due is None:
                yield Breach(Kind.OVERDUE, seen.ticket, f"{name} at {service} has passed, and what it should do fails")
            elif due < latest and due <= turns.get(service, due):
                yield Breach(Kind.OVERDUE, seen.ticket, f"{name} at {service} was due at {due:%Y-%m-%d %H:%M:%S}")
    for desk, held in seen.held.items():
        needed = "cases/reply" if held.status == Status.WAITING_ON_REPORTER else "cases/allowed"
        if needed not in seen.deadlines.get(_WRITER[Desk(desk)], {}):
            yield Breach(Kind.NO_DEADLINE, seen.ticket, f"{desk} holds it, and no {needed} runs")
    if (
        seen.front
        and seen.front.status in _CLOSES
        and "tickets/close" not in seen.deadlines.get(DESK_WRITER[Desk.STATE], {})
    ):
        yield Breach(Kind.NO_DEADLINE, seen.ticket, f"it is {seen.front.status}, and nothing will close it")


def _as_words(where: tuple[str | None, str, int]) -> str:
    return f"{where[0]}, {where[1]}, version {where[2]}"
