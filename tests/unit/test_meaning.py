"""Texts that say the same in other words lie close by each other, whatever is asked."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tier1.meaning import LONGEST, alike, kept_meaning, meaning


@pytest.mark.parametrize(
    ("asked", "same", "other"),
    [
        ("The kids were thrown out while reading", "Students are logged off without activity", "Print a report as PDF"),
        ("The battery went dead in the middle", "A student's device crashed", "Which role may see results"),
    ],
)
def test_the_same_in_other_words_is_closer_than_something_else(asked: str, same: str, other: str) -> None:
    assert alike(meaning(asked), meaning(same)) > alike(meaning(asked), meaning(other)) + 0.1


@settings(deadline=None, max_examples=15)
@given(st.text(max_size=200))
def test_every_text_has_a_meaning_of_length_one(text: str) -> None:
    found = meaning(text)
    assert found.shape == (384,)
    assert abs(alike(found, found) - 1) < 1e-4


def test_a_text_of_any_length_costs_no_more_than_its_first_words() -> None:
    first = "password " * LONGEST
    assert alike(meaning(first), meaning(first + "printer " * 50_000)) > 0.9999
    assert kept_meaning(first) is kept_meaning(first)


def test_case_and_accents_mean_nothing() -> None:
    assert alike(meaning("CONTRASEÑA Olvidada"), meaning("contrasena olvidada")) > 0.9999
