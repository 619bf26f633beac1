"""The figures say how often the code was right about labelled questions."""

from embedded.evaluating import Expected, Labelled, Outcome, figures
from tierline.domain.words import Component, Role


def _asked(destination: str, article: str | None, student_pii: bool = False) -> Labelled:
    expected = Expected(destination=destination, article=article, student_pii=student_pii)
    return Labelled(
        component=Component("single-sign-on"), reporter_role=Role.SCHOOL, subject="a", body="b", expected=expected
    )


def test_each_figure_counts_its_own_questions() -> None:
    found = figures(
        [
            Outcome(_asked("tier1", "a"), to_state=False, private=False, place=0),
            Outcome(_asked("tier1", "b"), to_state=True, private=False, place=2),
            Outcome(_asked("tier2", "c", student_pii=True), to_state=False, private=True, place=None),
            Outcome(_asked("state", None, student_pii=True), to_state=True, private=False, place=None),
        ]
    )
    assert (found["recall_at_1"], found["recall_at_3"], found["method_recall_at_3"]) == (0.5, 1.0, 0.0)
    assert (found["state_precision"], found["state_recall"]) == (0.5, 1.0)
    assert (found["pii_precision"], found["pii_recall"]) == (1.0, 0.5)
