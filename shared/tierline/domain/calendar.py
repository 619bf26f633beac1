"""Business time: when a member's desks are open, and how long that is between two moments. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

Frame = tuple[time, time]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HORIZON = 400


class Calendar:
    """Several frames a day in an IANA time zone, apart from holidays; `always` has no closed moment.

    `closed` are further days off; `country` and `subdivision` name the public holidays of the `holidays` package.
    """

    def __init__(
        self,
        zone: str,
        week: tuple[tuple[Frame, ...], ...] | None,
        country: str | None = None,
        subdivision: str | None = None,
        closed: frozenset[date] = frozenset(),
    ) -> None:
        self.zone, self._week = ZoneInfo(zone), week
        self._country, self._subdivision, self._closed = country, subdivision, closed

    def add(self, start: datetime, business: timedelta) -> datetime:
        """The moment at which `business` time has passed since `start`, in UTC; `start` itself where it is zero.

        Raises:
            ValueError: the calendar has less open time than that in more than a year.
        """
        if self._week is None or business <= timedelta(0):
            return start + max(business, timedelta(0))
        left = business
        for opens, closes in self._frames(start):
            begins = max(opens, start)
            if begins < closes:
                if closes - begins >= left:
                    return begins + left
                left -= closes - begins
        raise ValueError("the calendar has not that much open time in a year")

    def between(self, begin: datetime, end: datetime) -> timedelta:
        """The business time from `begin` to `end`; zero where `end` is not later."""
        if self._week is None:
            return max(end - begin, timedelta(0))
        passed = timedelta(0)
        for opens, closes in self._frames(begin):
            if opens >= end:
                break
            passed += max(min(closes, end) - max(opens, begin), timedelta(0))
        return passed

    def _frames(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        day = start.astimezone(self.zone).date()
        for _ in range(HORIZON):
            yield from self._open(day)
            day += timedelta(days=1)

    def _open(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        if self._week is None or day in self._closed or self._is_holiday(day):
            return
        for opens, closes in self._week[day.weekday()]:
            # In UTC the length of a frame is right on the days on which the clocks change.
            yield (
                datetime.combine(day, opens, self.zone).astimezone(UTC),
                datetime.combine(day, closes, self.zone).astimezone(UTC),
            )

    def _is_holiday(self, day: date) -> bool:
        return self._country is not None and day in _holidays(self._country, self._subdivision, day.year)


@lru_cache(maxsize=64)
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    from holidays import country_holidays  # noqa: PLC0415 - a large package, only for those who name a country

    return frozenset(country_holidays(country, subdiv=subdivision, years=year))
