"""Whether a question is like an example: it says most of the example's telling words, whatever their endings. Pure."""

import re
import unicodedata

ALIKE = 0.75  # so much of an example must be said
LEAST = 3  # telling words that an example must share at all
STEM = 5  # letters by which words are compared
WORD = re.compile(r"[a-z0-9]+")
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
