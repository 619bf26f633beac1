"""A manual answers, an agent must look, or nothing covers it: exactly one of them, as the member's floors say."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from embedded.machine import POLICIES
from tier1.answering import accept_and_answer, offer
from tier1.articles import Article
from tier1.cases import ManualCase
from tier1.confidence import confidence
from tier1.manuals import Found, Manuals, Match, told
from tier1.passages import passage, plain, section_of
from tierline.desk.policies import load_policies
from tierline.desk.shelf_ranking import Standing
from tierline.domain.case import CaseFile, Reporter
from tierline.domain.events import TicketSubmitted
from tierline.domain.policy import Answers, Policies
from tierline.domain.words import Component, Desk, Impact, Reason, Role, Status
from tierline.kit.corridor import Decision, Incoming
from tierline.kit.testing import MONDAY_MORNING as NOW

ALDER = load_policies(POLICIES)["alder"]
FLOORS = Answers()
SIGN_ON, PAPER = Component.SINGLE_SIGN_ON, Component.PAPER_PENCIL_SUMMATIVE


def _article(article_id: str, title: str, body: str, **more: Any) -> Article:
    values = {"owner": "", "version": 1, "updated_at": NOW, "updated_by": "x", "components": (SIGN_ON,), **more}
    return Article(id=article_id, title=title, body=body, **values)


RESET = _article(
    "reset", "Reset your password", "Choose *Forgot password*.\n\nWait for the mail.", source="https://example.org"
)
RESET_ES = _article(
    "reset-es", "Restablecer la contraseña", "Elija *Olvidé mi contraseña*.", language="es", translates="reset"
)
ROLE = _article("role", "Change a role", "Only a coordinator may.")
SAML = _article("saml", "Renew the SAML certificate", "Export the metadata of the identity provider.", tier=2)
STATE_ONLY = _article("merge", "Merge two accounts", "Open the console.", audience=(Role.STATE,))
MANUALS = Manuals(Standing(told, [RESET, RESET_ES, ROLE, SAML, STATE_ONLY]))


def _submission(component: Component = SIGN_ON, subject: str = "s", description: str = "d") -> TicketSubmitted:
    reporter = Reporter(name="A", email="a@example.org", role=Role.SCHOOL, organization="O")
    file = CaseFile(
        ticket_id="t1", member="alder", component=component, impact=Impact.QUESTION, subject=subject, description=description,
        reporter=reporter, submitted_at=NOW,
    )  # fmt: skip
    about = {"ticket_id": "t1", "member": "alder", "component": component, "version": 1, "status": Status.OPEN}
    return TicketSubmitted(**about, desk=Desk.TIER1, by="reporter", to=Desk.TIER1, case=file)


def _decided(
    match: Match | None, floors: Answers = FLOORS, told: TicketSubmitted | None = None
) -> Decision[ManualCase]:
    told = told or _submission()
    fact = Incoming("t1", "x", "f1", NOW, told, found=match)
    return accept_and_answer(None, fact, Policies({"alder": replace(ALDER, answers=floors)}), NOW)


def _names(decision: Decision[ManualCase]) -> list[str]:
    return [draft.data.name for draft in decision.events]


MARKS = st.tuples(
    st.integers(0, 9).map(float), *[st.floats(-9, 9) for _ in range(2)], *[st.sampled_from([0.0, 1.0])] * 2
)


@given(MARKS, st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_exactly_one_of_three_happens_as_the_floors_say(marks: Any, one: float, other: float, sending: bool) -> None:
    floors = Answers(sending, max(one, other), min(one, other))
    sure = confidence(marks)
    decision = _decided(Match((Found(RESET, 5.0), Found(ROLE, 1.0)), marks, covered=True), floors)
    assert decision.state is not None
    names = _names(decision)
    assert names[0] == "case.accepted"
    assert [draft.sequence for draft in decision.events] == list(range(2, 2 + len(names)))
    sent, passed, offered = "case.resolved" in names, "case.escalated" in names, bool(decision.state.offers)
    assert sent + passed + offered == 1
    assert sent == (sending and sure >= floors.send_above)
    assert passed == (not sent and sure < floors.offer_above)
    assert decision.state.held is offered
    assert len(decision.rows) == sent


def test_a_sent_answer_says_its_source_and_is_kept_as_tried() -> None:
    decision = _decided(Match((Found(RESET, 5.0),), (9.0, 9.0, 9.0, 1.0, 1.0), covered=True))
    told = decision.events[-1].data
    assert told.message is not None
    assert "Choose *Forgot password*." in told.message.text
    assert told.message.text.endswith("From the manual: Reset your password (https://example.org).")
    assert (told.by, told.why, told.attempt.article) == ("rule", "answers.send_above", "reset")
    assert all(timer is None for timer in decision.timers.values())


def test_what_nothing_covers_goes_to_tier_2_at_once_and_says_why() -> None:
    decision = _decided(Match((), (0.0, 0.0, -2.0, 0.0, 0.0), covered=True))
    told = decision.events[-1].data
    assert (told.to, told.reason, told.by) == (Desk.TIER2, Reason.NO_MANUAL, "rule")
    assert "offer_above" in told.why


def test_what_is_likely_the_states_goes_there_where_the_member_says_so_and_is_never_sent() -> None:
    sure = Match((Found(RESET, 5.0),), (9.0, 9.0, 9.0, 1.0, 1.0), covered=True, states=0.9)
    told = _decided(sure, Answers(state_above=0.8)).events[-1].data
    assert (told.to, told.reason, told.by) == (Desk.STATE, Reason.STATE_RULE, "rule")
    assert "state_above" in told.why
    assert _names(_decided(sure, Answers(state_above=0.9)))[-1] == "case.resolved"
    assert _names(_decided(sure))[-1] == "case.resolved"


def test_a_breach_in_everyday_words_is_likelier_the_states_than_a_forgotten_password() -> None:
    chances = [
        MANUALS.match(subject, text, SIGN_ON, Role.SCHOOL).states
        for subject, text in (
            ("Somebody else's log-on", "A volunteer used a teacher's account and saw the scores. Must we tell anyone?"),
            ("Forgot my password", "How do I get a new one?"),
        )
    ]
    assert chances[0] > 0.5 > 0.2 > chances[1]


@pytest.mark.parametrize(
    ("match", "told"),
    [
        (None, _submission()),
        (Match((), (0.0, 0.0, 0.0, 0.0, 0.0), covered=False), _submission()),
        (Match((), (0.0, 0.0, 0.0, 0.0, 0.0), covered=True), _submission(PAPER)),
    ],
)
def test_without_manuals_or_without_a_tier_2_it_waits_for_an_agent(match: Match | None, told: TicketSubmitted) -> None:
    decision = _decided(match, told=told)
    assert decision.state is not None
    assert decision.state.held
    assert _names(decision) == ["case.accepted"]


def test_a_repeated_submission_changes_nothing() -> None:
    match = Match((Found(RESET, 5.0),), (9.0, 9.0, 9.0, 1.0, 1.0), covered=True)
    first = _decided(match)
    fact = Incoming("t1", "x", "f2", NOW, _submission(), found=match)
    again = accept_and_answer(first.state, fact, Policies({"alder": ALDER}), NOW)
    assert again.state is None
    assert not again.events


def test_a_question_in_spanish_is_answered_in_spanish_and_an_article_is_found_once() -> None:
    found = MANUALS.search("Olvidé mi contraseña", "¿Cómo la cambio?", 5, SIGN_ON)
    assert [one.article.id for one in found][:1] == ["reset-es"]
    assert [one.article.original for one in found].count("reset") == 1
    english = MANUALS.search("Forgot my password", "How do I change it?", 5, SIGN_ON)
    assert english[0].article.id == "reset"


def test_an_article_is_found_only_for_whom_it_is_meant_and_a_technicians_never() -> None:
    assert "merge" not in [one.article.id for one in MANUALS.search("merge two accounts", "", 9, SIGN_ON, Role.SCHOOL)]
    assert MANUALS.search("merge two accounts", "", 9, SIGN_ON, Role.STATE)[0].article.id == "merge"
    assert "saml" not in [one.article.id for one in MANUALS.search("SAML certificate", "", 9)]
    assert not MANUALS.match("x", "y", PAPER, Role.SCHOOL).covered
    technical = MANUALS.match("SAML certificate metadata", "expired", SIGN_ON, Role.SCHOOL)
    ours = MANUALS.match("Forgot password?", "How do I reset it?", SIGN_ON, Role.SCHOOL)
    assert confidence(technical.marks) < 0.1 < confidence(ours.marks)


def test_the_passage_is_the_one_that_shares_the_rarest_words() -> None:
    body = "# A title\n\nAll about sessions.\n\n## Print\n\n1. Open the session.\n2. Use the **printer** in the room.\n\n## Stop\n\nEnd the session."
    place = passage("A title", body, "which printer for the session?")
    assert (place.section, place.snippet) == ("Print", "Use the printer in the room.")
    assert section_of(body, "Stop") == "End the session."
    assert section_of(body, "none") == body


@given(st.text(max_size=400), st.text(max_size=100))
def test_every_article_has_a_passage_and_a_short_snippet(body: str, question: str) -> None:
    assume(body.strip())
    place = passage("T", body, question)
    assert len(place.snippet) <= 290
    assert len(plain(body)) <= len(body)


@given(st.integers(1, 60), st.integers(1, 3000))
def test_no_answer_is_longer_than_a_message(paragraphs: int, length: int) -> None:
    body = "\n\n".join(["word " * (length // 5 + 1)] * paragraphs)[:60_000]
    assert len(offer(Found(_article("long", "T" * 200, body, source="s" * 500), 1.0), "word").text) < 20_000
