"""Which words of a list stand in a text, alone or close by those of other lists, since who does what with what makes a case, in
whatever words: a teacher or an aide, who changed or erased, answers or responses. Pure.

A policy's rules name hundreds of words, and hardly ever does one of them stand in a text. So a text is cut into its words
once, and a whole list is held against them at once; only what may stand there is looked for letter by letter.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WORD = re.compile(r"\w+")
SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|\n+")
CLOSE = 3  # sentences, one after the other
MOST_SENTENCES = 200
BEGINNING = 3  # letters by which words with any ending are looked for


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wrote, in small letters: the `text`, each of its `words` once, and how these begin."""

    text: str
    words: frozenset[str]
    beginnings: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "Said":
        """Cut a text into its words."""
        words = frozenset(WORD.findall(text))
        return cls(text, words, frozenset(word[:BEGINNING] for word in words))


def stands(word: str, text: str) -> bool:
    """Whether a word, or several, stand whole in a text, or with any ending where a star stands for it."""
    start = word.rstrip("*")
    if start not in text:
        return False
    ending = "" if start != word else r"(?!\w)"
    return re.search(rf"(?<!\w){re.escape(start)}{ending}", text) is not None


class Wording:
    """A list of words, or of several at a time, in small letters; a star at the end stands for any ending."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.words = tuple(words)
        self._whole = frozenset(word for word in self.words if WORD.fullmatch(word))
        # All others, by what of them must be a word of the text, or the beginning of one, so that they may stand there.
        rest = [word for word in self.words if word not in self._whole]
        self._first: dict[str, list[str]] = {}
        self._begun: dict[str, list[str]] = {}
        self._any: list[str] = []
        for word in rest:
            first = WORD.match(word)
            if first is None or (first.end() == len(word) - 1 and first.end() < BEGINNING):
                self._any.append(word)
            elif first.end() == len(word) - 1 and word.endswith("*"):
                self._begun.setdefault(first[0][:BEGINNING], []).append(word)
            else:
                self._first.setdefault(first[0], []).append(word)

    def __bool__(self) -> bool:
        return bool(self.words)

    def in_(self, said: Said) -> bool:
        """Whether any of them stands in what was said."""
        if not self._whole.isdisjoint(said.words):
            return True
        maybe = [
            *self._any,
            *(word for first in self._first.keys() & said.words for word in self._first[first]),
            *(word for begun in self._begun.keys() & said.beginnings for word in self._begun[begun]),
        ]
        return any(stands(word, said.text) for word in maybe)


def close_by(lists: Sequence[Wording], said: Said) -> bool:
    """Whether one of each list stands in three sentences that follow each other."""
    if not lists or not all(one.in_(said) for one in lists):
        return False
    sentences = SENTENCE_ENDS.split(said.text, MOST_SENTENCES)[:MOST_SENTENCES]
    windows = (Said.of(" ".join(sentences[start : start + CLOSE])) for start in range(len(sentences)))
    return any(all(one.in_(window) for one in lists) for window in windows)
