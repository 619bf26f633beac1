"""The figures say how often the code was right about labelled questions, and how sure it may be is learned soundly."""

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from embedded.calibration import as_text, draw
from embedded.evaluating import Outcome, confusion, figures
from embedded.labelled import Expected, Labelled
from embedded.learning import learn, unseen
from tier1.confidence import confidence
from tierline.domain.policy import Answers
from tierline.domain.words import Component, Role

FLOORS = Answers(send_above=0.8, offer_above=0.1)


def _asked(destination: str, article: str | None, student_pii: bool = False) -> Labelled:
    expected = Expected(destination=destination, article=article, student_pii=student_pii)
    return Labelled(
        component=Component("single-sign-on"), reporter_role=Role.SCHOOL, subject="a", body="b", expected=expected
    )


OUTCOMES = [
    Outcome(_asked("tier1", "a"), to_state=False, private=False, place=0, first="a", sure=0.9),
    Outcome(_asked("tier1", "b"), to_state=True, private=False, place=2),
    Outcome(_asked("tier1", "d"), to_state=False, private=False, place=1, first="e", sure=0.85),
    Outcome(_asked("tier1", "f"), to_state=False, private=False, place=0, first="f", sure=0.5),
    Outcome(_asked("tier2", "c", student_pii=True), to_state=False, private=True, place=None, first="a", sure=0.05),
    Outcome(_asked("state", None, student_pii=True), to_state=True, private=False, place=None),
]


def test_each_figure_counts_its_own_questions() -> None:
    found = figures(OUTCOMES, FLOORS)
    assert (found["recall_at_1"], found["recall_at_3"], found["method_recall_at_3"]) == (0.5, 1.0, 0.0)
    assert (found["sent_precision"], found["sent_share_of_tier1"]) == (0.5, 0.5)
    assert (found["state_precision"], found["state_recall"]) == (0.5, 1.0)
    assert (found["pii_precision"], found["pii_recall"]) == (1.0, 0.5)


def test_the_table_and_the_picture_show_what_became_of_them() -> None:
    table = confusion(OUTCOMES, FLOORS)
    assert table["tier1"] == {"sent right": 1, "sent wrong": 1, "offered": 1, "state": 1}
    assert table["tier2"] == {"passed on": 1}
    assert "sent wrong" in as_text(figures(OUTCOMES, FLOORS), OUTCOMES, FLOORS)
    assert draw(OUTCOMES, FLOORS).startswith("<svg")
    assert draw([], FLOORS).startswith("<svg")


def test_what_is_learned_says_how_often_it_is_right() -> None:
    chance = random.Random(7)
    samples = []
    for _ in range(400):
        lead = chance.uniform(-4, 4)
        right = chance.random() < 1 / (1 + math.exp(-(1 + lead)))
        samples.append(((0.0, lead, 0.0, 1.0, 0.0), right))
    weights = learn(samples)
    assert abs(weights.marks[1] - 1) < 0.3
    sure = unseen(samples)
    likely = [right for chance_of, (_, right) in zip(sure, samples, strict=True) if chance_of > 0.9]
    assert sum(likely) / len(likely) > 0.85


@given(st.lists(st.tuples(st.tuples(*[st.floats(-5, 5)] * 5), st.booleans()), min_size=1, max_size=12))
def test_whatever_is_learned_is_a_chance(samples: list[tuple[tuple[float, float, float, float, float], bool]]) -> None:
    weights = learn(samples)
    assert all(0 <= confidence(found, weights) <= 1 for found, _ in samples)
