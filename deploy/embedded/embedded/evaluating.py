"""Labelled questions through the code that decides, and how often it was right."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from embedded.labelled import Labelled
from embedded.learning import Sample, learn, unseen
from tier1.articles import Article
from tier1.confidence import Marks, Weights, confidence
from tier1.manuals import Manuals, told
from tierline.desk.shelf_ranking import Standing
from tierline.domain.policy import Answers, Policy, Question
from tierline.domain.privacy import redact
from tierline.domain.words import Impact

SENT, OFFERED, PASSED_ON, STATE = "sent", "offered", "passed on", "state"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the code did with one question.

    `first` is the article that Tier 1 found best, `place` the labelled article's place, from 0, among what was found;
    `sure` is how sure Tier 1 was.
    """

    question: Labelled
    to_state: bool
    private: bool
    place: int | None
    first: str | None = None
    marks: Marks = (0.0, 0.0, 0.0, 0.0, 0.0)
    sure: float = 0.0

    @property
    def right(self) -> bool:
        """Whether the best article is the labelled one, and Tier 1's to give."""
        expected = self.question.expected
        return expected.destination == "tier1" and self.first == expected.article


def judge(questions: Iterable[Labelled], articles: Sequence[Article], policy: Policy) -> list[Outcome]:
    """Decide each question as the desks do."""
    manuals = Manuals(Standing(told, articles))
    return [_outcome(question, manuals, policy) for question in questions]


def cross_validated(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The same, with how sure Tier 1 would be had it learned from the other questions only."""
    sure = unseen([_sample(outcome) for outcome in outcomes])
    return [replace(outcome, sure=value) for outcome, value in zip(outcomes, sure, strict=True)]


def learned(outcomes: Sequence[Outcome]) -> Weights:
    """The weights that these questions teach. The state's own are among them: no rule of a policy catches them all."""
    return learn([_sample(outcome) for outcome in outcomes])


def decided(outcome: Outcome, floors: Answers) -> str:
    """What becomes of a question under these floors."""
    if outcome.to_state:
        return STATE
    if outcome.first and outcome.sure >= floors.send_above:
        return SENT
    return OFFERED if outcome.sure >= floors.offer_above else PASSED_ON


def figures(outcomes: Sequence[Outcome], floors: Answers) -> dict[str, float]:
    """The nine figures, each from 0 to 1. `sent_share_of_tier1` are the Tier 1 questions that were sent an answer."""
    first = [o.place for o in outcomes if o.question.expected.article and o.question.expected.destination == "tier1"]
    second = [o.place for o in outcomes if o.question.expected.article and o.question.expected.destination == "tier2"]
    sent = [o for o in outcomes if decided(o, floors) == SENT]
    tier1 = [o for o in outcomes if o.question.expected.destination == "tier1"]
    state = [(o.to_state, o.question.expected.destination == "state") for o in outcomes]
    private = [(o.private, o.question.expected.student_pii) for o in outcomes]
    return {
        "sent_precision": sum(o.right for o in sent) / len(sent) if sent else 0.0,
        "sent_share_of_tier1": sum(decided(o, floors) == SENT for o in tier1) / len(tier1) if tier1 else 0.0,
        "recall_at_1": _within(first, 1),
        "recall_at_3": _within(first, 3),
        "state_precision": _share(said for said in state if said[0]),
        "state_recall": _share(said for said in state if said[1]),
        "pii_precision": _share(said for said in private if said[0]),
        "pii_recall": _share(said for said in private if said[1]),
        "method_recall_at_3": _within(second, 3),
    }


def confusion(outcomes: Sequence[Outcome], floors: Answers) -> Mapping[str, Counter[str]]:
    """For each labelled destination, how many questions were sent (right or wrong), offered, passed on, the state's."""
    table: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        done = decided(outcome, floors)
        done = f"{done} {'right' if outcome.right else 'wrong'}" if done == SENT else done
        table.setdefault(outcome.question.expected.destination, Counter())[done] += 1
    return dict(sorted(table.items()))


def _sample(outcome: Outcome) -> Sample:
    return outcome.marks, outcome.right


def _outcome(asked: Labelled, manuals: Manuals, policy: Policy) -> Outcome:
    question = Question(asked.component, asked.reporter_role, Impact.QUESTION, asked.subject, asked.body)
    match = manuals.match(asked.subject, asked.body, asked.component, asked.reporter_role)
    found = match.found
    if asked.expected.destination == "tier2":
        found = tuple(manuals.technical(asked.subject, asked.body, asked.component))
    names = [one.article.original for one in found[:3]]
    return Outcome(
        asked,
        to_state=policy.first_desk(question).rule.startswith("state_rules.")
        or match.states > policy.answers.state_above,
        private=bool(redact(f"{asked.subject}\n{asked.body}")[1]),
        place=names.index(asked.expected.article) if asked.expected.article in names else None,
        first=match.found[0].article.original if match.found else None,
        marks=match.marks,
        sure=confidence(match.marks) if match.found else 0.0,
    )


def _within(places: Sequence[int | None], count: int) -> float:
    return sum(place is not None and place < count for place in places) / len(places) if places else 0.0


def _share(pairs: Iterable[tuple[bool, bool]]) -> float:
    counted = [all(pair) for pair in pairs]
    return sum(counted) / len(counted) if counted else 0.0
