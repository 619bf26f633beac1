"""How each answer's row is entered into what was seen of its ticket. The row's first column is the ticket's id."""

from dataclasses import dataclass, field
from typing import Any

from embedded.audit import seen as see
from embedded.audit.seen import Seen


def front(seen: Seen, row: Any) -> None:
    """The ticket at the front door."""
    seen.front = see.Front(row[1], row[2], row[3])


def told(seen: Seen, row: Any) -> None:
    """What the notifier knows."""
    seen.told = see.Told(row[1], row[2], row[3] or "", seen.told.pending if seen.told else 0)


def pending(seen: Seen, row: Any) -> None:
    """Notices on their way."""
    before = seen.told or see.Told(0, False, "", 0)
    seen.told = before._replace(pending=row[1])


def steps(seen: Seen, row: Any) -> None:
    """The steps on the topics, counted exactly."""
    seen.steps = see.Steps(*row[1:5])


@dataclass(frozen=True, slots=True)
class Quickly:
    """The same from sums. The rows of no ticket hold the sums of what was told, and are kept in `sums`."""

    sums: list[Any] | None = field(default=None)

    def __call__(self, seen: Seen, row: Any) -> None:
        """Enter a row."""
        if not seen.ticket:
            if self.sums is not None:
                self.sums.append(row)
            return
        many, last, plain, squares = row[7:11]
        sound = many == last and plain * 2 == last * (last + 1) and squares * 6 == last * (last + 1) * (2 * last + 1)
        seen.steps = see.Steps(1, last, many if sound else 0, many)


@dataclass(frozen=True, slots=True)
class Held:
    """A case that this desk holds."""

    desk: str

    def __call__(self, seen: Seen, row: Any) -> None:
        """Enter a row."""
        seen.held[self.desk] = see.Held(row[1], row[2])


@dataclass(frozen=True, slots=True)
class Deadlines:
    """A deadline that this service keeps."""

    service: str

    def __call__(self, seen: Seen, row: Any) -> None:
        """Enter a row."""
        seen.deadlines.setdefault(self.service, {})[row[1]] = row[2]


@dataclass(frozen=True, slots=True)
class Unpublished:
    """Since when this service's outbox has held a fact of it."""

    service: str

    def __call__(self, seen: Seen, row: Any) -> None:
        """Enter a row."""
        seen.unpublished[self.service] = row[1]


@dataclass(frozen=True, slots=True)
class Parked:
    """Why an event of it waits at this service."""

    service: str

    def __call__(self, seen: Seen, row: Any) -> None:
        """Enter a row."""
        seen.parked[self.service] = row[1]
