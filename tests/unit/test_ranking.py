"""The right text is found as people type: with typing errors, in capitals, in Spanish; and nothing makes it stumble."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierline.desk.language import is_spanish, stems, understood
from tierline.desk.ranking import Ranking, Text

TEXTS = {
    "proxy": Text("Proxy and PAC file", "browser", ("one",)),
    "voice": Text("Voice packs", "text to speech", ("two",)),
    "wifi": Text("Wi-Fi", ""),
    "reset": Text("Reset your password", "The account is locked after five attempts.", ("one", "two")),
}
RANKING = Ranking(TEXTS)


def _first(subject: str, text: str = "", group: str | None = None) -> list[str]:
    return [key for key, _ in RANKING.best(subject, text, 1, group)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("PROXXY settings??", "proxy"),
        ("voices", "voice"),
        ("wifi / wi-fi", "wifi"),
        ("Olvidé mi contraseña", "reset"),
        ("reseting passwrod", "reset"),
    ],
)
def test_the_right_text_is_found_as_people_type(asked: str, found: str) -> None:
    assert _first(asked) == [found]
    assert _first("", asked) == [found]


def test_a_group_leaves_out_what_is_meant_for_others_only() -> None:
    assert _first("voices", group="one") != ["voice"]
    assert _first("password", group="one") == _first("password", group="two") == ["reset"]
    assert _first("wi-fi", group="three") == ["wifi"]


def test_the_subject_says_more_than_the_text() -> None:
    assert _first("proxy", "voice") == ["proxy"]
    assert _first("voice", "proxy") == ["voice"]


def test_nothing_is_found_where_nothing_was_asked_or_kept() -> None:
    assert RANKING.best("", "", 5) == RANKING.best("?!", "\n", 5) == Ranking({}).best("x", "y", 5) == []


@settings(deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_is_asked_is_answered_best_first(subject: str, text: str) -> None:
    found = RANKING.best(subject, text, 4)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert all(score > 0 for _, score in found)


def test_ten_thousand_words_cost_no_more_than_the_first_of_them() -> None:
    few = " ".join(f"word{number}" for number in range(300))
    assert RANKING.best("", f"{few} " + "password " * 10_000, 4) == RANKING.best("", few, 4)


def test_spanish_is_known_by_its_small_words_and_understood_word_by_word() -> None:
    assert is_spanish("¿Dónde está la sesión de mi clase?")
    assert not is_spanish("The session of class 4, por favor")
    assert {"session", "class"} <= set(understood("¿Dónde está la sesión de mi clase?").split())
    assert understood("My password") == "My password"
    assert stems("Contraseña PASSWORDS re-setting") == ["contrasena", "password", "re", "set"]
