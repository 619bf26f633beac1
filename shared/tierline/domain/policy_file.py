"""What a policy file may say, and what is wrong with one that cannot work: each problem by its path, with what to write."""

import hashlib
import re
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, EmailStr, Field, StringConstraints, ValidationError

from tierline.domain.calendar import DAYS, Calendar, in_order, length
from tierline.domain.likeness import LEAST, telling
from tierline.domain.policy import Answers, Liaison, Policy, StateRule
from tierline.domain.words import TIERS, Component, Desk, Impact, Provider, Role

Problem = tuple[tuple[str | int, ...], str]
_SOME_DAY = datetime(2026, 1, 5, tzinfo=UTC)
LONGEST = timedelta(weeks=520)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DECLINE_REASONS = {
    "enhancement": "This asks for something new. It is kept for the owners of the product, who decide on what is built.",
    "style_or_preference": "This is a matter of taste. It is kept for the owners of the product.",
}


def _duration(given: object) -> timedelta:
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", str(given))
    if found is None or int(found[1]) == 0:
        raise ValueError("write a number and a unit: 30m, 4h, 45s (or 7d for fields in calendar days)")
    return timedelta(seconds=int(found[1]) * UNITS[found[2]])


def _business(given: object) -> timedelta:
    if str(given).endswith("d"):
        raise ValueError("business time is written in hours, 16h, since a business day has no fixed length")
    return _duration(given)


def _frame(given: object) -> tuple[time, time]:
    found = re.fullmatch(r"(\d\d:\d\d)-(\d\d:\d\d)", str(given))
    if found is None:
        raise ValueError('write hours as "07:00-17:00"')
    opens, closes = time.fromisoformat(found[1]), time.fromisoformat(found[2])
    if opens >= closes:
        raise ValueError("a frame must end after it begins")
    return opens, closes


BusinessTime = Annotated[timedelta, BeforeValidator(_business)]
WallTime = Annotated[timedelta, BeforeValidator(_duration)]
Hours = Annotated[tuple[time, time], BeforeValidator(_frame)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Holidays(_Part):
    country: str | None = None
    subdivision: str | None = None
    closed: tuple[date, ...] = ()


class _Calendar(_Part):
    zone: str
    always: bool = False
    hours: dict[str, tuple[Hours, ...]] = {}
    holidays: _Holidays = _Holidays()


class _Row(_Part):
    tier1: Provider
    tier2: Provider
    tier3: Provider


class _Rule(_Part):
    name: str = Field(pattern=r"^[a-z0-9_]{1,60}$")
    why: str
    components: frozenset[Component] = frozenset()
    roles: frozenset[Role] = frozenset()
    impacts: frozenset[Impact] = frozenset()
    words: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    together: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...] = ()
    unless: tuple[str, ...] = ()


class _Liaison(_Part):
    name: str
    email: EmailStr
    vendor: str | None = Field(default=None, pattern=r"^[a-z0-9-]{1,60}$")


class _Answers(_Part):
    sending: bool = True
    send_above: float = Field(default=0.7, ge=0, le=1)
    offer_above: float = Field(default=0.1, ge=0, le=1)
    state_above: float = Field(default=1.0, ge=0, le=1)


class _Override(_Part):
    component: Component
    desk: Desk
    impact: Impact
    allowed: BusinessTime


class PolicyFile(_Part):
    """The file of one member, as it is written."""

    member: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    name: str
    calendar: _Calendar
    matrix: dict[Component, _Row]
    state_rules: tuple[_Rule, ...] = ()
    time_allowed: dict[Desk, dict[Impact, BusinessTime]]
    time_allowed_except: tuple[_Override, ...] = ()
    liaisons: dict[Component, _Liaison] = {}
    reply_allowed: BusinessTime = timedelta(hours=40)
    close_after: WallTime = timedelta(days=7)
    reopen_within: WallTime = timedelta(days=30)
    return_limit: int = Field(default=3, ge=0, le=20)
    answers: _Answers = _Answers()
    decline_reasons: dict[str, Annotated[str, StringConstraints(min_length=1, max_length=900)]] = {}


def read_policy(content: Any) -> tuple[Policy | None, list[Problem]]:
    """The policy that a file's content says, or every problem that it has."""
    try:
        file = PolicyFile.model_validate(content)
    except ValidationError as error:
        return None, [(tuple(item["loc"]), _said(item)) for item in error.errors()]
    problems = [*_gaps(file), *(_calendar_problems(file.calendar) or _endless(file))]
    return (None, problems) if problems else (_policy(file), [])


def _said(item: Any) -> str:
    if item["type"] == "enum":
        known = re.findall(r"'([^']+)'", str(item["ctx"]["expected"]))
        near = get_close_matches(str(item["input"]), known, 1)
        meant = f"write {near[0]}" if near else f"write one of {', '.join(known)}"
        return f"{str(item['input'])[:60]!r} is not known; {meant}"
    if item["type"] == "missing":
        return "is missing; write it"
    if item["type"] == "extra_forbidden":
        return "is not a field of a policy; remove it, or correct its name"
    return str(item["msg"]).removeprefix("Value error, ")


def _gaps(file: PolicyFile) -> list[Problem]:
    found: list[Problem] = []
    for component in Component:
        row = file.matrix.get(component)
        if row is None:
            found.append((("matrix",), f"{component} is missing; write who staffs its tier1, tier2 and tier3"))
            continue
        if row.tier3 is not Provider.NOT_APPLICABLE and component not in file.liaisons:
            found.append(
                (
                    ("liaisons",),
                    f"{component} has a Tier 3 but no liaison; write {component}: {{name, email, vendor}}",
                )
            )
    found += [
        (("state_rules", number, "examples", place), f"says too little; write {LEAST} telling words or more")
        for number, rule in enumerate(file.state_rules)
        for place, example in enumerate(rule.examples)
        if len(telling(example)) < LEAST
    ]
    if file.answers.offer_above > file.answers.send_above:
        text = "is above send_above: what is sent must be surer than what is offered; write a smaller number"
        found.append((("answers", "offer_above"), text))
    for desk in Desk:
        for impact in Impact:
            if impact not in file.time_allowed.get(desk, {}):
                text = (
                    f"{desk}.{impact} is missing: a desk without a deadline is a dead end; write how long it may take"
                )
                found.append((("time_allowed",), text))
    return found


def _calendar_problems(calendar: _Calendar) -> list[Problem]:
    found: list[Problem] = []
    try:
        ZoneInfo(calendar.zone)
    except (ValueError, OSError, KeyError):
        found.append((("calendar", "zone"), "is no IANA time zone; write one like America/Denver"))
    known = ", ".join(DAYS)
    found += [
        (("calendar", "hours", day), f"is no day; write one of {known}") for day in calendar.hours if day not in DAYS
    ]
    if not calendar.always and not any(calendar.hours.values()):
        found.append((("calendar", "hours"), "never open: a dead end; write hours, or always: true"))
    for day, frames in calendar.hours.items():
        try:
            in_order(frames)
        except ValueError as error:
            found.append((("calendar", "hours", day), f"{error}; write each hour once"))
    if not found and calendar.holidays.country:
        try:
            _calendar(calendar).add(_SOME_DAY, timedelta(hours=1))
        except NotImplementedError:
            found.append(
                (
                    ("calendar", "holidays"),
                    "country or subdivision is not known; write US and a state's letters",
                )
            )
    return found


def _endless(file: PolicyFile) -> list[Problem]:
    """What would end after the last day that a calendar knows: whoever set it would wait for ever."""
    open_in_a_week = sum((length(frame) for frames in file.calendar.hours.values() for frame in frames), timedelta(0))
    business = LONGEST if file.calendar.always else open_in_a_week * (LONGEST // timedelta(weeks=1))
    times: list[tuple[tuple[str | int, ...], timedelta, timedelta]] = [
        (("reply_allowed",), file.reply_allowed, business),
        (("close_after",), file.close_after, LONGEST),
        (("reopen_within",), file.reopen_within, LONGEST),
        *((("time_allowed_except", n, "allowed"), o.allowed, business) for n, o in enumerate(file.time_allowed_except)),
        *(
            (("time_allowed", desk, impact), allowed, business)
            for desk, row in file.time_allowed.items()
            for impact, allowed in row.items()
        ),
    ]
    return [(path, "takes more than ten years; write less") for path, given, most in times if given > most]


def _calendar(part: _Calendar) -> Calendar:
    week = None if part.always else tuple(part.hours.get(day, ()) for day in DAYS)
    days = part.holidays
    return Calendar(part.zone, week, days.country, days.subdivision, frozenset(days.closed))


def _policy(file: PolicyFile) -> Policy:
    return Policy(
        member=file.member,
        name=file.name,
        version=hashlib.sha256(file.model_dump_json().encode()).hexdigest()[:12],
        matrix={
            component: {desk: Provider(getattr(row, desk.value)) for desk in TIERS}
            for component, row in file.matrix.items()
        },
        state_rules=tuple(
            StateRule(
                rule.name,
                rule.why,
                rule.components,
                rule.roles,
                rule.impacts,
                _small(rule.words),
                tuple(map(telling, rule.examples)),
                tuple(map(_small, rule.together)),
                _small(rule.unless),
            )
            for rule in file.state_rules
        ),
        times=file.time_allowed,
        overrides={(o.component, o.desk, o.impact): o.allowed for o in file.time_allowed_except},
        liaisons={c: Liaison(who.name, who.email, who.vendor) for c, who in file.liaisons.items()},
        calendar=_calendar(file.calendar),
        reply_allowed=file.reply_allowed,
        close_after=file.close_after,
        reopen_within=file.reopen_within,
        return_limit=file.return_limit,
        decline_reasons={**DECLINE_REASONS, **file.decline_reasons},
        answers=Answers(**file.answers.model_dump()),
    )


def _small(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word.lower() for word in words)
