"""The corridor that every door leads into: facts and `now` in, a decision out; here in its pure form.

Three doors (a request, an event, a timer) bring facts. A rule decides each from the state of the thing it is about.
`fold` carries a batch of facts through the rules in memory: it threads the state of each key from fact to fact, sets
a fact aside when its rule says that an earlier one is still missing, and sets a failing fact's key apart so that the
others of its batch go through. What is left for the I/O is to load before and to save after, a few statements each.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from tierline.kit.bus import Envelope
from tierline.kit.overtime import LONGEST_BATCH, NotReached, in_time

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A fact that came through a door. `type` finds its rule; `data` is what the door read; `id` is its identity.

    `envelope` is how it came, where it came as an event; `found` is what was looked up for it before it is decided.
    """

    key: str
    type: str
    id: str
    at: datetime
    data: Any
    sequence: int = 0
    traceparent: str | None = None
    envelope: Envelope | None = None
    found: Any = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An event to be told, before it has an id: `sequence` is the version of the thing after it, `route` its addressee.

    `extensions` are further headers, as text.
    """

    type: str
    sequence: int
    data: BaseModel
    route: str = ""
    extensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timer:
    """A deadline: when it is due, and what its fact will carry."""

    due: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A call to the outside world, first a row. Calls of one key and lane go out in order.

    `id` is the identity that the other side sees on every attempt; `about` is for our own lists.
    """

    id: str
    lane: str
    target: str
    body: Mapping[str, Any]
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision(Generic[S]):
    """What a rule decided. `state=None` leaves the state as it was; a timer of None is stopped; `rows` are for the store.

    `wait` says that an earlier fact is missing: nothing else of the decision counts, and the fact is asked again
    after every later fact of its key.
    """

    state: S | None = None
    events: tuple[Draft, ...] = ()
    timers: Mapping[str, Timer | None] = field(default_factory=dict)
    calls: tuple[Call, ...] = ()
    rows: tuple[Any, ...] = ()
    wait: bool = False


WAIT: Decision[Any] = Decision(wait=True)
NOTHING: Decision[Any] = Decision()

Rule = Callable[[S | None, Incoming, Any, datetime], Decision[S]]
"""`rule(state, fact, book, now)`: `book` is what the service knows besides (its policies); pure, and quick."""


@dataclass(slots=True)
class Outcome(Generic[S]):
    """What a batch came to, ready to be saved with one statement for each kind."""

    states: dict[str, S] = field(default_factory=dict)
    traces: dict[str, str | None] = field(default_factory=dict)
    events: list[tuple[Incoming, Draft]] = field(default_factory=list)
    timers: dict[tuple[str, str], Timer | None] = field(default_factory=dict)
    calls: list[tuple[Incoming, Call]] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    set_aside: list[Incoming] = field(default_factory=list)
    taken_up: list[Incoming] = field(default_factory=list)
    failed: list[tuple[Incoming, Exception | None]] = field(default_factory=list)

    def add(self, fact: Incoming, decision: Decision[S]) -> None:
        """Enter one decision."""
        if decision.state is not None:
            self.states[fact.key] = decision.state
            self.traces.setdefault(fact.key, fact.traceparent)
        self.events.extend((fact, draft) for draft in decision.events)
        self.timers.update({(fact.key, name): timer for name, timer in decision.timers.items()})
        self.calls.extend((fact, call) for call in decision.calls)
        self.rows.extend(decision.rows)


def fold(
    rules: Mapping[str, Rule[S]],
    states: Mapping[str, S],
    aside: Mapping[str, list[Incoming]],
    facts: Iterable[Incoming],
    book: Any,
    now: datetime,
) -> Outcome[S]:
    """Decide every fact in order, those set aside before included, and gather what is to be saved.

    A fact whose rule raises ends up in `failed`, with its error, and so does every later fact of its key, without
    one: they wait behind it. What its key's earlier facts decided stands. A rule that takes too long is stopped, and
    raises; once a batch took too long as a whole, what is left of it fails unseen, to be tried again by itself.
    """
    outcome: Outcome[S] = Outcome()
    waiting = {key: list(kept) for key, kept in aside.items()}
    known_aside = {fact.id for kept in aside.values() for fact in kept}
    broken: set[str] = set()
    began = time.monotonic()
    for fact in facts:
        if fact.key in broken:
            outcome.failed.append((fact, None))
            continue
        if time.monotonic() - began > LONGEST_BATCH:
            outcome.failed.append((fact, NotReached()))
            broken.add(fact.key)
            continue
        queue = [fact]
        while queue:
            current = queue.pop(0)
            rule = rules.get(current.type)
            if rule is None:
                continue
            state = outcome.states.get(current.key) or states.get(current.key)
            try:
                decision = in_time(rule, state, current, book, now)
            except Exception as error:  # one bad fact must not take its batch along
                outcome.failed.append((current, error))
                broken.add(current.key)
                waiting.setdefault(current.key, []).extend(queue)
                if current.id in known_aside:
                    outcome.taken_up.append(current)
                break
            kept = waiting.setdefault(current.key, [])
            if decision.wait:
                kept.append(current)
                continue
            outcome.add(current, decision)
            if current.id in known_aside:
                outcome.taken_up.append(current)
            if kept and decision.state is not None:
                # The state moved: ask those again that waited for it, oldest version first.
                queue = sorted([*kept, *queue], key=lambda late: late.sequence)
                kept.clear()
    for kept in waiting.values():
        outcome.set_aside.extend(late for late in kept if late.id not in known_aside)
    return outcome
