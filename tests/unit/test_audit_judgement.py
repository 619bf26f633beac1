"""The audit's judgement: a sound ticket has nothing wrong with it, and every way to break one is named."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.audit.auditing import Report
from embedded.audit.judging import judge, judge_entry, judge_history, listed_untold
from embedded.audit.seen import Breach, Front, Held, History, Kind, Link, Seen, Steps, Told
from tierline.domain.chain import digest

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
    (Kind.OVERDUE, replace(OPEN, deadlines={"tier1": {"cases/allowed": None}})),
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


def test_every_kind_is_tried_here_but_those_that_no_single_ticket_shows() -> None:
    assert {kind for kind, _ in BROKEN} == set(Kind) - {Kind.UNAPPLIED, Kind.ALTERED}


def test_a_deadline_behind_a_full_batch_of_others_waits_its_turn() -> None:
    late = replace(OPEN, deadlines={"tier1": {"cases/allowed": PAST}})
    assert judge(late, NOW, {"tier1": PAST - timedelta(seconds=1)}) == []
    assert judge(late, NOW, {"tier2": PAST - timedelta(seconds=1)}) != []
    assert judge(late, NOW, {"tier1": PAST}) != []


def _chained(many: int) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = []
    for number in range(1, many + 1):
        before = facts[-1]["hash"] if facts else ""
        fact = {"ticket_id": "t", "public": True, "fact": f"f{number}", "text": "ä", "number": number, "before": before}
        facts.append({**fact, "hash": digest(fact)})
    return facts


def _history(facts: list[dict[str, Any]], of: list[dict[str, Any]]) -> History:
    links = tuple(Link(fact["number"], fact["before"], fact["hash"]) for fact in facts)
    return History("t", len(of), of[-1]["hash"] if of else "", links)


@given(st.integers(0, 6))
def test_a_history_that_ends_at_its_head_is_sound(many: int) -> None:
    facts = _chained(many)
    assert judge_history(_history(facts, facts)) is None
    assert [judge_entry("t", True, json.dumps(fact)) for fact in facts] == [None] * many


@given(st.data())
def test_a_fact_that_is_missing_doubled_moved_or_of_another_chain_is_named(data: st.DataObject) -> None:
    facts = _chained(data.draw(st.integers(1, 6)))
    place = data.draw(st.integers(0, len(facts) - 1))
    other = {**facts[place], "hash": "f" * 64}
    broken = {
        "missing": facts[:place] + facts[place + 1 :],
        "doubled": [*facts[:place], facts[place], *facts[place:]],
        "altered": [*facts[:place], other, *facts[place + 1 :]],
        "moved": [*facts[:place], {**facts[place], "number": facts[place]["number"] + 1}, *facts[place + 1 :]],
        "unreadable": [*facts[:place], {**facts[place], "before": None}, *facts[place + 1 :]],
    }
    found = judge_history(_history(broken[data.draw(st.sampled_from(sorted(broken)))], facts))
    assert found is not None
    assert (found.kind, found.ticket) == (Kind.ALTERED, "t")


def test_facts_without_a_ticket_are_named_and_a_ticket_from_before_chains_is_not() -> None:
    assert judge_history(_history(_chained(2), _chained(2))._replace(facts=None)) is not None
    assert judge_history(History("t", None, "", ())) is None
    assert judge_entry("t", True, '{"fact": "f1", "number": 0, "before": ""}') is None


@given(st.data())
def test_any_changed_byte_of_a_kept_fact_is_named(data: st.DataObject) -> None:
    kept = json.dumps(_chained(2)[1], ensure_ascii=False)
    place = data.draw(st.integers(0, len(kept) - 1))
    letter = data.draw(st.characters(codec="utf-8").filter(lambda one: one != kept[place]))
    changed = kept[:place] + letter + kept[place + 1 :]
    try:
        same = json.loads(changed) == json.loads(kept) or not json.loads(changed).get("hash")
    except ValueError:
        same = False
    # A blank between two words of JSON is not part of what it says; a hash under another name is missed in the chain.
    assert same or judge_entry("t", True, changed) is not None
    assert judge_entry("t", False, kept) is not None
    assert judge_entry("another", True, kept) is not None


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
