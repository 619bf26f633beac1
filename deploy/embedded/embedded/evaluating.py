"""Labelled questions through the code that decides, and how often it was right.

Nothing is sent to a reporter without an agent yet, so both `sent_` figures are nought.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from tierline.desk.ranking import Ranking, Text
from tierline.domain.policy import Policy, Question
from tierline.domain.privacy import redact
from tierline.domain.words import Component, Impact, Role


class Unreadable(Exception):
    """What was given cannot be read; the text says what and where."""


class Expected(BaseModel):
    """How a question should end."""

    destination: str
    article: str | None = None
    student_pii: bool = False


class Labelled(BaseModel):
    """One question with its label."""

    component: Component
    reporter_role: Role
    subject: str
    body: str
    expected: Expected


class Article(BaseModel):
    """One manual article (tier 1) or resolution method (tier 2)."""

    id: str
    title: str
    component: Component
    tier: int
    tags: tuple[str, ...] = ()
    body: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the code did with one question; `place` is the labelled article's place, from 0, among what was found."""

    question: Labelled
    to_state: bool
    private: bool
    place: int | None


def read_questions(path: Path) -> list[Labelled]:
    """The questions of a file, one JSON object a line. Raises `Unreadable`, naming the line."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path}: {_short(error)}") from None
    found = []
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                found.append(Labelled.model_validate_json(line))
        except ValidationError as error:
            raise Unreadable(f"{path}, line {number}: {_short(error)}") from None
    return found


def read_articles(folder: Path) -> list[Article]:
    """Every Markdown article below a folder. Raises `Unreadable`, naming the file."""
    files = sorted(folder.rglob("*.md"))
    if not files:
        raise Unreadable(f"{folder} holds no *.md")
    return [_article(path) for path in files]


def judge(questions: Iterable[Labelled], articles: Sequence[Article], policy: Policy) -> list[Outcome]:
    """Decide each question as the desks do."""
    ranking = Ranking([Text(" ".join((a.title, *a.tags)), a.body, (f"{a.tier}/{a.component}",)) for a in articles])
    return [_outcome(question, articles, ranking, policy) for question in questions]


def figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The nine figures, each from 0 to 1."""
    first = [o.place for o in outcomes if o.question.expected.article and o.question.expected.destination == "tier1"]
    second = [o.place for o in outcomes if o.question.expected.article and o.question.expected.destination == "tier2"]
    state = [(o.to_state, o.question.expected.destination == "state") for o in outcomes]
    private = [(o.private, o.question.expected.student_pii) for o in outcomes]
    return {
        "sent_precision": 0.0,
        "sent_share_of_tier1": 0.0,
        "recall_at_1": _within(first, 1),
        "recall_at_3": _within(first, 3),
        "state_precision": _share(said for said in state if said[0]),
        "state_recall": _share(said for said in state if said[1]),
        "pii_precision": _share(said for said in private if said[0]),
        "pii_recall": _share(said for said in private if said[1]),
        "method_recall_at_3": _within(second, 3),
    }


def _outcome(asked: Labelled, articles: Sequence[Article], ranking: Ranking, policy: Policy) -> Outcome:
    tier = 2 if asked.expected.destination == "tier2" else 1
    question = Question(asked.component, asked.reporter_role, Impact.QUESTION, asked.subject, asked.body)
    text = f"{asked.subject}\n{asked.body}"
    best = ranking.best(asked.subject, asked.body, 3, f"{tier}/{asked.component}")
    names = [articles[number].id for number, _ in best]
    place = names.index(asked.expected.article) if asked.expected.article in names else None
    return Outcome(asked, policy.first_desk(question).rule.startswith("state_rules."), bool(redact(text)[1]), place)


def _article(path: Path) -> Article:
    try:
        _, front, body = path.read_text("utf-8").split("---\n", 2)
        said: Any = yaml.safe_load(front)
        return Article.model_validate({**said, "body": body})
    except (OSError, ValueError, TypeError, yaml.YAMLError, RecursionError) as error:
        raise Unreadable(f"{path}: {_short(error)}") from None


def _within(places: Sequence[int | None], count: int) -> float:
    return sum(place is not None and place < count for place in places) / len(places) if places else 0.0


def _share(pairs: Iterable[tuple[bool, bool]]) -> float:
    counted = [all(pair) for pair in pairs]
    return sum(counted) / len(counted) if counted else 0.0


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def as_text(found: dict[str, float], *, in_json: bool) -> str:
    """The figures for a person, or as one flat JSON object."""
    if in_json:
        return json.dumps(found)
    return "\n".join(f"{name:<22}{value:.2f}" for name, value in found.items())
