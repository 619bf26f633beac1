"""The audit's judgement: a sound ticket has nothing wrong with it, and every way to break one is named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.audit.auditing import Report
from embedded.audit.judging import judge, listed_untold
from embedded.audit.seen import Breach, Front, Held, Kind, Seen, Steps, Told

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SOON, PAST = NOW + timedelta(hours=1), NOW - timedelta(hours=1)
OPEN = Seen(
    "t",
    front=Front(2, "open", "tier1"),
    held={"tier1": Held(2, "open")},
    told=Told(2, False, "", 0),
    steps=Steps(1, 2, 2, 2),
    deadlines={"tier1": {"cases/allowed": SOON}},
)
ENDED = Seen(
    "t",
    front=Front(3, "resolved", None),
    told=Told(3, False, "", 0),
    steps=Steps(1, 3, 3, 3),
    deadlines={"intake": {"tickets/close": SOON}},
)

BROKEN = [
    (Kind.LOST, replace(OPEN, front=None)),
    (Kind.LOST, Seen("t", steps=Steps(1, 1, 1, 1))),
    (Kind.HELD_BY_NONE, replace(OPEN, held={})),
    (Kind.HELD_TWICE, replace(OPEN, held={**OPEN.held, "tier2": Held(2, "open")})),
    (Kind.HELD_AFTER_END, replace(ENDED, held={"tier1": Held(2, "open")})),
    (Kind.DISAGREES, replace(OPEN, held={"tier1": Held(2, "waiting_on_reporter")})),
    (Kind.DISAGREES, replace(OPEN, held={"tier2": Held(2, "open")})),
    (Kind.GAP, replace(OPEN, steps=Steps(1, 2, 1, 1))),
    (Kind.GAP, replace(OPEN, steps=Steps(2, 2, 1, 1))),
    (Kind.GAP, replace(OPEN, steps=None)),
    (Kind.FORKED, replace(OPEN, steps=Steps(1, 2, 2, 3))),
    (Kind.BEHIND, replace(OPEN, front=Front(1, "open", "tier1"))),
    (Kind.BEHIND, replace(OPEN, told=Told(1, False, "", 0))),
    (Kind.UNTOLD, replace(ENDED, told=None)),
    (Kind.UNTOLD, replace(ENDED, told=Told(3, True, "", 0))),
    (Kind.OVERDUE, replace(OPEN, deadlines={"tier1": {"cases/allowed": PAST}})),
    (Kind.NO_DEADLINE, replace(OPEN, deadlines={})),
    (Kind.NO_DEADLINE, replace(OPEN, deadlines={"tier2": {"cases/allowed": SOON}})),
    (Kind.NO_DEADLINE, replace(ENDED, deadlines={})),
    (Kind.UNPUBLISHED, replace(OPEN, unpublished={"tier1": PAST})),
    (Kind.WAITS, replace(OPEN, parked={"tier1": "cases: KeyError"})),
]


@pytest.mark.parametrize("sound", [OPEN, ENDED])
def test_a_sound_ticket_has_nothing_wrong_with_it(sound: Seen) -> None:
    assert judge(sound, NOW) == []


@pytest.mark.parametrize(("kind", "seen"), BROKEN, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(BROKEN)])
def test_every_way_to_break_a_ticket_is_named(kind: Kind, seen: Seen) -> None:
    assert kind in {breach.kind for breach in judge(seen, NOW)}


def test_every_kind_is_tried_here_but_the_one_that_needs_two_databases() -> None:
    assert {kind for kind, _ in BROKEN} == set(Kind) - {Kind.UNAPPLIED}


@given(st.integers(0, 59))
def test_what_is_late_by_less_than_a_minute_is_still_on_its_way(seconds: int) -> None:
    lately = NOW - timedelta(seconds=seconds)
    late = replace(OPEN, deadlines={"tier1": {"cases/allowed": lately}}, unpublished={"tier1": lately})
    assert judge(late, NOW) == []


def test_an_end_that_could_not_be_told_is_listed_with_its_cause() -> None:
    refused = replace(ENDED, told=Told(3, True, "SMTP 550", 0))
    under_way = replace(ENDED, told=Told(3, True, "", 1))
    assert (judge(refused, NOW), listed_untold(refused)) == ([], "SMTP 550")
    assert (judge(under_way, NOW), listed_untold(under_way)) == ([], "the notice is under way")
    assert listed_untold(ENDED) is None


def test_a_breach_is_one_line_with_the_path_of_the_ticket() -> None:
    report = Report(tickets=1, breaches=[Breach(Kind.GAP, "t", "1 version")], paths={"t": ["tier1", "tier2"]})
    assert report.lines() == ["BREACH gap t (tier1 > tier2): 1 version", "1 tickets, 1 breaches, 0 listed as untold"]
    assert report.as_json()["sound"] is False
