"""Whether a question is like an example: it says most of the example's telling words, whatever their endings. Pure.

Or whether it says one word of each of several lists close by each other, since who does what with what makes a case, in
whatever words: a teacher or an aide, who changed or erased, answers or responses.
"""

import re
import unicodedata
from collections.abc import Sequence

ALIKE = 0.75  # so much of an example must be said
LEAST = 3  # telling words that an example must share at all
STEM = 5  # letters by which words are compared
WORD = re.compile(r"[a-z0-9]+")
SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|\n+")
CLOSE = 3  # sentences, one after the other
MOST_SENTENCES = 200
# What nearly every question says tells nothing.
PLAIN = frozenset(
    re.findall(
        r"\S+",
        "a about after all an and any are as at be because been before but by can could did do does for from get got had "
        "has have he her him his how i if in into is it its me my no not of on one or our out she should so some someone "
        "than that the their them then there they this to up us was we were what when where which while who why will "
        "with would yes you your student students teacher teachers school schools district test tests testing",
    )
)


def telling(text: str) -> frozenset[str]:
    """The words of a text that say what it is about, cut to their first letters."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("'", ""))
    return frozenset(word[:STEM] for word in set(WORD.findall(plain)) - PLAIN)


def alike(example: frozenset[str], asked: frozenset[str]) -> bool:
    """Whether a question says most of what an example says; both as `telling` words."""
    shared = len(example & asked)
    return shared >= LEAST and shared >= ALIKE * len(example)


def stands(word: str, text: str) -> bool:
    """Whether a word, or several, stand whole in a text, or with any ending where a star stands for it.

    Hardly ever are they in it at all, which is quick to see.
    """
    start = word.rstrip("*")
    if start not in text:
        return False
    ending = "" if start != word else r"(?!\w)"
    return re.search(rf"(?<!\w){re.escape(start)}{ending}", text) is not None


def close_by(lists: Sequence[Sequence[str]], text: str) -> bool:
    """Whether one of each list stands in three sentences that follow each other."""
    if not lists or not _one_of_each(lists, text):
        return False
    sentences = SENTENCE_ENDS.split(text, MOST_SENTENCES)[:MOST_SENTENCES]
    return any(_one_of_each(lists, " ".join(sentences[start : start + CLOSE])) for start in range(len(sentences)))


def _one_of_each(lists: Sequence[Sequence[str]], text: str) -> bool:
    return all(any(stands(word, text) for word in one) for one in lists)
