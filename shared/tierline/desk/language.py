"""What people type, made comparable: words without case, accents or endings; and Spanish, word by word, in English."""

import re
import unicodedata
from functools import cache
from pathlib import Path

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

WORD = re.compile(r"[a-z0-9]+")
LONGEST_WORD = 40
SPANISH_WORDS = Path(__file__).parent / "spanish.txt"
SPANISH = frozenset(
    re.findall(
        r"\S+",
        "al como con cuando del de donde el en es está están esta este hay la las le les lo los mi muy más no nos o para "
        "pero por porque puede puedo que qué se si sin son su sus tengo un una y ya",
    )
)
ENGLISH = frozenset(
    re.findall(
        r"\S+",
        "a and are as at but can do does for from have how i in is it my not of on or our that the their there they "
        "this to was we what when where which who why with you your",
    )
)


def _stemmer(language: str) -> TextAnalyzer:
    plain = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.lowercase()).filter(Filter.ascii_fold())
    return plain.filter(Filter.remove_long(LONGEST_WORD)).filter(Filter.stemmer(language)).build()


ENGLISH_STEMS, SPANISH_STEMS = _stemmer("english"), _stemmer("spanish")


def stems(text: str) -> list[str]:
    """The words of a text without case, accents and English endings, in their order."""
    return ENGLISH_STEMS.analyze(text)


def is_spanish(text: str) -> bool:
    """Whether a text is written in Spanish: its small words say so."""
    small = re.findall(r"[^\W\d_]+", text.casefold())
    return sum(word in SPANISH for word in small) > sum(word in ENGLISH for word in small)


def understood(text: str) -> str:
    """The text, with the English of its words behind it where it is Spanish."""
    if not is_spanish(text):
        return text
    known = _in_english()
    return " ".join([text, *(english for stem in SPANISH_STEMS.analyze(text) for english in known.get(stem, ()))])


def words(text: str) -> list[str]:
    """The words of a text as a person can still read them: no case, no accents, no plural."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return [_singular(word) for word in WORD.findall(plain)]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@cache
def _in_english() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in SPANISH_WORDS.read_text("utf-8").splitlines():
        spanish, *english = line.split()
        if english and spanish != "#":
            for stem in SPANISH_STEMS.analyze(spanish):
                found.setdefault(stem, []).extend(english)
    return found
