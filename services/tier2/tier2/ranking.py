"""Which texts fit a question best: BM25 over words and over pieces of words, so that a typing error still finds.

Whatever ranks has `best`; another engine takes this one's place behind it.
"""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

WORD = re.compile(r"[a-z0-9]+")
MOST_WORDS = 300
PIECE = 4
PIECES_COUNT = 0.5
MOST_LOOKS = 8_000
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


def _pieces(word: str) -> list[str]:
    around = f" {word} "
    return [f"~{around[start : start + PIECE]}" for start in range(len(around) - PIECE + 1)]


class WordsAndPieces:
    """The ranking in memory; made once for a state of the library."""

    def __init__(self, texts: Sequence[Text], head_weight: float = 3.0) -> None:
        self._postings: dict[str, list[tuple[int, float]]] = {}
        pieces: dict[str, list[str]] = {}
        lengths = []
        for number, text in enumerate(texts):
            weights: defaultdict[str, float] = defaultdict(float)
            for part, weight in ((text.head, head_weight), (text.body, 1.0)):
                for word, count in Counter(words(part)).items():
                    weights[word] += weight * count
                    for piece in pieces.get(word) or pieces.setdefault(word, _pieces(word)):
                        weights[piece] += weight * count * PIECES_COUNT
            lengths.append(sum(weights.values()))
            for term, amount in weights.items():
                self._postings.setdefault(term, []).append((number, amount))
        self._count = len(texts)
        average = sum(lengths) / len(lengths) if lengths else 1.0
        self._norm = [SATURATION * (1 - LENGTH + LENGTH * length / average) for length in lengths]

    def best(self, question: str, count: int, allowed: Callable[[int], bool]) -> list[tuple[int, float]]:
        """See `Ranking`. A question of any length costs no more than its most telling terms."""
        scores: dict[int, float] = {}
        for rarity, found in self._telling(question):
            for number, weight in found:
                scores[number] = scores.get(number, 0.0) + rarity * weight * (SATURATION + 1) / (
                    weight + self._norm[number]
                )
        fitting = ((number, score) for number, score in scores.items() if allowed(number))
        return sorted(fitting, key=lambda pair: (-pair[1], pair[0]))[:count]

    def _telling(self, question: str) -> list[tuple[float, list[tuple[int, float]]]]:
        """The rarest terms of a question, with where they stand: those of its words, and of their pieces at less weight."""
        asked = dict.fromkeys(words(question)[:MOST_WORDS])
        shares = {**{piece: PIECES_COUNT for word in asked for piece in _pieces(word)}, **dict.fromkeys(asked, 1.0)}
        known = [(share, self._postings[term]) for term, share in shares.items() if term in self._postings]
        weighed = [
            (share * math.log(1 + (self._count - len(found) + 0.5) / (len(found) + 0.5)), found)
            for share, found in known
        ]
        budget = MOST_LOOKS
        telling: list[tuple[float, list[tuple[int, float]]]] = []
        for rarity, found in sorted(weighed, key=lambda pair: (-pair[0], len(pair[1]))):
            budget -= len(found)
            if budget < 0 and telling:
                break
            telling.append((rarity, found))
        return telling
