"""What is the state's: by whole words, or by being like an example that the member wrote; and to the state by one move."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.machine import POLICIES
from tierline.desk.policies import load_policies
from tierline.domain.likeness import LEAST, alike, telling
from tierline.domain.policy import Policy, Question, StateRule
from tierline.domain.policy_file import read_policy
from tierline.domain.wording import Vocabulary, close_by, stands
from tierline.domain.words import Component, Desk, Impact, Role

ALDER = load_policies(POLICIES)["alder"]
RULE = StateRule(
    "lost",
    "why",
    examples=(telling("Secure materials were lost"), telling("Parents refuse to let their child take part")),
)


def _asked(text: str, policy: Policy) -> str:
    return policy.first_desk(Question(Component.INTERIM_SYSTEM, Role.SCHOOL, Impact.QUESTION, "", text)).rule


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("We lost some secure material on the way.", True),
        ("Two parents refused: their children shall not take part.", True),
        ("The secure browser is lost on my desktop.", False),
        ("Where do students enter the session ID?", False),
        ("", False),
    ],
)
def test_a_question_like_an_example_is_the_states(text: str, states: bool) -> None:
    policy = replace(ALDER, state_rules=(RULE,))
    assert (_asked(text, policy) == "state_rules.lost") is states


TOGETHER = {
    "name": "touched",
    "why": "why",
    "together": [["aide", "teacher*"], ["erased", "changed"], ["answer*"]],
    "unless": ["data entry"],
}


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("An aide changed some answers.", True),
        ("The answers are not hers. Our TEACHERS' assistant erased them.", True),
        ("An aide was there. It was quiet. It was warm. Somebody changed the answers.", False),
        ("The aides changed rooms.", False),
        ("A teacherless class changed its answers", True),
        ("An aides list changed answers", False),
        ("An aide changed answers in the data entry page.", False),
    ],
)
def test_who_does_what_with_what_close_together_is_the_states(text: str, states: bool) -> None:
    policy, problems = read_policy({**_file(), "state_rules": [TOGETHER]})
    assert policy is not None, problems
    assert (_asked(text, policy) == "state_rules.touched") is states


def test_an_empty_list_would_never_fit_and_is_refused() -> None:
    _, problems = read_policy({**_file(), "state_rules": [{**TOGETHER, "together": [["aide"], []]}]})
    assert [path[:4] for path, _ in problems] == [("state_rules", 0, "together", 1)]


@given(st.lists(st.sampled_from(["aide", "changed", "answers", "and. Then", "the\n", "room"]), max_size=12))
def test_what_stands_in_one_sentence_is_close_by_and_never_without_one_of_each(said: list[str]) -> None:
    lists = [frozenset({one}) for one in ("aide", "changed", "answers")]
    known, text = Vocabulary(["aide", "changed", "answers"]), " ".join(said)
    found = close_by(lists, known.standing(text), text)
    assert not found or all(stands(word, text) for one in lists for word in one)
    more = f"{text}. aide changed answers"
    assert close_by(lists, known.standing(more), more)


@given(
    st.sets(st.sampled_from(["aide", "aide*", "ai*", "isn't in", "an aide", "e-mail*", "-x", "é", "éc*", "a b c"])),
    st.lists(
        st.sampled_from(["aide", "aides", "isn't", "in", "an", "e-mails", "-x", "é", "école", "a", "b", "c", "xaide"])
    ),
    st.sampled_from([" ", "", "-", "'"]),
)
def test_a_vocabulary_finds_what_each_of_its_words_would(words: set[str], parts: list[str], between: str) -> None:
    text = between.join(parts)
    assert Vocabulary(words).standing(text) == {word for word in words if stands(word, text)}


def test_a_rule_without_words_and_examples_takes_all_that_fits_its_lists() -> None:
    policy = replace(ALDER, state_rules=(StateRule("all", "why", frozenset({Component.INTERIM_SYSTEM})),))
    assert _asked("Anything", policy) == "state_rules.all"


def test_an_example_that_says_too_little_is_refused_with_its_path() -> None:
    content = {"state_rules": [{"name": "a", "why": "b", "examples": ["the test was there"]}]}
    full = {**_file(), **content}
    _, problems = read_policy(full)
    assert [path for path, _ in problems] == [("state_rules", 0, "examples", 0)]


@given(st.text(max_size=200), st.text(max_size=200))
def test_likeness_needs_most_of_the_example_and_is_never_found_in_less(example: str, more: str) -> None:
    said = telling(example)
    assert alike(said, telling(f"{example} {more}")) is (len(said) >= LEAST)
    assert not alike(said, frozenset())


def test_the_sample_member_knows_its_own() -> None:
    assert ALDER.next_desk(Component.INTERIM_SYSTEM, Desk.TIER1) is not None
    assert all(len(example) >= LEAST for rule in ALDER.state_rules for example in rule.examples)


def _file() -> dict[str, object]:
    import yaml

    return dict(yaml.safe_load((POLICIES / "alder.yaml").read_text("utf-8")))
