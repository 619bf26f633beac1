"""Business time adds up: across closed hours, weekends, holidays and both changes of the clocks, and quickly."""

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from tierline.domain.calendar import MIDNIGHT, Calendar, Week, in_order, length

ZONES = some.sampled_from(["America/Los_Angeles", "America/New_York", "America/Phoenix", "Pacific/Honolulu", "UTC"])
NIGHTS = ((time(0), time(1, 30)), (time(2, 15), time(2, 45)), (time(3), MIDNIGHT))
WORKDAYS: Week = (*(((time(7), time(12)), (time(12, 30), time(17))),) * 5, (), ())
OFFICE = Calendar("America/Los_Angeles", WORKDAYS, "US", closed=frozenset({date(2026, 3, 9)}))
HOUR = timedelta(hours=1)


@some.composite
def _frames(draw: some.DrawFn) -> tuple[tuple[time, time], ...]:
    """Up to three frames of one day that do not overlap, the last of which may end at midnight."""
    minutes = sorted(draw(some.sets(some.integers(0, 1440), min_size=0, max_size=6)))
    times = [time(m // 60 % 24, m % 60) for m in minutes]
    return tuple((times[i], times[i + 1]) for i in range(0, len(times) - 1, 2))


WEEKS = some.tuples(*[_frames()] * 7).filter(lambda week: sum(length(f) / HOUR for day in week for f in day) > 4)
CALENDARS = some.builds(
    Calendar,
    ZONES,
    some.none() | WEEKS,
    some.sampled_from([None, "US"]),
    closed=some.frozensets(some.dates(), max_size=3),
)
# Two weeks around each change of the clocks, where arithmetic goes wrong, and any moment of some years.
MOMENTS = some.one_of(
    some.datetimes(datetime(2026, 3, 1), datetime(2026, 3, 15), timezones=some.just(ZoneInfo("America/New_York"))),  # noqa: DTZ001
    some.datetimes(datetime(2026, 10, 25), datetime(2026, 11, 8), timezones=some.just(ZoneInfo("America/New_York"))),  # noqa: DTZ001
    some.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=some.just(UTC)),  # noqa: DTZ001
)
SPANS = some.integers(0, 100 * 3600).map(lambda seconds: timedelta(seconds=seconds))


@settings(deadline=None)  # the first look at a year of holidays reads a large package
@given(calendar=CALENDARS, start=MOMENTS, span=SPANS)
@example(Calendar("America/New_York", (NIGHTS,) * 7), datetime(2026, 3, 8, 5, 0, tzinfo=UTC), 20 * HOUR)
def test_time_added_is_time_between(calendar: Calendar, start: datetime, span: timedelta) -> None:
    end = calendar.add(start, span)
    assert end.tzinfo is UTC
    assert end >= start
    assert calendar.between(start, end) == span


@settings(deadline=None)
@given(calendar=CALENDARS, start=MOMENTS, later=SPANS, span=SPANS, more=SPANS)
def test_nobody_is_overtaken(
    calendar: Calendar, start: datetime, later: timedelta, span: timedelta, more: timedelta
) -> None:
    end = calendar.add(start, span)
    assert calendar.add(start, span + more) >= end
    assert calendar.add(start.astimezone(UTC) + later, span) >= end
    assert calendar.add(calendar.add(start, span), more) == calendar.add(start, span + more)


@settings(deadline=None)
@given(calendar=CALENDARS, begin=MOMENTS, first=SPANS, second=SPANS)
def test_time_between_is_the_sum_of_its_parts(
    calendar: Calendar, begin: datetime, first: timedelta, second: timedelta
) -> None:
    begin = begin.astimezone(UTC)
    middle, end = begin + first, begin + first + second
    assert calendar.between(begin, middle) + calendar.between(middle, end) == calendar.between(begin, end)
    assert calendar.between(end, begin) == timedelta(0)


@pytest.mark.parametrize(("day", "open_for"), [(date(2026, 3, 8), 3), (date(2026, 3, 9), 4), (date(2026, 11, 1), 5)])
def test_an_hour_that_is_skipped_or_repeated_is_counted_as_it_passes(day: date, open_for: int) -> None:
    calendar = Calendar("America/Chicago", (((time(0), time(4)),),) * 7)
    midnight = datetime.combine(day, time(0), ZoneInfo("America/Chicago"))
    assert calendar.between(midnight, midnight + 12 * HOUR) == open_for * HOUR


def test_frames_that_slide_over_each_other_in_a_skipped_hour_are_counted_once() -> None:
    calendar = Calendar("America/New_York", (NIGHTS,) * 7)
    midnight = datetime(2026, 3, 8, 0, 0, tzinfo=ZoneInfo("America/New_York"))
    assert calendar.between(midnight, midnight + timedelta(days=1)) == 22.5 * HOUR, "00:00-01:30 and 03:00-24:00"


def test_around_the_clock_a_day_has_the_hours_that_pass() -> None:
    always = Calendar("America/Chicago", None)
    eve = datetime(2026, 3, 7, 12, 0, tzinfo=ZoneInfo("America/Chicago"))
    assert always.add(eve, 24 * HOUR) == datetime(2026, 3, 8, 18, 0, tzinfo=UTC)
    assert always.between(eve, datetime(2026, 3, 8, 12, 0, tzinfo=ZoneInfo("America/Chicago"))) == 23 * HOUR


def test_a_day_may_be_open_until_midnight() -> None:
    calendar = Calendar("UTC", (((time(22), MIDNIGHT),), *((),) * 6))
    monday = datetime(2026, 1, 5, 23, 0, tzinfo=UTC)
    assert calendar.add(monday, HOUR) == datetime(2026, 1, 6, tzinfo=UTC)
    assert calendar.add(monday, 2 * HOUR) == datetime(2026, 1, 12, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "business", "end"),
    [
        # Over Thanksgiving: two hours on Wednesday, 15:00 to 17:00, and two on Friday from 7:00.
        ("2026-11-25T23:00Z", 4, "2026-11-27T17:00Z"),
        # Over a weekend, its change of the clocks, and a further closed day: two hours on Friday, one on Tuesday.
        ("2026-03-06T23:00Z", 3, "2026-03-10T15:00Z"),
        ("2026-01-05T19:30Z", 1, "2026-01-05T21:00Z"),  # over lunch
    ],
)
def test_closed_hours_and_holidays_are_passed_over(start: str, business: int, end: str) -> None:
    begins, ends = (datetime.fromisoformat(moment) for moment in (start, end))
    assert OFFICE.add(begins, business * HOUR) - ends == timedelta(0)


@pytest.mark.parametrize(
    "frames",
    [
        ((time(9), time(8)),),
        ((time(9), time(9)),),
        ((time(7), time(12)), (time(11), time(13))),
        ((time(7), MIDNIGHT), (time(9), time(10))),
    ],
)
def test_frames_that_overlap_or_end_too_early_are_refused(frames: tuple[tuple[time, time], ...]) -> None:
    with pytest.raises(ValueError, match=r"overlap|must end"):
        in_order(frames)


def test_a_calendar_that_never_opens_and_a_moment_without_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="opens on one"):
        Calendar("UTC", ((),) * 7)
    with pytest.raises(ValueError, match="without a time zone"):
        OFFICE.add(datetime(2026, 1, 5), HOUR)  # noqa: DTZ001


def test_an_allowance_is_found_fast_enough_for_every_event() -> None:
    start = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    OFFICE.add(start, HOUR)
    spent = []
    for _ in range(200):
        began = perf_counter()
        OFFICE.add(start, 16 * HOUR)
        spent.append(perf_counter() - began)
    assert sorted(spent)[10] < 50e-6, "the best of many: other work on this machine is not the calendar's"


def test_the_large_package_of_holidays_is_read_only_by_who_names_a_country() -> None:
    asked = (
        "import sys; from datetime import *; from tierline.domain.calendar import Calendar, Frame\n"
        "frames = ((time(7), time(17)),)\n"
        "Calendar('UTC', (frames,) * 7).add(datetime(2026, 1, 5, tzinfo=UTC), timedelta(hours=80))\n"
        "assert 'holidays' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", asked], check=True, timeout=60)
