"""Which texts fit a question best: BM25 over words and over pieces of words, so that a typing error still finds.

Whatever ranks has `best`; another engine takes this one's place behind it.
"""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

WORD = re.compile(r"[a-z0-9]+")
MOST_WORDS = 300
PIECE = 4
PIECES_COUNT = 0.5
SATURATION, LENGTH = 1.2, 0.6


class Ranking(Protocol):
    """Texts, numbered as they were given."""

    def best(self, question: str, count: int, allowed: Callable[[int], bool]) -> list[tuple[int, float]]:
        """The best `count` of those `allowed`, the best first, each with a score above nought."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """What is ranked: its `head` (title, tags) weighs more than its body."""

    head: str
    body: str


def words(text: str) -> list[str]:
    """The words of a text as people might as well have typed them: no case, no accents, no plural."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return [_singular(word) for word in WORD.findall(plain)]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _terms(text: str, most: int | None = None) -> Iterator[tuple[str, float]]:
    for word in words(text)[:most]:
        yield word, 1.0
        around = f" {word} "
        for start in range(len(around) - PIECE + 1):
            yield f"~{around[start : start + PIECE]}", PIECES_COUNT


class WordsAndPieces:
    """The ranking in memory; made once for a state of the library."""

    def __init__(self, texts: Sequence[Text], head_weight: float = 3.0) -> None:
        self._postings: dict[str, list[tuple[int, float]]] = {}
        lengths = []
        for number, text in enumerate(texts):
            weights: defaultdict[str, float] = defaultdict(float)
            for part, weight in ((text.head, head_weight), (text.body, 1.0)):
                for term, share in _terms(part):
                    weights[term] += weight * share
            lengths.append(sum(weights.values()))
            for term, count in weights.items():
                self._postings.setdefault(term, []).append((number, count))
        self._count = len(texts)
        average = sum(lengths) / len(lengths) if lengths else 1.0
        self._norm = [SATURATION * (1 - LENGTH + LENGTH * length / average) for length in lengths]

    def best(self, question: str, count: int, allowed: Callable[[int], bool]) -> list[tuple[int, float]]:
        """See `Ranking`. A question of any length costs no more than its first 300 words."""
        scores: dict[int, float] = {}
        for term, share in dict(_terms(question, MOST_WORDS)).items():
            found = self._postings.get(term)
            if found is None:
                continue
            rarity = share * math.log(1 + (self._count - len(found) + 0.5) / (len(found) + 0.5))
            for number, weight in found:
                scores[number] = scores.get(number, 0.0) + rarity * weight * 2.2 / (weight + self._norm[number])
        fitting = ((number, score) for number, score in scores.items() if score > 0 and allowed(number))
        return sorted(fitting, key=lambda pair: (-pair[1], pair[0]))[:count]
