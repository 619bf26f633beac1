"""How sure Tier 1 is that an article answers a question: five marks, weighed as labelled questions taught. Pure.

- how far the article leads the next one;
- how far it leads the best article of a technician, whose question it would then be (the next one where there is none);
- how close it is to the question in meaning;
- whether anything is asked at all, since who reports a fault asks nothing;
- whether it is asked how, what, where or when, which is what manuals answer.

`tierline evaluate --fit` learns the weights anew (`docs/decisions/0010-a-calibrated-answer.md`).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

Marks = tuple[float, float, float, float, float]

ASKS_HOW = re.compile(
    r"\b(how|what|where|which|who|when|should|(can|may|do) (i|we)|c[oó]mo|qu[eé]|cu[aá](l|ndo)|d[oó]nde|qui[eé]n|puede|puedo)\b",
    re.IGNORECASE,
)
FARTHEST = 1.0  # a lead beyond this says no more: where there is no other article it says nothing


@dataclass(frozen=True, slots=True)
class Weights:
    """`bias`, and one weight for each mark."""

    bias: float
    marks: Marks


LEARNED = Weights(bias=-7.321, marks=(3.015, 1.814, 7.593, 1.784, 1.255))


def marks(question: str, scores: Sequence[float], technical: float | None, alike: float) -> Marks:
    """The five marks of a question's best article.

    `scores` are the articles' (best first), `technical` the best technician's article's, or None where technicians have
    none; `alike` is how close the best one is in meaning.
    """
    best, following = (*scores, 0.0, 0.0)[:2]
    return (
        min(FARTHEST, best - following),
        min(FARTHEST, best - (following if technical is None else technical)),
        alike,
        1.0 if "?" in question else 0.0,
        1.0 if ASKS_HOW.search(question) else 0.0,
    )


def confidence(found: Marks, weights: Weights = LEARNED) -> float:
    """The chance, from 0 to 1, that the best article answers."""
    reach = weights.bias + sum(weight * mark for weight, mark in zip(weights.marks, found, strict=True))
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, reach))))
