"""Business time: when a member's desks are open, and how long that is between two moments. Pure.

Every moment given is aware, every moment answered is in UTC, since arithmetic in a local zone goes wrong by an hour on
the days on which the clocks change. A calendar that never opens cannot be made, so `add` always has an answer.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

Frame = tuple[time, time]
Week = tuple[tuple[Frame, ...], ...]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = time(0)
"""As the end of a frame: the midnight that ends the day."""


class Calendar:
    """Several frames a day in an IANA time zone, apart from holidays; without a `week` it has no closed moment.

    `closed` are further days off; `country` and `subdivision` name the public holidays of the `holidays` package.

    Raises:
        ValueError: the week does not have seven days, never opens, or two frames of a day overlap.
    """

    def __init__(
        self,
        zone: str,
        week: Week | None,
        country: str | None = None,
        subdivision: str | None = None,
        closed: frozenset[date] = frozenset(),
    ) -> None:
        if week is not None and (len(week) != len(DAYS) or not any(week)):
            raise ValueError("a week has seven days, and opens on one of them at least")
        self.zone = ZoneInfo(zone)
        self._week = None if week is None else tuple(in_order(frames) for frames in week)
        self._country, self._subdivision, self._closed = country, subdivision, closed

    def add(self, start: datetime, business: timedelta) -> datetime:
        """The moment at which `business` time has passed since `start`; `start` itself where that is nothing."""
        start, left = _utc(start), max(business, timedelta(0))
        if self._week is None or not left:
            return start + left
        for opens, closes in self._frames(start):
            begins = max(opens, start)
            if begins < closes:
                if closes - begins >= left:
                    return begins + left
                left -= closes - begins
        raise OverflowError("the calendar of the world ends before that")

    def between(self, begin: datetime, end: datetime) -> timedelta:
        """The business time from `begin` to `end`; nothing where `end` is not later."""
        begin, end = _utc(begin), _utc(end)
        if self._week is None or begin >= end:
            return max(end - begin, timedelta(0))
        passed = timedelta(0)
        for opens, closes in self._frames(begin):
            if opens >= end:
                break
            passed += max(min(closes, end) - max(opens, begin), timedelta(0))
        return passed

    def _frames(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        day, closed_at = start.astimezone(self.zone).date(), start
        while day < date.max:
            # Where the clocks skip an hour, a frame inside it slides over the one after it: count that time once.
            for opens, closes in sorted(self._open(day)):
                yield max(opens, closed_at), closes
                closed_at = max(closes, closed_at)
            day += timedelta(days=1)

    def _open(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        frames = self._week[day.weekday()] if self._week else ()
        if not frames or day in self._closed or self._is_holiday(day):
            return
        for opens, closes in frames:
            ends = day + timedelta(days=1) if closes == MIDNIGHT else day
            yield self._moment(day, opens), self._moment(ends, closes)

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def _is_holiday(self, day: date) -> bool:
        return self._country is not None and day in holidays_of(self._country, self._subdivision, day.year)


def in_order(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """The frames of one day from morning to evening.

    Raises:
        ValueError: one ends before it begins, or two overlap.
    """
    ordered = tuple(sorted(frames))
    if any(opens >= closes and closes != MIDNIGHT for opens, closes in ordered):
        raise ValueError("a frame must end after it begins")
    if any(closes == MIDNIGHT or opens < closes for (_, closes), (opens, _) in pairwise(ordered)):
        raise ValueError("two frames of one day overlap")
    return ordered


def length(frame: Frame) -> timedelta:
    """How long a frame is open, on a day on which the clocks do not change."""
    opens, closes = (timedelta(hours=at.hour, minutes=at.minute) for at in frame)
    return (closes or timedelta(days=1)) - opens


@lru_cache(maxsize=256)
def holidays_of(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """The public holidays of one year. Raises `NotImplementedError` where the place is not known."""
    from holidays import country_holidays  # noqa: PLC0415 - a large package, only for those who name a country

    return frozenset(country_holidays(country, subdiv=subdivision, years=year))


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone says nothing about business time")
    return moment.astimezone(UTC)
