"""A policy climbs to the state desk from everywhere; one that cannot is refused with the place and the remedy."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from embedded.machine import POLICIES
from tierline.desk.policies import load_policies
from tierline.domain.calendar import Calendar
from tierline.domain.policy import Question
from tierline.domain.policy_file import read_policy
from tierline.domain.words import TIERS, Component, Desk, Impact, Provider, Role
from tierline.kit.errors import Misconfigured

SAMPLES = load_policies(POLICIES)
PLAIN = yaml.safe_load((POLICIES / "alder.yaml").read_text("utf-8"))
PROVIDERS = some.sampled_from([provider.value for provider in Provider])
MATRICES = some.fixed_dictionaries(
    {c.value: some.fixed_dictionaries({desk.value: PROVIDERS for desk in TIERS}) for c in Component}
)


@given(matrix=MATRICES, component=some.sampled_from(Component))
def test_the_climb_always_ends_at_the_state_desk(matrix: dict[str, dict[str, str]], component: Component) -> None:
    liaisons = {c: {"name": "Liaison", "email": "liaison@example.org"} for c in matrix}
    policy, problems = read_policy(PLAIN | {"matrix": matrix, "liaisons": liaisons})
    assert policy is not None, problems
    question = Question(component, Role.SCHOOL, Impact.QUESTION, "s", "d")
    route = policy.first_desk(question)
    path, passed = [route.to], list(route.skipped)
    while (following := policy.next_desk(component, path[-1])) is not None:
        path.append(following.to)
        passed += following.skipped
    assert path[-1] is Desk.STATE
    assert len(set(path)) == len(path) <= 4
    assert passed == [desk for desk in TIERS if not policy.exists(component, desk)]


def test_the_samples_say_what_table_six_says() -> None:
    alder = SAMPLES["alder"]
    route = alder.next_desk(Component.PAPER_PENCIL_SUMMATIVE, Desk.TIER1)
    assert route is not None
    assert (route.to, route.skipped) == (Desk.STATE, (Desk.TIER2, Desk.TIER3))
    assert SAMPLES["birch"].provider(Component.TEST_DELIVERY_SYSTEM, Desk.TIER3) is Provider.VENDOR
    question = Question(Component.PAPER_PENCIL_SUMMATIVE, Role.DISTRICT, Impact.QUESTION, "Order deadline", "missed")
    assert SAMPLES["cedar"].first_desk(question).rule == "state_rules.paper_orders"
    assert alder.first_desk(question).to is Desk.TIER1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("tier3: consortium}", "tier3: consortum}"), "write consortium"),
        (("  single-sign-on: {tier1", "  single-sign-in: {tier1"), "write single-sign-on"),
        (("  digital-library: {name", "  item-authoring-2: {name"), "write item-authoring"),
        (("zone: America/Los_Angeles", "zone: Mars/Olympus"), "no IANA time zone"),
        (("state: {student_cannot_test: 8h", "state: {student_cannot_test: 8 hours"), "write a number and a unit"),
        (("member: alder", "member: alder\nmember: alder"), "stands twice"),
        (("return_limit: 3", "return_limit: [3"), "correct this line"),
        (("return_limit: 3", "return_limit: 3\ncolour: red"), "is not a field of a policy"),
        (("reply_allowed: 40h", "reply_allowed: 5d"), "business time is written in hours"),
    ],
)
def test_a_policy_that_cannot_work_is_named_with_its_line_and_what_to_write(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    text = (POLICIES / "alder.yaml").read_text("utf-8")
    assert change[0] in text
    (tmp_path / "alder.yaml").write_text(text.replace(*change, 1), "utf-8")
    with pytest.raises(Misconfigured, match=rf"alder\.yaml:\d+: .*{says}"):
        load_policies(tmp_path)


def test_a_tier_three_without_a_liaison_and_a_desk_without_a_deadline_are_dead_ends(tmp_path: Path) -> None:
    broken = dict(PLAIN)
    broken["liaisons"] = {k: v for k, v in PLAIN["liaisons"].items() if k != "single-sign-on"}
    broken["time_allowed"] = {k: v for k, v in PLAIN["time_allowed"].items() if k != "state"}
    (tmp_path / "alder.yaml").write_text(yaml.safe_dump(broken), "utf-8")
    with pytest.raises(Misconfigured) as refused:
        load_policies(tmp_path)
    assert "single-sign-on has a Tier 3 but no liaison" in str(refused.value)
    assert "a desk without a deadline is a dead end" in str(refused.value)


def test_what_is_no_policy_at_all_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="holds no policy"):
        load_policies(tmp_path)
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "b.yaml").write_text("a: &x [1]\nb: *x\n", "utf-8")
    (tmp_path / "c.yaml").write_text("x" * 300_000, "utf-8")
    (tmp_path / "d.yaml").write_text("- a list", "utf-8")
    with pytest.raises(Misconfigured) as refused:
        load_policies(tmp_path)
    assert [line.split(": ")[0].rpartition("/")[2] for line in str(refused.value).splitlines()] == [
        "a.yaml:1",
        "b.yaml:2",
        "c.yaml:1",
        "d.yaml:1",
    ]


MOMENTS = some.datetimes(datetime(2025, 1, 1), datetime(2027, 6, 1)).map(lambda d: d.replace(tzinfo=UTC))  # noqa: DTZ001
SPANS = some.integers(1, 200 * 3600).map(lambda s: timedelta(seconds=s))


@given(start=MOMENTS, span=SPANS, more=SPANS)
def test_business_time_added_is_business_time_between(start: datetime, span: timedelta, more: timedelta) -> None:
    calendar = SAMPLES["alder"].calendar
    end = calendar.add(start, span)
    assert calendar.between(start, end) == span
    assert calendar.add(start, span + more) > end


def test_the_clock_changes_and_holidays_take_nothing_away() -> None:
    week = tuple(((time(0), time(4)),) for _ in range(7))
    calendar = Calendar("America/Chicago", week)
    spring = datetime(2026, 3, 8, 0, 0, tzinfo=ZoneInfo("America/Chicago"))
    autumn = datetime(2026, 11, 1, 0, 0, tzinfo=ZoneInfo("America/Chicago"))
    assert calendar.between(spring, spring + timedelta(hours=12)) == timedelta(hours=3)
    assert calendar.between(autumn, autumn + timedelta(hours=12)) == timedelta(hours=5)
    thanksgiving = datetime(2026, 11, 26, 15, 0, tzinfo=UTC)
    assert SAMPLES["alder"].calendar.between(thanksgiving, thanksgiving + timedelta(hours=8)) == timedelta(0)
