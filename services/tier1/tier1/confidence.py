"""How sure Tier 1 is that an article answers a question: five marks, weighed as labelled questions taught. Pure.

- how many telling words of the question stand in the article's title and tags;
- how far the article leads the next one, as a ratio;
- how it compares with the best article of a technician, whose question it would then be (with the next one where there is none);
- whether anything is asked at all, since who reports a fault asks nothing;
- whether it is asked how, what, where or when, which is what manuals answer.

`tierline evaluate --fit` learns the weights anew (`docs/decisions/0010-a-calibrated-answer.md`).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tierline.desk.language import ENGLISH, stems, understood

Marks = tuple[float, float, float, float, float]

ASKS_HOW = re.compile(
    r"\b(how|what|where|which|who|when|should|(can|may|do) (i|we)|c[oó]mo|qu[eé]|cu[aá](l|ndo)|d[oó]nde|qui[eé]n|puede|puedo)\b",
    re.IGNORECASE,
)
SMALL = frozenset(stems(" ".join(sorted(ENGLISH))))


@dataclass(frozen=True, slots=True)
class Weights:
    """`bias`, and one weight for each mark."""

    bias: float
    marks: Marks


LEARNED = Weights(bias=-5.038, marks=(0.982, 1.712, 1.919, 1.4, 1.544))


def marks(question: str, head: str, scores: Sequence[float], technical: float | None) -> Marks:
    """The five marks of a question's best article.

    `head` is its title and tags; `scores` are the articles' (best first), `technical` the best technician's article's,
    or None where technicians have none.
    """
    best, following = (*scores, 0.0, 0.0)[:2]
    telling = (set(stems(understood(question))) & set(stems(head))) - SMALL
    return (
        float(len(telling)),
        math.log((best + 1) / (following + 1)),
        math.log((best + 1) / ((following if technical is None else technical) + 1)),
        1.0 if "?" in question else 0.0,
        1.0 if ASKS_HOW.search(question) else 0.0,
    )


def confidence(found: Marks, weights: Weights = LEARNED) -> float:
    """The chance, from 0 to 1, that the best article answers."""
    reach = weights.bias + sum(weight * mark for weight, mark in zip(weights.marks, found, strict=True))
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, reach))))
