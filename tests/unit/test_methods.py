"""Resolution methods: read as people write them, found as people type, drafted and counted without anyone's name."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.stocking import METHODS as SHIPPED
from tier2 import gaps
from tier2.drafting import draft_of, steps_in
from tier2.methods import METHODS, MethodForm, State, Tally
from tier2.reading import read_markdown
from tier2.resolutions import Resolution, confirmed, counts, reopened
from tierline.desk.cases import Case
from tierline.desk.shelf_reading import fitting
from tierline.domain.case import Attempt, CaseFile, Reporter
from tierline.domain.lifecycle import Move
from tierline.domain.words import Component, Desk, Impact, Role, Status
from tierline.kit.corridor import Incoming
from tierline.kit.errors import Conflict, Invalid
from tierline.kit.testing import MONDAY_MORNING as NOW

REPORTER = Reporter(name="Dana Whitlow", email="dana@oak.example.org", role=Role.SCHOOL, organization="Oak School")
FILES = sorted(path for path in SHIPPED.glob("*.md") if path.stem != "README")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_shipped_method_can_be_followed(file: Path) -> None:
    method_id, form = read_markdown(file.read_text("utf-8"))
    assert method_id == file.stem
    assert form.components
    assert form.when_to_use
    assert len(form.steps) > 2
    assert form.checks
    assert form.when_not_to_use


def test_a_text_without_sections_is_read_as_people_write() -> None:
    text = "---\nid: a-b\ncomponent: single-sign-on\n---\n# The title\nWhen it hangs.\n\n1. Stop *it*.\n2. Start it.\n   - twice\n\nNot at night."
    method_id, form = read_markdown(text)
    assert (method_id, form.title, form.when_to_use, form.notes) == (
        "a-b",
        "The title",
        "When it hangs.",
        "Not at night.",
    )
    assert form.steps == ("Stop *it*.", "Start it.\n   - twice")
    assert form.components == (Component.SINGLE_SIGN_ON,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no front", "front matter"),
        ("---\nid: a\n  b: [\n---\n", "is not YAML ("),
        ("---\nid: &x a\ntitle: *x\n---\n", "alias"),
        ("---\n- a\n---\n", "name: value"),
        ("---\ntitle: No id\n---\n", "needs an `id`"),
        ("---\nid: a-b\n---\nSteps without a title", "title"),
        ("---\nid: a-b\ntitle: T\ncomponent: coffee\n---\nText", "components/0"),
        ("---\nid: a-b\ntitle: T\n---\n", "steps"),
        ("x" * 70_000, "at most"),
        (f"---\n{'[' * 3000}\n---\n", "front matter may hold"),
        (f"---\n{'[' * 2000}\n---\n", "nested more than 20 deep"),
        ("---\nid: a-b\ntitle: T\n---\n" + "- a\n" * 7000, "steps"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_markdown(text)
    assert said in refused.value.detail


@given(st.text(max_size=400))
def test_no_text_breaks_the_reader_and_no_word_of_a_body_is_lost(body: str) -> None:
    try:
        _, form = read_markdown(f"---\nid: a-b\ntitle: T\nstate: draft\n---\n{body}")
    except Invalid:
        return
    kept = " ".join([form.title, form.when_to_use, *form.steps, *form.checks, form.when_not_to_use, form.notes])
    assert sum(map(str.isalpha, kept)) >= sum(map(str.isalpha, body.replace("\x00", ""))) - 60


def _case(**more: Any) -> Case:
    tried = Attempt(
        at=NOW, desk=Desk.TIER2, move=Move.RESOLVE, by="tier2:a", text="Set the proxy. Restart it for Dana Whitlow."
    )
    file = CaseFile(
        ticket_id="0197-abcd-12345678",
        member="alder",
        component=Component.TEST_DELIVERY_SYSTEM,
        impact=Impact.QUESTION,
        subject="Proxy trouble of student SSID 9912345678",
        description="Dana Whitlow writes: it hangs.",
        reporter=REPORTER,
        submitted_at=NOW,
        tried=(tried,),
    )
    plain = {"held": False, "outcome": Move.RESOLVE, "status": Status.RESOLVED}
    return Case(file=file, desk=Desk.TIER2, version=5, accepted_at=NOW, **{**plain, **more})


def test_a_draft_holds_what_was_done_and_nobodys_data() -> None:
    method_id, form = draft_of(_case())
    assert method_id == draft_of(_case())[0]
    assert method_id.startswith("draft-proxy-trouble")
    assert form.state is State.DRAFT
    assert form.steps == ("Set the proxy.", "Restart it for the reporter.")
    everything = f"{method_id} {form.model_dump_json()}"
    assert "9912345678" not in everything
    assert "Whitlow" not in everything
    with pytest.raises(Conflict):
        draft_of(_case(held=True, outcome=None))
    with pytest.raises(Conflict):
        draft_of(_case(outcome=Move.ESCALATE))


def test_a_list_is_steps_and_so_are_sentences() -> None:
    assert steps_in("Do this:\n1. One\n2) Two") == ["One", "Two"]
    assert steps_in("One. Two!") == ["One.", "Two!"]


def _kept(number: int, text: str, method: str | None = None, **more: Any) -> Resolution:
    words = gaps.telling_words(text, REPORTER, frozenset({"chromebook"}))
    component = more.pop("component", Component.TEST_DELIVERY_SYSTEM)
    at = NOW + timedelta(minutes=number)
    return Resolution(
        ticket_id=str(number), member="alder", component=component, version=5, at=at, method=method, words=words, **more
    )


def test_what_tier_2_kept_resolving_is_one_gap_and_names_nobody() -> None:
    issues = [
        _kept(1, "the kiosk app is missing on every Chromebook. Dana Whitlow, Zelda Quux"),
        _kept(2, "kiosk app missing again on 20 chromebooks, says Zelda Quux"),
        _kept(3, "where is the kiosk app? missing. Zelda Quux"),
        _kept(4, "report shows empty pages"),
        _kept(5, "kiosk app missing", component=Component.INTERIM_SYSTEM),
    ]
    (gap,) = gaps.find(issues, 2)
    assert (gap.component, len(gap.issues)) == (Component.TEST_DELIVERY_SYSTEM, 3)
    assert set(gap.shown_words(frozenset({"chromebook"}))) == {"kiosk", "app", "missing", "chromebook"}
    assert [len(found.issues) for found in gaps.find(issues, 1)] == [3, 1, 1]


def test_a_reopened_resolution_counts_once_against_its_method() -> None:
    kept = _kept(1, "kiosk", "/kiosk-setup")
    assert counts(kept, None)[0].tally == Tally(used=1)

    def told(version: int) -> Incoming:
        class Said:
            pass

        Said.version = version  # type: ignore[attr-defined]
        return Incoming("1", "x", "x", NOW, Said)

    again = reopened(kept, told(6), None, NOW)
    assert again.rows[0].tally == Tally(reopened=1)
    assert again.state is not None
    assert reopened(again.state, told(6), None, NOW).state is None
    assert reopened(kept, told(4), None, NOW).state is None
    assert confirmed(again.state, told(7), None, NOW).state is None
    # Where the word of it comes late, the next resolution brings it.
    assert [count.tally for count in counts(kept, kept)] == [Tally(used=1), Tally(reopened=1)]
    assert [count.tally for count in counts(kept, again.state)] == [Tally(used=1)]


def test_a_rate_is_what_nobody_reopened() -> None:
    assert Tally().success_rate is None
    assert Tally(used=4, reopened=1).success_rate == 0.75


def test_a_method_knows_whether_it_would_change() -> None:
    form = fitting(MethodForm, {"title": "T", "steps": ["One"]})
    method = METHODS.first("", "a-b", form, "tier2:a", NOW)
    assert method.says_the_same(form)
    assert not method.says_the_same(fitting(MethodForm, {"title": "T", "steps": ["Two"]}))
    assert method.changed(form, "tier2:b", NOW).version == 2


def test_a_form_is_read_as_people_write_it() -> None:
    form = fitting(
        MethodForm, {"title": "T", "steps": ["One"], "component": "single-sign-on", "when_not_to": "At night."}
    )
    assert (form.components, form.when_not_to_use) == ((Component.SINGLE_SIGN_ON,), "At night.")
    with pytest.raises(Invalid):
        fitting(MethodForm, {"title": "T", "steps": ["One"], "component": 7})
