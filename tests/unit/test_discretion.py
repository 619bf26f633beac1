"""What a vendor or a product owner reads tells nothing of who wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tierline.domain.discretion import without_people


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Regards, Rosalind Franklin", "Franklin"),
        ("rosalind franklin here", "franklin"),
        ("Ask Franklin, she saw it", "Franklin"),
        ("Write to r.franklin+help@school.example.org", "@"),
        ("Call me: (503) 555-0117", "555"),
        ("Call 503-555-0117 please", "0117"),
        ("Student SSN 123-45-6789 sees it", "6789"),
    ],
)
def test_who_wrote_and_how_to_reach_them_is_taken_out(text: str, gone: str) -> None:
    kept, kinds = without_people(text, "Rosalind Franklin")
    assert gone not in kept
    assert kinds


def test_words_that_are_no_one_stay() -> None:
    text = "Session 4417-22 stops at 8:42 in build 2026.11.2; a teacher saw it."
    assert without_people(text, "Sam Reyes") == (text, ())
    assert without_people("The tests of Ann stop", "Al")[0] == "The tests of Ann stop"


@given(some.text(max_size=300), some.text(max_size=40))
def test_no_text_and_no_name_makes_it_fail(text: str, name: str) -> None:
    assert isinstance(without_people(text, name)[0], str)
