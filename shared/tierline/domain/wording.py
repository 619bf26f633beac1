"""Which words stand in a text, and whether those of several lists stand close by each other, since who does what with what
makes a case, in whatever words: a teacher or an aide, who changed or erased, answers or responses. Pure.

A policy's rules name hundreds of words, and hardly ever does one of them stand in a text. So a text is cut into its words
once, all rules' words are held against them at once, and only what may stand there is looked for letter by letter.
"""

import re
from collections.abc import Iterable, Sequence

WORD = re.compile(r"\w+")
SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|\n+")
CLOSE = 3  # sentences, one after the other
MOST_SENTENCES = 200
BEGINNING = 3  # letters by which words with any ending are looked for


def stands(word: str, text: str) -> bool:
    """Whether a word, or several, stand whole in a text, or with any ending where a star stands for it."""
    start = word.rstrip("*")
    if start not in text:
        return False
    ending = "" if start != word else r"(?!\w)"
    return re.search(rf"(?<!\w){re.escape(start)}{ending}", text) is not None


class Vocabulary:
    """All words that somebody looks for, in small letters, or several at a time; a star at the end stands for any ending.

    Each is kept by what must be a word of a text, or the beginning of one, so that it may stand there.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._by_word: dict[str, list[str]] = {}
        self._by_beginning: dict[str, list[str]] = {}
        self._by_nothing: list[str] = []
        for word in dict.fromkeys(words):
            first = WORD.match(word)
            begun = first is not None and word[first.end() :] == "*"
            if first is None or (begun and first.end() < BEGINNING):
                self._by_nothing.append(word)
            elif begun:
                self._by_beginning.setdefault(first[0][:BEGINNING], []).append(word)
            else:
                self._by_word.setdefault(first[0], []).append(word)

    def standing(self, text: str) -> frozenset[str]:
        """Those that stand in a text, which is given in small letters."""
        said = set(WORD.findall(text))
        begun = {word[:BEGINNING] for word in said}
        maybe = [
            *self._by_nothing,
            *(word for first in self._by_word.keys() & said for word in self._by_word[first]),
            *(word for beginning in self._by_beginning.keys() & begun for word in self._by_beginning[beginning]),
        ]
        return frozenset(word for word in maybe if stands(word, text))


def close_by(lists: Sequence[frozenset[str]], standing: frozenset[str], text: str) -> bool:
    """Whether one of each list stands in three sentences that follow each other; `standing` are those that stand at all."""
    if not lists or any(one.isdisjoint(standing) for one in lists):
        return False
    sentences = SENTENCE_ENDS.split(text, MOST_SENTENCES)[:MOST_SENTENCES]
    windows = (" ".join(sentences[start : start + CLOSE]) for start in range(len(sentences)))
    return any(all(any(stands(word, window) for word in one & standing) for one in lists) for window in windows)
